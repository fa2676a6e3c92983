"""The life of a clip: one table of (state, event) -> state, and how often what may happen.

The first file to read. Whoever does the work (`workflow/`) does one step, makes an event of what came of
it, and asks `advance` for the clip's next shape. The diagram in ARCHITECTURE.md is drawn from `TABLE`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from camspool.core import events
from camspool.core.errors import IllegalEvent
from camspool.core.events import Event
from camspool.core.status_document import Clip, Waiting
from camspool.core.values import ErrorCode, State, WaitReason

REFUSALS: Final = 3
"""Preparations that may be refused, each on a fresh listing, before the clip fails (contract, Rulings)."""

EXPIRIES: Final = 5
"""Ids or URLs that may expire in a clip's hands before it fails (contract, Rulings)."""

BAD_VIDEOS: Final = 3
"""Complete downloads that may turn out to be no such video before the clip fails."""

_S = State
TABLE: Final[Mapping[State, Mapping[type[Event], State]]] = {
    _S.SCHEDULED: {
        events.Due: _S.QUEUED,
        events.Waits: _S.SCHEDULED,
        events.Failed: _S.FAILED,
        events.Cancelled: _S.CANCELLED,
    },
    _S.QUEUED: {
        events.ListingBegan: _S.LISTING,
        events.IdStillFresh: _S.PREPARING,
        events.Waits: _S.QUEUED,
        events.Failed: _S.FAILED,
        events.Cancelled: _S.CANCELLED,
    },
    _S.LISTING: {
        events.ListingBegan: _S.LISTING,
        events.CameraFound: _S.LISTING,
        events.Listed: _S.PREPARING,
        events.Waits: _S.LISTING,
        events.Failed: _S.FAILED,
        events.Cancelled: _S.CANCELLED,
    },
    _S.PREPARING: {
        events.PrepareRequested: _S.PREPARING,
        events.PrepareAccepted: _S.PREPARING,
        events.PrepareProgressed: _S.PREPARING,
        events.Prepared: _S.DOWNLOADING,
        events.PrepareRefused: _S.QUEUED,
        events.Expired: _S.QUEUED,
        events.Waits: _S.PREPARING,
        events.Failed: _S.FAILED,
        events.Cancelled: _S.CANCELLED,
    },
    _S.DOWNLOADING: {
        events.DownloadBegan: _S.DOWNLOADING,
        events.DownloadProgressed: _S.DOWNLOADING,
        events.DownloadCompleted: _S.VERIFYING,
        events.VideoFoundBad: _S.QUEUED,
        events.Expired: _S.QUEUED,
        events.Waits: _S.DOWNLOADING,
        events.Failed: _S.FAILED,
        events.Cancelled: _S.CANCELLED,
    },
    _S.VERIFYING: {
        events.Verified: _S.VERIFYING,
        events.Published: _S.DONE,
        events.Reopened: _S.DOWNLOADING,
        events.VideoFoundBad: _S.QUEUED,
        events.Waits: _S.VERIFYING,
        events.Failed: _S.FAILED,
        events.Cancelled: _S.CANCELLED,
    },
    _S.DONE: {
        events.Removed: _S.REMOVED,
    },
}


def advance(clip: Clip, event: Event, now: datetime, give_up_after_s: float) -> tuple[Clip, ...]:
    """Carry a clip over one event.

    Args:
        clip: the clip before.
        event: what has happened.
        now: the time of the event.
        give_up_after_s: seconds waited in one uninterrupted trouble of its own after which a clip fails.

    Returns:
        The clip after; followed by further pieces when a listing showed that the range has several.

    Raises:
        IllegalEvent: the clip's state has no row for the event.
    """
    row = TABLE.get(clip.state, {})
    if type(event) not in row:
        raise IllegalEvent(f"a clip that is {clip.state} cannot take {type(event).__name__}")
    event = _within_budget(clip, event, give_up_after_s)
    after = replace(event.mark(clip, now), state=row[type(event)])
    return _in_pieces(after, event) if isinstance(event, events.Listed) else (after,)


def _within_budget(clip: Clip, event: Event, give_up_after_s: float) -> Event:
    """Turn the last straw into a failure: what may happen to a clip a few times may not happen for ever."""
    attempts = clip.attempts
    match event:
        case events.PrepareRefused(message) if attempts.refused + 1 >= REFUSALS:
            return events.Failed(ErrorCode.PREPARE_REFUSED, f"{message}, {REFUSALS} times", _LOOK_IN_PORTAL)
        case events.Expired(message) if attempts.expired >= EXPIRIES:
            return events.Failed(ErrorCode.KEPT_EXPIRING, f"{message}, {EXPIRIES + 1} times", _TRY_LATER)
        case events.VideoFoundBad(message) if attempts.bad_video + 1 >= BAD_VIDEOS:
            return events.Failed(
                ErrorCode.BAD_VIDEO, f"{message}; downloaded {BAD_VIDEOS} times", _LOOK_IN_PORTAL
            )
        case events.Waits(waiting) if _is_hopeless(clip, waiting, give_up_after_s):
            return events.Failed(ErrorCode.GAVE_UP, f"In trouble for too long: {waiting.message}", _TRY_LATER)
    return event


_LOOK_IN_PORTAL: Final = "See whether the portal plays and downloads it; then move the request back to drop/."
_TRY_LATER: Final = "Move the request file back to drop/ to try again."


def _is_hopeless(clip: Clip, waiting: Waiting, give_up_after_s: float) -> bool:
    if waiting.reason is WaitReason.RECORDING_NOT_YET_THERE:
        return False
    return clip.troubled_s >= give_up_after_s and clip.tries > 0


def _in_pieces(clip: Clip, listed: events.Listed) -> tuple[Clip, ...]:
    """One clip a recording; those after the first wait their turn with the id that they have."""
    count = len(listed.recordings)
    if count == 1:
        return (clip,)
    first = replace(clip, piece=1, pieces=count)
    return first, *(
        replace(first, state=State.QUEUED, recording=recording, piece=number)
        for number, recording in enumerate(listed.recordings[1:], start=2)
    )
