"""The cameras known without asking the API: as the daemon left them in the mirror, or as listed last."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from camspool.adapters.spool import MirrorReader
from camspool.adapters.spool.durable import read
from camspool.commands.cameras.remembered import cache_path, remember
from camspool.config.settings import Settings
from camspool.core import camera_list
from camspool.core.camera_list import CAMERAS_FILE, LONGEST, CameraList
from camspool.core.cameras import CameraIndex, NoSuchCamera
from camspool.core.errors import StorageTrouble
from camspool.core.values import CameraRef, ErrorCode

_FRESH: Final = timedelta(days=1)
"""An older list may lack a new camera: what it does not have is not refused."""


@dataclass(frozen=True, slots=True)
class UnknownCamera:
    """A camera that the list does not have, or has more than once; what was typed, and what is expected."""

    text: str
    expected: str


class KnownCameras:
    """A list of cameras, to look up what people type.

    Args:
        listed: the list.
        now: the time now, aware.
    """

    def __init__(self, listed: CameraList, now: datetime) -> None:
        self.listed = listed
        self.is_fresh = abs(now - listed.listed_at) <= _FRESH
        self._index = CameraIndex(listed.cameras)

    def look_up(self, text: str, ref: CameraRef) -> Sequence[str] | UnknownCamera:
        """What was typed, as it is or taken apart at its commas."""
        found = self._index.find(ref)
        # A token may be allowed to read the recordings of a camera that it does not list.
        unlisted = isinstance(found, NoSuchCamera) and found.code is ErrorCode.CAMERA_NOT_FOUND
        if not isinstance(found, NoSuchCamera) or (unlisted and isinstance(ref, int)):
            return (text,)
        parts = [part.strip() for part in text.split(",") if part.strip()]
        unknown = [part for part in parts if isinstance(self._index.find(part), NoSuchCamera)]
        if len(parts) > 1 and not unknown:
            return parts
        wrong = unknown[0] if len(parts) > 1 and unknown else text
        return UnknownCamera(wrong, self._expected(wrong))

    def _expected(self, text: str) -> str:
        found = self._index.find(text)
        if isinstance(found, NoSuchCamera) and found.code is not ErrorCode.CAMERA_NOT_FOUND:
            return f"one camera. {found.message} {found.hint}"
        near = " or ".join(f"`{each}`" for each in self._index.near(text))
        count = len(self.listed.cameras)
        return f"one of the {count} cameras that the token sees" + (f"; did you mean {near}?" if near else "")


def known_cameras(settings: Settings, environ: Mapping[str, str], now: datetime) -> KnownCameras | None:
    """The latest list of this API's cameras that there is; None if there is none."""
    lists = [*_in_mirror(settings.folders.mirror), *_in_cache(environ)]
    own = [listed for listed in lists if listed.endpoint == settings.api.endpoint]
    return KnownCameras(max(own, key=lambda listed: listed.listed_at), now) if own else None


def _in_mirror(root: Path) -> Iterator[CameraList]:
    try:
        with MirrorReader.beside_the_daemon(root).opened(CAMERAS_FILE) as descriptor:
            if descriptor is not None:
                yield camera_list.load(read(descriptor, LONGEST))
    except (StorageTrouble, ValueError):
        return


def _in_cache(environ: Mapping[str, str]) -> Iterator[CameraList]:
    try:
        with cache_path(environ).open("rb") as file:
            yield camera_list.load(file.read(LONGEST))
    except (OSError, ValueError):
        return


def remember_from_mirror(settings: Settings, environ: Mapping[str, str]) -> None:
    """Fill the user's cache with the list that the daemon has left, if any."""
    for listed in _in_mirror(settings.folders.mirror):
        remember(camera_list.dump(listed), environ)
