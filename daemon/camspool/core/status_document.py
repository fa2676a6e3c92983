"""The status document: what a status file says, as values.

Its classes are the public file format (see INTEGRATE.md); `document.py` reads and writes it.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Final

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field

from camspool.core.values import (
    CameraRef,
    Entry,
    ErrorCode,
    HostAction,
    Problem,
    RemarkCode,
    State,
    WaitReason,
)

STATUS_SCHEMA: Final = "camspool/status/1"

MOST_CLIPS: Final = 5000
"""Clips of one request, all pieces of its ranges included."""
LARGEST_CLIP: Final = 16 * 1024
"""Bytes of a clip with the longest texts in every field; most take a tenth of that."""
LARGEST_REQUEST: Final = 32 * 1024 * 1024
"""Bytes of all the rest: the request's entries, whose metadata grow by the indentation, and its problems."""
LARGEST_STATUS: Final = MOST_CLIPS * LARGEST_CLIP + LARGEST_REQUEST
"""Bytes of the largest status file that is read: whatever may be accepted can also be read back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The recording that a clip uses, with its clocks. `id` is null once it has expired and was scrubbed.

    `doubted`: the server did not know it although it is still good by its clock; it is asked once more.
    """

    id: str | None
    duration_s: float
    heights: tuple[int, ...]
    height: int
    listed_at: AwareDatetime
    id_expires_at: AwareDatetime | None
    url_expires_at: AwareDatetime | None = None
    doubted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """Step 2. `requested_at` is saved before the call is made: a restart must not prepare a second time.

    `still_s` is how many seconds it has been watched without progress.
    """

    percent: float = 0.0
    requested_at: AwareDatetime | None = None
    accepted: bool = False
    still_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Step 3. `etag` is the strong validator (or null) of the bytes on disk, for If-Range.

    `last_modified` is the same where there is no ETag: a date of the server's, when it counts as strong.
    """

    bytes: int = 0
    total_bytes: int | None = None
    bytes_per_s: int | None = None
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A hole in an MP4's own time line: where it begins and how long it is, in seconds."""

    at_s: float
    length_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFile:
    """A published MP4. It is saved, with state `verifying`, just before the rename that publishes it.

    `duration_s`, `width` and `height` are what the file has; `duration_s` includes `gaps` and is 0 where the
    file's times are unusable.
    """

    name: str
    bytes: int
    sha256: str
    duration_s: float
    width: int
    height: int
    codec: str
    gaps: tuple[Gap, ...] = ()

    @property
    def footage_s(self) -> float:
        """Seconds of footage: the duration without the gaps."""
        return max(0.0, self.duration_s - sum(gap.length_s for gap in self.gaps))


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something odd about an MP4 that is whole."""

    code: RemarkCode
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartsAt:
    """When the footage of a clip begins; `estimated` for pieces, whose listing has no times."""

    at: AwareDatetime
    estimated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """How often each step was begun, and how often a clip had to go back a step."""

    list: int = 0
    prepare: int = 0
    download: int = 0
    refused: int = 0
    expired: int = 0
    bad_video: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """The furthest that a clip has ever been: its state, and the most percent and bytes in that state."""

    state: State = State.QUEUED
    percent: float = 0.0
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Answers in the present trouble that settle the matter if they keep coming.

    `code` is the error that they amount to, `count` how many have come in a row, and `since_s` what
    `troubled_s` was when the first of them came. `made_anew` counts preparations begun or asked for again.
    """

    code: ErrorCode | None = None
    count: int = 0
    since_s: float = 0.0
    made_anew: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The `error` of a status file or clip."""

    code: ErrorCode
    message: str
    hint: str
    at: AwareDatetime
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why nothing can be done now, and until when (null: until it has been put right)."""

    reason: WaitReason
    message: str
    until: AwareDatetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRuntime:
    """What a clip knows only while the daemon runs; never written, never logged.

    `url` is signed, which makes it a secret; so is `refused_url`, the one that was refused last. `sha256` is
    of the bytes on disk, read anew after a restart. `held_by` is the host whose trouble the clip waits out.
    """

    url: str | None = field(default=None, repr=False)
    refused_url: str | None = field(default=None, repr=False)
    sha256: str | None = None
    held_by: HostAction | None = None


def _forgotten(_: Any) -> ClipRuntime:
    return ClipRuntime()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One MP4 to be: one camera, one time range, one recording.

    `ask` counts from 1 in the order entry, camera, time. Several recordings that are pieces of one ask
    become several clips with the same `ask`, `piece` 1..`pieces`. `entry` is the index of the request's
    entry. `tries` counts the failures of the present trouble, `troubled_s` the seconds waited because of
    them (neither a host's trouble nor a stopped daemon counts). Only getting further than `reached` ends a
    trouble.
    """

    state: State = State.QUEUED
    camera: CameraRef
    camera_name: str | None = None
    node_id: int | None = None
    start: Annotated[AwareDatetime, Field(alias="from")]
    end: Annotated[AwareDatetime, Field(alias="to")]
    entry: int = 0
    ask: int = 1
    piece: int | None = None
    pieces: int | None = None
    recording: Recording | None = None
    prepare: Prepare = Prepare()
    download: Download = Download()
    file: OutputFile | None = None
    starts_at: StartsAt | None = None
    remarks: tuple[Remark, ...] = ()
    attempts: Attempts = Attempts()
    waiting: Waiting | None = None
    troubled_s: float = 0.0
    tries: int = 0
    reached: Reached = Reached()
    verdict: Verdict = Verdict()
    error: Failure | None = None
    runtime: Annotated[ClipRuntime, Field(exclude=True), BeforeValidator(_forgotten)] = field(
        default=ClipRuntime(), compare=False
    )

    @property
    def key(self) -> str:
        """Tells the clips of one request apart: `001`; `001-2` and on for the further pieces of a range.

        A clip keeps its key when a listing shows that it is the first of several pieces.
        """
        return f"{self.ask:03d}" + (f"-{self.piece}" if self.piece and self.piece > 1 else "")

    @property
    def asked_s(self) -> float:
        """Length of the range that was asked for, in seconds."""
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose file it was, as the file system says; `name` is null where this machine knows none."""

    uid: int
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """The request as it was accepted.

    `file` is its path below drop/, for reading: bytes that are not UTF-8 are shown as `%XX`, which only
    happens to files that are rejected. `filed_as` is its path below mirror/ once it has been moved there; by
    that a restart tells an interrupted move from a request that was dropped again. `filed_before` is where an
    earlier run of the same request was filed: its own, which may be replaced.
    """

    file: str
    sha256: str
    owner: Owner | None = None
    entries: tuple[Entry, ...] = ()
    filed_as: str | None = None
    filed_before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the whole request is; `eta_s` in seconds, null while it is unknown."""

    percent: float = 0.0
    clips_done: int = 0
    clips_total: int = 0
    eta_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Seconds of footage asked for, and seconds in the mirror."""

    requested_s: float = 0.0
    delivered_s: float = 0.0


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """The request entered `state` at `at`."""

    at: AwareDatetime
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The status file: the durable record of one request, and the only one."""

    # Holds for everything in a status: nobody can count with NaN or infinities.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(allow_inf_nan=False)

    schema: str = STATUS_SCHEMA
    name: str
    state: State
    request: RequestRecord
    progress: Progress = Progress()
    clips: tuple[Clip, ...] = ()
    coverage: Coverage = Coverage()
    waiting: Waiting | None = None
    error: Failure | None = None
    history: tuple[HistoryEntry, ...] = ()
    created_at: AwareDatetime
    updated_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    repeated_at: AwareDatetime | None = None
