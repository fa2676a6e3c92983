"""Trouble of every form, for a minute, ten minutes and for ever: what passes costs nobody a clip."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from camspool.core import document
from camspool.core.health import ServiceProblem
from camspool.core.ports import VideoFacts
from camspool.core.status_document import Clip, Status
from camspool.core.values import ErrorCode, State, WaitReason
from support.model_daemon import ModelDaemon, write_whole
from support.model_server import GATE, RETRY_AFTER_S, ModelVideos, Trouble
from support.virtual_time import START

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
LONG_AGO: Final = 1_580_000_000
APART_S: Final = 1000
"""Between the ranges of two requests, so that their recordings can be distinguished."""

FORMS: Final[dict[str, tuple[Trouble, ...]]] = {
    "the cameras cannot be listed": (Trouble.CAMERAS_FAIL,),
    "a camera that is listed is denied": (Trouble.CAMERA_DENIED,),
    "recordings are answered by errors": (Trouble.LIST_FAILS,),
    "recordingPrepare is answered by errors": (Trouble.PREPARE_FAILS,),
    "recordingPrepare is lost": (Trouble.PREPARE_UNHEARD,),
    "the answer to recordingPrepare is lost": (Trouble.PREPARE_UNANSWERED,),
    "recordingPrepare is answered by false": (Trouble.PREPARE_REFUSED,),
    "preparations stand still": (Trouble.PREPARE_STANDS,),
    "progress is answered by errors": (Trouble.PROGRESS_FAILS,),
    "an id is not known before its time": (Trouble.ID_UNKNOWN,),
    "what is prepared has no address": (Trouble.ADDRESS_NONE,),
    "an address is refused": (Trouble.ADDRESS_REFUSED,),
    "each time another address is refused": (Trouble.ADDRESS_OTHER, Trouble.ADDRESS_REFUSED),
    "the download host wants to be left alone": (Trouble.DOWNLOAD_LIMITED,),
    "the download host is away": (Trouble.DOWNLOAD_FAILS,),
    "a page comes in place of the video": (Trouble.DOWNLOAD_NO_VIDEO,),
    "downloads break": (Trouble.DOWNLOAD_CUT,),
    "videos are broken": (Trouble.VIDEO_BROKEN,),
}
forms = pytest.mark.parametrize("form", FORMS)


class Rig:
    """A daemon with the usual settings, and requests that tell of themselves."""

    def __init__(self, folder: Path, seed: int = 0, **changes: Any) -> None:
        retry = {"first": "5s", "longest": "10m", "stalled": "2h", "give_up_after": "24h"}
        changes = {"retry": retry | changes.pop("retry", {}), **changes}
        self.daemon = ModelDaemon(folder, seed, **changes)
        self.names: list[str] = []

    @property
    def server(self) -> Any:
        return self.daemon.server

    def put(self, count: int, camera: Any = GATE) -> None:
        """Drop so many requests; the first range begins LONG_AGO, each further one APART_S later."""
        if not self.daemon.runs:
            self.daemon.start()
            self.daemon.loop.let_pass(1)
        for _ in range(count):
            number = len(self.names)
            self.names.append(f"r{number:03d}")
            request = {"camera": camera, "from": LONG_AGO + number * APART_S, "duration": 100}
            write_whole(self.daemon.drop / f"{self.names[-1]}.json", json.dumps(request).encode())

    def begin(self, form: str, only: Callable[[int], bool] = lambda _: True) -> None:
        for trouble in FORMS[form]:
            self.server.lasting[trouble] = only

    def heal(self) -> None:
        self.server.lasting.clear()

    def statuses(self) -> list[Status]:
        found = [self.daemon.mirror / f"{name}.status.json" for name in self.names]
        return [document.load(path.read_bytes()) for path in found if path.exists()]

    def clips(self) -> list[Clip]:
        return [clip for status in self.statuses() for clip in status.clips]

    def problems(self) -> tuple[ServiceProblem, ...]:
        """Those that the service file tells of."""
        assert self.daemon.service
        return self.daemon.service._health.status().problems

    def states(self) -> Counter[State]:
        return Counter(status.state for status in self.statuses())

    def let_pass(self, seconds: float) -> None:
        self.daemon.loop.let_pass(seconds)
        self.daemon.check_alive()

    def until_ended(self, within: float, step: float = 20.0) -> float:
        """Let time pass until all requests have ended; returns how long it took."""
        waited = 0.0
        while len(self.statuses()) < len(self.names) or not all(s.state.final for s in self.statuses()):
            assert waited < within, [
                (s.name, s.state, s.waiting) for s in self.statuses() if not s.state.final
            ]
            self.let_pass(step)
            waited += step
        return waited

    def lines(self) -> list[str]:
        """The log lines about clips and hosts, without those of an ordinary clip's way."""
        ordinary = {f"clip_{state}" for state in State}
        return [line["event"] for line in self.daemon.log if line["event"] not in ordinary]

    def assert_all_done(self) -> None:
        assert self.states() == {State.DONE: len(self.names)}
        assert self.server.broken_promises == []


