"""One pass over the outermost boxes of a file: all there, each once, and the tables point at what is there.

Reads headers of boxes, `moov` and `moof`; never the media itself.
"""

import os
from collections.abc import Iterator

from camspool.adapters.mp4.boxes import Body, Box, shown, walk
from camspool.adapters.mp4.extents import Extents
from camspool.adapters.mp4.fragments import Fragments
from camspool.adapters.mp4.movie import Movie
from camspool.core.errors import BadVideo
from camspool.core.ports import VideoFacts

MOST_MOOV = 64 << 20  # bytes; a day at 25 pictures per second has about 20 MB of tables
MOST_MOOF = 16 << 20  # bytes of one fragment's tables
MOST_MOOFS = 256 << 20  # bytes of all fragments' tables together
MOST_RUNS = 1_000_000  # places of fragments' samples; a day of seconds, sound included, has 172,800
_LOST_S, _LOST_SHARE = 1.0, 0.02  # how far fragments may fall short of the length that the file promises


class Scan:
    """An open file, scanned.

    Args:
        descriptor: the file; stays open and is not needed afterwards.
        strict: whether each byte must belong to a box and each sample lie in the file; without it what can be
            read is enough.

    Raises:
        BadVideo: at once where the file is no whole MP4; by the methods where it has no usable video.
        OSError: it cannot be read.
    """

    def __init__(self, descriptor: int, *, strict: bool) -> None:
        self._descriptor = descriptor
        self._length = os.fstat(descriptor).st_size
        self._seen: set[bytes] = set()
        self._moofs = 0
        self._media = Extents()
        self._runs = Extents()
        self._movie: Movie | None = None
        self._fragments: Fragments | None = None
        self._check_beginning()
        for box in self._boxes(strict=strict):
            self._take(box)
        if strict:
            self._check_samples()

    def facts(self) -> VideoFacts:
        """What the file says of its video."""
        codec, width, height = self._whole_movie().video.picture()
        duration = self._duration_s()
        if not width or not height or not duration:
            raise BadVideo(f"its video is {width}x{height} and lasts {duration:g} s: empty or damaged")
        return VideoFacts(duration, width, height, codec)

    def pictures(self) -> int:
        """How many pictures the video has."""
        video = self._whole_movie().video
        added = self._fragments and self._fragments.of(video.number)
        return video.samples + (added.samples if added else 0)

    def _duration_s(self) -> float:
        video = self._whole_movie().video
        added = self._fragments and self._fragments.of(video.number)
        if added:
            return (added.end - added.begin) / video.scale
        duration, edited = video.duration() / video.scale, video.edited_s()
        return duration if edited is None else min(duration, edited)

    def _check_beginning(self) -> None:
        opening = os.pread(self._descriptor, 16, 0)
        if not opening:
            raise BadVideo("the file is empty")
        if opening.lstrip()[:1] in (b"<", b"{"):
            raise BadVideo(f"the file is no MP4 but text that begins with {opening.decode('latin-1')!r}")

    def _boxes(self, *, strict: bool) -> Iterator[Box]:
        try:
            yield from walk(lambda at, count: os.pread(self._descriptor, count, at), self._length, "the file")
        except BadVideo:
            if strict:
                raise

    def _take(self, box: Box) -> None:
        if box.kind in (b"ftyp", b"moov") and box.kind in self._seen:
            raise BadVideo(f"there are two `{shown(box.kind)}`: it was joined from two downloads")
        self._seen.add(box.kind)
        if box.kind == b"mdat":
            self._media.append(box.body, box.end)
        elif box.kind == b"moov":
            self._movie = Movie(self._read(box, MOST_MOOV))
            self._fragments = Fragments(self._movie) if self._movie.extends else None
        elif box.kind == b"moof":
            self._take_fragment(box)

    def _take_fragment(self, box: Box) -> None:
        if self._fragments is None:
            raise BadVideo("it has a fragment (`moof`) that no table of contents announced: damaged")
        self._moofs += box.end - box.start
        if self._moofs > MOST_MOOFS or len(self._runs) > MOST_RUNS:
            raise BadVideo("its fragments have more tables than a recording could need: damaged")
        for start, end in self._fragments.add(self._read(box, MOST_MOOF), box.start):
            self._runs.append(start, end)

    def _read(self, box: Box, most: int) -> Body:
        size = box.end - box.body
        if size > most:
            raise BadVideo(f"its box `{shown(box.kind)}` has {size:,} bytes, more than {most:,}: damaged")
        content = os.pread(self._descriptor, size, box.body)
        if len(content) < size:
            raise BadVideo(f"its box `{shown(box.kind)}` could not be read whole: the file shrinks")
        return Body(box.kind, memoryview(content))

    def _whole_movie(self) -> Movie:
        if b"ftyp" not in self._seen:
            raise BadVideo(
                "it does not say what it is (no `ftyp`): its beginning is missing, or it is no MP4"
            )
        if self._movie is None:
            raise BadVideo("it has no table of contents (`moov`): it was cut, or its making never ended")
        return self._movie

    def _check_samples(self) -> None:
        movie = self._whole_movie()
        if not self._media:
            raise BadVideo("it has no media (`mdat`), only tables: it was cut")
        for track in movie.tracks:
            for start, end in track.chunks():
                self._check_place(start, end)
        for start, end in self._runs:
            self._check_place(start, end)
        self._check_promise()

    def _check_place(self, start: int, end: int) -> None:
        if not self._media.hold(start, end):
            raise BadVideo(
                f"samples should lie at bytes {start:,} to {end:,}, where no media is: cut or damaged"
            )

    def _check_promise(self) -> None:
        promised = self._fragments.promised_s() if self._fragments else None
        if promised is None:
            return
        found = self._duration_s()
        if promised - found > max(_LOST_S, _LOST_SHARE * promised):
            raise BadVideo(f"it promises {promised:.1f} s and has fragments of {found:.1f} s: it was cut")
