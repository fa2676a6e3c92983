"""Batching on a fake clock, and the whole of batching, pacing and survilla against the simulator."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from camspool.adapters.batching import CALLS_AT_ONCE, Batching
from camspool.adapters.pacing import Backoff, Pacing, PacingSettings
from camspool.adapters.survilla import Survilla
from camspool.core.errors import CamspoolError, ClipTrouble, RecordingExpired
from camspool.core.ports import Answer, AskProgress, Clock, PrepareRecording, Question
from camspool.core.values import Preparation
from camspool.simulator import PAGE_FROM, PAGE_NODE, Settings, Simulator
from support.fake_clock import FakeClock, settled


class GatedApi:
    """Grants turns while `open`, answers while `answering`; tells each id its own number as the progress."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.answering = asyncio.Event()
        self.answering.set()
        self.turns = 0
        self.limit: int | None = None
        self.error: Exception | None = None
        self.turn_error: Exception | None = None
        self.batches: list[Sequence[Question]] = []

    async def turn(self) -> None:
        self.turns += 1
        if self.turn_error:
            raise self.turn_error
        await self.open.wait()

    def largest(self, kind: type[Question]) -> int | None:
        return self.limit

    async def ask(self, questions: Sequence[Question]) -> Sequence[Answer | CamspoolError]:
        self.batches.append(questions)
        await self.answering.wait()
        if self.error:
            raise self.error
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Answer | CamspoolError:
        match question:
            case AskProgress("gone"):
                return RecordingExpired("gone")
            case AskProgress(recording_id):
                return Preparation(float(recording_id), None)
            case PrepareRecording():
                return True
            case _:
                return ()


@asynccontextmanager
async def batching(api: GatedApi, clock: Clock, batch: int = 50) -> AsyncIterator[Batching]:
    recordings = Batching(api, clock, lambda: batch)
    try:
        yield recordings
    finally:
        await recordings.aclose()


async def test_a_thousand_questions_make_twenty_calls() -> None:
    api, clock = GatedApi(), FakeClock()
    async with batching(api, clock) as recordings:
        answers = await clock.run(_progress_of(recordings, 1000))
    assert [answer.percent for answer in answers] == list(range(1000))
    assert [len(batch) for batch in api.batches] == [50] * 20


async def _progress_of(recordings: Batching, number: int) -> list[Preparation]:
    return await asyncio.gather(*(recordings.progress(str(index)) for index in range(number)))


async def test_each_caller_gets_its_own_answer_or_error() -> None:
    api, clock = GatedApi(), FakeClock()
    async with batching(api, clock) as recordings:
        good, gone, again = (
            asyncio.create_task(recordings.progress(recording_id)) for recording_id in ("1", "gone", "1")
        )
        await clock.advance(0.02)
        assert good.result() == again.result() == Preparation(1.0, None)
        assert isinstance(gone.exception(), RecordingExpired)
    assert api.batches == [[AskProgress("1"), AskProgress("gone")]]


async def test_kinds_are_not_mixed_and_the_oldest_goes_first() -> None:
    api, clock = GatedApi(), FakeClock()
    api.open.clear()
    async with batching(api, clock) as recordings:
        tasks = [
            asyncio.create_task(work)
            for work in (
                recordings.prepare("a", 720),
                recordings.progress("1"),
                recordings.prepare("b", 480),
                recordings.cameras(),
                recordings.list_recordings(7, 0, 10),
            )
        ]
        await clock.advance(1)
        api.open.set()
        await clock.advance(1)
        assert [task.result() for task in tasks] == [True, Preparation(1.0, None), True, (), ()]
    assert [[type(question).__name__ for question in batch] for batch in api.batches] == [
        ["PrepareRecording", "PrepareRecording"],
        ["AskProgress"],
        ["ListCameras"],
        ["ListRecordings"],
    ]


async def test_batches_fill_while_a_turn_is_awaited() -> None:
    api, clock = GatedApi(), FakeClock()
    api.open.clear()
    async with batching(api, clock) as recordings:
        tasks = []
        for index in range(30):
            tasks.append(asyncio.create_task(recordings.progress(str(index))))
            await clock.advance(1)
        assert api.turns == 1
        api.open.set()
        await clock.advance(1)
        assert all(task.done() for task in tasks)
    assert [len(batch) for batch in api.batches] == [30]


async def test_cancelled_questions_are_not_sent() -> None:
    api, clock = GatedApi(), FakeClock()
    api.open.clear()
    async with batching(api, clock) as recordings:
        kept, dropped, shared, sharer = (
            asyncio.create_task(recordings.progress(recording_id)) for recording_id in ("1", "2", "3", "3")
        )
        await clock.advance(1)
        dropped.cancel()
        shared.cancel()
        await settled()
        api.open.set()
        await clock.advance(1)
        assert (kept.result().percent, sharer.result().percent) == (1.0, 3.0)
    assert api.batches == [[AskProgress("1"), AskProgress("3")]]


async def test_turn_is_kept_when_everybody_has_gone() -> None:
    api, clock = GatedApi(), FakeClock()
    api.open.clear()
    async with batching(api, clock) as recordings:
        gone = asyncio.create_task(recordings.progress("1"))
        await clock.advance(1)
        gone.cancel()
        await settled()
        api.open.set()
        await clock.advance(1)
        assert api.batches == []
        await clock.run(recordings.progress("2"))
    assert api.batches == [[AskProgress("2")]]
    assert api.turns == 1


