"""What can happen to a clip, and what each happening leaves in it beside the state.

The states themselves are the business of `lifecycle`, which calls `mark`.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

from camspool.core import trouble
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
from camspool.core.values import ErrorCode, HostAction, WaitReason


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
        return replace(clip, waiting=None, recording=recording, prepare=Prepare(), download=Download())


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

    def mark(self, clip: Clip, now: datetime) -> Clip:
        prepare = replace(clip.prepare, requested_at=clip.prepare.requested_at or now, accepted=True)
        return replace(clip, waiting=None, prepare=prepare)


@dataclass(frozen=True, slots=True)
class PrepareFailed(Event):
    """The call that prepares was answered by an error, or nothing came of it: it has to be made again."""

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        verdict = replace(clip.verdict, made_anew=clip.verdict.made_anew + 1)
        return replace(clip, waiting=None, prepare=Prepare(), verdict=verdict)


@dataclass(frozen=True, slots=True)
class PrepareProgressed(Event):
    """The preparation has got further, to so many percent."""

    routine: ClassVar[bool] = True

    percent: float

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        prepare = replace(clip.prepare, percent=self.percent, accepted=True, still_s=0.0)
        return replace(clip, waiting=None, prepare=prepare)


@dataclass(frozen=True, slots=True)
class PrepareStands(Event):
    """The preparation has shown no progress for `still_s` seconds; its slot may go to another for a while."""

    waiting: Waiting
    still_s: float

    def mark(self, clip: Clip, now: datetime) -> Clip:
        prepare = replace(clip.prepare, still_s=self.still_s)
        return trouble.waited(replace(clip, prepare=prepare), self.waiting, now)


@dataclass(frozen=True, slots=True)
class Prepared(Event):
    """There is a URL to download from, until `url_expires_at`."""

    url: str = field(repr=False)
    url_expires_at: datetime

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        prepare = replace(clip.prepare, percent=100.0, accepted=True)
        ready = replace(clip, prepare=prepare, runtime=ClipRuntime(url=self.url))
        return replace(_with_url_clock(ready, self.url_expires_at), waiting=None)


@dataclass(frozen=True, slots=True)
class PrepareRefused(Event):
    """The server answered `false` or null to the call that prepares."""

    message: str

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        attempts = replace(clip.attempts, refused=clip.attempts.refused + 1)
        return _back_to_listing(clip, attempts, ErrorCode.PREPARE_REFUSED)


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
        return replace(clip, download=self.download)


@dataclass(frozen=True, slots=True)
class DownloadCompleted(Event):
    """All `size` bytes are on disk and have this hash; the URL now dies at `url_expires_at`."""

    size: int
    sha256: str
    url_expires_at: datetime | None

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        download = replace(clip.download, bytes=self.size, total_bytes=self.size)
        runtime = replace(clip.runtime, sha256=self.sha256)
        return _with_url_clock(
            replace(clip, waiting=None, download=download, runtime=runtime), self.url_expires_at
        )


@dataclass(frozen=True, slots=True)
class Verified(Event):
    """The download is a whole video, and is about to be published as `file`; what is odd, `remarks` say."""

    file: OutputFile
    remarks: tuple[Remark, ...] = ()

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        return replace(clip, waiting=None, file=self.file, remarks=self.remarks)


@dataclass(frozen=True, slots=True)
class Published(Event):
    """The MP4 stands in the mirror under its name."""


@dataclass(frozen=True, slots=True)
class Reopened(Event):
    """The download must be read again after a restart (its hash was in memory), or somebody deleted it."""

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        runtime = replace(clip.runtime, sha256=None)
        return replace(clip, waiting=None, file=None, remarks=(), runtime=runtime)


@dataclass(frozen=True, slots=True)
class Expired(Event):
    """The id or the URL is good for nothing any more: the recording has to be made anew.

    `early`: by its own clock it should still be good. What has merely become old proves nothing.
    """

    message: str
    early: bool

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        attempts = replace(clip.attempts, expired=clip.attempts.expired + 1)
        return _back_to_listing(clip, attempts, ErrorCode.KEPT_EXPIRING if self.early else None)


@dataclass(frozen=True, slots=True)
class VideoFoundBad(Event):
    """The download is complete, and its structure is broken.

    `patience_s`: seconds for which that has to have happened before it is final.
    """

    message: str
    patience_s: float

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        attempts = replace(clip.attempts, bad_video=clip.attempts.bad_video + 1)
        return _back_to_listing(clip, attempts, ErrorCode.BAD_VIDEO)


@dataclass(frozen=True, slots=True)
class Waits(Event):
    """Nothing can be done until `waiting.until`."""

    waiting: Waiting

    def mark(self, clip: Clip, now: datetime) -> Clip:
        # The next try asks for the URL again: the one that failed may have been the trouble.
        clip = replace(clip, runtime=replace(clip.runtime, url=None, held_by=None))
        if self.waiting.reason is WaitReason.RECORDING_NOT_YET_THERE:
            return replace(clip, waiting=self.waiting)
        return trouble.waited(clip, self.waiting, now)


@dataclass(frozen=True, slots=True)
class HeldUp(Event):
    """A host is in trouble that several clips share; none of the time counts against this one.

    `tried`: the clip has just met it itself, so its next pause is longer. `until_well_at`: the host whose
    recovery ends the wait early. `url` is the address to ask for then; without it, the API is asked for it
    again.
    """

    waiting: Waiting
    tried: bool
    until_well_at: HostAction | None = None
    url: str | None = field(default=None, repr=False)

    def mark(self, clip: Clip, now: datetime) -> Clip:  # noqa: ARG002
        runtime = replace(clip.runtime, url=self.url, held_by=self.until_well_at)
        return replace(clip, waiting=self.waiting, runtime=runtime, tries=clip.tries + self.tried)


@dataclass(frozen=True, slots=True)
class Doubted(Event):
    """The server does not know an id, or refuses an address, that is still good by its clock: ask later.

    `address` is the one that was refused; without it, the doubt is about the id.
    """

    waiting: Waiting
    address: str | None = field(default=None, repr=False)

    def mark(self, clip: Clip, now: datetime) -> Clip:
        refused = self.address or clip.runtime.refused_url
        runtime = replace(clip.runtime, url=None, held_by=None, refused_url=refused)
        recording = clip.recording
        if recording and self.address is None:
            recording = replace(recording, doubted=True)
        return trouble.waited(replace(clip, runtime=runtime, recording=recording), self.waiting, now)


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


def _back_to_listing(clip: Clip, attempts: Attempts, code: ErrorCode | None) -> Clip:
    """Everything that hangs on the old id is void; its duration still tells a piece from the others.

    `code` is the error that this amounts to if it keeps happening, if any.
    """
    recording = replace(clip.recording, id=None, doubted=False) if clip.recording else None
    return replace(
        clip,
        recording=recording,
        prepare=Prepare(),
        download=Download(),
        file=None,
        remarks=(),
        attempts=attempts,
        waiting=None,
        verdict=trouble.weighed(clip, code),
        runtime=ClipRuntime(),
    )


def _with_url_clock(clip: Clip, url_expires_at: datetime | None) -> Clip:
    recording = replace(clip.recording, url_expires_at=url_expires_at) if clip.recording else None
    return replace(clip, recording=recording)
