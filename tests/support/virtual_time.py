"""An event loop in which time passes only on demand, and threads are a matter of turns.

Nothing in it depends on the machine: with the same seed, everything happens in the same order again.
"""

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, TypeVarTuple

Given = TypeVarTuple("Given")
Result = TypeVar("Result")

START = datetime(2020, 5, 11, 12, 0, tzinfo=UTC)


class Killed(BaseException):
    """Raised by work of a process that is dead: nobody hears of it any more, not even that it has failed."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs on its own time; work for threads is done in the loop, some turns after it was handed over.

    Args:
        chance: how many turns later; it makes one interleaving of tasks and threads differ from another.
    """

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance = chance
        self._virtual = 1000.0
        self._lost: list[asyncio.Future[Any]] = []

    def time(self) -> float:
        return self._virtual

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Given], Result], *args: *Given
    ) -> asyncio.Future[Result]:
        """As a thread does: the work is done even when nobody waits for it any more."""
        outcome: asyncio.Future[Result] = self.create_future()

        def work() -> None:
            try:
                result = func(*args)
            except Killed:
                self._lost.append(outcome)
            except BaseException as error:  # noqa: BLE001  it belongs to whoever waits
                self._in_turns(self.chance.randrange(2), _tell, outcome.set_exception, error, outcome)
            else:
                self._in_turns(self.chance.randrange(2), _tell, outcome.set_result, result, outcome)

        self._in_turns(self.chance.randrange(3), work)
        return outcome

    def abandon(self) -> None:
        """Let nobody wait any longer for what was killed."""
        for outcome in self._lost:
            outcome.cancel()
        self._lost.clear()

    def turns(self, count: int) -> None:
        """Let so many turns of the loop happen, time passing where all wait for it.

        They leave everybody in the middle of something.
        """
        for _ in range(count):
            self._turn()

    def settle(self) -> None:
        """Let everybody get on until they wait for time to pass."""
        self.call_soon(self._stop_when_idle)
        self.run_forever()

    def let_pass(self, seconds: float) -> None:
        """Let time pass; whoever sleeps meanwhile wakes at his own moment."""
        end = self._virtual + seconds
        self.settle()
        while (due := self._next_due()) <= end:
            self._virtual = max(self._virtual, due)
            self.settle()
        self._virtual = end

    def until(self, happened: Callable[[], object], within: float) -> None:
        """Stop at the very turn at which something is seen to have happened; time passes as it has to."""
        end = self._virtual + within
        while not happened():
            self._turn()
            assert self._virtual <= end, f"it has not happened within {within:g} s"

    def _turn(self) -> None:
        if not self._ready and (due := self._next_due()) < float("inf"):  # type: ignore[attr-defined]
            self._virtual = max(self._virtual, due)
        self.call_soon(self.stop)
        self.run_forever()

    def _in_turns(self, count: int, callback: Callable[..., Any], *args: Any) -> None:
        if count:
            self.call_soon(self._in_turns, count - 1, callback, *args)
        else:
            self.call_soon(callback, *args)

    def _stop_when_idle(self) -> None:
        if self._ready:  # type: ignore[attr-defined]  # both of asyncio.BaseEventLoop
            self.call_soon(self._stop_when_idle)
        else:
            self.stop()

    def _next_due(self) -> float:
        timers = self._scheduled  # type: ignore[attr-defined]
        return float(timers[0].when()) if timers else float("inf")


def _tell(set_outcome: Callable[[Any], None], outcome: Any, future: asyncio.Future[Any]) -> None:
    if not future.done():
        set_outcome(outcome)


class VirtualClock:
    """The `ports.Clock` of a `VirtualLoop`."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._began = loop.time()
        self._jumped = timedelta()
        self._suspended = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self._loop.time() - self._began) + self._jumped

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        # Somebody who wakes a rounding error too early sleeps again: for him, too, time has to pass.
        await asyncio.sleep(max(seconds, 0.001))

    def elsewhere(self) -> float:
        """Seconds on the clock of the rest of the world, which neither jumps nor is ever suspended."""
        return self._loop.time() - self._began + self._suspended

    def jump(self, seconds: float) -> None:
        """Step the wall clock, as NTP does."""
        self._jumped += timedelta(seconds=seconds)

    def set_right(self) -> None:
        """Step the wall clock to what the rest of the world says."""
        self._jumped = timedelta(seconds=self._suspended)

    def suspend(self, seconds: float) -> None:
        """Let the box sleep, or be off: the world and the wall clock go on, the monotonic clock does not."""
        self.jump(seconds)
        self._suspended += seconds
