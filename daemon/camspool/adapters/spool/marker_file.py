"""The file `.camspool`: its id tells a folder from an empty mount point, and from another folder."""

import json
import re
import secrets
from typing import Final

from camspool.adapters.spool import durable

MARKER: Final = ".camspool"
_ID: Final = re.compile(r"[0-9A-Za-z._-]{1,64}")
_ABOUT: Final = (
    "camspool keeps this file here to tell this folder from one that is not mounted. "
    "While it is missing, camspool leaves the folder alone. Please do not delete or copy it."
)
_COARSE_NS: Final = 1_000_000
_Version = tuple[int, int, int, int]


class KnownMarker:
    """A marker that is looked at often: it is only read again when it is another file than the last time."""

    def __init__(self) -> None:
        self._seen: tuple[str, _Version] | None = None

    def id_in(self, folder: int, remembered: str) -> str | None:
        """The id in the open folder's marker; see `marker_id`.

        Args:
            folder: the folder.
            remembered: the id that is expected; only that one is kept in mind.
        """
        version = _version(folder)
        if version is not None and (remembered, version) == self._seen:
            return remembered
        found = marker_id(folder)
        self._seen = (remembered, version) if version and found == remembered else None
        return found


def marker_id(folder: int) -> str | None:
    """The id in the folder's marker; None without a marker, empty when it cannot be understood."""
    with durable.opened(folder, MARKER) as descriptor:
        if descriptor is None:
            return None
        try:
            found = json.loads(durable.read(descriptor, 4096))["id"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return ""
    return found if isinstance(found, str) and _ID.fullmatch(found) else ""


def make_marker(folder: int) -> str:
    """Write a new marker, durably, and return its id."""
    new_id = secrets.token_hex(16)
    marker = {"schema": "camspool/marker/1", "id": new_id, "about": _ABOUT}
    durable.write(folder, MARKER, json.dumps(marker, indent=2).encode() + b"\n")
    return new_id


def _version(folder: int) -> _Version | None:
    """What distinguishes versions of the marker; None if nothing does, or if there is none.

    The markers of drop/ and mirror/ are made within one second, so that on disks or shares that were mounted
    the wrong way round all of it may be the same where a file system only knows seconds (ext3, sshfs, WebDAV)
    or hundredths (exFAT).
    """
    facts = durable.facts_of(folder, MARKER)
    if facts is None or facts.st_ctime_ns % _COARSE_NS == 0:
        return None
    return facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns
