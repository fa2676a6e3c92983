"""The clips of a request as rows of the page's data. Pure: no file is read or written.

All text is passed on as it is: the page inserts it as text, and `script` keeps it out of the markup.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from camspool.core import naming
from camspool.core.status_document import Clip, Status
from camspool.core.values import State
from camspool.page.local_days import Hour, hour_of, hours_between

LONGEST_TEXT: Final = 600
_MOST_SECONDS: Final = 1e9
_MOST_BYTES: Final = 2**63
_FIRST: Final = datetime.fromisoformat("0001-01-01T00:00:00+00:00").timestamp()
_LAST: Final = datetime.fromisoformat("9999-12-31T23:59:59+00:00").timestamp()
_POSTER: Final = re.compile("[0-9a-f]{0,32}")
_NO_PATH: Final = re.compile(r"(?:\A|/)\.{0,2}(?:/|\Z)|[\0\ud800-\udfff]")
_NO_DIGIT: Final = re.compile("[^0-9a-f]")


class ClipRow(NamedTuple):
    """An MP4 in the mirror, in the order in which it is written.

    Args:
        file: its path below mirror/.
        camera: what people call the camera.
        at: when the footage begins, in Unix seconds.
        seconds: its length.
        height: in lines.
        codec: its family, `h264`.
        bytes: its size.
        poster: the name of its picture, without the suffix.
        piece: which piece of its range it is, from 1; None when it is all of it.
        estimated: 1 if the exact beginning of the footage is unknown.
    """

    file: str
    camera: str
    at: int
    seconds: float
    height: int
    codec: str
    bytes: int
    poster: str
    piece: int | None
    estimated: int


_TYPES: Final = (str, str, int, int | float, int, str, int, str, int | None, int)

Requests = dict[str, list[ClipRow]]
"""Clips by the request that fetched them."""


def footage(status: Status, zone: ZoneInfo) -> dict[Hour, list[ClipRow]]:
    """The request's MP4s by the hour in which they begin.

    An hour in which there may have been one is there too, and empty.
    """
    found: dict[Hour, list[ClipRow]] = {}
    for clip in status.clips:
        for hour in _possible_hours(status.clips, clip, zone):
            found.setdefault(hour, [])
        if clip.state is State.DONE and clip.file:
            row = _row(status, clip)
            found.setdefault(hour_of(row.at, zone), []).append(row)
    return found


def clip_row(value: Any) -> ClipRow | None:
    """The row of a JSON list; None for what `footage` does not make, or only of an edited status.

    What passes can be added up and written, and names nothing outside the mirror.
    """
    if not isinstance(value, list | tuple) or len(value) != len(_TYPES):
        return None
    if any(
        isinstance(field, bool) or not isinstance(field, kind)
        for field, kind in zip(value, _TYPES, strict=True)
    ):
        return None
    row = ClipRow(*value)
    fits = (
        _FIRST <= row.at <= _LAST
        and 0 <= row.seconds <= _MOST_SECONDS
        and 0 <= row.bytes <= _MOST_BYTES
        and _POSTER.fullmatch(row.poster)
        and not _NO_PATH.search(row.file)
    )
    return row if fits else None


def rows_of(requests: Mapping[str, Sequence[ClipRow]]) -> Iterator[ClipRow]:
    """All clips of some requests."""
    return (row for rows in requests.values() for row in rows)


def poster_name(sha256: str) -> str:
    """The name of an MP4's picture, whoever has edited the status: hex digits alone."""
    return _NO_DIGIT.sub("", sha256.lower())[:32]


def camera_name(clip: Clip) -> str:
    """What people call the camera of a clip."""
    asked_for = f"camera {clip.camera}" if isinstance(clip.camera, int) else clip.camera
    return sys.intern((clip.camera_name or asked_for)[:LONGEST_TEXT])


def _row(status: Status, clip: Clip) -> ClipRow:
    assert clip.file is not None  # noqa: S101 - see the caller
    folder = naming.folder_of(status.name)
    at, estimated = _beginning(status.clips, clip)
    return ClipRow(
        file=f"{folder}/{clip.file.name}" if folder else clip.file.name,
        camera=camera_name(clip),
        at=at,
        seconds=round(clip.file.duration_s, 1),
        height=clip.file.height,
        codec=sys.intern(clip.file.codec),
        bytes=clip.file.bytes,
        poster=poster_name(clip.file.sha256),
        piece=clip.piece,
        estimated=int(estimated),
    )


def _beginning(clips: Iterable[Clip], clip: Clip) -> tuple[int, bool]:
    """When the footage of a clip begins, and whether that is an estimate.

    Statuses of earlier versions do not say it: a later piece of a range then begins where the earlier ones
    end, as if nothing were missing between them.
    """
    if clip.starts_at is not None:
        return int(clip.starts_at.at.timestamp()), clip.starts_at.estimated
    start = clip.start.timestamp()
    if not clip.piece or clip.piece == 1:
        return int(start), False
    earlier = (other for other in clips if other.ask == clip.ask and other.piece and other.piece < clip.piece)
    lengths = sum(other.recording.duration_s for other in earlier if other.recording)
    return int(min(start + lengths, clip.end.timestamp())), True


def _possible_hours(clips: Sequence[Clip], clip: Clip, zone: ZoneInfo) -> list[Hour]:
    """Those in which the clip may once have been shown: estimates change."""
    begins = hour_of(_beginning(clips, clip)[0], zone)
    if clip.piece:
        return [begins, *hours_between(clip.start.timestamp(), clip.end.timestamp(), zone)]
    return [begins, hour_of(clip.start.timestamp(), zone)]
