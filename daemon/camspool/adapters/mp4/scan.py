"""One pass over the outermost boxes of a file: all there, each once, and the tables point at what is there.

Reads headers of boxes, `moov` and `moof`; never the media itself.
"""

import os
from typing import Final

from camspool.adapters.mp4 import tail
from camspool.adapters.mp4.boxes import Body, Box, NoBox, shown, walk
from camspool.adapters.mp4.extents import Extents
from camspool.adapters.mp4.fragments import Fragments
from camspool.adapters.mp4.movie import Movie
from camspool.adapters.mp4.presentation import Edit, Shown, apply
from camspool.adapters.mp4.time_line import TimeLine
from camspool.core.errors import BadVideo
from camspool.core.ports import VideoFacts
from camspool.core.status_document import Gap

MOST_MOOV: Final = 64 << 20  # bytes; a day at 25 pictures per second has about 20 MB of tables
MOST_MOOF: Final = 16 << 20  # bytes of one fragment's tables
MOST_MOOFS: Final = 256 << 20  # bytes of all fragments' tables together
MOST_RUNS: Final = 1_000_000  # places of fragments' samples; a day of seconds, sound included, has 172,800
LONGEST_S: Final = 31 * 86400.0
"""Seconds; no recording is longer, so a file that says it is has no usable times."""
_LOST_S, _LOST_SHARE = 1.0, 0.02  # how far fragments may fall short of the length that the file promises


class Scan:
    """An open file, scanned.

    Args:
        descriptor: the file; stays open and is not needed afterwards.
        strict: whether every sample must lie in the file, and whatever follows the last box be harmless;
            without it, what can be read is enough.

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
        self._trailing_bytes = 0
        self._check_beginning()
        try:
            for box in walk(self._pread, self._length, "the file"):
                self._take(box)
        except NoBox as stray:
            if strict:
                self._judge_tail(stray)
        else:
            if strict:
                self._check_samples()

    def facts(self) -> VideoFacts:
        """What the file says of its video; a duration of 0 where its times are unusable."""
        codec, width, height = self._whole_movie().video.picture()
        if not self.pictures():
            raise BadVideo("its video has no pictures: empty or damaged")
        seen = self._shown()
        return VideoFacts(seen.duration_s, width, height, codec, seen.gaps, self._trailing_bytes)

    def pictures(self) -> int:
        """How many pictures the video has."""
        video = self._whole_movie().video
        added = self._fragments and self._fragments.of(video.number)
        return video.samples + (added.samples if added else 0)

    def _shown(self) -> Shown:
        """What a player shows of the video."""
        video = self._whole_movie().video
        added = self._fragments and self._fragments.of(video.number)
        line = added.line if added else video.time_line()
        if not video.scale or not 0 < line.length / video.scale < LONGEST_S:
            return Shown(0.0, ())
        edits = video.edits()
        if added:  # how much of the fragments an edit list shows, it was written too early to know
            edits = [edit if edit.media_from is None else Edit(None, 0.0) for edit in edits[:2]]
        seen = apply(edits, line.length / video.scale, _in_seconds(line, video.scale))
        return seen if seen.duration_s < LONGEST_S else Shown(0.0, ())

    def _check_beginning(self) -> None:
        opening = self._pread(0, 16)
        if not opening:
            raise BadVideo("the file is empty")
        if opening.lstrip()[:1] in (b"<", b"{"):
            raise BadVideo("the file is no MP4 but text: HTML, XML or JSON")

    def _pread(self, at: int, count: int) -> bytes:
        return os.pread(self._descriptor, count, at)

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
        content = self._pread(box.body, size)
        if len(content) < size:
            raise BadVideo(f"its box `{shown(box.kind)}` could not be read whole: the file shrinks")
        return Body(box.kind, memoryview(content))

    def _whole_movie(self) -> Movie:
        if self._movie is None:
            raise BadVideo("it has no table of contents (`moov`): it was cut, or its making never ended")
        return self._movie

    def _judge_tail(self, stray: NoBox) -> None:
        """Accept what lies behind the last box, or raise `stray`.

        Raises:
            NoBox: the video is not complete up to there, or what lies there may be a part of it.
        """
        left_over = tail.is_left_over(self._pread, stray.at, self._length, stray.kind)
        begun = self._may_go_on and tail.could_be_a_header(stray.at, self._length)
        if not left_over or begun or not self._is_complete() or not self._ends_well():
            raise stray
        self._trailing_bytes = self._length - stray.at

    @property
    def _may_go_on(self) -> bool:
        """True while a further fragment may follow: the index `mfra` is the last box."""
        return self._fragments is not None and b"mfra" not in self._seen

    def _is_complete(self) -> bool:
        try:
            self._check_samples()
        except BadVideo:
            return False
        return True

    def _ends_well(self) -> bool:
        """False when the last pictures are out of place: bytes before them are missing or came twice."""
        video = self._whole_movie().video
        width = tail.length_size(video.sample_entry())
        added = self._fragments and self._fragments.of(video.number)
        last = (added and added.last_run) or max(video.chunks(), key=lambda chunk: chunk[1], default=None)
        return not width or not last or tail.units_fit(self._pread, *last, width)

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
        if self._media.hold(start, end):
            return
        why = "cut or damaged" if b"ftyp" in self._seen else "its beginning is missing"
        raise BadVideo(f"samples should lie at bytes {start:,} to {end:,}, where no media is: {why}")

    def _check_promise(self) -> None:
        promised = self._fragments.promised_s() if self._fragments else None
        found = self._shown().duration_s
        if promised and found and promised - found > max(_LOST_S, _LOST_SHARE * promised):
            raise BadVideo(f"it promises {promised:.1f} s and has fragments of {found:.1f} s: it was cut")


def _in_seconds(line: TimeLine, scale: int) -> list[Gap]:
    return [Gap(at_s=hole.start / scale, length_s=hole.length / scale) for hole in line.holes()]
