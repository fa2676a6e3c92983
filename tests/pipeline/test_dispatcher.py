"""Slots are given and taken back, whatever happens to the clips that hold them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from camspool.core.ports import StatusFiles
from camspool.core.status_document import Status
from camspool.core.values import State
from camspool.pipeline.dispatcher import LOOK_AT_THE_CLOCK_S, Dispatcher
from camspool.pipeline.jobs import Job, JobContext
from camspool.pipeline.outages import Outages
from camspool.pipeline.steps import Lane, Workflow
from support.builders import a_clip, a_status
from support.fake_clock import FakeClock, settled


class NoFiles:
    """Status files that nobody reads."""

    def save_status(self, status: Status, *, durable: bool = True) -> None: ...


class Carrier:
    """A workflow whose clips work until a test ends them; it notes which are at work."""

    def __init__(self) -> None:
        self.at_work: list[str] = []
        self.end = asyncio.Event()
        self.all_due: datetime | None = None

    async def carry(self, job: Job, key: str, _lane: Lane) -> None:
        self.at_work.append(job.name)
        try:
            await self.end.wait()
        finally:
            self.at_work.remove(job.name)
        job.amend(replace(job.status, state=State.CANCELLED, clips=(a_clip(State.CANCELLED),)))

    def due(self, _clip: Any) -> datetime | None:
        return self.all_due

    def park(self, job: Job, key: str) -> None:
        raise AssertionError("nothing crashes here")


def a_job(name: str, clock: FakeClock, state: State = State.QUEUED) -> Job:
    job_context = JobContext(cast(StatusFiles, NoFiles()), clock, Outages(lambda: None), lambda: 1e9)
    return Job(a_status(name=name, state=state, clips=(a_clip(state),)), job_context, saved=True)


class CountingClock(FakeClock):
    """Also counts how often somebody begins to sleep."""

    slept = 0

    async def sleep(self, seconds: float) -> None:
        self.slept += 1
        await super().sleep(seconds)


def one_each() -> dict[Lane, int]:
    return {Lane.PREPARING: 1, Lane.DOWNLOADING: 1}


@asynccontextmanager
async def dispatching(
    carrier: Carrier, clock: FakeClock, limits: Callable[[], dict[Lane, int]] = one_each
) -> AsyncIterator[tuple[Dispatcher, list[str]]]:
    """A dispatcher at work, with one slot in each lane; and the names of the requests that have ended."""
    ended: list[str] = []

    async def on_ended(job: Job) -> None:
        ended.append(job.name)

    dispatcher = Dispatcher(cast(Workflow, carrier), clock, limits)
    running = asyncio.create_task(dispatcher.run(on_ended))
    await settled()
    yield dispatcher, ended
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_waiting_for_a_slot_costs_nothing() -> None:
    clock, carrier = CountingClock(), Carrier()
    async with dispatching(carrier, clock) as (dispatcher, _):
        for name in ("first", "second", "third"):
            dispatcher.add(a_job(name, clock))
            await settled()
        slept = clock.slept
        await settled()
        assert (carrier.at_work, clock.slept) == (["first"], slept)


async def test_a_slot_that_a_deletion_frees_is_given_at_once() -> None:
    clock, carrier = FakeClock(), Carrier()
    async with dispatching(carrier, clock) as (dispatcher, _):
        deleted = a_job("deleted", clock)
        dispatcher.add(deleted)
        dispatcher.add(a_job("other", clock))
        await settled()
        await dispatcher.drop(deleted)
        await settled()
        assert carrier.at_work == ["other"]


async def test_a_slot_kept_by_what_waits_for_its_download_is_free_once_that_is_deleted() -> None:
    clock, carrier = FakeClock(), Carrier()
    async with dispatching(carrier, clock) as (dispatcher, _):
        deleted = a_job("deleted", clock, State.DOWNLOADING)
        for job in (a_job("long", clock, State.DOWNLOADING), deleted, a_job("other", clock)):
            dispatcher.add(job)
        await settled()
        assert carrier.at_work == ["long"]
        await dispatcher.drop(deleted)
        await settled()
        assert carrier.at_work == ["long", "other"]


@pytest.mark.parametrize("turns", range(6))
async def test_a_deletion_at_any_moment_gives_the_slot_back(turns: int) -> None:
    clock, carrier = FakeClock(datetime(2026, 1, 1, tzinfo=UTC)), Carrier()
    async with dispatching(carrier, clock) as (dispatcher, ended):
        deleted, other = a_job("deleted", clock), a_job("other", clock)
        dispatcher.add(deleted)
        for _ in range(turns):
            await asyncio.sleep(0)
        await dispatcher.drop(deleted)
        dispatcher.add(other)
        await settled()
        assert carrier.at_work == ["other"]
        carrier.end.set()
        await settled()
        assert ended == ["other"]


async def test_new_limits_count_at_once() -> None:
    clock, carrier, limits = FakeClock(), Carrier(), one_each()
    async with dispatching(carrier, clock, lambda: limits) as (dispatcher, _):
        for number in range(5):
            dispatcher.add(a_job(f"b{number}", clock))
        await settled()
        assert len(carrier.at_work) == 1
        limits = {Lane.PREPARING: 4, Lane.DOWNLOADING: 1}
        dispatcher.settings_changed()
        await settled()
        assert len(carrier.at_work) == 4


async def test_a_wait_that_new_settings_have_made_shorter_is_over_at_once() -> None:
    clock, carrier = FakeClock(), Carrier()
    async with dispatching(carrier, clock) as (dispatcher, _):
        carrier.all_due = clock.now() + timedelta(hours=1)
        dispatcher.add(a_job("scheduled", clock))
        await settled()
        carrier.all_due = clock.now()
        dispatcher.settings_changed()
        await settled()
        assert carrier.at_work == ["scheduled"]


async def test_a_clock_that_is_put_back_costs_a_large_request_no_turn() -> None:
    clock, carrier = FakeClock(), Carrier()
    async with dispatching(carrier, clock) as (dispatcher, _):
        large = a_job("large", clock)
        large.amend(replace(large.status, clips=tuple(a_clip(ask=number) for number in range(5))))
        first = a_job("first", clock)
        dispatcher.add(first)
        await settled()
        dispatcher.add(large)
        dispatcher.settings_changed()  # what is ready is counted
        await settled()
        clock.jump(-3600)
        await clock.advance(LOOK_AT_THE_CLOCK_S)
        dispatcher.add(a_job("small", clock))
        await dispatcher.drop(first)
        await settled()
        assert carrier.at_work == ["large"]
