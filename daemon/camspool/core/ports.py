"""What the pipeline needs of the outside world. The adapters implement these protocols.

Each implementation, real or fake, passes one suite of tests: `tests/support/contracts.py`.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from camspool.core.errors import CamspoolError
from camspool.core.status_document import Gap, OutputFile, Status
from camspool.core.values import Camera, Listed, Preparation


class Clock(Protocol):
    """Time, injected so that tests need not wait."""

    def now(self) -> datetime:
        """Wall-clock time, aware, in UTC; may jump."""

    def monotonic(self) -> float:
        """Seconds that never step back; for measuring, not for dates."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""


@dataclass(frozen=True, slots=True)
class ListCameras:
    """Which cameras and video channels does the token see? Answer: `tuple[Camera, ...]`."""


@dataclass(frozen=True, slots=True)
class ListRecordings:
    """Step 1. `start` and `end` are Unix seconds. Answer: `tuple[Listed, ...]`."""

    node_id: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class PrepareRecording:
    """Step 2. Answer: `bool`, True when preparation has started."""

    recording_id: str
    height: int


@dataclass(frozen=True, slots=True)
class AskProgress:
    """Step 3, first half. Answer: `Preparation`."""

    recording_id: str


Question = ListCameras | ListRecordings | PrepareRecording | AskProgress
Answer = tuple[Camera, ...] | tuple[Listed, ...] | bool | Preparation


class Api(Protocol):
    """The vendor's API, one call at a time."""

    async def ask(self, questions: Sequence[Question]) -> Sequence[Answer | CamspoolError]:
        """Answer questions of one kind in one call.

        Returns:
            One item a question, in order: its answer, or the error of this question alone
            (`RecordingExpired`, `CameraNotFound`, `ClipTrouble`).

        Raises:
            ServiceTrouble: the call failed as a whole.
        """


class Recordings(Protocol):
    """The vendor's API as the workflow sees it. Each method raises what `Api.ask` returns or raises."""

    async def cameras(self) -> tuple[Camera, ...]:
        """Every camera and video channel that the token sees."""

    async def list_recordings(self, node_id: int, start: int, end: int) -> tuple[Listed, ...]:
        """The recordings of a camera between two Unix times, in the server's order."""

    async def prepare(self, recording_id: str, height: int) -> bool:
        """Start the preparation; True when it has started."""

    async def progress(self, recording_id: str) -> Preparation:
        """How far the preparation is."""


@dataclass(frozen=True, slots=True)
class DownloadOrder:
    """What to fetch: `part` is the file to write or to go on with.

    `etag` is the validator of what is in it, or else `last_modified`, both as an earlier progress gave them.

    `url` may be None when `part` has `total_bytes` already: nothing is asked for then, only its hash is read.
    `open_folder` gives a descriptor of the folder that `part` is in, reached without following a link that
    somebody may have put on the way to it; None: it is opened by its path.
    """

    url: str | None = field(repr=False)
    part: Path
    etag: str | None = None
    total_bytes: int | None = None
    last_modified: str | None = None
    open_folder: Callable[[], AbstractContextManager[int]] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A complete, fsynced `.part` file: its length in bytes and its SHA-256 as 64 hex digits."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """Bytes on disk, bytes in all (if known), speed in bytes per second, the strong validator (if any).

    That is the ETag, or where the answer has no ETag at all, the Last-Modified of it.
    """

    bytes: int
    total_bytes: int | None
    bytes_per_s: int | None
    etag: str | None
    last_modified: str | None = None


class Downloads(Protocol):
    """Fetches a URL into a file, resuming what is there."""

    async def fetch(
        self, order: DownloadOrder, on_progress: Callable[[DownloadProgress], None]
    ) -> Downloaded:
        """Download to `order.part`; cancelling the task keeps what was written for a later resume.

        `on_progress` is called in the event loop: once when the answer's headers are known, then at most
        once a second.

        Raises:
            DownloadTrouble: no whole video came, for any reason that may pass; what was written is kept where
                it can be resumed.
            AddressRefused: 401, 403, 404 or 410.
            StorageTrouble: the file cannot be written.
        """


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What an MP4 says about itself; `codec` is the family name (`h264`, `hevc`).

    `duration_s` includes the gaps, and is 0 where the file's times are unusable. `trailing_bytes` lie behind
    its last box, where no player reads.
    """

    duration_s: float
    width: int
    height: int
    codec: str
    gaps: tuple[Gap, ...] = ()
    trailing_bytes: int = 0


class Videos(Protocol):
    """Tells a whole video from a damaged one."""

    async def inspect(self, path: Path) -> VideoFacts:
        """Check the file as far as the configuration says, and read what it is.

        Raises:
            BadVideo: it is not a whole MP4 with a video track.
            StorageTrouble: it cannot be read.
        """


class StatusFiles(Protocol):
    """Keeps the status files. Blocks: call it in a thread."""

    def save_status(self, status: Status, *, durable: bool = True) -> None:
        """Replace the status file atomically; with `durable`, a power cut can no longer undo it.

        Raises:
            StorageTrouble: it cannot be written now.
        """


class Spool(StatusFiles, Protocol):
    """The folders, as far as the workflow uses them. All methods block and may raise StorageTrouble."""

    def part_path(self, name: str, ask: int, piece: int | None) -> Path:
        """Where to download a clip to; the folder exists afterwards."""

    def part_folder(self, name: str) -> AbstractContextManager[int]:
        """A descriptor of the folder that a request's part files are in, made where it is missing."""

    def free_mp4_name(self, name: str, wanted: str) -> str:
        """The first of `wanted`, `~2`, `~3`... that nothing has in the request's folder."""

    def publish(self, part: Path, name: str, file_name: str) -> None:
        """Put a complete part file under its final name, durably; its mtime stays that of its arrival.

        Raises:
            NameTaken: anything at all has that name.
            ClipTrouble: the part file has been taken away.
        """

    def is_whole(self, name: str, file: OutputFile) -> bool:
        """True when the MP4 is in the mirror with exactly the bytes that were published."""

    def check_mirror(self) -> None:
        """Raise StorageTrouble while the mirror is not there."""

    def probe_mirror(self) -> None:
        """Raise StorageTrouble while the mirror cannot be written."""

    def free_bytes(self) -> tuple[int, int]:
        """Bytes that may still be written in the mirror, and the size of its file system."""
