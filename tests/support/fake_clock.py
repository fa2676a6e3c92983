"""A `ports.Clock` on which time passes only when a test says so."""

import asyncio
import heapq
import itertools
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

Result = TypeVar("Result")

START = datetime(2020, 5, 11, 9, 41, 29, tzinfo=UTC)


class FakeClock:
    """Starts at `start`; `monotonic` starts at 1000."""

    def __init__(self, start: datetime = START) -> None:
        self._wall = start
        self._monotonic = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._wall

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        wakened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._order), wakened))
        await wakened

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass; whoever's sleep ends meanwhile wakes at its own moment, in order."""
        await self._advance_to(self._monotonic + seconds)

    async def run(self, work: Coroutine[Any, Any, Result], within: float = 86400.0) -> Result:
        """The result of `work`; time passes whenever everybody sleeps, at most `within` seconds of it."""
        end = self._monotonic + within
        task = asyncio.ensure_future(work)
        await settled()
        while not task.done() and self._next_due() <= end:
            await self._advance_to(self._next_due())
        if not task.done():
            task.cancel()
            raise AssertionError(f"not done within {within} s: {work!r}")
        return task.result()

    def jump(self, seconds: float) -> None:
        """Step the wall clock alone, as NTP or an administrator does."""
        self._wall += timedelta(seconds=seconds)

    @property
    def sleepers(self) -> int:
        """How many sleep now."""
        self._drop_cancelled()
        return len(self._sleepers)

    async def _advance_to(self, moment: float) -> None:
        await settled()
        while self._next_due() <= moment:
            self._pass_until(self._next_due())
            heapq.heappop(self._sleepers)[2].set_result(None)
            await settled()
        self._pass_until(moment)

    def _next_due(self) -> float:
        self._drop_cancelled()
        return self._sleepers[0][0] if self._sleepers else float("inf")

    def _drop_cancelled(self) -> None:
        self._sleepers = [sleeper for sleeper in self._sleepers if not sleeper[2].done()]
        heapq.heapify(self._sleepers)

    def _pass_until(self, moment: float) -> None:
        self._wall += timedelta(seconds=moment - self._monotonic)
        self._monotonic = moment


async def settled(turns: int = 50) -> None:
    """Let every task run until it waits; longer chains of wake-ups than `turns` are not expected."""
    for _ in range(turns):
        await asyncio.sleep(0)
