"""The boxes that an MP4 is made of (ISO/IEC 14496-12): headers in a file, and contents held in memory.

Knows nothing of what a box means. No number in the file is believed: each read is checked against the room
there is, and the count of boxes is limited.
"""

import sys
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from camspool.core.errors import BadVideo

Reader = Callable[[int, int], bytes | memoryview]
"""Gives up to `count` bytes from `offset`: `reader(offset, count)`."""

MOST_BOXES = 500_000  # in a file: a day in fragments of half a second has 345,600
MOST_PARTS = 1_000  # in a box
_WORDS = {2: "H", 4: "I", 8: "Q"}
_KNOWN = frozenset(
    (
        *(b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"ssix", b"emsg", b"prft", b"meta"),
        *(b"free", b"skip", b"wide", b"uuid", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex", b"traf"),
    )
)


class NoBox(BadVideo):
    """Something that is no whole box stands where one should begin, `at` bytes from the beginning.

    `kind` is what its header says, if it has one.
    """

    def __init__(self, message: str, at: int, kind: bytes | None) -> None:
        super().__init__(message)
        self.at = at
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Box:
    """Where a box lies, in bytes from the beginning: header, contents, end."""

    kind: bytes
    start: int
    body: int
    end: int


def walk(read: Reader, length: int, whole: str, most: int = MOST_BOXES) -> Iterator[Box]:
    """Every box between 0 and `length`, in order.

    Args:
        read: gives the bytes.
        length: where the boxes must end.
        whole: what they fill, for messages: `the file`, or the name of the box around them.
        most: how many there may be.

    Raises:
        NoBox: something is no box, or does not fit.
        BadVideo: there are too many.
    """
    position = 0
    for _ in range(most):
        if position == length:
            return
        box = _box(read, position, length, whole)
        yield box
        position = box.end
    if position < length:
        raise BadVideo(f"{whole} has more than {most:,} boxes: no camera's recording has so many")


def _box(read: Reader, start: int, length: int, whole: str) -> Box:
    head = bytes(read(start, 16))
    if length - start < 8 or len(head) < 8:
        stray = f"{whole} has {length - start} stray bytes at its end: it was cut or joined wrongly"
        raise NoBox(stray, start, head[4:] or None)
    size, kind, body = int.from_bytes(head[:4], "big"), head[4:8], start + 8
    if not all(
        32 <= letter < 127 or letter == 0xA9 for letter in kind
    ):  # 0xA9 is the (c) of QuickTime's texts
        raise NoBox(f"{whole} has no box at byte {start:,}: damaged, or joined wrongly", start, None)
    if size == 1:
        size, body = int.from_bytes(head[8:16], "big"), start + 16
    elif size == 0:  # "to the end of the file"
        size = length - start
    return _fitting(Box(kind, start, body, start + size), length, whole)


def _fitting(box: Box, length: int, whole: str) -> Box:
    least = box.body + (16 if box.kind == b"uuid" else 0)
    if box.end < least:
        impossible = f"the box {_named(box.kind)} at byte {box.start:,} has an impossible size: damaged"
        raise NoBox(impossible, box.start, box.kind)
    if box.end > length:
        short = f"{whole} ends {box.end - length:,} bytes before its box {_named(box.kind)} does: it was cut"
        raise NoBox(short, box.start, box.kind)
    return box


def _named(kind: bytes) -> str:
    """The name of a box; not that of an unknown one, which may be any four letters of something else."""
    return f"`{shown(kind)}`" if kind in _KNOWN else "of an unknown kind"


def shown(kind: bytes) -> str:
    """A box's or codec's four letters as printable text."""
    return "".join(chr(letter) if 32 <= letter < 127 else "?" for letter in kind).strip()


class Body:
    """The contents of one box, in memory."""

    def __init__(self, kind: bytes, view: memoryview) -> None:
        self.kind = kind
        self.view = view

    @property
    def version(self) -> int:
        """The first byte of a full box: 1 means 64-bit times."""
        return self.number(0, 1)

    @property
    def flags(self) -> int:
        """The flags of a full box."""
        return self.number(1, 3)

    def number(self, at: int, width: int) -> int:
        """The unsigned number of `width` bytes at byte `at`."""
        self._need(at + width)
        return int.from_bytes(self.view[at : at + width], "big")

    def numbers(self, at: int, count: int, width: int = 4) -> "array[int]":
        """`count` unsigned numbers of `width` bytes each, from byte `at`."""
        self._need(at + count * width)
        table = array(_WORDS[width])
        table.frombytes(self.view[at : at + count * width])
        if sys.byteorder == "little":
            table.byteswap()
        return table

    def children(self, at: int = 0) -> Iterator["Body"]:
        """The boxes that this one is made of, from byte `at` on."""
        view = self.view[at:]
        for box in walk(
            lambda offset, count: view[offset : offset + count], len(view), self._name, MOST_PARTS
        ):
            yield Body(box.kind, view[box.body : box.end])

    @cached_property
    def parts(self) -> dict[bytes, "Body"]:
        """The boxes inside by kind; of several alike, the first."""
        found: dict[bytes, Body] = {}
        for child in self.children():
            found.setdefault(child.kind, child)
        return found

    def part(self, *kinds: bytes) -> "Body":
        """The box at the end of a path of kinds, `part(b"mdia", b"minf")`; BadVideo when there is none."""
        body = self
        for kind in kinds:
            if kind not in body.parts:
                raise BadVideo(f"{body._name} has no `{shown(kind)}`: damaged")
            body = body.parts[kind]
        return body

    @property
    def _name(self) -> str:
        return f"the box `{shown(self.kind)}`"

    def _need(self, size: int) -> None:
        if size > len(self.view):
            raise BadVideo(f"{self._name} has {len(self.view):,} bytes and speaks of {size:,}: damaged")
