"""Keeps the daemon's tasks running: one that crashes is started again, after growing pauses.

A task deals with foreseeable trouble itself. What arrives here is a defect: it ends
nothing else, it is logged once, and it is a problem of the service until the task works again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Final

import structlog

from camspool.core import backoff
from camspool.core.health import ProblemCode, ServiceProblem
from camspool.core.ports import Clock

log = structlog.get_logger()

Work = Callable[[], Coroutine[Any, Any, None]]
"""Starts the work of a task; called again for each new attempt."""

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 300.0
"""Less than the watchdog's patience: a task that crashes is not stuck, and a restart would not help it."""
WELL_AFTER_S: Final = 60.0
"""The time without a crash after which a task counts as recovered, in seconds."""


@dataclass(slots=True)
class _Trouble:
    """A task that has crashed: since when, when last (in monotonic seconds), and how often."""

    since: datetime
    crashed_at: float
    crashes: int = 0
    logged: set[tuple[str, str, int]] = field(default_factory=set)

    @property
    def pause(self) -> float:
        """Seconds between the last crash and the next attempt."""
        return backoff.backoff(self.crashes, FIRST_PAUSE_S, LONGEST_PAUSE_S, 1.0)


class Supervisor:
    """The crashes of all tasks.

    Args:
        clock: for pauses and dates.
        on_change: called when a task gets into trouble or out of it.
    """

    def __init__(self, clock: Clock, on_change: Callable[[], None]) -> None:
        self._clock = clock
        self._on_change = on_change
        self._troubles: dict[str, _Trouble] = {}
        self._recoveries: set[asyncio.Task[None]] = set()

    @property
    def problem(self) -> ServiceProblem | None:
        """The problem of the service that these crashes amount to, if there are any."""
        if not self._troubles:
            return None
        tasks = ", ".join(self._troubles)
        message = (
            f"camspool has met an error of its own ({tasks}); its log has the details. "
            "The rest goes on, and this is tried again."
        )
        since = min(trouble.since for trouble in self._troubles.values())
        return ServiceProblem(ProblemCode.INTERNAL_ERROR, message, since)

    async def keep_running(self, task: str, work: Work) -> None:
        """Run the work to its end, restarting it however often it crashes.

        Args:
            task: its name, for people.
            work: starts it.
        """
        while True:
            try:
                async with self._recovering(task):
                    await work()
            except asyncio.CancelledError as error:
                if _is_wanted():
                    raise
                self.crashed(task, error)
            except Exception as error:  # noqa: BLE001  `crashed` logs it
                self.crashed(task, error)
            else:
                return
            await self._clock.sleep(self._troubles[task].pause)

    async def attempt(self, task: str, work: Coroutine[Any, Any, object]) -> None:
        """Await work that is not repeated; a crash does not prevent what comes after it."""
        try:
            await work
        except Exception as error:  # noqa: BLE001  as above
            self.crashed(task, error)

    def crashed(self, task: str, error: BaseException) -> None:
        """Note a crash; it is logged unless the task has crashed there already since it last recovered."""
        now = self._clock.monotonic()
        trouble = self._troubles.setdefault(task, _Trouble(self._clock.now(), now))
        trouble.crashed_at = now
        trouble.crashes += 1
        origin = _origin(error)
        if origin not in trouble.logged:
            trouble.logged.add(origin)
            log.error("task_crashed", task=task, exc_info=error)
        self._on_change()

    def worked(self, task: str) -> None:
        """Note that a periodic job has done its work; it has recovered if it has not crashed for a while."""
        trouble = self._troubles.get(task)
        if trouble and self._clock.monotonic() - trouble.crashed_at >= WELL_AFTER_S:
            self._recovered(task)

    def pauses(self, task: str) -> bool:
        """True while a periodic job that has crashed should not be tried again yet."""
        trouble = self._troubles.get(task)
        return trouble is not None and self._clock.monotonic() - trouble.crashed_at < trouble.pause

    def loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The event loop's handler of exceptions in work that nobody awaits."""
        error = context.get("exception")
        if not isinstance(error, Exception):
            loop.default_exception_handler(context)
            return
        task = "event loop"
        self.crashed(task, error)
        recovery = loop.create_task(self._recover(task))
        self._recoveries.add(recovery)
        recovery.add_done_callback(self._recoveries.discard)

    @asynccontextmanager
    async def _recovering(self, task: str) -> AsyncIterator[None]:
        """Note that a task which had crashed has recovered, once it has worked for a while or has ended."""
        if task not in self._troubles:
            yield
            return
        recovery = asyncio.create_task(self._recover(task))
        try:
            yield
        finally:
            recovery.cancel()
        self._recovered(task)

    async def _recover(self, task: str) -> None:
        """Note that a task has recovered, once it has not crashed for a while."""
        begun = self._clock.monotonic()
        while trouble := self._troubles.get(task):
            still = max(begun, trouble.crashed_at) + WELL_AFTER_S - self._clock.monotonic()
            if still <= 0:
                self._recovered(task)
                return
            await self._clock.sleep(still)

    def _recovered(self, task: str) -> None:
        trouble = self._troubles.pop(task, None)
        if trouble is not None:
            log.info("task_recovered", task=task, crashes=trouble.crashes)
            self._on_change()


def _is_wanted() -> bool:
    """Whether the current task itself was cancelled, and not only something that it awaited."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _origin(error: BaseException) -> tuple[str, str, int]:
    """What distinguishes crashes: the type of the error, and the line that raised it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frame: TracebackType | None = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = (frame.tb_frame.f_code.co_filename, frame.tb_lineno) if frame else ("", 0)
    return (type(error).__qualname__, *where)
