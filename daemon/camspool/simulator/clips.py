"""Makes the MP4s: real H.264, with the camera's name and the footage's own clock (UTC) burnt in.

The same clip is always the same bytes, so tests can compare downloads with it. Finished clips are
kept in a folder that several processes may share.
"""

import contextlib
import hashlib
import os
import random
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
from av.video.stream import VideoStream

from camspool.simulator import font

MOST_FRAMES = (
    900  # longer clips get fewer frames per second, so that a day costs no more than a quarter of an hour
)
KEPT_DAYS = 7
_FORMAT = "1"  # part of every cached name: raise it when the pictures change
_OURS = re.compile(rf"\d+-[0-9a-f]{{8}}(-\d+){{4,6}}-{_FORMAT}\.mp4(\w+\.part)?")
_SECOND = Fraction(1)


@dataclass(frozen=True, slots=True)
class Clip:
    """One MP4: `title` burnt in, the footage from `start` to `end` (Unix seconds), `height` in pixels.

    `gap` are pictures left out: from how many seconds into it, and for how many.
    """

    node_id: int
    title: str
    start: int
    end: int
    height: int
    padding: int = 0
    gap: tuple[int, int] | None = None

    @property
    def duration(self) -> int:
        return self.end - self.start

    @property
    def name(self) -> str:
        """The file's name in the cache, different for every clip with different bytes."""
        title = hashlib.sha256(self.title.encode()).hexdigest()[:8]
        numbers = (self.start, self.end, self.height, self.padding, *(self.gap or ()))
        return "-".join(map(str, (self.node_id, title, *numbers, _FORMAT))) + ".mp4"


class ClipStore:
    """Makes clips in background threads and keeps them in `folder`."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock = threading.Lock()
        self._clips: dict[Clip, Future[Path]] = {}
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="clips")
        _drop_old_clips(folder)

    def submit(self, clip: Clip) -> Future[Path]:
        """Starts making `clip` unless it exists already; the future gives its path."""
        with self._lock:
            if clip not in self._clips:
                self._clips[clip] = self._pool.submit(self._make, clip)
            return self._clips[clip]

    def path(self, clip: Clip) -> Path:
        """The finished file of `clip`, made now if it is missing."""
        return self.submit(clip).result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _make(self, clip: Clip) -> Path:
        path = self.folder / clip.name
        with contextlib.suppress(FileNotFoundError):
            os.utime(path)
            return path
        descriptor, temporary = tempfile.mkstemp(suffix=".part", prefix=clip.name, dir=self.folder)
        os.close(descriptor)
        try:
            write_mp4(clip, Path(temporary))
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        return path


def cache_folder() -> Path:
    """Where clips are kept by default: in `$XDG_CACHE_HOME/camspool/simulator` or `~/.cache/...`."""
    base = os.environ.get("XDG_CACHE_HOME")
    # A service may have no home, or one that it cannot write: then a temporary folder does.
    with contextlib.suppress(OSError, RuntimeError):
        folder = (Path(base) if base else Path.home() / ".cache") / "camspool" / "simulator"
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    return Path(tempfile.mkdtemp(prefix="camspool-simulator-"))


def _drop_old_clips(folder: Path) -> None:
    oldest = time.time() - KEPT_DAYS * 86400
    for path in filter(lambda path: _OURS.fullmatch(path.name), folder.iterdir()):
        with contextlib.suppress(FileNotFoundError):  # another process tidies the same folder
            if path.stat().st_mtime < oldest:
                path.unlink()


def write_mp4(clip: Clip, path: Path) -> None:
    """Encodes `clip` into `path`: faststart, one long group of pictures, exactly `clip.duration` seconds."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=1, options={"preset": "ultrafast", "crf": "30"})
        stream.width, stream.height, stream.pix_fmt = _width(clip.height), clip.height, "yuv420p"
        stream.codec_context.time_base = _SECOND
        stream.codec_context.gop_size = MOST_FRAMES
        stream.codec_context.thread_count = 1
        for packet in _packets(stream, clip):
            container.mux(packet)
    _pad(clip, path)


