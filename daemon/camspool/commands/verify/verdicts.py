"""How MP4s differ from what a request's status promises. No I/O."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from camspool.core.status_document import OutputFile, Status
from camspool.core.values import State


class Kind(StrEnum):
    """The ways in which a file can be wrong."""

    MISSING = "missing"
    CHANGED = "changed"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"
    FOREIGN = "foreign"


_AGAIN: Final = "move its request file from the mirror back to the drop folder to fetch it again."

HINTS: Final[Mapping[Kind, str]] = {
    Kind.MISSING: f"If it was not deleted on purpose, {_AGAIN}",
    Kind.CHANGED: f"Move the MP4 away or delete it, then {_AGAIN}",
    Kind.DAMAGED: f"Move the MP4 away or delete it, then {_AGAIN}",
    Kind.UNREADABLE: "Try as a user who may read it, such as the daemon's; otherwise check the disk.",
    Kind.UNKNOWN: "No status file beside it counts it as footage: see what it is, and move or delete it.",
    Kind.FOREIGN: "Restore the status file from a backup; or move it away, and drop the request again.",
}


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A difference; `path` is below the mirror, `request` the name of the request that it belongs to."""

    path: str
    request: str | None
    what: Kind
    found: str
    expected: str

    @property
    def hint(self) -> str:
        """What to do about it."""
        return HINTS[self.what]


@dataclass(frozen=True, slots=True)
class VideoRead:
    """An MP4 as it was read: as far as was needed to see that it is not as promised.

    `sha256` is None where the size differs already, `damage` is only looked for in the right bytes.
    """

    bytes: int
    sha256: str | None = None
    damage: str | None = None


@dataclass(slots=True)
class Tally:
    """Counts of status files (in all, and of requests in work), MP4s and their bytes."""

    requests: int = 0
    in_work: int = 0
    files: int = 0
    bytes: int = 0
    problems: int = 0


def promised(status: Status) -> Iterator[OutputFile]:
    """The MP4s that must be there, however the request as a whole has ended, or if it is still in work."""
    return (clip.file for clip in status.clips if clip.file and clip.state is State.DONE)


def accounted(status: Status, removed_before: datetime) -> set[str]:
    """The names of files beside the status that may be there.

    Args:
        status: the status.
        removed_before: when a status says since before this time that its MP4s are removed, they should be
            gone; clean-up writes the status first, and then deletes.
    """
    gone = status.updated_at < removed_before
    return {
        clip.file.name for clip in status.clips if clip.file and not (gone and clip.state is State.REMOVED)
    }


def compare(path: str, request: str, file: OutputFile, found: VideoRead | None) -> Discrepancy | None:
    """How one promised MP4 differs; None if it is as promised."""
    if found is None:
        return Discrepancy(path, request, Kind.MISSING, "no such file", f"an MP4 of {file.bytes} bytes")
    if found.bytes != file.bytes:
        return Discrepancy(path, request, Kind.CHANGED, f"{found.bytes} bytes", f"{file.bytes} bytes")
    if found.sha256 != file.sha256:
        return Discrepancy(path, request, Kind.CHANGED, f"SHA-256 {found.sha256}", f"SHA-256 {file.sha256}")
    if found.damage is not None:
        return Discrepancy(path, request, Kind.DAMAGED, found.damage, "a whole video")
    return None
