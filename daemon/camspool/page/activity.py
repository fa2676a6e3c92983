"""What goes on and what went wrong, as plain values for the page's data. Pure.

All text is passed on as it is: the page inserts it as text, and `script` keeps it out of the markup.
"""

import heapq
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from camspool.core.health import ServiceStatus
from camspool.core.status_document import Failure, Status, Waiting
from camspool.core.values import State
from camspool.page.clips import LONGEST_TEXT, camera_name

Row = dict[str, Any]
"""A failure, an outstanding request, or the health."""

MOST_OUTSTANDING: Final = 100
"""More outstanding requests than that are only counted."""
MOST_ACTIVE: Final = 4
"""So many are shown without being asked for."""
_MOST_CAMERAS: Final = 3
_BUSIEST: Final = (
    State.DOWNLOADING,
    State.VERIFYING,
    State.PREPARING,
    State.LISTING,
    State.QUEUED,
    State.SCHEDULED,
)
_ACTIVE: Final = frozenset(_BUSIEST[:4])
_LATEST: Final = datetime.max.replace(tzinfo=UTC)


def failure(status: Status) -> Row | None:
    """What went wrong with an ended request; None when nothing did."""
    if not status.state.final or status.error is None or status.state is State.REMOVED:
        return None
    return {
        "request": status.name,
        "state": status.state,
        "at": written(status.finished_at or status.updated_at),
        **_cameras(status),
        **_error(status.error),
    }


def outstanding(statuses: Iterable[Status]) -> list[Row]:
    """The requests that are worked on or will be next: the busiest first, then by when their turn comes."""
    return [_in_work(status) for status in heapq.nsmallest(MOST_OUTSTANDING, statuses, key=_rank)]


def active(rows: Iterable[Row]) -> list[Row]:
    """Of these, the few in which something moves."""
    return [row for row in rows if row["state"] in _ACTIVE][:MOST_ACTIVE]


def counts(statuses: Iterable[Status]) -> dict[str, int]:
    """How many requests are in which state."""
    return dict(Counter(str(status.state) for status in statuses))


def health(service: ServiceStatus) -> Row:
    """How the daemon is."""
    return {
        "state": service.state,
        "version": service.version,
        "problems": [
            {"message": problem.message[:LONGEST_TEXT], "since": written(problem.since)}
            for problem in service.problems
        ],
        "answered_at": written(service.api.last_success_at),
        "free_bytes": service.disk.free_bytes,
    }


def written(at: datetime | None) -> str | None:
    """A time, to the second."""
    return at.isoformat(timespec="seconds") if at else None


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
    names = list(dict.fromkeys(camera_name(clip) for clip in status.clips))
    return {"cameras": names[:_MOST_CAMERAS], "more_cameras": max(0, len(names) - _MOST_CAMERAS)}


def _error(error: Failure) -> Row:
    return {
        "code": error.code,
        "message": error.message[:LONGEST_TEXT],
        "hint": error.hint[:LONGEST_TEXT],
    }


def _wait(waiting: Waiting | None) -> Row | None:
    if waiting is None:
        return None
    return {"message": waiting.message[:LONGEST_TEXT], "until": written(waiting.until)}


def _rank(status: Status) -> tuple[int, float, datetime, datetime]:
    busy = _BUSIEST.index(status.state) if status.state in _BUSIEST else len(_BUSIEST)
    until = status.waiting.until if status.waiting else None
    turn = until or (_LATEST if status.state is State.SCHEDULED else status.created_at)
    return busy, -status.progress.percent, turn, status.created_at
