"""Whether the daemon gets on; when a part of it does not, the service manager had better start it again.

To wait for a known reason (no network, no share, a full disk) is to get on: the parts see to that themselves.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from camspool.core.ports import Clock

log = structlog.get_logger()

STUCK_AFTER_S: Final = 600.0
"""A file system may be slow for minutes (a disk spins up, an fsync of much); not for ten."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of life of one part.

    Args:
        progressed_at: when it last got on, or had nothing to do, in monotonic seconds.
        patience: seconds without progress after which it counts as stuck.
    """

    progressed_at: Callable[[], float]
    patience: Callable[[], float] = lambda: STUCK_AFTER_S


class FileWork:
    """The sign of the threads that work on files: something is sent through them now and then."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._came_through_at = clock.monotonic()

    def progressed_at(self) -> float:
        """See `Sign`."""
        return self._came_through_at

    async def try_through(self) -> None:
        """Return when a thread was free; the periodic job."""
        await asyncio.to_thread(lambda: None)
        self._came_through_at = self._clock.monotonic()


class Watchdog:
    """All signs of life. That of the event loop is that anybody asks.

    Args:
        clock: for the time.
        signs: by the name of the part.
    """

    def __init__(self, clock: Clock, signs: Mapping[str, Sign]) -> None:
        self._clock = clock
        self._signs = signs
        self._told: set[str] = set()

    def stuck(self) -> list[str]:
        """The parts that do not get on; each is logged once."""
        now = self._clock.monotonic()
        found = {part: now - sign.progressed_at() for part, sign in self._signs.items()}
        stuck = [part for part, silent_s in found.items() if silent_s >= self._signs[part].patience()]
        for part in self._told.symmetric_difference(stuck):
            log.error(
                "part_stuck" if part in stuck else "part_got_on", part=part, silent_s=round(found[part])
            )
        self._told = set(stuck)
        return stuck
