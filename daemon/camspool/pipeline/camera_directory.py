"""The cameras that the token sees: read at the start and then hourly, and asked by each clip that begins."""

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
"""For so long a clip that has a node id waits for the first list, to know its camera's name."""

ASK_AGAIN_AFTER_S: Final = 60.0
"""A camera that is not found may be new, but the list is not read more often than this for it."""


class CameraDirectory:
    """The list of cameras, as fresh as it needs to be."""

    def __init__(self, recordings: Recordings, clock: Clock) -> None:
        self._recordings = recordings
        self._clock = clock
        self._cameras = CameraIndex()
        self.listed: tuple[Camera, ...] | None = None
        """The list as it was last read; None before that."""
        self._tried_at: float | None = None
        self._trouble: CamspoolError | None = None
        self._reading = asyncio.Lock()

    async def find(self, ref: CameraRef) -> Camera | NoSuchCamera:
        """The camera that a request means.

        A node id is taken as it is when the list does not have it: the token may be allowed to read a
        camera's recordings without being allowed to list cameras. It waits for the list only a moment.

        Raises:
            ClipTrouble: the list is needed, and cannot be read.
        """
        if isinstance(ref, int):
            if self._tried_at is None and self._reading.locked():
                await first_of(self._read(at_most_every=float("inf")), self._clock.sleep(FIRST_READ_S))
            found = self._cameras.find(ref)
            if isinstance(found, Camera) or found.code is ErrorCode.CAMERA_AMBIGUOUS:
                return found
            return Camera(node_id=ref, name="", external_id=None)
        found = self._cameras.find(ref)
        if isinstance(found, NoSuchCamera):
            await self._read(at_most_every=0.0 if self._trouble else ASK_AGAIN_AFTER_S)
            found = self._cameras.find(ref)
        if isinstance(found, NoSuchCamera) and self._trouble:
            message = f"The cameras cannot be listed, to find {ref!r} among them: {self._trouble}"
            raise ClipTrouble(WaitReason.API_ERROR, message)
        return found

    def lists(self, node_id: int) -> bool:
        """True when the list, as it was last read, has the camera."""
        return node_id in self._cameras

    async def keep_fresh(self) -> None:
        """Read the list at once and then hourly, until cancelled."""
        while True:
            await self.read()
            await self._clock.sleep(READ_EVERY_S)

    async def read(self) -> None:
        """Read the list anew; while that fails, the old one serves."""
        await self._read(at_most_every=0.0)

    async def _read(self, *, at_most_every: float) -> None:
        async with self._reading:
            now = self._clock.monotonic()
            if self._tried_at is not None and now - self._tried_at < at_most_every:
                return
            try:
                self.listed = tuple(await self._recordings.cameras())
                self._cameras = CameraIndex(self.listed)
                self._trouble = None
            except CamspoolError as error:
                if self._trouble is None:
                    log.warning("cameras_not_listed", problem=str(error))
                self._trouble = error
            self._tried_at = self._clock.monotonic()
