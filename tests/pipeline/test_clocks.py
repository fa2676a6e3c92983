"""The vendor's three clocks and our own: what expires is made anew, and no step of a clock loses anything."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from camspool.core import document
from camspool.core.clock_check import Reading
from camspool.core.status_document import Status
from camspool.core.trouble import EXPIRED
from camspool.core.values import ErrorCode, State
from support.model_daemon import ModelDaemon, write_whole
from support.model_server import GATE, YARD, Trouble
from support.virtual_time import START

HOUR = 3600.0
DAY = 24 * HOUR
YEAR = 365 * DAY
IN_WORK = ["listing", "preparing", "downloading", "verifying"]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[ModelDaemon]:
    """A daemon that runs."""
    model = ModelDaemon(tmp_path)
    model.start()
    model.loop.let_pass(1)
    yield model
    model.close()


def put(daemon: ModelDaemon, name: str = "a", camera: Any = GATE, start: float = 1_580_000_000) -> None:
    request = {"camera": camera, "from": start, "duration": 100}
    write_whole(daemon.drop / f"{name}.json", json.dumps(request).encode())


def status_of(daemon: ModelDaemon, name: str = "a") -> Status | None:
    path = daemon.mirror / f"{name}.status.json"
    return document.load(path.read_bytes()) if path.exists() else None


def until(daemon: ModelDaemon, state: str, name: str = "a", within: float = 200.0) -> Status:
    """The status at the very turn of the loop at which the request has come into the state."""

    def reached() -> bool:
        status = status_of(daemon, name)
        return status is not None and status.state == state

    daemon.loop.until(reached, within)
    daemon.check_alive()
    status = status_of(daemon, name)
    assert status
    return status


def until_calls(daemon: ModelDaemon, what: str, count: int = 1) -> None:
    daemon.loop.until(lambda: daemon.server.calls[what] >= count, 200.0)


def assert_made_once(daemon: ModelDaemon) -> None:
    assert daemon.server.broken_promises == []
    assert daemon.server.calls["prepare"] == 1


# --- what expires


def test_an_id_that_expires_before_it_is_prepared_is_listed_anew(daemon: ModelDaemon) -> None:
    put(daemon)
    until_calls(daemon, "prepare")
    daemon.clock.suspend(2 * HOUR)
    (clip,) = until(daemon, "done").clips
    assert (clip.attempts.expired, clip.attempts.list, clip.attempts.prepare) == (1, 2, 2)


def test_the_id_of_a_piece_that_waits_too_long_is_not_even_tried(tmp_path: Path) -> None:
    daemon = ModelDaemon(tmp_path, limits={"preparing": 1, "downloading": 1})
    daemon.start()
    put(daemon, camera=YARD)
    until_calls(daemon, "progress")
    daemon.clock.suspend(2 * HOUR)
    clips = until(daemon, "done").clips
    assert [clip.attempts.expired for clip in clips] == [0, 0]
    assert daemon.server.expired_answers == 0
    daemon.close()


def test_a_url_that_expires_before_the_download_is_made_anew(daemon: ModelDaemon) -> None:
    put(daemon)
    until_calls(daemon, "download")
    daemon.clock.suspend(25 * HOUR)
    (clip,) = until(daemon, "done").clips
    assert (clip.attempts.expired, clip.attempts.prepare) == (1, 2)
    assert daemon.server.broken_promises == []


def test_a_url_that_expires_during_the_download_is_made_anew(daemon: ModelDaemon) -> None:
    put(daemon)
    part = daemon.mirror / ".a.001.mp4.part"
    daemon.loop.until(lambda: part.exists() and part.stat().st_size, 100)
    daemon.clock.suspend(25 * HOUR)
    (clip,) = until(daemon, "done").clips
    assert (clip.attempts.expired, clip.attempts.prepare) == (1, 2)
    assert clip.error is None


@pytest.mark.parametrize("moment", IN_WORK)
@pytest.mark.parametrize("hours", [2, 7, 25])
def test_what_expires_while_the_daemon_is_down_is_made_anew(
    daemon: ModelDaemon, moment: str, hours: float
) -> None:
    put(daemon)
    until(daemon, moment)
    daemon.kill()
    daemon.clock.suspend(hours * HOUR)
    daemon.start()
    (clip,) = until(daemon, "done").clips
    assert clip.attempts.expired <= 1
    assert daemon.server.broken_promises == []


@pytest.mark.parametrize("hours", [0, 7, 25])
def test_a_complete_download_needs_no_url(daemon: ModelDaemon, hours: float) -> None:
    put(daemon)
    until(daemon, "verifying")
    daemon.kill()
    daemon.clock.suspend(hours * HOUR)
    daemon.start()
    until(daemon, "done")
    assert_made_once(daemon)
    assert daemon.server.calls["download"] == 1


def test_what_keeps_expiring_is_made_anew_a_few_times_and_then_fails_by_that_name(
    daemon: ModelDaemon,
) -> None:
    put(daemon)
    seen = [0]
    for _ in range(8000):
        daemon.loop.let_pass(0.5)
        daemon.server.lose_ids()
        status = status_of(daemon)
        if status and status.clips[0].attempts.expired > seen[-1]:
            assert not status.state.final
            seen.append(status.clips[0].attempts.expired)
        if status and status.state.final:
            break
    assert seen == list(range(len(seen)))
    assert len(seen) >= EXPIRED.times
    assert status
    assert status.error
    assert (status.state, status.error.code) == (State.FAILED, ErrorCode.KEPT_EXPIRING)


# --- clocks that jump


@pytest.mark.parametrize("moment", IN_WORK)
@pytest.mark.parametrize("seconds", [-YEAR, -2 * HOUR, -60.0, 60.0, 2 * HOUR, YEAR])
def test_a_step_of_the_clock_makes_nothing_twice(daemon: ModelDaemon, moment: str, seconds: float) -> None:
    put(daemon)
    until(daemon, moment)
    daemon.clock.jump(seconds)
    until(daemon, "done", within=60)
    assert_made_once(daemon)


@pytest.mark.parametrize("restarts", [False, True])
def test_a_wait_that_was_dated_by_a_wrong_clock_does_not_last(
    daemon: ModelDaemon,
    restarts: bool,  # noqa: FBT001
) -> None:
    daemon.clock.jump(YEAR)
    daemon.server.troubles[Trouble.LIST_FAILS] = 1
    put(daemon)
    daemon.loop.until(lambda: (status := status_of(daemon)) and status.waiting, 60)
    if restarts:
        daemon.kill()
    daemon.clock.set_right()
    if restarts:
        daemon.start()
    until(daemon, "done", within=90)


def test_a_range_in_the_future_is_waited_for_by_the_right_clock(daemon: ModelDaemon) -> None:
    daemon.clock.jump(-2 * HOUR)
    put(daemon, start=START.timestamp() + 60)
    daemon.loop.let_pass(20)
    status = status_of(daemon)
    assert status
    assert status.state is State.SCHEDULED
    daemon.clock.set_right()
    daemon.loop.let_pass(140)
    assert daemon.server.calls["list"] == 0
    until(daemon, "done", within=90)


def test_a_box_that_sleeps_past_the_end_of_a_range_lists_it_when_it_wakes(daemon: ModelDaemon) -> None:
    put(daemon, start=START.timestamp() + 60)
    until(daemon, "scheduled")
    daemon.clock.suspend(DAY)
    until(daemon, "done", within=90)


def test_trouble_before_a_long_sleep_does_not_count_as_long_trouble(daemon: ModelDaemon) -> None:
    daemon.server.troubles[Trouble.DOWNLOAD_FAILS] = 2
    put(daemon)
    daemon.loop.until(lambda: daemon.server.struck[Trouble.DOWNLOAD_FAILS], 60)
    daemon.loop.let_pass(0.1)
    daemon.clock.suspend(5 * HOUR)
    until(daemon, "done")


# --- the clean-up


@pytest.mark.parametrize("restarts", [False, True])
def test_dead_ids_are_taken_out_of_ended_requests_and_nothing_else_changes(
    daemon: ModelDaemon,
    restarts: bool,  # noqa: FBT001
) -> None:
    put(daemon)
    before = until(daemon, "done")
    assert before.clips[0].recording
    assert before.clips[0].recording.id
    daemon.loop.let_pass(70)
    before = document.load((daemon.mirror / "a.status.json").read_bytes())
    if restarts:
        daemon.kill()
    daemon.clock.suspend(5.9 * HOUR)
    if restarts:
        daemon.start()
    daemon.loop.let_pass(70)
    assert status_of(daemon) == before, "an id that is still good is kept"
    daemon.clock.suspend(0.2 * HOUR)
    daemon.loop.let_pass(70)
    data = json.loads((daemon.mirror / "a.status.json").read_bytes())
    assert data["clips"][0]["recording"]["id"] is None
    as_before = json.loads(document.dump(before))
    data["clips"][0]["recording"]["id"] = as_before["clips"][0]["recording"]["id"]
    data["updated_at"] = as_before["updated_at"]
    assert data == as_before


def test_the_ids_of_requests_in_work_are_left_alone(daemon: ModelDaemon) -> None:
    put(daemon)
    until_calls(daemon, "progress")
    daemon.server.go_down()
    daemon.clock.suspend(30 * HOUR)
    daemon.loop.let_pass(130)
    status = status_of(daemon)
    assert status
    assert status.clips[0].recording
    assert status.clips[0].recording.id == "r0001"


def test_no_url_is_ever_written(daemon: ModelDaemon) -> None:
    put(daemon)
    until(daemon, "downloading")
    assert b"portal.invalid" not in (daemon.mirror / "a.status.json").read_bytes()
    until(daemon, "done")
    assert b"portal.invalid" not in (daemon.mirror / "a.status.json").read_bytes()


def test_orphans_are_removed_and_nothing_else(daemon: ModelDaemon) -> None:
    put(daemon, "b")
    until_calls(daemon, "download")
    daemon.server.go_down()
    daemon.loop.settle()
    orphans = [".gone.001.mp4.part", "x/.gone.002-3.mp4.part", f".camspool-{'0' * 8}-{'1' * 16}.tmp"]
    others = [".b.001.mp4.part", ".note", ".gone.mp4.part", "gone.001.mp4.part", "film.mp4", "x/film.mp4.tmp"]
    (daemon.mirror / "x").mkdir()
    for name in (*orphans, *others):
        (daemon.mirror / name).write_bytes(b"something")
    daemon.loop.let_pass(70)
    assert [name for name in orphans if (daemon.mirror / name).exists()] == []
    assert [name for name in others if not (daemon.mirror / name).exists()] == []


def test_retention_removes_the_mp4s_of_its_own_old_requests_alone(tmp_path: Path) -> None:
    daemon = ModelDaemon(tmp_path, cleanup={"every": "1m", "min_free": 0, "keep": "1h"})
    daemon.start()
    put(daemon, camera=YARD)
    until(daemon, "done")
    daemon.clock.suspend(0.9 * HOUR)
    put(daemon, "young")
    young = until(daemon, "done", "young")
    (daemon.mirror / "film.mp4").write_bytes(b"somebody's")
    assert [path.name for path in daemon.mirror.glob("a*.mp4")]
    daemon.clock.suspend(0.2 * HOUR)
    daemon.loop.let_pass(70)
    kept = sorted(path.name for path in daemon.mirror.iterdir() if not re.match(r"[._]", path.name))
    assert kept == ["a.json", "a.status.json", "film.mp4", "young.json", "young.mp4", "young.status.json"]
    status = status_of(daemon)
    assert status
    assert status.state is State.REMOVED
    assert all(clip.state is State.REMOVED and clip.file for clip in status.clips)
    assert [clip.file for clip in (status_of(daemon, "young") or young).clips] == [
        clip.file for clip in young.clips
    ]
    (daemon.mirror / "a.json").rename(daemon.drop / "a.json")
    assert until(daemon, "done").clips
    assert sorted(path.name for path in daemon.mirror.glob("a*.mp4")) == ["a-1.mp4", "a-2.mp4"]
    daemon.close()


@pytest.fixture
def retiring(tmp_path: Path) -> Iterator[ModelDaemon]:
    """A daemon that keeps footage for 90 days, and has just delivered some."""
    model = ModelDaemon(tmp_path, cleanup={"every": "1m", "min_free": 0, "keep": "90d"})
    model.start()
    put(model)
    until(model, "done")
    model.loop.let_pass(300)
    yield model
    model.close()


def problems_of(daemon: ModelDaemon) -> list[str]:
    assert daemon.service
    return [problem.code for problem in daemon.service._health.status().problems]


@pytest.mark.parametrize("ahead", [91 * DAY, 10 * YEAR])
def test_a_clock_that_is_far_ahead_for_a_while_deletes_nothing(retiring: ModelDaemon, ahead: float) -> None:
    retiring.clock.jump(ahead)
    retiring.loop.let_pass(HOUR)
    assert (retiring.mirror / "a.mp4").exists()
    assert problems_of(retiring) == ["clock_implausible"]
    retiring.clock.jump(-ahead)
    retiring.loop.let_pass(HOUR)
    assert (retiring.mirror / "a.mp4").exists()
    assert problems_of(retiring) == []


def test_once_the_api_agrees_with_the_clock_old_footage_is_deleted(retiring: ModelDaemon) -> None:
    retiring.clock.jump(91 * DAY)
    retiring.loop.let_pass(HOUR)
    assert (retiring.mirror / "a.mp4").exists()
    retiring.server.server_time = Reading(retiring.clock.now(), retiring.clock.monotonic())
    retiring.loop.let_pass(120)
    assert not (retiring.mirror / "a.mp4").exists()
    assert problems_of(retiring) == []


def test_a_clock_that_the_api_contradicts_deletes_nothing(retiring: ModelDaemon) -> None:
    retiring.server.server_time = Reading(retiring.clock.now(), retiring.clock.monotonic())
    for _ in range(200):  # small steps, each of which could be true
        retiring.clock.jump(0.9 * DAY)
        retiring.loop.let_pass(70)
    assert (retiring.mirror / "a.mp4").exists()
    assert problems_of(retiring) == ["clock_implausible"]
