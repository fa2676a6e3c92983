"""Passes what the watcher sees in drop/ to the intake, several files at once; what fails is tried again."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from camspool.adapters.watch import Change, Settled
from camspool.core import backoff, naming
from camspool.core.errors import StorageTrouble
from camspool.pipeline.outages import Cause
from camspool.service.supervision import FIRST_PAUSE_S, LONGEST_PAUSE_S, Work
from camspool.service.wiring import Parts

log = structlog.get_logger()

TAKEN_IN_AT_ONCE: Final = 4
"""Files of drop/: a file system makes several small files durable in hardly more time than one."""


class Arrivals:
    """The changes in drop/ that have yet to be taken in.

    Args:
        parts: the daemon's parts.
        on_news: called after each.
    """

    def __init__(self, parts: Parts, on_news: Callable[[], None]) -> None:
        self._parts = parts
        self._on_news = on_news
        self._changes: list[asyncio.Queue[Change]] = [asyncio.Queue() for _ in range(TAKEN_IN_AT_ONCE)]
        self._put_off_files: set[str] = set()
        self._crashes: dict[str, int] = {}

    def note(self, change: Change) -> None:
        """Queue a change; those whose names could meet in mirror/ are taken in one after the other."""
        self._changes[hash(naming.family(change.file)) % len(self._changes)].put_nowait(change)

    def tasks(self) -> dict[str, Work]:
        """The tasks that take the changes in, by names for people."""
        lines = {
            f"intake {number}": partial(self._take_in, changes)
            for number, changes in enumerate(self._changes, start=1)
        }
        return {**lines, "requests left over": self.settle_abandoned}

    async def settle_abandoned(self) -> None:
        """Once, after the start: settle files that were deleted or moved from drop/ without a record."""
        await self._parts.pipeline.leftovers.run(lambda: self._parts.clock.sleep(self._pause_s))

    @property
    def _pause_s(self) -> float:
        return self._parts.settings.current.watch.poll

    async def _take_in(self, changes: asyncio.Queue[Change]) -> None:
        while True:
            change = await changes.get()
            try:
                await self._parts.outages.passable(Cause.MIRROR)
                await self._hand_over(change)
            except StorageTrouble as trouble:
                await self._put_off(change, trouble)
            except Exception as error:  # noqa: BLE001  a defect that one file meets must not stop the others
                self._set_aside(change, error)
            else:
                self._put_off_files.discard(change.file)
                self._crashes.pop(change.file, None)
            self._on_news()

    async def _hand_over(self, change: Change) -> None:
        if isinstance(change, Settled):
            await self._parts.pipeline.intake.settled(change.file)
        else:
            await self._parts.pipeline.intake.gone(change.file)

    def _set_aside(self, change: Change, error: Exception) -> None:
        """Try a file again that could not even be rejected, after growing pauses."""
        crashes = self._crashes[change.file] = self._crashes.get(change.file, 0) + 1
        if crashes == 1:
            log.error("file_crashed", file=naming.printable(change.file), exc_info=error)
        pause = backoff.backoff(crashes, FIRST_PAUSE_S, LONGEST_PAUSE_S, 1.0)
        asyncio.get_running_loop().call_later(pause, self.note, change)

    async def _put_off(self, change: Change, trouble: StorageTrouble) -> None:
        """Try again what could not be taken in now: when the mirror is back, or after a pause."""
        pause = self._pause_s
        try:
            pause = 0.0 if await self._parts.folders.disk_space.is_down() else pause
        finally:  # whatever happens, the file is tried again
            asyncio.get_running_loop().call_later(pause, self.note, change)
        if change.file not in self._put_off_files:
            self._put_off_files.add(change.file)
            log.warning("request_put_off", file=naming.printable(change.file), problem=trouble.message)
