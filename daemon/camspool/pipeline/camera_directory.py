"""The cameras that the token sees: read at the start and then hourly, looked up by each clip that begins."""

import asyncio
from typing import Final

import structlog

from camspool.aio import first_of
from camspool.core.cameras import CameraIndex, NoSuchCamera
from camspool.core.errors import CamspoolError, ClipTrouble
from camspool.core.ports import Clock, Recordings
from camspool.core.values import Camera, CameraRef, ErrorCode, WaitReason

log = structlog.get_logger()

READ_EVERY_S: Final = 3600.0

FIRST_READ_S: Final = 2.0
"""A clip that has a node id waits so long for the first list, to know its camera's name."""


class CameraDirectory:
    """The list of cameras, as fresh as it needs to be."""

    def __init__(self, recordings: Recordings, clock: Clock) -> None:
        self._recordings = recordings
        self._clock = clock
        self._cameras = CameraIndex()
        self.listed: tuple[Camera, ...] | None = None
        """The list as it was last read; None before that."""
        self._read_at: float | None = None
        self._trouble: CamspoolError | None = None
        self._reading = asyncio.Lock()

    async def find(self, ref: CameraRef) -> Camera | NoSuchCamera | None:
        """The camera that a request means, as far as the list that was read last has it.

        A node id is taken as it is when the list does not have it: the token may be allowed to read a
        camera's recordings without being allowed to list cameras. It waits for the list only a moment.

        Returns:
            The camera; why the list has more than one that may be meant; None when it has none.
        """
        if isinstance(ref, int) and self._read_at is None and self._reading.locked():
            await first_of(self._read(begun_after=float("-inf")), self._clock.sleep(FIRST_READ_S))
        found = self._cameras.find(ref)
        if isinstance(found, Camera) or found.code is ErrorCode.CAMERA_AMBIGUOUS:
            return found
        return Camera(node_id=ref, name="", external_id=None) if isinstance(ref, int) else None

    async def look_again(self, ref: CameraRef) -> Camera | NoSuchCamera:
        """The camera as a list has it that is read from now on: only that proves that there is none.

        Raises:
            ClipTrouble: the list cannot be read, or is empty, which proves nothing.
        """
        await self._read_again(f"to find {ref!r} among them")
        return self._cameras.find(ref)

    async def lists_still(self, node_id: int) -> bool:
        """True when a list that is read from now on has the camera.

        Raises:
            ClipTrouble: the list cannot be read, or is empty, which proves nothing.
        """
        await self._read_again(f"to see whether {node_id} is among them")
        return node_id in self._cameras

    async def _read_again(self, purpose: str) -> None:
        await self._read(begun_after=self._clock.monotonic())
        if self._trouble:
            raise ClipTrouble(
                WaitReason.API_ERROR, f"The cameras cannot be listed, {purpose}: {self._trouble}"
            )
        if not self.listed:
            raise ClipTrouble(WaitReason.API_ERROR, f"The server lists no camera at all, {purpose}")

    async def keep_fresh(self) -> None:
        """Read the list at once and then hourly, until cancelled."""
        while True:
            await self.read()
            await self._clock.sleep(READ_EVERY_S)

    async def read(self) -> None:
        """Read the list anew; while that fails, the old one serves."""
        await self._read(begun_after=self._clock.monotonic())

    async def _read(self, *, begun_after: float) -> None:
        """Read the list, unless one has been read since; those who ask meanwhile share the next reading."""
        async with self._reading:
            if self._read_at is not None and self._read_at > begun_after:
                return
            began_at = self._clock.monotonic()
            try:
                self.listed = tuple(await self._recordings.cameras())
                self._cameras = CameraIndex(self.listed)
                self._trouble = None
            except CamspoolError as error:
                if self._trouble is None:
                    log.warning("cameras_not_listed", problem=str(error))
                self._trouble = error
            self._read_at = began_at
