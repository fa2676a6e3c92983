"""What the page tells of requests and footage, as plain values for JSON. Pure: no file is read or written.

All text is passed on as it is: the page shows it as text, and `script` keeps it out of the markup.
"""

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from camspool.core import naming
from camspool.core.health import ServiceStatus
from camspool.core.status_document import Clip, Failure, Status, Waiting
from camspool.core.values import State

Row = dict[str, Any]
"""A clip, a failure or an outstanding request."""

MOST_OUTSTANDING: Final = 100
"""More outstanding requests than that are only counted."""
_MOST_CAMERAS: Final = 3
_LONGEST_TEXT: Final = 600
_MOST_SECONDS: Final = 1e9
_MOST_BYTES: Final = 2**63
_CLIP: Final[Mapping[str, Any]] = {
    "file": str,
    "camera": str,
    "from": str,
    "piece": int | None,
    "seconds": int | float,
    "height": int,
    "codec": str,
    "bytes": int,
    "poster": str,
    "pictured": bool,
}
_POSTER: Final = re.compile(r"[0-9a-f]*\.jpg")
_NO_PATH: Final = re.compile(r"(?:\A|/)\.{0,2}(?:/|\Z)|[\0\ud800-\udfff]")
_NO_DIGIT: Final = re.compile("[^0-9a-f]")
_BUSIEST: Final = (State.DOWNLOADING, State.VERIFYING, State.PREPARING, State.LISTING, State.QUEUED)


def footage(status: Status, zone: ZoneInfo) -> dict[str, list[Row]]:
    """The request's MP4s by the day of their footage, `2026-03-01`; a day whose MP4s are gone is empty."""
    days: dict[str, list[Row]] = {}
    for clip in status.clips:
        rows = days.setdefault(_day(clip, zone), [])
        if clip.state is State.DONE and clip.file:
            rows.append(_clip(status, clip))
    return days


def is_clip(row: Any) -> bool:
    """False for what `footage` does not make, or only of a status that was edited by hand.

    What passes can be added up and written, and names nothing outside the mirror.
    """
    return (
        isinstance(row, dict)
        and row.keys() | {"pictured"} == _CLIP.keys()
        and all(isinstance(row.get(key, False), kind) for key, kind in _CLIP.items())
        and 0 <= row["seconds"] <= _MOST_SECONDS
        and 0 <= row["bytes"] <= _MOST_BYTES
        and _POSTER.fullmatch(row["poster"]) is not None
        and not _NO_PATH.search(row["file"])
    )


def failure(status: Status) -> Row | None:
    """What went wrong with an ended request; None when nothing did."""
    if not status.state.final or status.error is None or status.state is State.REMOVED:
        return None
    return {
        "request": status.name,
        "state": status.state,
        "at": written(status.finished_at or status.updated_at),
        **_cameras(status),
        **_said(status.error),
    }


def outstanding(statuses: Iterable[Status]) -> list[Row]:
    """The requests that are worked on or will be next; the busiest first."""
    return [_in_work(status) for status in heapq.nsmallest(MOST_OUTSTANDING, statuses, key=_rank)]


def health(service: ServiceStatus) -> Row:
    """How the daemon is."""
    return {
        "state": service.state,
        "version": service.version,
        "problems": [
            {"message": problem.message[:_LONGEST_TEXT], "since": written(problem.since)}
            for problem in service.problems
        ],
        "answered_at": written(service.api.last_success_at),
        "free_bytes": service.disk.free_bytes,
    }


def totals(requests: Mapping[str, Sequence[Row]]) -> Row:
    """A day in figures."""
    cameras: dict[str, int] = {}
    for row in rows_of(requests):
        cameras[row["camera"]] = cameras.get(row["camera"], 0) + 1
    return {
        "clips": sum(cameras.values()),
        "seconds": round(sum(row["seconds"] for row in rows_of(requests))),
        "bytes": sum(row["bytes"] for row in rows_of(requests)),
        "pictured": sum(row["pictured"] for row in rows_of(requests)),
        "cameras": list(cameras.items()),
    }


def rows_of(requests: Mapping[str, Sequence[Row]]) -> Iterator[Row]:
    """All clips of some requests."""
    return (row for rows in requests.values() for row in rows)


def written(at: datetime | None) -> str | None:
    """A time, to the second."""
    return at.isoformat(timespec="seconds") if at else None


def _clip(status: Status, clip: Clip) -> Row:
    assert clip.file is not None  # noqa: S101 - see the caller
    folder = naming.folder_of(status.name)
    return {
        "file": f"{folder}/{clip.file.name}" if folder else clip.file.name,
        "camera": _camera(clip),
        "from": written(clip.start),
        "piece": clip.piece,
        "seconds": round(clip.file.duration_s, 1),
        "height": clip.file.height,
        "codec": clip.file.codec,
        "bytes": clip.file.bytes,
        "poster": poster_name(clip.file.sha256),
    }


def poster_name(sha256: str) -> str:
    """What the picture of an MP4 is called, whoever has edited the status: hex digits alone."""
    return _NO_DIGIT.sub("", sha256.lower())[:32] + ".jpg"


def _in_work(status: Status) -> Row:
    speeds = [clip.download.bytes_per_s or 0 for clip in status.clips if clip.state is State.DOWNLOADING]
    progress = status.progress
    return {
        "request": status.name,
        "state": status.state,
        "percent": progress.percent,
        "clips_done": progress.clips_done,
        "clips_total": progress.clips_total,
        "eta_s": progress.eta_s,
        "bytes_per_s": sum(speeds),
        "waiting": _wait(status.waiting),
        "from": written(min((clip.start for clip in status.clips), default=None)),
        "to": written(max((clip.end for clip in status.clips), default=None)),
        **_cameras(status),
    }


def _cameras(status: Status) -> Row:
    names = list(dict.fromkeys(_camera(clip) for clip in status.clips))
    return {"cameras": names[:_MOST_CAMERAS], "more_cameras": max(0, len(names) - _MOST_CAMERAS)}


def _camera(clip: Clip) -> str:
    asked_for = f"camera {clip.camera}" if isinstance(clip.camera, int) else clip.camera
    return (clip.camera_name or asked_for)[:_LONGEST_TEXT]


def _said(error: Failure) -> Row:
    return {
        "code": error.code,
        "message": error.message[:_LONGEST_TEXT],
        "hint": error.hint[:_LONGEST_TEXT],
    }


def _wait(waiting: Waiting | None) -> Row | None:
    if waiting is None:
        return None
    return {"message": waiting.message[:_LONGEST_TEXT], "until": written(waiting.until)}


def _day(clip: Clip, zone: ZoneInfo) -> str:
    try:
        return clip.start.astimezone(zone).date().isoformat()
    except OverflowError:  # in the first or the last hours of all dates
        return clip.start.date().isoformat()


def _rank(status: Status) -> tuple[int, float, datetime]:
    busy = _BUSIEST.index(status.state) if status.state in _BUSIEST else len(_BUSIEST)
    return busy, -status.progress.percent, status.created_at
