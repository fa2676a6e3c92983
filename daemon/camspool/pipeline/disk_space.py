"""Watches over the mirror's file system: that it is there, can be written, and has room for footage."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from camspool.core.errors import StorageTrouble
from camspool.core.free_space import room_to_keep
from camspool.core.ports import Clock, Spool
from camspool.core.status_document import Waiting
from camspool.core.values import WaitReason
from camspool.pipeline.outages import Cause, Outages

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DiskSpaceSettings:
    """Bytes that downloads leave free; seconds before what has failed in one folder only is tried again."""

    min_free: int
    pause: float


class DiskSpace:
    """Sets the conditions MIRROR and ROOM.

    Args:
        spool: the folders.
        outages: where the conditions are kept.
        clock: for pauses.
        settings: those in force now.
    """

    def __init__(
        self, spool: Spool, outages: Outages, clock: Clock, settings: Callable[[], DiskSpaceSettings]
    ) -> None:
        self._clock = clock
        self._looking = asyncio.Lock()
        self._spool = spool
        self.outages = outages
        self._settings = settings
        self.free_bytes: int | None = None
        self.kept_free_bytes: int | None = None

    async def check(self) -> None:
        """Look whether all is well; the periodic job."""
        async with self._looking:
            writes = self.outages.get(Cause.MIRROR) is not None
            self._set(Cause.MIRROR, await asyncio.to_thread(self._mirror_trouble, writes=writes))
            if self.outages.get(Cause.MIRROR) is None:
                self._set(Cause.ROOM, await asyncio.to_thread(self._room_trouble))

    async def is_down(self) -> bool:
        """True when the mirror as a whole cannot be written, after a write there has failed."""
        async with self._looking:
            self._set(Cause.MIRROR, await asyncio.to_thread(self._mirror_trouble, writes=True))
        return self.outages.get(Cause.MIRROR) is not None

    async def sit_out(self) -> None:
        """Return when what has just failed may be tried again: with the mirror back, or after a pause."""
        if await self.is_down():
            await self.outages.passable(Cause.MIRROR)
        else:
            await self._clock.sleep(self._settings().pause)

    def has_room(self) -> bool:
        """True while there is room for more than statuses."""
        return self.outages.get(Cause.ROOM) is None

    def _mirror_trouble(self, *, writes: bool) -> Waiting | None:
        try:
            self._spool.check_mirror()
            if writes:
                self._spool.probe_mirror()
        except StorageTrouble as trouble:
            return Waiting(reason=trouble.reason, message=trouble.message, until=None)
        return None

    def _room_trouble(self) -> Waiting | None:
        min_free = self._settings().min_free
        self.free_bytes = self.kept_free_bytes = None
        try:
            free, size = self._spool.free_bytes()
        except StorageTrouble as trouble:
            if min_free == 0:
                return None
            return Waiting(reason=trouble.reason, message=trouble.message, until=None)
        self.kept_free_bytes = room_to_keep(min_free, size)
        if size > 0:  # some file systems do not know what they have
            self.free_bytes = free
        if free >= self.kept_free_bytes:
            return None
        message = f"Less than {self.kept_free_bytes:,} bytes are free: make room, or lower cleanup.min_free."
        return Waiting(reason=WaitReason.DISK_FULL, message=message, until=None)

    def _set(self, cause: Cause, waiting: Waiting | None) -> None:
        before = self.outages.get(cause)
        if waiting is not None and before is None:
            log.warning("storage_trouble", about=cause.name.lower(), problem=waiting.message)
        elif waiting is None and before is not None:
            log.info("storage_recovered", about=cause.name.lower())
        self.outages.set(cause, waiting)