@contextmanager
def rig(folder: Path, seed: int = 0, **changes: Any) -> Iterator[Rig]:
    found = Rig(folder, seed, **changes)
    try:
        yield found
    finally:
        found.daemon.close()


def camera_of(form: str) -> Any:
    return "Gate" if form == "the cameras cannot be listed" else GATE


# --- what passes


@pytest.mark.parametrize("clips", [1, 2, 9])
@forms
def test_trouble_of_a_minute_costs_nobody_a_clip(tmp_path: Path, form: str, clips: int) -> None:
    with rig(tmp_path) as at:
        at.begin(form)
        at.put(clips, camera_of(form))
        at.let_pass(MINUTE)
        at.heal()
        at.until_ended(within=15 * MINUTE)
        at.assert_all_done()
        asked = at.server.asked_to_prepare.values()
        assert max(asked) <= 3, at.server.asked_to_prepare
        assert len(at.lines()) <= 12 + 4 * clips, Counter(at.lines())


@forms
def test_trouble_of_ten_minutes_costs_nobody_a_clip(tmp_path: Path, form: str) -> None:
    with rig(tmp_path) as at:
        at.begin(form)
        at.put(7, camera_of(form))
        at.let_pass(10 * MINUTE)
        at.heal()
        at.until_ended(within=2 * HOUR)
        at.assert_all_done()
        assert len(at.lines()) <= 12 + 4 * 7, Counter(at.lines())


