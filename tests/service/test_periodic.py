"""The periodic jobs go by a clock that may step by years, and a crash of one of them ends nothing."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from camspool.adapters.system_clock import SystemClock
from camspool.adapters.systemd import ServiceManager
from camspool.config.settings import Settings
from camspool.core.ports import Clock
from camspool.service import periodic, wiring
from camspool.service.health import Health
from camspool.service.metrics import Metrics
from camspool.service.periodic import Every, PeriodicJobs
from camspool.service.supervision import Supervisor
from support.fake_clock import FakeClock

NOW = datetime(2026, 3, 1, tzinfo=UTC)
YEAR_S = 365 * 86400


@given(
    seconds=st.floats(0.05, 86400),
    steps=st.lists(st.floats(-2000 * YEAR_S, 7000 * YEAR_S), min_size=1, max_size=20),
)
@settings(deadline=None)
def test_however_far_the_clock_steps_one_run_is_due_at_most_and_then_a_period_later(
    seconds: float, steps: list[float]
) -> None:
    scheduler = AsyncIOScheduler(timezone="UTC")
    job = scheduler.add_job(print, Every(seconds), id="job")
    job.next_run_time = now = NOW + timedelta(seconds=seconds)
    for step in steps:
        try:
            now = now + timedelta(seconds=step)
        except OverflowError:
            continue
        runs = job._get_run_times(now)
        assert len(runs) <= 1
        if runs:
            job.next_run_time = job.trigger.get_next_fire_time(runs[-1], now)
            assert job.next_run_time > now


class SteppingZone(tzinfo):
    """UTC by a clock that can be put forward and back: APScheduler reads the time as `datetime.now(zone)`."""

    step = timedelta()

    def utcoffset(self, _: datetime | None) -> timedelta:
        return timedelta()

    def dst(self, _: datetime | None) -> timedelta:
        return timedelta()

    def tzname(self, _: datetime | None) -> str:
        return "UTC"

    def fromutc(self, moment: datetime) -> datetime:
        return moment + self.step


class SteppingClock(SystemClock):
    """The machine's time, as the zone has stepped it."""

    def __init__(self, zone: SteppingZone) -> None:
        self._zone = zone

    def now(self) -> datetime:
        return datetime.now(self._zone)


@pytest.mark.parametrize("years", [1 / 12, 1, 10, -1 / 12, -10])
async def test_a_job_goes_on_at_once_after_the_clock_has_stepped(
    tmp_path: Path, years: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone, runs = SteppingZone(), 0
    monkeypatch.setattr(periodic, "TIME_ZONE", zone)
    monkeypatch.setattr(periodic, "LOOK_AT_THE_CLOCK_S", 0.05)

    async def count() -> None:
        nonlocal runs
        runs += 1

    async with jobs_of(tmp_path, SteppingClock(zone)) as jobs:
        monkeypatch.setattr(jobs, "_jobs", lambda: [(count, 0.05)])
        jobs.start()
        following = asyncio.create_task(jobs.follow_clock())
        await until(lambda: runs > 2)
        tracemalloc.start()
        zone.step, before = timedelta(days=365 * years), runs
        await until(lambda: runs > before + 3)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        following.cancel()
        jobs.stop()
    assert most < 4 << 20


async def test_a_job_that_crashes_is_tried_again_and_disturbs_no_other(tmp_path: Path) -> None:
    clock, crashes, runs = FakeClock(), 0, 0

    async def crash() -> None:
        nonlocal crashes
        crashes += 1
        raise ZeroDivisionError

    async def work() -> None:
        nonlocal runs
        runs += 1

    async with jobs_of(tmp_path, clock) as jobs:
        bad, good = jobs._guarded(crash), jobs._guarded(work)
        with capture_logs() as logged:
            for _ in range(600):
                await bad()
                await good()
                await clock.advance(1)
        problem = jobs._supervisor.problem
    assert runs == 600
    assert crashes == 10, "after 1, 2, 4, ... seconds"
    assert [line["event"] for line in logged] == ["task_crashed"]
    assert problem
    assert problem.code == "internal_error"
    assert "crash" in problem.message


@asynccontextmanager
async def jobs_of(folder: Path, clock: Clock) -> AsyncIterator[PeriodicJobs]:
    """The jobs of a daemon that has been built and does nothing."""
    folders = {name: str(folder / name) for name in ("drop", "mirror", "state")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "SystemClock", lambda: clock)
        parts = wiring.build(Settings.model_validate({"folders": folders}), {}, lambda: None)
    supervisor, manager = Supervisor(clock, lambda: None), ServiceManager()
    metrics = Metrics(parts, Health(parts, supervisor))
    yield PeriodicJobs(parts, metrics, manager, supervisor, {})
    manager.close()
    parts.pipeline.downloads.close()
    await parts.api.survilla.aclose()


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not happened():
            await asyncio.sleep(0.01)
