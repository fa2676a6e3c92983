"""MP4s written box by box, so that their times can be anything; their pictures cannot be decoded."""

from collections.abc import Sequence
from dataclasses import dataclass

SCALE = 1000
UNIT = (20).to_bytes(4, "big") + b"\x65" + bytes(range(1, 20))
"""A coded picture: the length of a unit, and the unit."""


def box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def table(kind: bytes, *rows: Sequence[int], head: bytes = b"", version: int = 0) -> bytes:
    """A full box with a number of rows of 32-bit numbers; negative ones as two's complement."""
    words = b"".join((value & 0xFFFFFFFF).to_bytes(4, "big") for row in rows for value in row)
    return box(kind, bytes([version, 0, 0, 0]), head, len(rows).to_bytes(4, "big"), words)


@dataclass(frozen=True)
class Fragment:
    """Some samples: their durations, and from when on they are shown (None: where the last one ended)."""

    durations: Sequence[int]
    begins: int | None = None


def movie(
    durations: Sequence[int],
    *,
    offsets: Sequence[int] | None = None,
    edits: Sequence[tuple[int, int]] = (),
    scale: int = SCALE,
    size: tuple[int, int] = (96, 64),
    fragments: Sequence[Fragment] | None = None,
    moov_first: bool = True,
) -> bytes:
    """A whole MP4.

    Args:
        durations: of its samples, in units of `scale`.
        offsets: from when each is decoded to when it is shown.
        edits: the edit list: lengths in milliseconds, media times in units of `scale`, -1 for a pause.
        scale: units in a second.
        size: width and height.
        fragments: what follows `moov`, each in a `moof` of its own.
        moov_first: the table of contents is in front of the pictures.
    """
    start = box(b"ftyp", b"isom", bytes(4), b"isom")
    media = box(b"mdat", UNIT * len(durations))

    def moov(first_picture: int) -> bytes:
        return _moov(durations, offsets, edits, scale, size, first_picture, fragmented=fragments is not None)

    at = len(start) + (len(moov(0)) if moov_first else 0) + 8
    whole = start + (moov(at) + media if moov_first else media + moov(at))
    return whole + b"".join(map(_fragment, fragments or ()))


def _moov(
    durations: Sequence[int],
    offsets: Sequence[int] | None,
    edits: Sequence[tuple[int, int]],
    scale: int,
    size: tuple[int, int],
    first_picture: int,
    *,
    fragmented: bool,
) -> bytes:
    width, height = (each.to_bytes(2, "big") for each in size)
    configuration = box(b"avcC", bytes([1, 66, 0, 30, 0xFF, 0xE0, 0]))
    entry = box(b"avc1", bytes(24), width, height, bytes(50), configuration)
    count = len(durations)
    tables = [
        box(b"stsd", bytes(4), (1).to_bytes(4, "big"), entry),
        table(b"stts", *((1, duration) for duration in durations)),
        table(b"stsc", *([(1, count, 1)] if count else [])),
        box(b"stsz", bytes(4), len(UNIT).to_bytes(4, "big"), count.to_bytes(4, "big")),
        table(b"stco", *([(first_picture,)] if count else [])),
    ]
    if offsets is not None:
        tables.append(table(b"ctts", *((1, offset) for offset in offsets), version=1))
    minf = box(b"minf", box(b"stbl", *tables))
    mdhd = box(b"mdhd", bytes(12), scale.to_bytes(4, "big"), bytes(8))
    mdia = box(b"mdia", mdhd, box(b"hdlr", bytes(8), b"vide", bytes(13)), minf)
    elst = table(b"elst", *((length, start, 0x10000) for length, start in edits))
    tkhd = box(b"tkhd", bytes(12), (1).to_bytes(4, "big"), bytes(60), width, bytes(2), height, bytes(2))
    trak = box(b"trak", tkhd, *([box(b"edts", elst)] if edits else []), mdia)
    mvhd = box(b"mvhd", bytes(12), (1000).to_bytes(4, "big"), bytes(84))
    trex = box(b"trex", bytes(4), *(value.to_bytes(4, "big") for value in (1, 1, 0, 0, 0)))
    return box(b"moov", mvhd, trak, *([box(b"mvex", trex)] if fragmented else []))


def _fragment(fragment: Fragment) -> bytes:
    """A `moof` whose samples lie in the `mdat` behind it."""

    def moof(offset: int) -> bytes:
        tfhd = box(b"tfhd", bytes([0, 2, 0, 0x10]), (1).to_bytes(4, "big"), len(UNIT).to_bytes(4, "big"))
        clock = () if fragment.begins is None else (_tfdt(fragment.begins),)
        head = len(fragment.durations).to_bytes(4, "big") + offset.to_bytes(4, "big")
        words = b"".join(duration.to_bytes(4, "big") for duration in fragment.durations)
        return box(b"moof", box(b"traf", tfhd, *clock, box(b"trun", bytes([0, 0, 1, 1]), head, words)))

    return moof(len(moof(0)) + 8) + box(b"mdat", UNIT * len(fragment.durations))


def _tfdt(moment: int) -> bytes:
    return box(b"tfdt", bytes([1, 0, 0, 0]), moment.to_bytes(8, "big"))
