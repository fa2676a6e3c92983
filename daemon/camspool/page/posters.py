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
from camspool.page.rows import Row, rows_of
from camspool.page.shelf import POSTERS, Shelf, poster_file

log = structlog.get_logger()

PATIENCE_S: Final = 60.0
"""An MP4 on a slow share, with a machine that has better things to do."""
TURN_S: Final = 4.0
"""So long posters are made before the page is told of them."""
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
        self._available = importlib.util.find_spec("av") is not None
        self._days: set[str] = set()
        self._impossible: set[str] = set()

    def look_at(self, days: set[str]) -> None:
        """MP4s of these days may lack a poster."""
        if self._available:
            self._days |= days

    async def make(self) -> set[str]:
        """Make some that are missing, those of the latest day first.

        Returns:
            The days that have new ones.
        """
        end, illustrated = self._clock.monotonic() + TURN_S, set()
        while self._days and self._has_room() and self._clock.monotonic() < end:
            day = max(self._days)
            missing = await asyncio.to_thread(self._missing, day)
            if not missing:
                self._days.discard(day)
            for row in missing:
                if await self._make(day, row):
                    illustrated.add(day)
                if self._clock.monotonic() >= end:
                    break
        return illustrated

    def _missing(self, day: str) -> list[Row]:
        there = self._files.names(f"{POSTERS}/{day}")
        missing = [
            row
            for row in rows_of(self._shelf.clips(day))
            if row["poster"] not in there and row["poster"] not in self._impossible
        ]
        return sorted(missing, key=lambda row: row["from"], reverse=True)

    async def _make(self, day: str, row: Row) -> bool:
        video = self._files.opened(row["file"])
        descriptor = await asyncio.to_thread(video.__enter__)  # for ever, on a share that has died
        try:
            data = await _picture(descriptor) if descriptor is not None else b""
        finally:
            await asyncio.to_thread(video.__exit__, None, None, None)
        if data:
            await asyncio.to_thread(self._files.write, poster_file(day, row), data)
            return True
        log.debug("poster_not_made", file=row["file"])
        if len(self._impossible) >= _MOST_REMEMBERED:
            self._impossible.clear()
        self._impossible.add(row["poster"])
        return False


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
