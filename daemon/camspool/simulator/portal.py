"""The portal behind the API: recording ids, background preparation, and the three clocks of expiry.

It knows neither GraphQL nor HTTP nor faults; those ask it or override it.
"""

import secrets
import string
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from camspool.simulator.clips import Clip, ClipStore
from camspool.simulator.footage import Node, Stretch, World
from camspool.simulator.record import Listing, Preparation, Record
from camspool.simulator.settings import Settings

_ID_LETTERS = string.ascii_letters + string.digits


class Clock:
    """Real time plus what was added to it, in Unix seconds."""

    def __init__(self) -> None:
        self._offset = 0.0

    def now(self) -> float:
        return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        self._offset += seconds

    def set(self, unix_seconds: float) -> None:
        """Makes it that time now; from there the clock runs on."""
        self._offset = unix_seconds - time.time()


@dataclass(slots=True)
class Recording:
    """One recording id, what it stands for, and the progress of its preparation."""

    recording_id: str
    node: Node
    stretch: Stretch
    start: int
    end: int
    listed_at: float
    height: int | None = None
    prepared_at: float = 0.0
    file: Future[Path] | None = None
    made_at: float | None = None
    downloaded_at: float | None = None
    stalled_at_percent: int | None = None
    revoked: bool = False
    url_key: str = ""
    signature: str = ""

    @property
    def duration(self) -> int:
        return self.end - self.start

    def clip(self, height: int) -> Clip:
        return Clip(self.node.node_id, self.node.name, self.start, self.end, height, self.stretch.padding)

    def prepared_clip(self) -> Clip:
        """The clip of the height that was asked for. Raises ValueError before the preparation began."""
        if self.height is None:
            raise ValueError(f"recording {self.recording_id} was never prepared; say which height is meant")
        return self.clip(self.height)


class Portal:
    """Answers the three steps for one world. All methods may be called from any thread."""

    def __init__(
        self, world: World, settings: Settings, clips: ClipStore, clock: Clock, record: Record
    ) -> None:
        self.world = world
        self.settings = settings
        self.clips = clips
        self.clock = clock
        self._record = record
        self._lock = threading.RLock()
        self._recordings: dict[str, Recording] = {}
        self._urls: dict[str, Recording] = {}

    def list_recordings(self, node: Node, start: int, end: int) -> list[Recording]:
        """New ids for everything that `node` recorded between `start` and `end` and that has arrived."""
        now = self.clock.now()
        found = [
            Recording(_new_id(), node, stretch, *overlap, listed_at=now)
            for stretch in node.stretches
            if (overlap := stretch.overlap(start, end, now))
        ]
        with self._lock:
            self._recordings.update((recording.recording_id, recording) for recording in found)
        ids = tuple(recording.recording_id for recording in found)
        self._record.add(Listing(now, node.node_id, start, end, ids))
        return found

    def known(self, recording_id: str) -> Recording | None:
        """The recording of that id, expired or not."""
        return self._recordings.get(recording_id)

    def find(self, recording_id: str) -> Recording | None:
        """The recording of that id unless it has expired."""
        recording = self.known(recording_id)
        return recording if recording and not self.expired(recording) else None

    def prepare(self, recording_id: str, height: int) -> bool:
        """Starts the preparation; asking again for the same height changes nothing."""
        recording = self.find(recording_id)
        accepted = recording is not None and height in recording.stretch.heights
        self._record.add(Preparation(self.clock.now(), recording_id, height, accepted))
        if recording and accepted:
            with self._lock:
                self._start(recording, height)
        return accepted

    def _start(self, recording: Recording, height: int) -> None:
        if recording.height == height:
            return
        recording.height, recording.prepared_at, recording.made_at = height, self.clock.now(), None
        recording.file = file = self.clips.submit(recording.clip(height))
        self._urls.pop(recording.url_key, None)
        recording.url_key, recording.signature = secrets.token_urlsafe(18), secrets.token_hex(16)
        self._urls[recording.url_key] = recording
        file.add_done_callback(lambda done: self._made(recording, done))

    def _made(self, recording: Recording, file: Future[Path]) -> None:
        if recording.file is file and not file.cancelled() and not file.exception():
            recording.made_at = self.clock.now()

    def progress(self, recording: Recording) -> int:
        """Percent, 100 only when the MP4 is there. Raises the error if it could not be made."""
        if recording.height is None:
            return 0
        if recording.file and recording.file.done() and recording.made_at is None:
            recording.file.result()
        percent = self._percent_by_time(recording)
        percent = percent if recording.made_at is not None else min(percent, 99)
        return percent if recording.stalled_at_percent is None else min(percent, recording.stalled_at_percent)

    def _percent_by_time(self, recording: Recording) -> int:
        needed = self.settings.prepare_seconds(recording.stretch.storage)
        elapsed = self.clock.now() - recording.prepared_at
        return 100 if elapsed >= needed else max(0, int(100 * elapsed / needed))

    def url_path(self, recording: Recording) -> str | None:
        """Path and query of the download, None until it is ready."""
        if self.progress(recording) < 100:
            return None
        return f"/download/{recording.url_key}.mp4?signature={recording.signature}"

    def by_url(self, key: str) -> Recording | None:
        return self._urls.get(key)

    def expired(self, recording: Recording) -> bool:
        """Whether the id, or once prepared its URL, has passed its lifetime."""
        now, settings = self.clock.now(), self.settings
        if recording.revoked:
            return True
        if recording.height is None:
            return now >= recording.listed_at + settings.id_lifetime
        if (
            recording.downloaded_at is not None
            and now >= recording.downloaded_at + settings.downloaded_lifetime
        ):
            return True
        url_made_at = self._url_made_at(recording)
        return url_made_at is not None and now >= url_made_at + settings.url_lifetime

    def _url_made_at(self, recording: Recording) -> float | None:
        if recording.made_at is None or recording.stalled_at_percent is not None:
            return None
        needed = self.settings.prepare_seconds(recording.stretch.storage)
        return max(recording.made_at, recording.prepared_at + needed)

    def downloaded(self, recording: Recording) -> None:
        """Notes the first complete download, from which the shorter lifetime runs."""
        if recording.downloaded_at is None:
            recording.downloaded_at = self.clock.now()


def _new_id() -> str:
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(10))
