"""Writes the list of cameras to the mirror, for people who name cameras but may not read the token."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from camspool.adapters.spool import Spool
from camspool.core import camera_list
from camspool.core.camera_list import CAMERAS_FILE, CameraList
from camspool.core.values import Camera

_AGAIN_AFTER: Final = timedelta(hours=12)
"""The maximum age of the file's date: rewriting an unchanged list more often would only wake up disks."""


class CameraFile:
    """`mirror/_cameras.json`.

    Args:
        spool: the folders.
        listed: the cameras as they were last read; None before that.
        now: the wall clock, aware.
        endpoint: the API that listed them.
    """

    def __init__(
        self,
        spool: Spool,
        listed: Callable[[], tuple[Camera, ...] | None],
        now: Callable[[], datetime],
        endpoint: Callable[[], str],
    ) -> None:
        self._spool = spool
        self._listed = listed
        self._now = now
        self._endpoint = endpoint
        self._written: CameraList | None = None

    async def write(self) -> None:
        """Write it if the cameras have changed, or its date is old.

        Raises:
            StorageTrouble: it cannot be written.
        """
        cameras = self._listed()
        if cameras is None:
            return
        wanted = CameraList(cameras, self._now(), self._endpoint())
        if self._written is not None and not _is_news(self._written, wanted):
            return
        data = await asyncio.to_thread(camera_list.dump, wanted)
        await asyncio.to_thread(self._spool.save_document, CAMERAS_FILE, data, durable=False)
        self._written = wanted


def _is_news(before: CameraList, after: CameraList) -> bool:
    if after.endpoint != before.endpoint or abs(after.listed_at - before.listed_at) >= _AGAIN_AFTER:
        return True
    return after.cameras is not before.cameras and after.cameras != before.cameras
