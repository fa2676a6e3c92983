"""Dead ids are taken out of the statuses of ended requests, whatever else happens to those meanwhile."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from camspool.adapters.spool import Spool
from camspool.core.errors import StorageTrouble
from camspool.core.status_document import Status
from camspool.core.values import State, WaitReason
from camspool.pipeline.cleanup import Cleanup
from camspool.pipeline.clock_watch import ClockWatch
from camspool.pipeline.jobs import JobContext, Jobs
from camspool.pipeline.outages import Outages
from camspool.pipeline.turns import Turns
from support.builders import NOW, a_clip, a_recording, a_status
from support.fake_clock import FakeClock


class Watched(Spool):
    """The real spool, with something that happens before a status is saved."""

    before_save: Callable[[Status], None] = staticmethod(lambda _: None)

    def save_status(self, status: Status, *, durable: bool = True) -> None:
        self.before_save(status)
        super().save_status(status, durable=durable)


class House:
    """A mirror with ended requests, and the clean-up of it."""

    def __init__(self, folder: Path) -> None:
        self.spool = Watched(folder / "drop", folder / "mirror", folder / "state")
        self.spool.open()
        self.clock = FakeClock(NOW)
        self.turns = Turns()
        self.jobs = Jobs(JobContext(self.spool, self.clock, Outages(lambda: None), lambda: 3600.0))
        watch = ClockWatch(self.clock, lambda: None, lambda: None)
        self.cleanup = Cleanup(self.spool, watch, self.jobs, self.turns, lambda: None)

    def ended(self, name: str, dead_after_s: float) -> Status:
        """A request that has failed, whose id lives for so long."""
        dead_at = NOW + timedelta(seconds=dead_after_s)
        recording = replace(a_recording(), id="secret", id_expires_at=dead_at)
        clip = a_clip(State.FAILED, recording=recording)
        status = a_status(clip, state=State.FAILED, name=name)
        self.spool.save_status(status)
        self.cleanup.remember(status)
        return status

    def names_id(self, name: str) -> bool:
        status = self.spool.load_status(name)
        assert isinstance(status, Status)
        recording = status.clips[0].recording
        return bool(recording and recording.id)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.spool.close()


async def test_only_dead_ids_are_taken_out(house: House) -> None:
    house.ended("a", 10)
    house.ended("b", 20)
    await house.clock.advance(15)
    await house.cleanup.scrub()
    assert [house.names_id(name) for name in "ab"] == [False, True]
    await house.clock.advance(15)
    await house.cleanup.scrub()
    assert not house.names_id("b")


async def test_what_ends_while_another_is_scrubbed_is_not_forgotten(house: House) -> None:
    house.ended("a", 10)
    earlier: list[Status] = []

    def another_ends(status: Status) -> None:
        if not earlier and status.name == "a":
            earlier.append(house.ended("b", 5))

    house.spool.before_save = another_ends
    await house.clock.advance(15)
    await house.cleanup.scrub()
    await house.cleanup.scrub()
    assert [house.names_id(name) for name in "ab"] == [False, False]


async def test_what_was_written_meanwhile_is_not_overwritten(house: House) -> None:
    status = house.ended("a", 10)
    await house.clock.advance(15)
    async with house.turns.of(status.request.file):
        scrubbing = asyncio.create_task(house.cleanup.scrub())
        for _ in range(20):
            await asyncio.sleep(0.005)
        assert not scrubbing.done()
        house.spool.save_status(replace(status, repeated_at=NOW))
    await scrubbing
    found = house.spool.load_status("a")
    assert isinstance(found, Status)
    assert found.repeated_at == NOW
    assert not house.names_id("a")


async def test_what_is_at_work_again_is_left_alone(house: House) -> None:
    status = house.ended("a", 10)
    house.jobs.open(replace(status, state=State.QUEUED))
    await house.clock.advance(15)
    await house.cleanup.scrub()
    assert house.names_id("a")


async def test_what_could_not_be_scrubbed_is_scrubbed_later(house: House) -> None:
    house.ended("a", 10)
    house.ended("b", 11)
    full = True

    def fails(_: Status) -> None:
        if full:
            raise StorageTrouble(WaitReason.DISK_FULL, "no room")

    house.spool.before_save = fails
    await house.clock.advance(15)
    with pytest.raises(StorageTrouble):
        await house.cleanup.scrub()
    full = False
    await house.cleanup.scrub()
    assert [house.names_id(name) for name in "ab"] == [False, False]