@pytest.mark.parametrize("moment", [1.3, 9.0, 40.0, 200.0])
@forms
def test_killed_in_the_midst_of_trouble_it_goes_on(tmp_path: Path, form: str, moment: float) -> None:
    with rig(tmp_path) as at:
        at.begin(form)
        at.put(3, camera_of(form))
        at.let_pass(moment)
        at.daemon.kill()
        at.daemon.start()
        at.let_pass(5 * MINUTE)
        at.heal()
        at.until_ended(within=2 * HOUR)
        at.assert_all_done()


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    course=st.lists(
        st.tuples(
            st.sampled_from(sorted(FORMS)), st.floats(1.0, 10 * MINUTE), st.floats(0.0, 90.0), st.booleans()
        ),
        min_size=1,
        max_size=5,
    ),
    seed=st.integers(0, 1000),
)
def test_any_troubles_of_ten_minutes_in_any_order_cost_nobody_a_clip(
    tmp_path_factory: pytest.TempPathFactory, course: list[tuple[str, float, float, bool]], seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311
    with rig(tmp_path_factory.mktemp("course"), seed) as at:
        for form, lasts, between, killed in course:
            at.put(chance.randrange(1, 3), chance.choice([GATE, "Gate"]))
            at.begin(form)
            at.let_pass(lasts / 2)
            if killed:
                at.daemon.kill()
                at.daemon.start()
            at.let_pass(lasts / 2)
            at.heal()
            at.let_pass(between)
        at.until_ended(within=3 * HOUR)
        at.assert_all_done()


# --- what lasts


ENDS: Final = {
    "recordingPrepare is answered by false": ErrorCode.PREPARE_REFUSED,
    "an id is not known before its time": ErrorCode.KEPT_EXPIRING,
    "what is prepared has no address": ErrorCode.PREPARE_STALLED,
    "each time another address is refused": ErrorCode.KEPT_EXPIRING,
    "videos are broken": ErrorCode.BAD_VIDEO,
}
"""How a clip ends whose trouble lasts for ever; it is given up in all other cases."""

NEVER_GIVEN_UP: Final = {"the download host wants to be left alone"}
"""That is the host's, even if one clip alone meets it."""

HARMLESS: Final = {"the answer to recordingPrepare is lost", "downloads break"}
"""As what is behind them works, and gets further each time."""


@pytest.mark.parametrize("form", sorted(FORMS.keys() - HARMLESS))
def test_trouble_that_lasts_for_ever_has_its_name(tmp_path: Path, form: str) -> None:
    with rig(tmp_path, retry={"give_up_after": "8h"}) as at:
        at.begin(form)
        at.put(1, camera_of(form))
        expected = ENDS.get(form, ErrorCode.GAVE_UP)
        at.let_pass(10 * MINUTE if expected is ErrorCode.BAD_VIDEO else 30 * MINUTE)
        assert at.states()[State.FAILED] == 0
        if form in NEVER_GIVEN_UP:
            at.let_pass(9 * HOUR)
            assert at.states()[State.FAILED] == 0
            return
        at.until_ended(within=10 * HOUR, step=MINUTE)
        (clip,) = at.clips()
        assert clip.error
        assert (clip.state, clip.error.code) == (State.FAILED, expected)
        assert clip.error.hint
        assert len(at.daemon.log) < 40, Counter(line["event"] for line in at.daemon.log)
        assert sum(at.server.calls.values()) < 1500, at.server.calls


@pytest.mark.parametrize("percent", [0.0, 40.0])
def test_a_preparation_that_stands_still(tmp_path: Path, percent: float) -> None:
    with rig(tmp_path, retry={"give_up_after": "8h"}) as at:
        at.server.stands_at = percent
        at.begin("preparations stand still")
        at.put(1)
        took = at.until_ended(within=10 * HOUR, step=MINUTE)
        (clip,) = at.clips()
        assert clip.error
        stalled = (ErrorCode.PREPARE_STALLED, 2 * HOUR) if percent else (ErrorCode.GAVE_UP, 8 * HOUR)
        assert clip.error.code is stalled[0]
        assert stalled[1] <= took <= stalled[1] + 20 * MINUTE


def test_a_preparation_that_begins_after_45_minutes_is_waited_for(tmp_path: Path) -> None:
    with rig(tmp_path) as at:
        at.begin("preparations stand still")
        at.put(1)
        at.let_pass(45 * MINUTE)
        at.heal()
        at.until_ended(within=15 * MINUTE)
        at.assert_all_done()
        assert at.server.calls["prepare"] == 1


def test_preparations_that_stand_still_do_not_keep_their_slots(tmp_path: Path) -> None:
    with rig(tmp_path) as at:
        at.begin("preparations stand still", only=lambda start: start < LONG_AGO + 6 * APART_S)
        at.put(12)
        at.let_pass(30 * MINUTE)
        assert at.states() == {State.PREPARING: 6, State.DONE: 6}


# --- whose it is


SHARED: Final = [
    "recordings are answered by errors",
    "recordingPrepare is answered by errors",
    "progress is answered by errors",
    "the download host is away",
    "a page comes in place of the video",
]


@pytest.mark.parametrize("form", SHARED)
def test_what_all_meet_is_named_in_the_service_file_and_gives_nobody_up(tmp_path: Path, form: str) -> None:
    with rig(tmp_path, retry={"give_up_after": "1h"}) as at:
        at.begin(form)
        at.put(6)
        at.let_pass(5 * MINUTE)
        (problem,) = at.problems()
        api = form in SHARED[:3]
        assert problem.code == (WaitReason.API_ERROR if api else WaitReason.DOWNLOAD_INTERRUPTED)
        assert ("API" if api else "https://portal.invalid:443") in problem.message
        assert all(status.waiting for status in at.statuses())
        before = sum(at.server.calls.values())
        at.let_pass(12 * HOUR)
        assert at.states()[State.FAILED] == 0
        assert sum(at.server.calls.values()) - before < 12 * 6 * 5, (
            "a probe each ten minutes, and its way there"
        )
        at.heal()
        at.until_ended(within=30 * MINUTE)
        at.assert_all_done()
        assert Counter(at.lines())["host_trouble"] == Counter(at.lines())["host_recovered"] == 1
        assert at.problems() == ()


@pytest.mark.parametrize("form", SHARED)
@pytest.mark.parametrize("bad", [2, 5])
def test_bad_recordings_hold_up_nobody(tmp_path: Path, form: str, bad: int) -> None:
    with rig(tmp_path) as at:
        at.begin(form, only=lambda start: start < LONG_AGO + bad * APART_S)
        at.put(bad)
        at.let_pass(2 * HOUR)
        at.put(10)
        at.let_pass(30 * MINUTE)
        assert at.states()[State.DONE] == 10, at.states()
        assert at.states()[State.FAILED] == 0


def test_an_address_that_is_refused_is_asked_again_as_long_as_it_is_the_same(tmp_path: Path) -> None:
    with rig(tmp_path) as at:
        at.begin("an address is refused")
        at.put(4)
        at.let_pass(3 * HOUR)
        assert at.problems() == ()
        assert {clip.waiting.reason for clip in at.clips() if clip.waiting} == {
            WaitReason.DOWNLOAD_INTERRUPTED
        }
        at.heal()
        at.until_ended(within=15 * MINUTE)
        at.assert_all_done()
        assert max(at.server.asked_to_prepare.values()) == 1


def test_retry_after_of_a_download_host_is_heeded_by_all(tmp_path: Path) -> None:
    with rig(tmp_path) as at:
        at.put(3)
        at.begin("the download host wants to be left alone")
        at.daemon.loop.until(lambda: at.server.struck[Trouble.DOWNLOAD_LIMITED], 60)
        reported_at = at.daemon.clock.now()
        at.heal()
        at.let_pass(RETRY_AFTER_S - 5)
        assert at.server.calls["download"] <= 2, "one may have been on its way"
        waiting = [status.waiting for status in at.statuses() if status.state is State.DOWNLOADING]
        assert waiting
        for wait in waiting:
            assert wait
            assert wait.until
            assert wait.reason is WaitReason.RATE_LIMITED
            assert RETRY_AFTER_S - 1 <= (wait.until - reported_at).total_seconds() <= RETRY_AFTER_S + 35
        at.until_ended(within=5 * MINUTE)
        at.assert_all_done()


# --- cameras


def test_a_camera_is_only_missing_when_a_later_list_lacks_it(tmp_path: Path) -> None:
    with rig(tmp_path) as at:
        at.put(1, camera=99)
        before = at.server.calls["cameras"]
        at.until_ended(within=MINUTE, step=1)
        (clip,) = at.clips()
        assert clip.error
        assert clip.error.code is ErrorCode.CAMERA_NOT_FOUND
        assert at.server.calls["cameras"] == before + 1


def test_a_camera_is_not_missing_while_the_list_cannot_be_read(tmp_path: Path) -> None:
    with rig(tmp_path) as at:
        at.begin("the cameras cannot be listed")
        at.put(1, camera=99)
        at.let_pass(HOUR)
        assert at.states()[State.FAILED] == 0
        at.heal()
        at.until_ended(within=15 * MINUTE)
        (clip,) = at.clips()
        assert clip.error
        assert clip.error.code is ErrorCode.CAMERA_NOT_FOUND


# --- defects


def test_a_defect_lets_the_clip_wait_and_is_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy, broken = ModelVideos.inspect, [True]

    async def inspect(self: ModelVideos, path: Path) -> VideoFacts:
        if broken[0] and path.name.startswith(".r000"):
            raise ZeroDivisionError("a defect")
        return await healthy(self, path)

    monkeypatch.setattr(ModelVideos, "inspect", inspect)
    with rig(tmp_path) as at:
        at.put(2)
        at.daemon.loop.let_pass(3 * HOUR)
        assert at.states() == {State.VERIFYING: 1, State.DONE: 1}
        assert at.statuses()[0].waiting
        assert len(at.daemon.crashes) == 1
        assert "ZeroDivisionError" in at.daemon.crashes.pop()
        broken[0] = False
        at.until_ended(within=15 * MINUTE)
        at.assert_all_done()


def test_the_model_begins_after_the_ranges() -> None:
    assert START.timestamp() > LONG_AGO + 100 * APART_S
