"""Sets of byte ranges in a file, compact enough for a day of fragments."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator


class Extents:
    """Byte ranges, 16 bytes of memory each; a range that begins where the last one ends prolongs it."""

    def __init__(self) -> None:
        self._starts = array("Q")
        self._ends = array("Q")

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._starts, self._ends, strict=True)

    def append(self, start: int, end: int) -> None:
        """Add a range; an empty one adds nothing."""
        if start == end:
            return
        if self._ends and self._ends[-1] == start:
            self._ends[-1] = end
        else:
            self._starts.append(start)
            self._ends.append(end)

    def hold(self, start: int, end: int) -> bool:
        """True when one of the ranges, added in rising order, holds all bytes from `start` to `end`."""
        index = bisect_right(self._starts, start) - 1
        return index >= 0 and end <= self._ends[index]