def _packets(stream: VideoStream, clip: Clip) -> Iterator["av.Packet[VideoStream]"]:
    """The encoded pictures, each lasting until the next one begins and the last until the clip's end."""
    interval = -(-clip.duration // MOST_FRAMES)
    painter = _Painter(clip)
    first, length = clip.gap or (0, 0)
    offsets = (at for at in range(0, clip.duration, interval) if not first <= at < first + length)
    encoded = (stream.encode(frame) for frame in chain(map(painter.frame, offsets), [None]))
    for packet in chain.from_iterable(encoded):
        assert packet.pts is not None  # noqa: S101  the type allows None, an encoder that was given times does not
        packet.duration = min(interval, clip.duration - packet.pts)
        yield packet


def _pad(clip: Clip, path: Path) -> None:
    """Appends a `free` box of noise; zeros would hide a byte that ended up in the wrong place."""
    if not clip.padding:
        return
    size = max(clip.padding, 8)
    noise = random.Random(clip.name)  # noqa: S311  reproducible, not secret
    with path.open("ab") as file:
        file.write(size.to_bytes(4, "big") + b"free")
        for start in range(8, size, 1 << 20):
            file.write(noise.randbytes(min(1 << 20, size - start)))


def _width(height: int) -> int:
    return height * 16 // 9 // 2 * 2 + (2 if height * 16 // 9 % 2 else 0)


class _Painter:
    """Paints the frames of one clip: a gradient in the camera's colour, a box that moves, the texts."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._width, self._height = _width(clip.height), clip.height
        self._scale = max(1, clip.height // 90)
        blank = av.VideoFrame(self._width, self._height, "yuv420p")
        self._stride = blank.planes[0].line_size
        self._luma = self._background()
        self._chroma = [bytes([tint]) * blank.planes[1].buffer_size for tint in self._tints()]

    def frame(self, offset: int) -> av.VideoFrame:
        """The picture `offset` seconds after the clip's start."""
        frame = av.VideoFrame(self._width, self._height, "yuv420p")
        frame.pts, frame.time_base = offset, _SECOND
        luma = memoryview(frame.planes[0]).cast("B")
        luma[:] = self._luma
        self._move_box(luma, offset)
        moment = time.gmtime(self._clip.start + offset)
        self._write(luma, 1, time.strftime("%Y-%m-%d", moment))
        self._write(luma, 2, time.strftime("%H:%M:%SZ", moment))
        for plane, colour in zip(frame.planes[1:], self._chroma, strict=True):
            memoryview(plane).cast("B")[:] = colour
        return frame

    def _tints(self) -> tuple[int, int]:
        digest = hashlib.sha256(str(self._clip.node_id).encode()).digest()
        return 96 + digest[0] % 64, 96 + digest[1] % 64

    def _background(self) -> bytearray:
        shades = (60 + 120 * row // self._height for row in range(self._height))
        luma = bytearray(b"".join(bytes([shade]) * self._stride for shade in shades))
        self._write(memoryview(luma), 0, f"{self._clip.node_id} {self._clip.title}")
        return luma

    def _move_box(self, luma: memoryview, offset: int) -> None:
        size = max(4, self._height // 8)
        left = (self._clip.start + offset) * size // 3 % (self._width - size)
        for row in range(self._height - 2 * size, self._height - size):
            begin = row * self._stride + left
            luma[begin : begin + size] = b"\xd0" * size

    def _write(self, luma: memoryview, line: int, text: str) -> None:
        scale, margin = self._scale, 2 * self._scale
        room = self._width - 2 * margin
        top = margin + line * (font.ROWS + 2) * scale
        for row, dots in enumerate(font.rows(text, scale)):
            for repeat in range(scale):
                begin = (top + row * scale + repeat) * self._stride + margin
                luma[begin : begin + len(dots[:room])] = dots[:room]
