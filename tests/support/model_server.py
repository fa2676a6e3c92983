"""The portal in memory, as the ports see it: recordings with three clocks, downloads, trouble on request.

It keeps a record of what it was asked, and knows by itself what must not happen: a recording prepared twice.
"""

import asyncio
import hashlib
import json
import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from camspool.core.clock_check import Reading
from camspool.core.errors import (
    AddressRefused,
    BadVideo,
    CameraNotFound,
    ClipTrouble,
    DownloadTrouble,
    OutcomeUnknown,
    RecordingExpired,
    RecordingUnknown,
    StorageTrouble,
)
from camspool.core.expiry import Lifetimes
from camspool.core.ports import Downloaded, DownloadOrder, DownloadProgress, VideoFacts
from camspool.core.values import Camera, DownloadFault, Listed, Preparation, WaitReason
from support.virtual_time import VirtualClock

HEIGHTS: Final = (480, 720)
ANSWER_S: Final = 0.2
PREPARE_S: Final = 8.0
CHUNK: Final = 600
CHUNK_S: Final = 0.5
RETRY_AFTER_S: Final = 120.0
HOST: Final = "https://portal.invalid:443"

GATE, YARD, AISLE, BLIND = 1, 2, 3, 4
CAMERAS: Final = tuple(
    Camera(node, name, external_id=name.lower())
    for node, name in ((GATE, "Gate"), (YARD, "Yard"), (AISLE, "Aisle"), (BLIND, "Blind"))
)
"""Gate has one recording of any range, Yard two pieces, Aisle two copies, Blind none."""


class Trouble(StrEnum):
    """What the server can be made to do: once each to the next caller, or for as long as it lasts."""

    CAMERAS_FAIL = "cameras_fail"
    CAMERA_DENIED = "camera_denied"
    LIST_FAILS = "list_fails"
    PREPARE_UNHEARD = "prepare_unheard"
    PREPARE_UNANSWERED = "prepare_unanswered"
    PREPARE_REFUSED = "prepare_refused"
    PREPARE_FAILS = "prepare_fails"
    PREPARE_STANDS = "prepare_stands"
    PROGRESS_FAILS = "progress_fails"
    ID_UNKNOWN = "id_unknown"
    ADDRESS_NONE = "address_none"
    ADDRESS_OTHER = "address_other"
    ADDRESS_REFUSED = "address_refused"
    DOWNLOAD_LIMITED = "download_limited"
    DOWNLOAD_FAILS = "download_fails"
    DOWNLOAD_CUT = "download_cut"
    DOWNLOAD_CHANGED = "download_changed"
    DOWNLOAD_NO_VIDEO = "download_no_video"
    VIDEO_TOO_SHORT = "video_too_short"
    VIDEO_BROKEN = "video_broken"


class Disk(Protocol):
    """What a download asks of the disk that it writes to."""

    dead: bool
    """The process that writes is no more."""

    def written(self) -> None:
        """Raise what a write to the mirror raises now."""


@dataclass(slots=True)
class Recorded:
    """One recording id, and what became of it."""

    id: str
    node: int
    start: int
    end: int
    listed_at: float
    height: int | None = None
    prepared_at: float = 0.0
    downloaded_at: float | None = None
    version: int = 1
    gone: bool = False
    addresses: int = 0
    spoiled: bool = False
    """The daemon has been given a reason to make another one."""

    @property
    def content(self) -> tuple[int, int, int]:
        return self.node, self.start, self.end

    @property
    def etag(self) -> str:
        return f'"{self.id}-{self.version}"'


