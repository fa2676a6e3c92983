"""How long the samples of a track last, and where their times jump: a hole in the time line.

Works on durations in the order of the samples, as numbers in the track's time scale; knows no boxes. A sample
that lasts far longer than those around it stands before a hole. A camera that takes pictures less often for a
while has none: there all last long.
"""

import heapq
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import mul
from statistics import median_low
from typing import Final, NamedTuple

SHORTEST_GAP_S: Final = 1.0
"""A hole that is no longer is none: cameras drop a picture now and then."""
MOST_GAPS: Final = 250
"""Of more, the longest are kept: a status file has to hold them."""

_NEIGHBOURS: Final = 4
"""Samples on either side that show how long one usually lasts; a run of five is usual by itself."""
_SLACK: Final = 1.5
"""A hole is longer than so many of the samples around it."""
_MOST_JUMPS: Final = 100_000
"""Durations that are looked at one by one; a file with more of them has no usual duration."""
_BLOCK: Final = 4096


class Hole(NamedTuple):
    """A hole, from the beginning of the time line, in the track's time scale."""

    start: int
    length: int


@dataclass(slots=True)
class _Jump:
    """What may turn out to be a hole once the samples after it are known."""

    start: int
    length: int
    around: list[int]
    is_sample: bool
    missing: int = field(default=_NEIGHBOURS)
    """How many samples after it are still to come."""


class TimeLine:
    """The time line of one track.

    Args:
        scale: units of time in a second.
        begin: where it begins, in these units.
    """

    def __init__(self, scale: int, begin: int = 0) -> None:
        self.begin = self.end = begin
        self._shortest = int(scale * SHORTEST_GAP_S)
        self._latest: deque[int] = deque(maxlen=_NEIGHBOURS)
        self._open: list[_Jump] = []
        self._holes: list[Hole] = []
        self._jumps_left = _MOST_JUMPS

    @property
    def length(self) -> int:
        """How long it is, holes included."""
        return self.end - self.begin

    def add(self, durations: Sequence[int]) -> None:
        """Add samples by their durations."""
        for at in range(0, len(durations), _BLOCK):
            block = durations[at : at + _BLOCK]
            if max(block) <= self._shortest and len(block) > 2 * _NEIGHBOURS:
                self._add_usual(
                    block[:_NEIGHBOURS], sum(block[_NEIGHBOURS:-_NEIGHBOURS]), block[-_NEIGHBOURS:]
                )
            else:
                self._add_each(block)

    def add_runs(self, counts: Sequence[int], durations: Sequence[int]) -> None:
        """Add runs of samples: so many of them of each duration."""
        for at in range(0, len(durations), _BLOCK):
            block, times = durations[at : at + _BLOCK], counts[at : at + _BLOCK]
            if max(block) <= self._shortest and len(block) > 2 * _NEIGHBOURS:
                middle = sum(map(mul, times[_NEIGHBOURS:-_NEIGHBOURS], block[_NEIGHBOURS:-_NEIGHBOURS]))
                first, last = slice(None, _NEIGHBOURS), slice(-_NEIGHBOURS, None)
                for count, duration in zip(times[first], block[first], strict=True):
                    self.add_run(count, duration)
                self.end += middle
                for count, duration in zip(times[last], block[last], strict=True):
                    self.add_run(count, duration)
            else:
                for count, duration in zip(times, block, strict=True):
                    self.add_run(count, duration)

    def add_run(self, count: int, duration: int) -> None:
        """Add `count` samples that last `duration` each."""
        if count <= 2 * _NEIGHBOURS:
            self._add_each([duration] * count)
        else:
            some = [duration] * _NEIGHBOURS
            self._add_usual(some, (count - 2 * _NEIGHBOURS) * duration, some)

    def skip_to(self, moment: int) -> None:
        """Go on at `moment`, when that lies ahead: a hole, if it is long enough."""
        if moment > self.end:
            self._begin_jump(moment - self.end, is_sample=False)
            self.end = moment

    def holes(self) -> list[Hole]:
        """The holes found, in order, at most MOST_GAPS; nothing may be added afterwards."""
        for jump in self._open:
            self._settle(jump)
        self._open.clear()
        self._keep_longest()
        return sorted(self._holes)

    def _add_usual(self, first: Iterable[int], between: int, last: Iterable[int]) -> None:
        """Add samples of which those in the middle can neither be before a hole nor show one."""
        self._add_each(first)
        self.end += between
        self._add_each(last)

    def _add_each(self, durations: Iterable[int]) -> None:
        for duration in durations:
            if self._open:
                self._note_after(duration)
            if duration > self._shortest:
                self._begin_jump(duration, is_sample=True)
            self._latest.append(duration)
            self.end += duration

    def _begin_jump(self, length: int, *, is_sample: bool) -> None:
        if length > self._shortest and self._jumps_left:
            self._jumps_left -= 1
            around = [*self._latest, length] if is_sample else list(self._latest)
            self._open.append(_Jump(self.end - self.begin, length, around, is_sample))

    def _note_after(self, duration: int) -> None:
        for jump in self._open:
            jump.around.append(duration)
            jump.missing -= 1
        while self._open and not self._open[0].missing:
            self._settle(self._open.pop(0))

    def _settle(self, jump: _Jump) -> None:
        usual = median_low(jump.around) if jump.around else 0
        shown = usual if jump.is_sample else 0
        length = jump.length - shown
        if length > max(self._shortest, _SLACK * usual):
            self._holes.append(Hole(jump.start + shown, length))
        if len(self._holes) > 4 * MOST_GAPS:
            self._keep_longest()

    def _keep_longest(self) -> None:
        self._holes = heapq.nlargest(MOST_GAPS, self._holes, key=lambda hole: hole.length)


def presented(durations: Iterable[int], offsets: Iterable[int], reordered: int = 32) -> "array[int]":
    """Durations in the order of presentation, of samples that are stored in the order of decoding.

    Args:
        durations: of the samples, in the order of decoding.
        offsets: from when each is decoded to when it is shown, composition offsets.
        reordered: how far a sample may be shown from where it is stored, in samples; codecs allow 16.

    Returns:
        From each sample to the one shown next; the last one's own.
    """
    moments = _in_order(durations, offsets, reordered)
    result = array("q")
    previous = next(moments, None)
    if previous is None:
        return result
    for following in moments:
        result.append(max(0, following[0] - previous[0]))
        previous = max(previous, following)
    result.append(previous[1])
    return result


def _in_order(durations: Iterable[int], offsets: Iterable[int], reordered: int) -> Iterator[tuple[int, int]]:
    """When each sample is shown, and its own duration, in the order of presentation."""
    waiting: list[tuple[int, int]] = []
    decoded = 0
    for duration, offset in zip(durations, offsets, strict=False):
        heapq.heappush(waiting, (decoded + offset, duration))
        decoded += duration
        if len(waiting) > reordered:
            yield heapq.heappop(waiting)
    yield from sorted(waiting)
