"""What `moov` says: the tracks, how long they are, and where in the file their samples lie.

Does not look at fragments, which lie outside of `moov`.
"""

from array import array
from collections.abc import Iterator
from functools import cached_property
from itertools import chain, repeat
from typing import Final

from camspool.adapters.mp4.boxes import Body, shown
from camspool.adapters.mp4.presentation import Edit
from camspool.adapters.mp4.time_line import SHORTEST_GAP_S, TimeLine, presented
from camspool.core.errors import BadVideo

MOST_TRACKS: Final = 100
MOST_EDITS: Final = 10_000
"""More are not a recorder's work: the samples' own times are taken then."""
MOST_REORDERED: Final = 4_000_000
"""Samples that are put into the order of presentation one by one; a day at 30 a second has 2.6 million."""

_CODECS = {
    b"avc1": "h264",
    b"avc3": "h264",
    b"hvc1": "hevc",
    b"hev1": "hevc",
    b"av01": "av1",
    b"mp4v": "mpeg4",
    b"vp09": "vp9",
}


class Track:
    """One `trak`. Times are in its own time scale unless a name says seconds."""

    def __init__(self, trak: Body, movie_scale: int) -> None:
        self._trak = trak
        self._movie_scale = movie_scale
        self._table = trak.part(b"mdia", b"minf", b"stbl")
        header = trak.part(b"tkhd")
        self.number = header.number(20 if header.version else 12, 4)
        media = trak.part(b"mdia", b"mdhd")
        self.scale = media.number(20 if media.version else 12, 4)
        self.is_video = bytes(trak.part(b"mdia", b"hdlr").view[8:12]) == b"vide"

    @cached_property
    def samples(self) -> int:
        """How many samples the table has; fragments may add more."""
        return self._sizes.number(8, 4)

    def time_line(self) -> TimeLine:
        """When its samples are shown, by their own times: the headers may promise more than is there."""
        times = self._table.part(b"stts")
        pairs = times.numbers(8, 2 * times.number(4, 4))
        counts, durations = pairs[0::2], pairs[1::2]
        if sum(counts) != self.samples:
            raise BadVideo(f"a track has {self.samples:,} samples and times for {sum(counts):,}: damaged")
        line = TimeLine(self.scale)
        if self._is_reordered_widely:
            line.add(presented(_drawn_out(durations, counts), chain(self._offsets_drawn_out(), repeat(0))))
        else:
            line.add_runs(counts, durations)
        return line

    @property
    def _is_reordered_widely(self) -> bool:
        """True when the order of decoding does not tell where in the presentation there are holes.

        Where pictures only swap places with their neighbours, it does.
        """
        offsets = self._composition[1]
        widely = bool(offsets) and max(offsets) - min(offsets) > self.scale * SHORTEST_GAP_S
        return widely and self.samples <= MOST_REORDERED

    def _offsets_drawn_out(self) -> Iterator[int]:
        counts, offsets = self._composition
        return _drawn_out(offsets, counts)

    @cached_property
    def _composition(self) -> "tuple[array[int], array[int]]":
        """The runs of `ctts`: how many samples, and by how much each is shown later than it is decoded.

        Signed, since some writers use negative ones in the version that has none.
        """
        table = self._table.parts.get(b"ctts")
        pairs = table.numbers(8, 2 * table.number(4, 4)) if table else array("I")
        return pairs[0::2], array("i", pairs[1::2].tobytes())

    def edits(self) -> list[Edit]:
        """The edit list; empty where there is none that could be a recorder's."""
        around = self._trak.parts.get(b"edts")
        table = around and around.parts.get(b"elst")
        if not table or not self._movie_scale or not self.scale or table.number(4, 4) > MOST_EDITS:
            return []
        width = 8 if table.version else 4
        step = 2 * width + 4
        return [self._edit(table, at, width) for at in range(8, 8 + table.number(4, 4) * step, step)]

    def _edit(self, table: Body, at: int, width: int) -> Edit:
        length, media_from = table.number(at, width), table.number(at + width, width)
        nothing = (1 << 8 * width) - 1  # the media time -1
        if media_from == nothing:
            return Edit(length / self._movie_scale, None)
        offsets = self._composition[1]
        begin = offsets[0] if offsets else 0  # media times count from the first picture's decoding
        return Edit(length / self._movie_scale or None, (media_from - begin) / self.scale)

    def picture(self) -> tuple[str, int, int]:
        """Codec family, width and height in pixels.

        The size is the coded one of the sample entry, as the heights on offer are settings of the encoder.
        That of `tkhd` is the size on a screen, which oblong pixels change and a rotation turns: it is taken
        where the entry has none.
        """
        entry = self.sample_entry()
        if entry is None:
            raise BadVideo("the video track does not say how it is coded: damaged")
        codec = _CODECS.get(entry.kind, shown(entry.kind).lower())
        width, height = entry.number(24, 2), entry.number(26, 2)
        return (codec, width, height) if width and height else (codec, *self._size_on_screen())

    def _size_on_screen(self) -> tuple[int, int]:
        header = self._trak.part(b"tkhd")
        at = 88 if header.version else 76
        return header.number(at, 4) >> 16, header.number(at + 4, 4) >> 16

    def sample_entry(self) -> Body | None:
        """How the first samples are coded."""
        return next(self._table.part(b"stsd").children(8), None)

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Begin and end in the file of every run of samples that lie together."""
        offsets = self._offsets()
        compact = self._sizes.kind == b"stz2"  # rare: only where the chunks begin is looked at then
        fixed = 0 if compact else self._sizes.number(4, 4)
        sizes = self._sizes.numbers(12, 0 if fixed or compact else self.samples)
        sample = 0
        for offset, count in zip(offsets, self._samples_by_chunk(len(offsets)), strict=True):
            yield offset, offset + (fixed * count or sum(sizes[sample : sample + count]))
            sample += count
        if sample != self.samples:
            raise BadVideo(f"a track has {self.samples:,} samples and places for {sample:,}: damaged")

    def _samples_by_chunk(self, chunks: int) -> Iterator[int]:
        """The runs of `stsc`, each (first chunk, samples in a chunk, -), drawn out chunk by chunk."""
        table = self._table.part(b"stsc")
        runs = table.numbers(8, 3 * table.number(4, 4))
        firsts = runs[0::3] + array(runs.typecode, [chunks + 1])
        reached = 1
        for index, count in enumerate(runs[1::3]):
            if firsts[index] != reached or not reached < firsts[index + 1] <= chunks + 1:
                break
            reached = firsts[index + 1]
            yield from repeat(count, reached - firsts[index])
        if reached != chunks + 1:
            raise BadVideo("the chunks of a track contradict each other: damaged")

    def _offsets(self) -> "array[int]":
        wide = b"co64" in self._table.parts
        table = self._table.part(b"co64" if wide else b"stco")
        return table.numbers(8, table.number(4, 4), 8 if wide else 4)

    @property
    def _sizes(self) -> Body:
        return self._table.part(b"stz2" if b"stz2" in self._table.parts else b"stsz")


def _drawn_out(values: "array[int]", counts: "array[int]") -> Iterator[int]:
    """Each value as often as its count says."""
    return chain.from_iterable(map(repeat, values, counts))


class Movie:
    """The `moov` box of a file."""

    def __init__(self, moov: Body) -> None:
        header = moov.part(b"mvhd")
        self.scale = header.number(20 if header.version else 12, 4)
        tracks = [child for child in moov.children() if child.kind == b"trak"]
        if len(tracks) > MOST_TRACKS:
            raise BadVideo(f"it has {len(tracks)} tracks: no camera's recording has so many")
        self.tracks = [Track(trak, self.scale) for trak in tracks]
        self.extends = moov.parts.get(b"mvex")

    @property
    def video(self) -> Track:
        """The first video track; BadVideo when there is none."""
        for track in self.tracks:
            if track.is_video:
                return track
        raise BadVideo("it has no video track")
