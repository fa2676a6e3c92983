"""The vendor's three clocks: what may still be used, what must be made anew, what is to be forgotten.

An id lives one hour unless it is prepared, a download URL 24 hours, six hours once it has been used
(vendor's page on recordings). Our clock may be wrong or jump, so these are hints that save calls and
waiting. The server has the last word, but is asked twice where it says that something is dead before its
time.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from camspool.core.status_document import Clip, Recording

MARGIN: Final = timedelta(seconds=30)
"""An id with less left than this is not worth a call: the call itself takes time."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds that an unused id, a download URL, and a URL that was downloaded from stay good."""

    recording_id: float = 3600.0
    download_url: float = 86400.0
    downloaded_url: float = 21600.0


def id_is_fresh(recording: Recording | None, now: datetime) -> bool:
    """True when a listed, not yet prepared recording may still be prepared."""
    if recording is None or recording.id is None or recording.id_expires_at is None:
        return False
    lifetime = recording.id_expires_at - recording.listed_at
    return recording.id_expires_at - now > min(MARGIN, lifetime / 2)


def is_good(clip: Clip, now: datetime, lifetimes: Lifetimes) -> bool:
    """True while the clip's id, and its URL if there is one, should be known to the server.

    An id in preparation has no clock of its own; it is taken to live as long as the URL that it is to have.
    """
    recording = clip.recording
    if recording is None or recording.id is None:
        return False
    if recording.url_expires_at is not None:
        return now < recording.url_expires_at
    if clip.prepare.accepted and clip.prepare.requested_at is not None:
        return now < url_expires(clip.prepare.requested_at, lifetimes)
    return recording.id_expires_at is not None and now < recording.id_expires_at


def id_expires(listed_at: datetime, lifetimes: Lifetimes) -> datetime:
    """When an id that is not prepared dies."""
    return listed_at + timedelta(seconds=lifetimes.recording_id)


def url_expires(ready_at: datetime, lifetimes: Lifetimes) -> datetime:
    """When a download URL dies that came to be at `ready_at`."""
    return ready_at + timedelta(seconds=lifetimes.download_url)


def url_expires_after_download(recording: Recording | None, at: datetime, lifetimes: Lifetimes) -> datetime:
    """When the URL dies now that it has been downloaded from: the earlier of its two clocks."""
    used = at + timedelta(seconds=lifetimes.downloaded_url)
    return min(used, recording.url_expires_at) if recording and recording.url_expires_at else used


def expires_at(clip: Clip) -> datetime | None:
    """When nothing that the clip knows of its recording is of use any more; None without an id."""
    recording = clip.recording
    if recording is None or recording.id is None:
        return None
    return recording.url_expires_at or recording.id_expires_at


def scrub(clip: Clip, now: datetime) -> Clip:
    """Forget the id and URL of an ended clip once they are dead; other clips come back as they are."""
    deadline = expires_at(clip)
    if clip.recording is None or deadline is None or now < deadline or not clip.state.final:
        return clip
    return replace(clip, recording=replace(clip.recording, id=None))