class ModelServer:
    """`Recordings`, `Downloads` and `Videos`; also whatever else the composition root asks of the API."""

    last_success_at = None
    server_time: Reading | None = None
    calls_last_hour = 0

    def __init__(self, clock: VirtualClock, disk: Disk, lifetimes: Lifetimes | None = None) -> None:
        self._clock = clock
        self._disk = disk
        self._lifetimes = lifetimes or Lifetimes()
        self._reachable = asyncio.Event()
        self._reachable.set()
        self.troubles: Counter[Trouble] = Counter()
        self.lasting: dict[Trouble, Callable[[int], bool]] = {}
        """What is wrong until a test says otherwise, and of the recordings with which beginnings."""
        self.struck: Counter[Trouble] = Counter()
        self.expired_answers = 0
        self.calls: Counter[str] = Counter()
        self.asked_to_prepare: Counter[int] = Counter()
        """How often, by the beginning of the recording."""
        self.stands_at = 0.0
        self.recordings: dict[str, Recorded] = {}
        self.broken_promises: list[str] = []

    # What a test does

    @property
    def up(self) -> bool:
        return self._reachable.is_set()

    def go_down(self) -> None:
        """From now on nothing is answered: the adapters of the API wait until it is."""
        self._reachable.clear()

    def come_back(self) -> None:
        self._reachable.set()

    def lose_ids(self) -> None:
        """Forget every recording before its time."""
        for recording in self.recordings.values():
            recording.gone = True

    def forgive(self, is_excused: Callable[[int], bool]) -> None:
        """What was prepared of ranges with these beginnings may be prepared again: somebody asked for it."""
        for recording in self.recordings.values():
            recording.spoiled |= is_excused(recording.start)

    def is_good(self, recording: Recorded) -> bool:
        """True while an id that is not prepared may be, and what is prepared may be downloaded."""
        now, lifetimes = self._clock.elsewhere(), self._lifetimes
        if recording.gone:
            return False
        if recording.height is None:
            return now < recording.listed_at + lifetimes.recording_id
        used = recording.downloaded_at
        if used is not None and now >= used + lifetimes.downloaded_url:
            return False
        return now < recording.prepared_at + PREPARE_S + lifetimes.download_url

    # Recordings

    async def cameras(self) -> tuple[Camera, ...]:
        await self._answered("cameras")
        self._fail_if(Trouble.CAMERAS_FAIL)
        return CAMERAS

    async def list_recordings(self, node_id: int, start: int, end: int) -> tuple[Listed, ...]:
        await self._answered("list")
        self._fail_if(Trouble.LIST_FAILS, start)
        if self._strikes(Trouble.CAMERA_DENIED, start):
            raise CameraNotFound("the server says: Access denied")
        if node_id not in {camera.node_id for camera in CAMERAS}:
            raise CameraNotFound(f"no camera {node_id}")
        half = (start + end) // 2
        ranges = {
            GATE: [(start, end)],
            YARD: [(start, half), (half, end)],
            AISLE: [(start, half), (start, end)],
            BLIND: [],
        }[node_id]
        return tuple(self._list(node_id, *each) for each in ranges)

    def _list(self, node: int, start: int, end: int) -> Listed:
        recording = Recorded(
            f"r{len(self.recordings) + 1:04d}", node, start, end, listed_at=self._clock.elsewhere()
        )
        self.recordings[recording.id] = recording
        return Listed(recording.id, float(end - start), HEIGHTS)

    async def prepare(self, recording_id: str, height: int) -> bool:
        await self._answered("prepare")
        start = self._start(recording_id)
        self.asked_to_prepare[start] += 1
        if self._strikes(Trouble.PREPARE_UNHEARD, start):
            raise OutcomeUnknown(WaitReason.API_ERROR, "the call was lost")
        recording = self._known(recording_id)
        self._fail_if(Trouble.PREPARE_FAILS, start)
        if self._strikes(Trouble.PREPARE_REFUSED, start) or height not in HEIGHTS:
            return False
        self._judge_preparation(recording)
        recording.height, recording.prepared_at = height, self._clock.elsewhere()
        if self._strikes(Trouble.PREPARE_UNANSWERED, start):
            raise OutcomeUnknown(WaitReason.API_ERROR, "the answer was lost")
        return True

    def _judge_preparation(self, recording: Recorded) -> None:
        if recording.height is not None:
            self.broken_promises.append(f"{recording.id} was prepared twice")
        for other in self.recordings.values():
            if (
                other is not recording
                and other.content == recording.content
                and other.height is not None
                and self.is_good(other)
                and not other.spoiled
            ):
                self.broken_promises.append(f"{recording.id} was prepared though {other.id} was good")

    async def progress(self, recording_id: str) -> Preparation:
        await self._answered("progress")
        start = self._start(recording_id)
        self._fail_if(Trouble.PROGRESS_FAILS, start)
        recording = self._known(recording_id)
        if self._strikes(Trouble.ID_UNKNOWN, start):
            recording.spoiled = True
            raise RecordingUnknown("the server no longer knows the recording's id")
        if recording.height is None:
            return Preparation(0.0, None)
        if self._strikes(Trouble.PREPARE_STANDS, start):
            recording.prepared_at = self._clock.elsewhere() - PREPARE_S * self.stands_at / 100
            return Preparation(self.stands_at, None)
        percent = min(100.0, 100.0 * (self._clock.elsewhere() - recording.prepared_at) / PREPARE_S)
        return Preparation(percent, self._address(recording) if percent == 100 else None)

    def _address(self, recording: Recorded) -> str | None:
        if self._strikes(Trouble.ADDRESS_NONE, recording.start):
            recording.spoiled = True
            return None
        if self._strikes(Trouble.ADDRESS_OTHER, recording.start):
            recording.spoiled = True
            recording.addresses += 1
        return f"https://portal.invalid/{recording.id}?{recording.addresses}"

    async def aclose(self) -> None:
        pass

    # Downloads

    async def fetch(
        self, order: DownloadOrder, on_progress: Callable[[DownloadProgress], None]
    ) -> Downloaded:
        await self._write()
        try:
            descriptor = os.open(order.part, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        except OSError as error:
            raise StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, str(error)) from error
        with os.fdopen(descriptor, "r+b") as part:
            have = part.seek(0, os.SEEK_END)
            if not have or have != order.total_bytes:
                await self._send(order, part.fileno(), have, on_progress)
        data = order.part.read_bytes()
        return Downloaded(len(data), hashlib.sha256(data).hexdigest())

    async def _send(
        self, order: DownloadOrder, part: int, have: int, on_progress: Callable[[DownloadProgress], None]
    ) -> None:
        await self._answered("download")
        recording = self._of_url(order.url or "")
        if self._strikes(Trouble.ADDRESS_REFUSED, recording.start):
            raise AddressRefused("portal.invalid answered 403")
        self._refuse_download(recording)
        body = self._body(recording)
        if order.etag != recording.etag or have >= len(body):
            have = 0
            os.ftruncate(part, 0)
        on_progress(DownloadProgress(have, len(body), None, recording.etag))
        while have < len(body):
            await self._clock.sleep(CHUNK_S)
            if not self.is_good(recording):
                raise _interrupted(DownloadFault.INTERRUPTED, "the connection broke")
            await self._write()
            have += os.write(part, body[have : have + CHUNK])
            on_progress(DownloadProgress(have, len(body), None, recording.etag))
            if self._strikes(Trouble.DOWNLOAD_CUT, recording.start):
                raise _interrupted(DownloadFault.INTERRUPTED, "as asked: the connection broke")
        recording.downloaded_at = recording.downloaded_at or self._clock.elsewhere()

    def _refuse_download(self, recording: Recorded) -> None:
        """What a download host does in place of sending a video."""
        kinds = {
            Trouble.DOWNLOAD_FAILS: DownloadFault.UNREACHABLE,
            Trouble.DOWNLOAD_NO_VIDEO: DownloadFault.NO_VIDEO,
        }
        for trouble, kind in kinds.items():
            if self._strikes(trouble, recording.start):
                raise _interrupted(kind, f"as asked: {trouble}")
        if self._strikes(Trouble.DOWNLOAD_LIMITED, recording.start):
            raise DownloadTrouble(
                WaitReason.RATE_LIMITED,
                "portal.invalid answered 429",
                host=HOST,
                kind=DownloadFault.RATE_LIMITED,
                retry_after=RETRY_AFTER_S,
            )

    async def _write(self) -> None:
        if self._disk.dead:
            await asyncio.get_running_loop().create_future()
        self._disk.written()

    def _body(self, recording: Recorded) -> bytes:
        if self._strikes(Trouble.DOWNLOAD_CHANGED):
            recording.version += 1
        if self._strikes(Trouble.VIDEO_BROKEN, recording.start):
            recording.spoiled = True
            recording.version += 1
            return video(recording.node, recording.start, recording.end, recording.height or 0)[:-1]
        if self._strikes(Trouble.VIDEO_TOO_SHORT):
            recording.spoiled = True
            recording.version += 1
            return video(recording.node, recording.start, recording.start + 1, recording.height or 0)
        return video(recording.node, recording.start, recording.end, recording.height or 0)

    def close(self) -> None:
        pass

    # What the server says

    async def _answered(self, what: str) -> None:
        self.calls[what] += 1
        await self._clock.sleep(ANSWER_S)
        await self._reachable.wait()

    def _strikes(self, trouble: Trouble, start: int = 0) -> bool:
        lasting = self.lasting.get(trouble)
        if not self.troubles[trouble] and not (lasting and lasting(start)):
            return False
        self.troubles[trouble] -= bool(self.troubles[trouble])
        self.struck[trouble] += 1
        return True

    def _fail_if(self, trouble: Trouble, start: int = 0) -> None:
        if self._strikes(trouble, start):
            raise ClipTrouble(WaitReason.API_ERROR, f"as asked: {trouble}")

    def _start(self, recording_id: str) -> int:
        recording = self.recordings.get(recording_id)
        return recording.start if recording else 0

    def _known(self, recording_id: str) -> Recorded:
        recording = self.recordings.get(recording_id)
        if recording is None or not self.is_good(recording):
            self.expired_answers += 1
            raise RecordingExpired(f"{recording_id} is gone")
        return recording

    def _of_url(self, url: str) -> Recorded:
        try:
            return self._known(url.rpartition("/")[2].partition("?")[0])
        except RecordingExpired:
            raise AddressRefused("portal.invalid answered 404") from None


