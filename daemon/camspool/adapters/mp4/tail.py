"""What lies behind the last box of a file: bytes that no player reads, or a sign that the file is damaged.

Writers leave zeros or junk there. But a file that was cut or joined wrongly has something there as well, so
such bytes count as left over only where nothing speaks for that.
"""

from collections.abc import Callable, Iterator
from typing import Final

from camspool.adapters.mp4.boxes import Body, Reader
from camspool.core.errors import BadVideo

_BLOCK: Final = 1 << 20
_HEADER: Final = 8

STRUCTURAL: Final = (
    *(b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"ssix", b"emsg", b"prft", b"meta"),
)
"""Kinds of boxes of which a part shows that a file was cut."""
_TELLTALE: Final = (b"ftyp", b"moov", b"moof", b"mdat")
"""Letters that show what lies there for boxes of a video after all: it was joined wrongly."""

_CONFIGURATIONS: Final = {b"avcC": 4, b"hvcC": 21, b"vvcC": 4}
"""Boxes that say, at this byte, how many bytes the length of each coded unit has (ISO/IEC 14496-15)."""
_FIXED_PART: Final = 78
"""Bytes of a visual sample entry in front of its boxes."""
_MOST_UNITS: Final = 500_000
"""Coded units looked at, at most; a minute in one piece has some thousands."""


def is_left_over(read: Reader, start: int, end: int, kind: bytes | None) -> bool:
    """True when the bytes from `start` to `end` do not look like a part of the video.

    Args:
        read: gives bytes of the file.
        start: where the last whole box ends.
        end: the file's length.
        kind: what stands where the kind of a box would be, as far as it is there.
    """
    if kind and any(known.startswith(kind) for known in STRUCTURAL):
        return False
    return not any(letters in block for block in _blocks(read, start, end) for letters in _TELLTALE)


def could_be_a_header(start: int, end: int) -> bool:
    """True when there is too little to tell whether a further box begins there."""
    return end - start < _HEADER


def _blocks(read: Reader, start: int, end: int) -> Iterator[bytes]:
    """All of it, each block with the last letters of the one before."""
    carried = b""
    for at in range(start, end, _BLOCK):
        block = carried + bytes(read(at, min(_BLOCK, end - at)))
        yield block
        carried = block[-3:]


def length_size(entry: Body | None) -> int | None:
    """Bytes in which the length of each coded unit is written; None where the codec does not do that."""
    try:
        boxes = list(entry.children(_FIXED_PART)) if entry else []
        for box in boxes:
            if (at := _CONFIGURATIONS.get(box.kind)) is not None:
                return (box.number(at, 1) >> (1 if box.kind == b"vvcC" else 0) & 3) + 1
    except BadVideo:  # terminated as QuickTime does it
        pass
    return None


def units_fit(read: Callable[[int, int], bytes | memoryview], start: int, end: int, width: int) -> bool:
    """True when the coded units from `start` on end exactly at `end`.

    They do not when bytes are missing or came twice in front of them.
    """
    for _ in range(_MOST_UNITS):
        if start == end:
            return True
        head = bytes(read(start, width + 1))
        if len(head) <= width or start > end or head[width] & 0x80:
            return False
        start += width + int.from_bytes(head[:width], "big")
    return True
