"""Makes the posters: one at a time, each by a process of its own that gives way to everything else."""

import asyncio
import importlib.util
import os
import sys
from collections.abc import Callable
from typing import Final

import structlog

from camspool.adapters.spool.own_files import OwnFiles
from camspool.core.ports import Clock
from camspool.page import picture
from camspool.page.clips import ClipRow
from camspool.page.local_days import Hour, day_of
from camspool.page.shelf import POSTERS, Shelf, poster_file

log = structlog.get_logger()

PATIENCE_S: Final = 60.0
"""An MP4 on a slow share, with a machine that has better things to do."""
TURN_S: Final = 4.0
"""The length of a round of posters."""
_MOST_REMEMBERED: Final = 10_000
_PASSED_ON: Final = ("PATH", "LANG", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")


class Posters:
    """A JPEG for each MP4, as far as there is PyAV and room.

    Args:
        files: the mirror.
        shelf: says which MP4s there are.
        clock: for the length of a turn.
        has_room: false while the disk is full.
    """

    def __init__(self, files: OwnFiles, shelf: Shelf, clock: Clock, has_room: Callable[[], bool]) -> None:
        self._files = files
        self._shelf = shelf
        self._clock = clock
        self._has_room = has_room
        self.available = importlib.util.find_spec("av") is not None
        self._hours: set[Hour] = set()
        self._impossible: set[str] = set()

    def look_at(self, hours: set[Hour]) -> None:
        """MP4s of these hours may lack a poster."""
        if self.available:
            self._hours |= hours

    async def make(self) -> int:
        """Make some that are missing, those of the latest hour first; returns how many were made."""
        end, made = self._clock.monotonic() + TURN_S, 0
        while self._hours and self._has_room() and self._clock.monotonic() < end:
            hour = max(self._hours)
            self._hours.discard(hour)
            missing = await asyncio.to_thread(self._missing, hour)
            for row in missing:
                made += await self._make(hour, row)
                if self._clock.monotonic() >= end or not self._has_room():
                    self._hours.add(hour)
                    break
        return made

    def _missing(self, hour: Hour) -> list[ClipRow]:
        there = self._files.names(f"{POSTERS}/{day_of(hour)}")
        missing = [
            row
            for row in self._shelf.clips(hour)
            if f"{row.poster}.jpg" not in there and row.poster not in self._impossible
        ]
        return sorted(missing, key=lambda row: row.at, reverse=True)

    async def _make(self, hour: Hour, row: ClipRow) -> bool:
        data = await self._picture(row.file)
        if data:
            await asyncio.to_thread(self._files.write, poster_file(hour, row.poster), data)
            return True
        log.debug("poster_not_made", file=row.file)
        if len(self._impossible) >= _MOST_REMEMBERED:
            self._impossible.clear()
        self._impossible.add(row.poster)
        return False

    async def _picture(self, file: str) -> bytes:
        """The poster of an MP4; nothing when none can be made of it in time."""
        descriptor = await self._opened(file)
        if descriptor is None:
            return b""
        try:
            return await _picture(descriptor)
        finally:
            os.close(descriptor)

    async def _opened(self, file: str) -> int | None:
        """A descriptor of an MP4, which the caller closes; None when there is none."""
        opening = asyncio.get_running_loop().run_in_executor(None, self._open, file)
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close)  # not awaited: on a dead share it takes for ever
            raise

    def _open(self, file: str) -> int | None:
        with self._files.opened(file) as descriptor:
            return None if descriptor is None else os.dup(descriptor)


def _close(opening: asyncio.Future[int | None]) -> None:
    if (
        not opening.cancelled()
        and opening.exception() is None
        and (descriptor := opening.result()) is not None
    ):
        os.close(descriptor)


async def _picture(video: int) -> bytes:
    """The poster of an open MP4; nothing when none can be made of it in time."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        picture.__file__,
        stdin=video,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    )
    try:
        data, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    except TimeoutError:
        return b""
    else:
        return data if process.returncode == 0 else b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
