"""Sends questions that many clips ask at the same time together, in few calls: implements `ports.Recordings`.

A batch is assembled at the moment its call may be made: the longer calls have to wait, the fuller they get.
When that moment comes, and what happens when a call fails, is not its business: see `pacing`.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, cast

from camspool.core.ports import (
    Answer,
    Api,
    AskProgress,
    Clock,
    ListCameras,
    ListRecordings,
    PrepareRecording,
    Question,
)
from camspool.core.values import Camera, Listed, Preparation

WINDOW_S: Final = 0.01
"""How long the first question of a batch waits for others: clips wake up together, but not quite at once."""

CALLS_AT_ONCE: Final = 4

Callers = list[asyncio.Future[Answer]]
Batch = dict[Question, Callers]
"""Questions in the order of their arrival, and the futures that wait for the answers."""


class PacedApi(Api, Protocol):
    """An API that says when it may be asked, and how much at once."""

    async def turn(self) -> None:
        """Wait until the next `ask` may be made."""

    def largest(self, kind: type[Question]) -> int | None:
        """How many questions of a kind the server takes in one call, if that is known."""


class Batching:
    """`ports.Recordings` on top of a paced API.

    Args:
        api: answers batches of one kind.
        clock: for the window.
        batch: the largest number of questions in one call, at present.
    """

    def __init__(self, api: PacedApi, clock: Clock, batch: Callable[[], int]) -> None:
        self._api = api
        self._clock = clock
        self._batch = batch
        self._waiting: dict[Question, Callers] = {}
        self._arrival = asyncio.Event()
        self._forming = asyncio.Lock()
        self._workers: list[asyncio.Task[None]] = []

    async def cameras(self) -> tuple[Camera, ...]:
        """See `ports.Recordings`."""
        return cast(tuple[Camera, ...], await self._answer(ListCameras()))

    async def list_recordings(self, node_id: int, start: int, end: int) -> tuple[Listed, ...]:
        """See `ports.Recordings`."""
        return cast(tuple[Listed, ...], await self._answer(ListRecordings(node_id, start, end)))

    async def prepare(self, recording_id: str, height: int) -> bool:
        """See `ports.Recordings`."""
        return cast(bool, await self._answer(PrepareRecording(recording_id, height)))

    async def progress(self, recording_id: str) -> Preparation:
        """See `ports.Recordings`."""
        return cast(Preparation, await self._answer(AskProgress(recording_id)))

    async def aclose(self) -> None:
        """Stop asking; callers that still wait for an answer are cancelled."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        _cancel(self._take_all())

    async def _answer(self, question: Question) -> Answer:
        caller: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(question, []).append(caller)
        self._arrival.set()
        if not self._workers:
            self._workers = [asyncio.create_task(self._work()) for _ in range(CALLS_AT_ONCE)]
        return await caller

    async def _work(self) -> None:
        while True:
            try:
                async with self._forming:
                    batch = await self._next_batch()
            except Exception as error:  # noqa: BLE001  passed on to the callers, who would not hear of it otherwise
                _refuse(self._take_all(), error)
            else:
                await self._call(batch)

    async def _next_batch(self) -> Batch:
        await self._gathered()
        await self._api.turn()
        while not (batch := self._take_batch()):
            # Those who asked are gone. The turn is kept for the next ones.
            await self._gathered()
        return batch

    async def _gathered(self) -> None:
        await self._arrival.wait()
        if len(self._waiting) < self._batch():
            await self._clock.sleep(WINDOW_S)

    def _take_batch(self) -> Batch:
        """The questions of the kind that has waited longest; those nobody waits for are dropped."""
        batch: Batch = {}
        left: Batch = {}
        most = self._batch()
        for question, callers in self._take_all().items():
            if all(caller.done() for caller in callers):
                continue
            kind = type(next(iter(batch), question))
            room = len(batch) < min(most, self._api.largest(kind) or most)
            (batch if isinstance(question, kind) and room else left)[question] = callers
        self._waiting = left
        if left:
            self._arrival.set()
        return batch

    def _take_all(self) -> Batch:
        taken, self._waiting = self._waiting, {}
        self._arrival.clear()
        return taken

    async def _call(self, batch: Batch) -> None:
        try:
            answers = await self._api.ask(list(batch))
            for callers, answer in zip(batch.values(), answers, strict=True):
                _tell(callers, answer)
        except asyncio.CancelledError:
            _cancel(batch)
            raise
        except Exception as error:  # noqa: BLE001  it belongs to the callers, who would wait for ever
            _refuse(batch, error)


def _tell(callers: Callers, answer: Answer | Exception) -> None:
    for caller in callers:
        if caller.done():
            continue
        if isinstance(answer, Exception):
            caller.set_exception(answer)
        else:
            caller.set_result(answer)


def _refuse(batch: Batch, error: Exception) -> None:
    for callers in batch.values():
        _tell(callers, error)


def _cancel(batch: Batch) -> None:
    for callers in batch.values():
        for caller in callers:
            caller.cancel()
