"""What can happen to a clip, and what each happening leaves in it beside the state.

The states themselves are the business of `lifecycle`, which calls `mark`.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

from camspool.core.status_document import (
    Attempts,
    Clip,
    ClipRuntime,
    Download,
    Failure,
    OutputFile,
    Prepare,
    Recording,
    Remark,
    Waiting,
)
from camspool.core.values import ErrorCode, WaitReason


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a clip."""

    routine: ClassVar[bool] = False
    """True for news that a power cut may take away: saved without fsync, at most once a second."""

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002 - most events need not know the time
        """The clip with what the event at time `now` changes in it; the state is not touched."""
        return replace(clip, waiting=None)


@dataclass(frozen=True, slots=True)
class Due(Event):
    """A scheduled range is over."""


@dataclass(frozen=True, slots=True)
class ListingBegan(Event):
    """The clip has a slot, and its range is about to be listed."""

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        attempts = replace(clip.attempts, list=clip.attempts.list + 1)
        return replace(clip, waiting=None, attempts=attempts)


@dataclass(frozen=True, slots=True)
class IdStillFresh(Event):
    """The clip has a slot, and the id of an earlier listing (of another piece) is still good."""


@dataclass(frozen=True, slots=True)
class CameraFound(Event):
    """The camera that the request means is known; `name` is None where the token may not list cameras."""

    routine: ClassVar[bool] = True

    node_id: int
    name: str | None

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        return replace(clip, node_id=self.node_id, camera_name=self.name)


@dataclass(frozen=True, slots=True)
class Listed(Event):
    """Recordings were chosen: one, or all the pieces of the range; the pieces after the first are queued."""

    recordings: tuple[Recording, ...]

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        recording = self.recordings[0]
        return _eased(replace(clip, recording=recording, prepare=Prepare(), download=Download()))


@dataclass(frozen=True, slots=True)
class PrepareRequested(Event):
    """The call that prepares is about to be made."""

    def mark(self, clip: Clip, now: datetime) -> Clip:
        attempts = replace(clip.attempts, prepare=clip.attempts.prepare + 1)
        return replace(clip, waiting=None, prepare=Prepare(requested_at=now), attempts=attempts)


@dataclass(frozen=True, slots=True)
class PrepareAccepted(Event):
    """The server has begun to prepare."""

    routine: ClassVar[bool] = True

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        return _eased(replace(clip, prepare=replace(clip.prepare, accepted=True)))


@dataclass(frozen=True, slots=True)
class PrepareProgressed(Event):
    """The server said how far it is, in percent."""

    routine: ClassVar[bool] = True

    percent: float

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        return _eased(replace(clip, prepare=replace(clip.prepare, percent=self.percent, accepted=True)))


@dataclass(frozen=True, slots=True)
class Prepared(Event):
    """There is a URL to download from, until `url_expires_at`."""

    url: str = field(repr=False)
    url_expires_at: datetime

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        prepare = replace(clip.prepare, percent=100.0, accepted=True)
        ready = replace(clip, prepare=prepare, runtime=ClipRuntime(url=self.url))
        return _eased(_with_url_clock(ready, self.url_expires_at))


@dataclass(frozen=True, slots=True)
class PrepareRefused(Event):
    """The server would not prepare."""

    message: str

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        return _back_to_listing(clip, replace(clip.attempts, refused=clip.attempts.refused + 1))


@dataclass(frozen=True, slots=True)
class DownloadBegan(Event):
    """A download, or the rest of one, is about to be asked for."""

    routine: ClassVar[bool] = True

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        attempts = replace(clip.attempts, download=clip.attempts.download + 1)
        return replace(clip, waiting=None, attempts=attempts)


@dataclass(frozen=True, slots=True)
class DownloadProgressed(Event):
    """Bytes have come in."""

    routine: ClassVar[bool] = True

    download: Download

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        most = max(clip.runtime.most_bytes, clip.download.bytes)
        runtime = replace(clip.runtime, most_bytes=max(most, self.download.bytes))
        after = replace(clip, download=self.download, runtime=runtime)
        return _eased(after) if self.download.bytes > most else after


