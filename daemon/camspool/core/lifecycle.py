"""The life of a clip: one table of (state, event) -> state, and the answers by which a clip fails.

The first file to read. `pipeline/steps/` does one step, makes an event of its outcome, and asks `advance` for
the clip's next shape. What trouble is and when it ends is in `trouble.py`. The diagram in ARCHITECTURE.md is
drawn from `TABLE`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from camspool.core import events, trouble
from camspool.core.errors import IllegalEvent
from camspool.core.events import Event
from camspool.core.status_document import Clip, Reached
from camspool.core.trouble import Proof
from camspool.core.values import ErrorCode, State

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
        events.HeldUp: _S.LISTING,
        events.Failed: _S.FAILED,
        events.Cancelled: _S.CANCELLED,
    },
    _S.PREPARING: {
        events.PrepareRequested: _S.PREPARING,
        events.PrepareAccepted: _S.PREPARING,
        events.PrepareFailed: _S.PREPARING,
        events.PrepareProgressed: _S.PREPARING,
        events.PrepareStands: _S.PREPARING,
        events.Prepared: _S.DOWNLOADING,
        events.PrepareRefused: _S.QUEUED,
        events.Expired: _S.QUEUED,
        events.Doubted: _S.PREPARING,
        events.Waits: _S.PREPARING,
        events.HeldUp: _S.PREPARING,
        events.Failed: _S.FAILED,
        events.Cancelled: _S.CANCELLED,
    },
    _S.DOWNLOADING: {
        events.DownloadBegan: _S.DOWNLOADING,
        events.DownloadProgressed: _S.DOWNLOADING,
        events.DownloadCompleted: _S.VERIFYING,
        events.VideoFoundBad: _S.QUEUED,
        events.Expired: _S.QUEUED,
        events.Doubted: _S.DOWNLOADING,
        events.Waits: _S.DOWNLOADING,
        events.HeldUp: _S.DOWNLOADING,
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
        give_up_after_s: seconds waited in one trouble of its own after which a clip fails.

    Returns:
        The clip after; followed by further pieces when a listing showed that the range has several.

    Raises:
        IllegalEvent: the clip's state has no row for the event.
    """
    row = TABLE.get(clip.state, {})
    if type(event) not in row:
        raise IllegalEvent(f"a clip that is {clip.state} cannot take {type(event).__name__}")
    event = _or_failure(clip, event, give_up_after_s)
    after = trouble.eased(clip, replace(event.mark(clip, now), state=row[type(event)]))
    return _in_pieces(after, event) if isinstance(event, events.Listed) else (after,)


def _or_failure(clip: Clip, event: Event, give_up_after_s: float) -> Event:
    """The event, or the failure of the clip where the event settles that the footage cannot be had."""
    match event:
        case events.PrepareRefused(message):
            return _settled(clip, event, ErrorCode.PREPARE_REFUSED, message, trouble.REFUSED)
        case events.Expired(message, early=True):
            return _settled(clip, event, ErrorCode.KEPT_EXPIRING, message, trouble.EXPIRED)
        case events.VideoFoundBad(message, patience_s):
            proof = Proof(trouble.BAD_VIDEOS, patience_s)
            return _settled(clip, event, ErrorCode.BAD_VIDEO, message, proof)
        case events.Waits(waiting) | events.Doubted(waiting) | events.PrepareStands(waiting) if (
            trouble.is_hopeless(clip, waiting, give_up_after_s)
        ):
            message = f"In trouble for {clip.troubled_s:.0f} seconds: {waiting.message}"
            return events.Failed(ErrorCode.GAVE_UP, message, _HINTS[ErrorCode.GAVE_UP])
    return event


def _settled(clip: Clip, event: Event, code: ErrorCode, message: str, proof: Proof) -> Event:
    if not trouble.settles(clip, code, proof):
        return event
    verdict = trouble.weighed(clip, code)
    waited = clip.troubled_s - verdict.since_s
    return events.Failed(code, f"{message}; {verdict.count} times in {waited:.0f} seconds", _HINTS[code])


_LOOK_IN_PORTAL: Final = "See whether the portal plays and downloads it; then move the request back to drop/."
_HINTS: Final = {
    ErrorCode.PREPARE_REFUSED: _LOOK_IN_PORTAL,
    ErrorCode.BAD_VIDEO: _LOOK_IN_PORTAL,
    ErrorCode.KEPT_EXPIRING: "Move the request file back to drop/ to try again.",
    ErrorCode.GAVE_UP: "Move the request file back to drop/ to try again.",
}


def _in_pieces(clip: Clip, listed: events.Listed) -> tuple[Clip, ...]:
    """One clip for each recording; those after the first wait for their turn with the id that they have."""
    count = len(listed.recordings)
    if count == 1:
        return (clip,)
    first = replace(clip, piece=1, pieces=count)
    return first, *(
        replace(first, state=State.QUEUED, recording=recording, piece=number, reached=Reached())
        for number, recording in enumerate(listed.recordings[1:], start=2)
    )
