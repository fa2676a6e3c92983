"""What is notified, how often, and that no channel holds up or stops another."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from camspool.adapters.notify import Channel, Flag, NotSent
from camspool.core import health, notices
from camspool.core.health import ServiceState, ServiceStatus
from camspool.core.notices import DEGRADED_FOR_S, Notice, Occasion
from camspool.core.status_document import Coverage, Progress
from camspool.core.values import State
from camspool.service.notifications import PAUSES_S, Notices, Outbox
from support.builders import a_clip, a_failure, a_status
from support.fake_clock import FakeClock, settled
from support.notices import a_notice
from unit.test_health import SERVICE


@dataclass
class Way:
    """Sends by calling `script`, and remembers the titles of what got through."""

    script: Callable[[Notice], None] = lambda _: None
    name: str = "way"
    tries: int = 0
    delivered: list[str] = field(default_factory=list)

    def wants(self, notice: Notice) -> bool:
        return True

    def kept(self, notice: Notice) -> Notice:
        return notice

    async def send(self, notice: Notice) -> None:
        self.tries += 1
        self.script(notice)
        self.delivered.append(notice.title)


class Hanging(Way):
    async def send(self, notice: Notice) -> None:
        self.tries += 1
        await asyncio.Event().wait()


class Off(Way):
    def wants(self, notice: Notice) -> bool:
        return False


def named(name: str) -> Notice:
    return a_notice(name=name)


@asynccontextmanager
async def at_work(*channels: Channel, flag: Path) -> AsyncIterator[tuple[Notices, FakeClock]]:
    clock = FakeClock()
    all_ways = Notices(lambda: channels, clock, Flag(flag))
    tasks = [asyncio.create_task(outbox.run()) for outbox in all_ways.outboxes]
    yield all_ways, clock
    for task in tasks:
        assert not task.done()
        task.cancel()
    await settled()
    assert all(task.cancelled() for task in tasks)


async def at_work_for(outbox: Outbox, clock: FakeClock, seconds: float) -> None:
    task = asyncio.create_task(outbox.run())
    await clock.advance(seconds)
    task.cancel()


async def sent(outbox: Outbox, clock: FakeClock, *names: str) -> None:
    for name in names:
        outbox.put(named(name))
    await clock.advance(sum(PAUSES_S) * (len(names) + 1))


async def test_what_does_not_get_through_is_tried_three_times_and_logged_once(tmp_path: Path) -> None:
    barred = True

    def script(_: Notice) -> None:
        if barred:
            raise NotSent("no way", way)

    way = Way(script)
    async with at_work(way, flag=tmp_path / "flag") as (ways, clock):
        with capture_logs() as logged:
            await sent(ways.outboxes[0], clock, "a", "b")
            assert way.tries == 6
            barred = False
            await sent(ways.outboxes[0], clock, "c", "d")
    assert way.delivered == ["c: done", "d: done"]
    assert [(line["event"], line.get("title")) for line in logged] == [
        ("notice_not_sent", "a: done"),
        ("notices_sent_again", None),
    ]


async def test_what_would_not_help_is_not_tried_again(tmp_path: Path) -> None:
    def script(_: Notice) -> None:
        raise NotSent("not found", None)

    way = Way(script)
    async with at_work(way, flag=tmp_path / "flag") as (ways, clock):
        await sent(ways.outboxes[0], clock, "a")
    assert way.tries == 1


async def test_only_what_failed_is_tried_again(tmp_path: Path) -> None:
    rest = Way(name="rest")

    def script(_: Notice) -> None:
        raise NotSent("half", rest)

    way = Way(script)
    async with at_work(way, flag=tmp_path / "flag") as (ways, clock):
        await sent(ways.outboxes[0], clock, "a")
    assert (way.tries, rest.delivered) == (1, ["a: done"])


async def test_one_that_hangs_or_crashes_holds_up_no_other(tmp_path: Path) -> None:
    def script(_: Notice) -> None:
        raise RuntimeError("a defect")

    hanging, crashing, good = Hanging(), Way(script), Way()
    async with at_work(hanging, crashing, good, flag=tmp_path / "flag") as (ways, clock):
        with capture_logs() as logged:
            for name in ("a", "b"):
                ways.request_ended(a_status(a_clip(State.DONE), state=State.DONE, name=name))
            await clock.advance(60)
    assert (hanging.tries, crashing.tries, good.delivered) == (1, 2, ["a: done", "b: done"])
    assert [line["event"] for line in logged] == ["notice_crashed"] * 2


async def test_of_too_many_the_oldest_are_dropped_and_how_many_is_logged() -> None:
    way, clock = Way(), FakeClock()
    outbox = Outbox(lambda: way, clock, capacity=2 * named("a").weight)
    with capture_logs() as logged:
        for name in "abcd":
            outbox.put(named(name))
        task = asyncio.create_task(outbox.run())
        await settled()
        task.cancel()
    assert [(line["event"], line.get("title", line.get("count"))) for line in logged] == [
        ("notice_not_sent", "a: done"),
        ("notices_dropped", 2),
    ]
    assert way.delivered == ["c: done", "d: done"]


async def test_a_single_one_may_be_larger_than_there_is_room() -> None:
    way = Way()
    outbox = Outbox(lambda: way, FakeClock(), capacity=1)
    outbox.put(named("a"))
    task = asyncio.create_task(outbox.run())
    await settled()
    task.cancel()
    assert way.delivered == ["a: done"]


async def test_how_many_were_still_waiting_is_logged_at_the_end(tmp_path: Path) -> None:
    with capture_logs() as logged:
        async with at_work(Hanging(), Way(), flag=tmp_path / "flag") as (ways, _):
            for name in "abc":
                ways.request_ended(a_status(a_clip(State.DONE), state=State.DONE, name=name))
            await settled()
    assert [(line["event"], line["channel"], line["count"]) for line in logged] == [
        ("notices_dropped", "way", 3)
    ]


async def test_what_waits_goes_the_new_way() -> None:
    old, new = Way(), Way()
    in_force, clock = old, FakeClock()
    outbox = Outbox(lambda: in_force, clock)
    outbox.put(named("a"))
    in_force = new
    await at_work_for(outbox, clock, 1)
    assert (old.delivered, new.delivered) == ([], ["a: done"])


async def test_what_waits_and_is_not_wanted_any_more_is_not_sent() -> None:
    way, now_off = Way(), Off()
    in_force, clock = way, FakeClock()
    outbox = Outbox(lambda: in_force, clock)
    outbox.put(named("a"))
    in_force = now_off
    await at_work_for(outbox, clock, 1)
    assert now_off.tries == 0


# --- requests


@pytest.mark.parametrize("state", list(State))
def test_an_end_that_somebody_wanted_is_not_notified(state: State) -> None:
    notice = notices.of_request(a_status(a_clip(), state=state))
    delivered = {State.DONE, State.PARTIAL, State.FAILED, State.REJECTED}
    assert (notice is not None) == (state in delivered)


def test_the_words_say_how_much_there_is_and_what_is_wrong() -> None:
    status = a_status(
        a_clip(State.DONE),
        a_clip(State.FAILED, ask=2),
        state=State.PARTIAL,
        progress=Progress(clips_done=1, clips_total=2),
        coverage=Coverage(requested_s=1200, delivered_s=0.2),
        error=a_failure(),
    )
    notice = notices.of_request(status)
    assert notice is not None
    assert notice.title == "store-12/evening: partial"
    assert notice.text == "1 of 2 MP4s, 0s of the 20m asked for.\nNothing was recorded.\nLook in the portal."
    assert notice.mp4s == ("evening.mp4",)


# --- the service

WELL = replace(SERVICE, problems=())
ILL = replace(SERVICE, state=ServiceState.DEGRADED)


async def lived(ways: Notices, clock: FakeClock, *statuses: ServiceStatus, seconds: float) -> None:
    for status in statuses:
        await ways.service_is(status)
        await clock.advance(seconds)


async def test_it_is_notified_once_when_the_service_is_degraded_and_once_when_it_has_recovered(
    tmp_path: Path,
) -> None:
    way = Way()
    async with at_work(way, flag=tmp_path / "flag") as (ways, clock):
        await lived(ways, clock, WELL, ILL, ILL, ILL, ILL, WELL, WELL, seconds=DEGRADED_FOR_S / 2)
    assert way.delivered == ["camspool: something is wrong", "camspool: all is well again"]


async def test_what_comes_and_goes_is_not_notified(tmp_path: Path) -> None:
    way = Way()
    async with at_work(way, flag=tmp_path / "flag") as (ways, clock):
        await lived(ways, clock, *[ILL, ILL, WELL] * 5, seconds=DEGRADED_FOR_S / 2.5)
    assert way.delivered == []


async def test_a_restart_neither_repeats_nor_forgets(tmp_path: Path) -> None:
    way, stopped = Way(), replace(ILL, state=ServiceState.STOPPED)
    for life in ([ILL, ILL, stopped], [ILL, ILL, ILL], [WELL, WELL], [WELL]):
        async with at_work(way, flag=tmp_path / "flag") as (ways, clock):
            await lived(ways, clock, *life, seconds=DEGRADED_FOR_S)
    assert way.delivered == ["camspool: something is wrong", "camspool: all is well again"]


async def test_two_who_tell_at_once_tell_it_once(tmp_path: Path) -> None:
    way = Way()
    async with at_work(way, flag=tmp_path / "flag") as (ways, clock):
        await lived(ways, clock, ILL, seconds=DEGRADED_FOR_S)
        await asyncio.gather(*(ways.service_is(ILL) for _ in range(3)))
        await settled()
    assert way.delivered == ["camspool: something is wrong"]


async def test_where_nothing_can_be_noted_it_is_notified_all_the_same(tmp_path: Path) -> None:
    way = Way()
    (tmp_path / "file").touch()
    async with at_work(way, flag=tmp_path / "file/flag") as (ways, clock):
        await lived(ways, clock, ILL, ILL, WELL, seconds=DEGRADED_FOR_S)
    assert len(way.delivered) == 2


def test_the_services_document_is_the_service_file() -> None:
    notice = notices.of_service(ILL, Occasion.DEGRADED)
    assert notice.document == health.dump(ILL)
    assert notice.text == "No room in the mirror"
