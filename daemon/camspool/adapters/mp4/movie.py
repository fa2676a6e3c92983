"""What `moov` says: the tracks, how long they are, and where in the file their samples lie.

Does not look at fragments, which lie outside of `moov`.
"""

from array import array
from collections.abc import Iterator
from functools import cached_property
from itertools import repeat
from operator import mul

from camspool.adapters.mp4.boxes import Body, shown
from camspool.core.errors import BadVideo

MOST_TRACKS = 100
MOST_EDITS = 100  # more is an editor's work, not a camera's: the samples' own length is taken then

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
        if not self.scale:
            raise BadVideo("the time scale of a track is 0: damaged")

    @cached_property
    def samples(self) -> int:
        """How many samples the table has; fragments may add more."""
        return self._sizes.number(8, 4)

    def duration(self) -> int:
        """How long all samples last by their own times, for the headers may promise more than is there."""
        times = self._table.part(b"stts")
        pairs = times.numbers(8, 2 * times.number(4, 4))
        counts = pairs[0::2]
        if sum(counts) != self.samples:
            raise BadVideo(f"a track has {self.samples:,} samples and times for {sum(counts):,}: damaged")
        return sum(map(mul, counts, pairs[1::2]))

    def edited_s(self) -> float | None:
        """Seconds that the edit list shows; None without a simple one, or when it leaves that open."""
        edits = self._trak.parts.get(b"edts")
        table = edits and edits.parts.get(b"elst")
        if not table or not self._movie_scale or table.number(4, 4) > MOST_EDITS:
            return None
        width = 8 if table.version else 4
        nothing = (1 << 8 * width) - 1  # the media time -1: a pause before the picture
        step = 2 * width + 4
        rows = range(8, 8 + table.number(4, 4) * step, step)
        shown_units = sum(
            table.number(at, width) for at in rows if table.number(at + width, width) != nothing
        )
        return shown_units / self._movie_scale or None

    def picture(self) -> tuple[str, int, int]:
        """Codec family, width and height in pixels.

        The size is the coded one of the sample entry, as the heights on offer are settings of the encoder.
        That of `tkhd` is the size on a screen, which oblong pixels change and a rotation turns.
        """
        entry = next(self._table.part(b"stsd").children(8), None)
        if entry is None:
            raise BadVideo("the video track does not say how it is coded: damaged")
        codec = _CODECS.get(entry.kind, shown(entry.kind).lower())
        return codec, entry.number(24, 2), entry.number(26, 2)

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
