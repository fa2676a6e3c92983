"""Limits the calls per second, and counts them."""

import asyncio
import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import datetime

from camspool.core.errors import CamspoolError
from camspool.core.ports import Answer, Api, Clock, Question


class Rate:
    """`ports.Api` that makes at most `rate` calls in any second, or one in 1 / `rate` seconds.

    Args:
        api: is asked.
        rate: the calls per second that are allowed now.
        clock: all waiting is done on it.
    """

    def __init__(self, api: Api, rate: Callable[[], float], clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._recent: deque[float] = deque()
        self._rate = rate
        self._rate_in_force: float | None = None
        self._queue = asyncio.Lock()
        self._granted = 0
        self._minutes: Counter[int] = Counter()
        self.last_success_at: datetime | None = None

    async def turn(self) -> None:
        """Wait until a call may be made, and reserve it for the next `ask`."""
        await self._wait()
        self._granted += 1

    async def ask(self, questions: Sequence[Question]) -> Sequence[Answer | CamspoolError]:
        """Ask now if a turn was reserved, else wait for one."""
        if self._granted:
            self._granted -= 1
        else:
            await self._wait()
        self._minutes[self._minute()] += 1
        answers = await self._api.ask(questions)
        self.last_success_at = self._clock.now()
        return answers

    @property
    def calls_last_hour(self) -> int:
        """Calls in this minute and the 59 before it."""
        oldest = self._minute() - 59
        for minute in [minute for minute in self._minutes if minute < oldest]:
            del self._minutes[minute]
        return self._minutes.total()

    async def _wait(self) -> None:
        async with self._queue:
            self._adopt(self._rate())
            await self._clock.sleep(max(0.0, self._recent[0] + self._period - self._clock.monotonic()))
            self._recent.append(self._clock.monotonic())

    def _adopt(self, rate: float) -> None:
        """Allow so many calls per second from now on."""
        if rate == self._rate_in_force:
            return
        at_once = max(1, int(rate))
        self._rate_in_force = rate
        self._period = max(1.0, 1.0 / rate)
        self._recent = deque([*[-math.inf] * at_once, *self._recent], maxlen=at_once)

    def _minute(self) -> int:
        return int(self._clock.monotonic() // 60)