async def test_calls_at_once_are_bounded_and_the_learnt_size_is_kept() -> None:
    api, clock = GatedApi(), FakeClock()
    api.answering.clear()
    api.limit = 7
    async with batching(api, clock) as recordings:
        tasks = [asyncio.create_task(recordings.progress(str(index))) for index in range(50)]
        await clock.advance(5)
        assert [len(batch) for batch in api.batches] == [7] * CALLS_AT_ONCE
        api.answering.set()
        await clock.advance(5)
        assert all(task.done() for task in tasks)
    assert [len(batch) for batch in api.batches] == [7] * 7 + [1]


async def test_unexpected_error_reaches_everybody_and_work_goes_on() -> None:
    api, clock = GatedApi(), FakeClock()
    async with batching(api, clock) as recordings:
        api.error = ZeroDivisionError("a bug")
        tasks = [asyncio.create_task(recordings.progress(str(index))) for index in range(3)]
        await clock.advance(1)
        assert all(isinstance(task.exception(), ZeroDivisionError) for task in tasks)
        api.error, api.turn_error = None, ZeroDivisionError("another")
        with pytest.raises(ZeroDivisionError, match="another"):
            await clock.run(recordings.progress("1"))
        api.turn_error = None
        assert (await clock.run(recordings.progress("1"))).percent == 1.0


async def test_closing_cancels_who_waits_and_leaves_no_task() -> None:
    api, clock = GatedApi(), FakeClock()
    before = asyncio.all_tasks()
    api.answering.clear()
    recordings = Batching(api, clock, lambda: 1)
    tasks = [asyncio.create_task(recordings.progress(str(index))) for index in range(CALLS_AT_ONCE + 2)]
    await clock.advance(1)
    await recordings.aclose()
    await settled()
    assert all(task.cancelled() for task in tasks)
    assert asyncio.all_tasks() == before


# --- all together -----------------------------------------------------------------------------------------


class HurriedClock:
    """Real time, a hundred times as fast."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic() * 100

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


@asynccontextmanager
async def whole(simulator: Simulator) -> AsyncIterator[Batching]:
    clock = HurriedClock()
    survilla = Survilla(simulator.url, lambda: simulator.token, clock, user_agent="camspool/test")
    pacing = Pacing(survilla, clock, settings=lambda: PacingSettings(5, Backoff(5, 600)), jitter=lambda: 0.0)
    recordings = Batching(pacing, clock, lambda: 50)
    try:
        yield recordings
    finally:
        await recordings.aclose()
        await survilla.aclose()


@pytest.fixture
def simulator(tmp_path: Path) -> Simulator:
    return Simulator(settings=Settings(prepare_cloud=3600, cache=tmp_path))


async def test_simulator_many_clips(simulator: Simulator) -> None:
    with simulator:
        async with whole(simulator) as recordings:
            found = await asyncio.gather(
                *(
                    recordings.list_recordings(PAGE_NODE, PAGE_FROM + n, PAGE_FROM + n + 10)
                    for n in range(200)
                )
            )
            ids = [listed[0].recording_id for listed in found]
            assert len(set(ids)) == 200
            assert await recordings.prepare(ids[0], 480) is True
            answers = await asyncio.gather(*(recordings.progress(one) for one in ids))
        assert len(answers) == 200
        assert [call.aliases for call in simulator.record.calls] == [50] * 4 + [1] + [50] * 4


async def test_simulator_one_bad_alias_fails_one_clip(simulator: Simulator) -> None:
    with simulator:
        simulator.faults.add("field_error", node_id=62308, times=None)
        async with whole(simulator) as recordings:
            good, bad = await asyncio.gather(
                recordings.list_recordings(PAGE_NODE, PAGE_FROM, PAGE_FROM + 10),
                recordings.list_recordings(62308, PAGE_FROM, PAGE_FROM + 10),
                return_exceptions=True,
            )
        assert isinstance(good, tuple)
        assert isinstance(bad, ClipTrouble)
        assert len(simulator.record.calls) == 1


async def test_simulator_that_refuses_more_than_ten_aliases(simulator: Simulator) -> None:
    with simulator:
        simulator.faults.add("api_batch_limit", limit=10, times=None)
        async with whole(simulator) as recordings:
            listings = [
                recordings.list_recordings(PAGE_NODE, PAGE_FROM + n, PAGE_FROM + 10 + n) for n in range(120)
            ]
            found = await asyncio.gather(*listings)
            assert all(len(listed) == 1 for listed in found)
            simulator.record.clear()
            await asyncio.gather(*(recordings.list_recordings(PAGE_NODE, n, n + 10) for n in range(70)))
        assert [call.aliases for call in simulator.record.calls] == [7] * 10


async def test_simulator_with_a_new_token(simulator: Simulator) -> None:
    with simulator:
        simulator.faults.add("api_status", status=401, times=2)
        async with whole(simulator) as recordings:
            assert len(await recordings.cameras()) > 3
        assert len(simulator.record.calls) == 3
