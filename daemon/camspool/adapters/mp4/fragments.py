"""What the fragments (`moof`) of a fragmented MP4 add to its `moov`: time, and where their samples lie.

Times are looked at in the order of decoding, which differs from that of presentation by a few pictures.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from camspool.adapters.mp4.boxes import Body
from camspool.adapters.mp4.movie import Movie
from camspool.adapters.mp4.time_line import TimeLine
from camspool.core.errors import BadVideo

_LARGEST_OFFSET = 1 << 63


@dataclass(slots=True)
class Added:
    """The sum of a track's fragments and what `moov` had of it: its time line, and how many were added."""

    line: TimeLine
    samples: int = 0
    last_run: tuple[int, int] | None = None
    """Where the last of its samples that lie together begin and end in the file."""


@dataclass(slots=True)
class _Traf:
    """The values that hold for one track in one fragment."""

    number: int
    base: int
    duration: int
    size: int


class Fragments:
    """Adds up fragments in the order of the file; keeps no more than a time line a track."""

    def __init__(self, movie: Movie) -> None:
        self._defaults = {trex.number(4, 4): trex for trex in _parts(movie.extends, b"trex")}
        self._added: dict[int, Added] = {}
        self._movie = movie

    def of(self, number: int) -> Added | None:
        """What was added to the track of this number."""
        return self._added.get(number)

    def add(self, moof: Body, start: int) -> Iterator[tuple[int, int]]:
        """Count a fragment that begins at byte `start`; gives where each run of samples begins and ends."""
        previous_end = start
        for traf in _parts(moof, b"traf"):
            header = self._header(traf.part(b"tfhd"), start, previous_end)
            added = self._begin(header.number, traf)
            position = header.base
            for run in _parts(traf, b"trun"):
                position, end = added.last_run = self._run(run, header, added, position)
                yield position, end
                position = previous_end = end

    def promised_s(self) -> float | None:
        """Seconds that `mehd` promises for the whole, if it does."""
        header = next(_parts(self._movie.extends, b"mehd"), None)
        if header is None or not self._movie.scale:
            return None
        return header.number(4, 8 if header.version else 4) / self._movie.scale or None

    def _header(self, tfhd: Body, start: int, previous_end: int) -> _Traf:
        flags, number = tfhd.flags, tfhd.number(4, 4)
        trex = self._defaults.get(number)
        traf = _Traf(number, start, *((trex.number(12, 4), trex.number(16, 4)) if trex else (0, 0)))
        at = 8
        if flags & 0x1:
            traf.base, at = tfhd.number(at, 8), at + 8
        elif not flags & 0x20000:  # not "relative to this moof": behind the track before
            traf.base = previous_end
        at += 4 if flags & 0x2 else 0
        if flags & 0x8:
            traf.duration, at = tfhd.number(at, 4), at + 4
        if flags & 0x10:
            traf.size = tfhd.number(at, 4)
        return traf

    def _begin(self, number: int, traf: Body) -> Added:
        clock = traf.parts.get(b"tfdt")
        added = self._added.get(number)
        moment = clock.number(4, 8 if clock.version else 4) if clock else 0
        if added is None:
            added = self._added[number] = Added(self._before(number, moment))
        added.line.skip_to(moment)
        return added

    def _before(self, number: int, moment: int) -> TimeLine:
        """What comes before the first fragment, which begins at `moment`: the samples of `moov`, if any."""
        track = next((track for track in self._movie.tracks if track.number == number), None)
        if track is None:
            raise BadVideo(f"a fragment belongs to the track {number}, which does not exist: damaged")
        return track.time_line() if track.samples else TimeLine(track.scale, moment)

    def _run(self, run: Body, traf: _Traf, added: Added, position: int) -> tuple[int, int]:
        flags, count = run.flags, run.number(4, 4)
        at = 8
        if flags & 0x1:
            offset = run.number(at, 4)
            position, at = traf.base + offset - (offset >> 31 << 32), at + 4
        at += 4 if flags & 0x4 else 0
        columns = (flags & 0xF00).bit_count()
        table = run.numbers(at, count * columns)
        column = 1 if flags & 0x100 else 0
        if flags & 0x100:
            added.line.add(table[0::columns])
        else:
            added.line.add_run(count, traf.duration)
        added.samples += count
        size = sum(table[column::columns]) if flags & 0x200 else count * traf.size
        if not 0 <= position <= position + size < _LARGEST_OFFSET or (count and not size):
            raise BadVideo("the samples of a fragment lie nowhere in the file: damaged")
        return position, position + size


def _parts(body: Body | None, kind: bytes) -> Iterator[Body]:
    return (child for child in body.children() if child.kind == kind) if body else iter(())
