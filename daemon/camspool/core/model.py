"""The values that everything else speaks of: requests, clips, recordings, and the status document.

Frozen dataclasses; a change makes a new one with `dataclasses.replace`. The status document's classes are
the public file format (see the contract in INTEGRATE.md): pydantic reads and writes them in `document.py`.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field

LONGEST_REQUEST: Final = 64 * 1024
"""Bytes that a request file may have (contract, "A request file")."""
STATUS_SCHEMA: Final = "camspool/status/1"
SERVICE_SCHEMA: Final = "camspool/service/1"


class State(StrEnum):
    """States of a clip and of a whole request; `partial`, `rejected` and `validated` only of a request."""

    QUEUED = "queued"
    SCHEDULED = "scheduled"
    LISTING = "listing"
    PREPARING = "preparing"
    DOWNLOADING = "downloading"
    VERIFYING = "verifying"
    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    VALIDATED = "validated"
    REMOVED = "removed"

    @property
    def final(self) -> bool:
        """True when nothing more happens by itself."""
        return self in _FINAL


_FINAL: Final = frozenset(
    {
        State.DONE,
        State.PARTIAL,
        State.FAILED,
        State.REJECTED,
        State.CANCELLED,
        State.VALIDATED,
        State.REMOVED,
    }
)


class ErrorCode(StrEnum):
    """Why a request was rejected or a clip failed."""

    SYNTAX = "syntax"
    INVALID = "invalid"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    UNREADABLE = "unreadable"
    UNSUPPORTED_TYPE = "unsupported_type"
    NAME_TAKEN = "name_taken"
    RESERVED_NAME = "reserved_name"
    BAD_NAME = "bad_name"
    CAMERA_NOT_FOUND = "camera_not_found"
    CAMERA_AMBIGUOUS = "camera_ambiguous"
    NO_RECORDING = "no_recording"
    HEIGHT_NOT_OFFERED = "height_not_offered"
    PREPARE_REFUSED = "prepare_refused"
    PREPARE_STALLED = "prepare_stalled"
    BAD_VIDEO = "bad_video"
    KEPT_EXPIRING = "kept_expiring"
    GAVE_UP = "gave_up"


class WaitReason(StrEnum):
    """Why nothing can be done now; never a failure by itself."""

    API_UNREACHABLE = "api_unreachable"
    UNAUTHORISED = "unauthorised"
    RATE_LIMITED = "rate_limited"
    API_ERROR = "api_error"
    DOWNLOAD_INTERRUPTED = "download_interrupted"
    DISK_FULL = "disk_full"
    FOLDER_UNAVAILABLE = "folder_unavailable"
    RECORDING_NOT_YET_THERE = "recording_not_yet_there"


class Take(StrEnum):
    """What to do with several listed recordings: see `choosing`."""

    AUTO = "auto"
    ALL = "all"
    BEST = "best"


CameraRef = int | str
"""How a request names a camera: node id (int), external id or unique name (str)."""

HeightSelector = int | str
"""`720` (exactly), `"best"`, `"smallest"`, `"<=720"`, `">=720"`; checked by intake."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file: where, what was found, what was expected."""

    path: str
    value: Any
    expected: str

    @property
    def sentence(self) -> str:
        """The problem in words, for messages."""
        where = f"{self.path}: " if self.path else ""
        return f"{where}found {_shown(self.value)}, expected {self.expected}"


def _shown(value: Any, longest: int = 80) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= longest else text[: longest - 3] + "..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One mapping of a request file, normalised: times in UTC, every default filled in."""

    camera: CameraRef | tuple[CameraRef, ...]
    start: Annotated[AwareDatetime, Field(alias="from")]
    end: Annotated[AwareDatetime, Field(alias="to")]
    height: HeightSelector = "best"
    take: Take = Take.AUTO
    split_s: float | None = None
    priority: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """What intake makes of a valid request file."""

    entries: tuple[Entry, ...]
    validate_only: bool


@dataclass(frozen=True, slots=True)
class Camera:
    """A node that has recordings: a camera or a video channel.

    `place`: the names of the nodes that it lies in, from the root of the tree; as far as the token sees them.
    """

    node_id: int
    name: str
    external_id: str | None
    parent_node_id: int | None = None
    type: str = "camera"
    place: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """One recording as a listing showed it: `duration_s` in seconds, the heights on offer."""

    recording_id: str
    duration_s: float
    heights: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Preparation:
    """How far the preparation of a recording is: percent 0..100, and the URL once it exists."""

    percent: float | None
    download_url: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The recording that a clip uses, with its clocks. `id` is null once it has expired and was scrubbed."""

    id: str | None
    duration_s: float
    heights: tuple[int, ...]
    height: int
    listed_at: AwareDatetime
    id_expires_at: AwareDatetime | None
    url_expires_at: AwareDatetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """Step 2. `requested_at` is saved before the call is made: a restart must not prepare a second time."""

    percent: float = 0.0
    requested_at: AwareDatetime | None = None
    accepted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Step 3. `etag` is the strong validator (or null) of the bytes on disk, for If-Range."""

    bytes: int = 0
    total_bytes: int | None = None
    bytes_per_s: int | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFile:
    """A published MP4. It is saved, with state `verifying`, just before the rename that publishes it."""

    name: str
    bytes: int
    sha256: str
    duration_s: float
    width: int
    height: int
    codec: str


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
class Memory:
    """What a clip knows only while the daemon runs; never written, never logged.

    `url` is signed, which makes it a secret; `sha256` is of the bytes on disk, read anew after a restart.
    `most_bytes` is how far the download has ever been: one that keeps starting over does not get on.
    """

    url: str | None = field(default=None, repr=False)
    sha256: str | None = None
    most_bytes: int = 0


def _forgotten(_: Any) -> Memory:
    return Memory()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One MP4 to be: one camera, one time range, one recording.

    `ask` counts from 1 in the order entry, camera, time. Several recordings that are pieces of one ask become
    several clips with the same `ask`, `piece` 1..`pieces`. `entry` is the index of the request's entry.
    `tries` counts the failures in a row, `troubled_s` the seconds waited because of them (neither an outage
    of the service nor a stopped daemon counts); any progress ends the trouble.
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
    attempts: Attempts = Attempts()
    waiting: Waiting | None = None
    troubled_s: float = 0.0
    tries: int = 0
    error: Failure | None = None
    memory: Annotated[Memory, Field(exclude=True), BeforeValidator(_forgotten)] = field(
        default=Memory(), compare=False
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
class RequestRecord:
    """The request as it was accepted.

    `file` is its path below drop/; `filed_as` is its path below mirror/ once it has been moved there. That is
    also how a restart tells an interrupted move from a request that was dropped again. `filed_before` is
    where an earlier run of the same request was filed: its own, which may be replaced.
    """

    file: str
    sha256: str
    entries: tuple[Entry, ...] = ()
    filed_as: str | None = None
    filed_before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the whole request is; `eta_s` in seconds, null while nobody can know."""

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

    # Holds for all that a status is made of: with NaN or an infinity nobody could count.
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