def _interrupted(kind: DownloadFault, message: str) -> DownloadTrouble:
    return DownloadTrouble(WaitReason.DOWNLOAD_INTERRUPTED, message, host=HOST, kind=kind)


def video(node: int, start: int, end: int, height: int) -> bytes:
    """An MP4 of this model: it says what it is, and how long it should be."""
    rest = random.Random(f"{node} {start} {end} {height}").randbytes(3 * CHUNK)  # noqa: S311
    facts = {"node": node, "start": start, "duration": end - start, "height": height, "rest": len(rest)}
    return json.dumps(facts).encode() + b"\n" + rest


@dataclass(frozen=True, slots=True)
class ModelVideos:
    """`Videos` for files that `video` has made."""

    inspected: Counter[str] = field(default_factory=Counter)

    def check_available(self) -> None:
        pass

    async def inspect(self, path: Path) -> VideoFacts:
        self.inspected[path.name] += 1
        try:
            heading, _, rest = path.read_bytes().partition(b"\n")
        except OSError as error:
            raise StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, str(error)) from error
        try:
            facts = json.loads(heading)
            length = facts["rest"]
        except (ValueError, KeyError):
            raise BadVideo(f"{path.name} is no video") from None
        if len(rest) != length:
            raise BadVideo(f"{path.name} is cut")
        return VideoFacts(float(facts["duration"]), 16 * facts["height"] // 9, facts["height"], "h264")
