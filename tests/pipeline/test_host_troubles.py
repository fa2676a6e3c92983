"""Whose trouble it is: a clip's own, or that of a host which several clips share."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from camspool.core.errors import (
    AddressRefused,
    ClipTrouble,
    DownloadTrouble,
    RecordingExpired,
    SharedTrouble,
)
from camspool.core.values import LISTING, PREPARATION, HostAction, WaitReason
from camspool.pipeline.host_troubles import LONGEST_RETRY_AFTER_S, HostTroubles, Pauses
from camspool.pipeline.outages import Outages
from support.fake_clock import FakeClock, settled

CLOUD = HostAction("https://cloud.example:443", "download")
BOX = HostAction("https://box.example:8443", "download")


def no_video(retry_after: float | None = None, kind: str = "no_video") -> DownloadTrouble:
    reason = WaitReason.DOWNLOAD_INTERRUPTED
    return DownloadTrouble(reason, "It sent a page.", host=CLOUD.host, kind=kind, retry_after=retry_after)


def api_error() -> ClipTrouble:
    return ClipTrouble(WaitReason.API_ERROR, "Internal server error")


class Hosts:
    """Host troubles on a clock of their own; `recovered` counts how often clips were called back."""

    def __init__(self, first: float = 5.0, longest: float = 600.0) -> None:
        self.clock = FakeClock()
        self.outages = Outages(lambda: None)
        self.recovered = 0
        self.troubles = HostTroubles(self.clock, self.outages, lambda: Pauses(first, longest), lambda: 1.0)
        self.troubles.on_recovery = self._on_recovery

    def _on_recovery(self) -> None:
        self.recovered += 1

    async def fail(
        self, who: str, error: Exception | None = None, action: HostAction = CLOUD
    ) -> ClipTrouble | Exception:
        """What a visit by `who` that meets `error` raises."""
        try:
            async with self.troubles.visit(action, who, patient=False):
                _raise(error or no_video())
        except Exception as raised:  # noqa: BLE001  it is what is asked for
            return raised
        raise AssertionError("unreachable")

    async def succeed(self, who: str, action: HostAction = CLOUD, *, patient: bool = False) -> None:
        async with self.troubles.visit(action, who, patient=patient):
            pass

    async def pause_of(self, who: str, action: HostAction = CLOUD) -> float:
        """Seconds for which `who` is sent away; 0 when it may enter."""
        raised = await self.fail(who, Peeked(), action)
        return raised.pause if isinstance(raised, SharedTrouble) else 0.0


class Peeked(Exception):
    """Raised by a visit that does nothing."""


def _raise(error: Exception) -> None:
    raise error


async def in_trouble(*who: str) -> Hosts:
    hosts = Hosts()
    for each in who or ("a", "b"):
        await hosts.fail(each)
    return hosts


async def test_the_trouble_of_one_clip_is_its_own_however_often_it_comes_by() -> None:
    hosts = Hosts()
    for _ in range(20):
        assert not isinstance(await hosts.fail("a"), SharedTrouble)
    assert hosts.outages.all() == {}


async def test_the_same_trouble_of_two_is_the_hosts() -> None:
    hosts = Hosts()
    own, shared = await hosts.fail("a"), await hosts.fail("b")
    assert not isinstance(own, SharedTrouble)
    assert isinstance(shared, SharedTrouble)
    assert (shared.reason, shared.action) == (WaitReason.DOWNLOAD_INTERRUPTED, CLOUD)
    outage = hosts.outages.get(CLOUD)
    assert outage
    assert outage.reason is WaitReason.DOWNLOAD_INTERRUPTED
    assert CLOUD.host in outage.message


async def test_troubles_of_different_kinds_are_not_shared() -> None:
    hosts = Hosts()
    await hosts.fail("a", no_video(kind="no_video"))
    assert not isinstance(await hosts.fail("b", no_video(kind="unreachable")), SharedTrouble)


async def test_a_success_in_between_shows_that_it_is_not_the_host() -> None:
    hosts = Hosts()
    await hosts.fail("a")
    await hosts.succeed("c")
    assert not isinstance(await hosts.fail("b"), SharedTrouble)


@pytest.mark.parametrize("error", [AddressRefused("403"), RecordingExpired("404"), ValueError("a defect")])
async def test_what_is_about_one_clip_alone_is_never_the_hosts(error: Exception) -> None:
    hosts = Hosts()
    for who in "abcdef":
        assert await hosts.fail(who, error) is error
    assert hosts.outages.all() == {}


async def test_hosts_and_questions_are_apart() -> None:
    hosts = await in_trouble()
    await hosts.succeed("c", BOX)
    await hosts.succeed("c", LISTING)
    assert set(hosts.outages.all()) == {CLOUD}


async def test_the_first_success_ends_it_and_calls_the_others_back() -> None:
    hosts = await in_trouble("a", "b", "c")
    assert await hosts.pause_of("d") > 0
    await hosts.clock.advance(60)
    await hosts.succeed("d")
    assert (hosts.outages.all(), hosts.recovered) == ({}, 1)
    assert await hosts.pause_of("a") == 0


async def test_the_first_bytes_of_a_download_already_end_it() -> None:
    hosts = await in_trouble()
    await hosts.clock.advance(60)
    async with hosts.troubles.visit(CLOUD, "c", patient=False) as visit:
        visit.succeed()
        assert hosts.outages.all() == {}
        assert await hosts.pause_of("a") == 0


async def test_what_breaks_after_it_has_delivered_is_the_clips_own() -> None:
    hosts = Hosts()

    async def deliver_and_break(who: str) -> None:
        async with hosts.troubles.visit(CLOUD, who, patient=False) as visit:
            visit.succeed()
            raise no_video(kind="interrupted")

    for who in "ab":
        with pytest.raises(DownloadTrouble, match="page"):
            await deliver_and_break(who)
    assert hosts.outages.all() == {}


async def test_one_probe_at_a_time() -> None:
    hosts = await in_trouble()
    await hosts.clock.advance(60)
    async with hosts.troubles.visit(CLOUD, "c", patient=False):
        assert await hosts.pause_of("d") > 0
        assert await hosts.pause_of("a") > 0
    assert await hosts.pause_of("d") == 0


async def test_a_probe_that_says_nothing_gives_its_turn_back() -> None:
    hosts = await in_trouble()
    await hosts.clock.advance(60)
    await hosts.fail("c", AddressRefused("404"))
    assert set(hosts.outages.all()) == {CLOUD}
    await hosts.succeed("d")
    assert hosts.outages.all() == {}


async def test_a_probe_that_is_cancelled_gives_its_turn_back() -> None:
    hosts = await in_trouble()
    await hosts.clock.advance(60)

    async def probe() -> None:
        async with hosts.troubles.visit(CLOUD, "c", patient=False):
            await hosts.clock.sleep(1e6)

    task = asyncio.ensure_future(probe())
    await settled()
    task.cancel()
    await settled()
    await hosts.succeed("d")
    assert hosts.outages.all() == {}


async def test_pauses_between_probes_grow_up_to_the_longest() -> None:
    hosts, pauses = await in_trouble(), []
    for who in itertools.islice(itertools.cycle("ab"), 12):
        pause = await hosts.pause_of(who)
        pauses.append(pause)
        await hosts.clock.advance(pause)
        assert isinstance(await hosts.fail(who), SharedTrouble)
    assert pauses[0] <= 5 + 2
    assert pauses == sorted(pauses)
    assert pauses[-1] <= 600 + 2


async def test_preparations_are_probed_with_steeper_pauses() -> None:
    hosts, pauses = Hosts(), []
    for who in "ab":
        await hosts.fail(who, api_error(), PREPARATION)
    for who in "abab":
        pause = await hosts.pause_of(who, PREPARATION)
        pauses.append(pause)
        await hosts.clock.advance(pause)
        await hosts.fail(who, api_error(), PREPARATION)
    assert pauses[0] < 10
    assert pauses[1] >= 60


async def test_those_that_have_failed_take_turns() -> None:
    hosts = await in_trouble("a", "b", "c")
    probed = []
    for _ in range(6):
        pauses = {who: await hosts.pause_of(who) for who in "abc"}
        who = min(pauses, key=lambda each: pauses[each])
        await hosts.clock.advance(pauses[who])
        await hosts.fail(who)
        probed.append(who)
    assert sorted(probed[:3]) == ["a", "b", "c"]
    assert probed[3:] == probed[:3]


async def test_a_newcomer_does_not_sit_out_what_the_others_failures_cost() -> None:
    hosts = await in_trouble("a", "b")
    for who in "abababab":
        await hosts.clock.advance(await hosts.pause_of(who))
        await hosts.fail(who)
    assert await hosts.pause_of("a") > 300
    await hosts.clock.advance(6)
    await hosts.succeed("c")
    assert hosts.outages.all() == {}


async def test_bad_clips_are_no_newcomers_after_a_recovery() -> None:
    hosts = await in_trouble("a", "b", "c")
    for _ in range(4):
        for who in "abc":
            await hosts.clock.advance(await hosts.pause_of(who))
            await hosts.fail(who)
    await hosts.clock.advance(600)
    await hosts.succeed("good")
    for who in "abc":
        await hosts.fail(who)
    assert await hosts.pause_of("other") <= 10
    assert await hosts.pause_of("a") > 60
    assert hosts.recovered == 1


async def test_only_those_that_have_never_failed_are_called_back() -> None:
    hosts = await in_trouble("a", "b")
    failed, untried = await hosts.fail("a"), await hosts.fail("c")
    assert isinstance(failed, SharedTrouble)
    assert isinstance(untried, SharedTrouble)
    assert (failed.recall, untried.recall) == (False, True)


async def test_a_patient_clip_waits_for_its_turn_and_for_the_end() -> None:
    hosts = Hosts()
    for who in "ab":
        await hosts.fail(who, api_error(), LISTING)
    entered: list[str] = []

    async def ask(who: str) -> None:
        async with hosts.troubles.visit(LISTING, who, patient=True):
            entered.append(who)
            await hosts.clock.sleep(1)

    tasks = [asyncio.ensure_future(ask(who)) for who in "cde"]
    await settled()
    assert entered == []
    await hosts.clock.advance(5.5)
    assert entered == ["c"]
    await hosts.clock.advance(1)
    assert sorted(entered) == ["c", "d", "e"], "once one has succeeded, all go on"
    await hosts.clock.advance(1)
    assert all(task.done() for task in tasks)


async def test_retry_after_holds_for_the_host_even_if_only_one_clip_hears_of_it() -> None:
    hosts = Hosts()
    raised = await hosts.fail("a", no_video(retry_after=120))
    assert isinstance(raised, SharedTrouble)
    assert (raised.reason, round(raised.pause)) == (WaitReason.RATE_LIMITED, 120)
    outage = hosts.outages.get(CLOUD)
    assert outage
    assert outage.until
    assert outage.reason is WaitReason.RATE_LIMITED
    assert (outage.until - hosts.clock.now()).total_seconds() == 120
    assert await hosts.pause_of("b") == 120
    assert await hosts.pause_of("b", BOX) == 0
    await hosts.clock.advance(121)
    await hosts.succeed("b")
    assert hosts.outages.all() == {}


@pytest.mark.parametrize(("wished", "most"), [(1e9, LONGEST_RETRY_AFTER_S), (0.0, 0.0)])
async def test_what_a_host_may_wish_for_is_bounded(wished: float, most: float) -> None:
    hosts = Hosts()
    await hosts.fail("a", no_video(retry_after=wished))
    assert await hosts.pause_of("b") <= most


async def test_when_the_others_have_ended_the_trouble_is_the_last_ones_own() -> None:
    hosts = await in_trouble("a", "b")
    raised: Any = None
    for _ in range(20):
        await hosts.clock.advance(await hosts.pause_of("a"))
        raised = await hosts.fail("a")
    assert not isinstance(raised, SharedTrouble)
    assert hosts.outages.all() == {}
    assert hosts.recovered == 1


async def test_there_is_a_line_for_the_beginning_and_one_for_the_end() -> None:
    with capture_logs() as lines:
        hosts = await in_trouble("a", "b", "c")
        for who in "abcabcabc":
            await hosts.clock.advance(await hosts.pause_of(who))
            await hosts.fail(who, no_video(kind="unreachable"))
        await hosts.clock.advance(600)
        await hosts.succeed("d")
    assert [line["event"] for line in lines] == ["host_trouble", "host_recovered"]


async def test_an_api_may_invent_hosts_without_end() -> None:
    hosts = Hosts()
    for number in range(5000):
        await hosts.fail("a", no_video(), HostAction(f"https://h{number}.example:443", "download"))
    assert len(hosts.troubles._met) <= 1001


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdef"), st.sampled_from(["fail", "answer", "nothing"]), st.floats(0, 900)
        ),
        max_size=40,
    )
)
def test_whatever_happens_a_clip_that_waits_as_long_as_it_must_gets_its_turn(
    happenings: list[tuple[str, str, float]],
) -> None:
    async def course() -> None:
        hosts = Hosts()
        act: dict[str, Callable[[], Exception | None]] = {
            "fail": no_video,
            "answer": lambda: None,
            "nothing": lambda: AddressRefused("403"),
        }
        for who, what, pause in happenings:
            error = act[what]()
            with_error = hosts.fail(who, error) if error else hosts.fail(who, Peeked())
            await with_error
            await hosts.clock.advance(pause)
        for _ in range(3):  # somebody's probe may come in between, and fail
            pause = await hosts.pause_of("z")
            assert pause <= 600
            await hosts.clock.advance(pause)
        await hosts.succeed("z")
        assert hosts.outages.all() == {}

    asyncio.run(course())