@dataclass(frozen=True, slots=True)
class DownloadCompleted(Event):
    """All `size` bytes are on disk and have this hash; the URL now dies at `url_expires_at`."""

    size: int
    sha256: str
    url_expires_at: datetime | None

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        download = replace(clip.download, bytes=self.size, total_bytes=self.size)
        complete = replace(clip, download=download, runtime=replace(clip.runtime, sha256=self.sha256))
        return _eased(_with_url_clock(complete, self.url_expires_at))


@dataclass(frozen=True, slots=True)
class Verified(Event):
    """The download is a whole video, and is about to be published as `file`; what is odd, `remarks` say."""

    file: OutputFile
    remarks: tuple[Remark, ...] = ()

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        return _eased(replace(clip, file=self.file, remarks=self.remarks))


@dataclass(frozen=True, slots=True)
class Published(Event):
    """The MP4 stands in the mirror under its name."""


@dataclass(frozen=True, slots=True)
class Reopened(Event):
    """After a restart the download must be read again (its hash was in memory), or somebody deleted it."""

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        runtime = replace(clip.runtime, sha256=None)
        return replace(clip, waiting=None, file=None, remarks=(), runtime=runtime)


@dataclass(frozen=True, slots=True)
class Expired(Event):
    """The server no longer knows the id, or the URL."""

    message: str

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        return _back_to_listing(clip, replace(clip.attempts, expired=clip.attempts.expired + 1))


@dataclass(frozen=True, slots=True)
class VideoFoundBad(Event):
    """The download is complete and wrong."""

    message: str

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        return _back_to_listing(clip, replace(clip.attempts, bad_video=clip.attempts.bad_video + 1))


@dataclass(frozen=True, slots=True)
class Waits(Event):
    """Nothing can be done until `waiting.until`."""

    waiting: Waiting

    def mark(self, clip: Clip, now: datetime) -> Clip:
        # The next try asks for the URL again: the one that failed may have been the trouble.
        clip = replace(clip, runtime=replace(clip.runtime, url=None))
        if self.waiting.reason is WaitReason.RECORDING_NOT_YET_THERE:
            return replace(clip, waiting=self.waiting, troubled_s=0.0, tries=0)
        pause = (self.waiting.until - now).total_seconds() if self.waiting.until else 0.0
        return replace(clip, waiting=self.waiting, troubled_s=clip.troubled_s + pause, tries=clip.tries + 1)


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """It cannot be had, and trying again by itself would not help."""

    code: ErrorCode
    message: str
    hint: str

    def mark(self, clip: Clip, now: datetime) -> Clip:
        error = Failure(code=self.code, message=self.message, hint=self.hint, at=now)
        return replace(clip, waiting=None, file=None, remarks=(), error=error)


@dataclass(frozen=True, slots=True)
class Cancelled(Event):
    """The request file was deleted."""

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        return replace(clip, waiting=None, file=None, remarks=())


@dataclass(frozen=True, slots=True)
class Removed(Event):
    """The retention rules have deleted the MP4."""


def _eased(clip: Clip) -> Clip:
    """The clip got on: whatever trouble it had is over."""
    return replace(clip, waiting=None, troubled_s=0.0, tries=0)


def _back_to_listing(clip: Clip, attempts: Attempts) -> Clip:
    """Everything that hangs on the old id is void; its duration still tells a piece from the others."""
    recording = replace(clip.recording, id=None) if clip.recording else None
    return replace(
        clip,
        recording=recording,
        prepare=Prepare(),
        download=Download(),
        file=None,
        remarks=(),
        attempts=attempts,
        waiting=None,
        runtime=ClipRuntime(),
    )


def _with_url_clock(clip: Clip, url_expires_at: datetime | None) -> Clip:
    recording = replace(clip.recording, url_expires_at=url_expires_at) if clip.recording else None
    return replace(clip, recording=recording)
