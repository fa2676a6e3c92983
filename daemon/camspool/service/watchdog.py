"""Liveness: every part of the daemon must make progress, or the service manager restarts the daemon.

Waiting for a known reason (no network, no share, a full disk) counts as progress; the parts see to that.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from camspool.core.ports import Clock

log = structlog.get_logger()

STUCK_AFTER_S: Final = 600.0
"""A file system may be slow for minutes (a disk spins up, a large fsync), but not for ten."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of life of one part.

    Args:
        progressed_at: when it last made progress, or had nothing to do, in monotonic seconds.
        limit_s: seconds without progress after which it counts as stuck.
    """

    progressed_at: Callable[[], float]
    limit_s: Callable[[], float] = lambda: STUCK_AFTER_S


class FileWork:
    """The sign of the threads that work on files: from time to time an empty job passes through them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._came_through_at = clock.monotonic()

    def progressed_at(self) -> float:
        """See `Sign`."""
        return self._came_through_at

    async def try_through(self) -> None:
        """Return once a thread has been free; the periodic job."""
        await asyncio.to_thread(lambda: None)
        self._came_through_at = self._clock.monotonic()


class Watchdog:
    """All signs of life. The event loop needs none: it is alive if `stuck` is called at all.

    Args:
        clock: for the time.
        signs: by the name of the part.
    """

    def __init__(self, clock: Clock, signs: Mapping[str, Sign]) -> None:
        self._clock = clock
        self._signs = signs
        self._reported: set[str] = set()

    def stuck(self) -> list[str]:
        """The parts that make no progress; each is logged once."""
        now = self._clock.monotonic()
        found = {part: now - sign.progressed_at() for part, sign in self._signs.items()}
        stuck = [part for part, silent_s in found.items() if silent_s >= self._signs[part].limit_s()]
        for part in self._reported.symmetric_difference(stuck):
            log.error(
                "part_stuck" if part in stuck else "part_recovered", part=part, silent_s=round(found[part])
            )
        self._reported = set(stuck)
        return stuck
