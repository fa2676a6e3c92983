"""Looks at the wall clock before anything is deleted because of its age; see `core/clock_check.py`."""

import asyncio
from collections.abc import Callable

import structlog

from camspool.core import clock_check
from camspool.core.clock_check import Reading
from camspool.core.ports import Clock

log = structlog.get_logger()


class ClockWatch:
    """The wall clock, and whether it can be believed.

    Args:
        clock: the clock.
        server_time: the last `Date` of the API, if there was one.
        is_synchronised: see `clock_check.look`; blocking.
    """

    def __init__(
        self,
        clock: Clock,
        server_time: Callable[[], Reading | None],
        is_synchronised: Callable[[], bool | None],
    ) -> None:
        self.clock = clock
        self._server_time = server_time
        self._is_synchronised = is_synchronised
        self._trusted = self._read()
        self.doubt: str | None = None
        """Why the clock could not be believed at the last look; None when it could."""

    async def is_plausible(self) -> bool:
        """Look at the clock; a change is logged once."""
        synchronised = await asyncio.to_thread(self._is_synchronised)
        looked = clock_check.look(self._read(), self._trusted, self._server_time(), synchronised=synchronised)
        if looked.doubt and not self.doubt:
            log.warning("clock_implausible", problem=looked.doubt)
        elif self.doubt and not looked.doubt:
            log.info("clock_plausible")
        self.doubt, self._trusted = looked.doubt, looked.trusted
        return looked.doubt is None

    def _read(self) -> Reading:
        return Reading(self.clock.now(), self.clock.monotonic())
