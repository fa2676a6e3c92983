"""The values that all other modules share: states, codes, cameras, and what a request file asks for.

Frozen dataclasses; a change makes a new one with `dataclasses.replace`.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, Field

LONGEST_REQUEST: Final = 64 * 1024
"""Bytes that a request file may have (contract, "A request file")."""


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
    INTERNAL = "internal"
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


class DownloadFault(StrEnum):
    """The kinds of trouble that a download host can be in; not public: they only group clips."""

    UNREACHABLE = "unreachable"
    """No connection: name, network, TLS or proxy."""
    INTERRUPTED = "interrupted"
    """The connection broke, fell silent, ended early, or carried something other than HTTP."""
    RATE_LIMITED = "rate_limited"
    """429, or 503 with Retry-After."""
    SERVER_ERROR = "server_error"
    """Any other 5xx."""
    UNEXPECTED_STATUS = "unexpected_status"
    """Any other status; a refusal of the address itself is no trouble but `AddressRefused`."""
    NO_VIDEO = "no_video"
    """200 with a page, JSON or nothing in place of a video."""
    BAD_ADDRESS = "bad_address"
    """The address, or one that it redirects to, is none that can be downloaded from."""


class RemarkCode(StrEnum):
    """What is odd about an MP4 that is whole."""

    OTHER_DURATION = "other_duration"
    OTHER_HEIGHT = "other_height"
    GAPS = "gaps"
    TRAILING_BYTES = "trailing_bytes"
    NO_TIMES = "no_times"


class Take(StrEnum):
    """What to do with several listed recordings: see `selection`."""

    AUTO = "auto"
    ALL = "all"
    BEST = "best"


@dataclass(frozen=True, slots=True)
class HostAction:
    """Something that many clips ask of one host: a question of the API, or downloads.

    `host` is scheme, name and port, or `API`; `action` is the operation.
    """

    host: str
    action: str


API: Final = "API"
"""The host of the four questions; which one it is, the configuration says."""

CAMERAS: Final = HostAction(API, "nodeList")
LISTING: Final = HostAction(API, "recordings")
PREPARATION: Final = HostAction(API, "recordingPrepare")
PROGRESS: Final = HostAction(API, "progress")


CameraRef = int | str
"""How a request names a camera: node id (int), external id or unique name (str)."""

HeightSelector = int | str
"""`720` (exactly), `"best"`, `"smallest"`, `"<=720"`, `">=720"`; checked by `fields`."""


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
    """A valid request file, parsed."""

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
