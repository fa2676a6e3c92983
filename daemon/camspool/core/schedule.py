"""When to try again, when to ask again, and who is next: functions of numbers, and one queue."""

import heapq
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from math import ceil
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)


def after(start: datetime, seconds: float) -> datetime:
    """The instant `seconds` after `start`; the end of time when that lies beyond it."""
    try:
        return start + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=start.tzinfo)


def backoff(tries: int, first: float, longest: float, jitter: float) -> float:
    """Seconds to wait before the next try: doubling, bounded, spread so that clips do not come in step.

    Args:
        tries: how many have failed in a row, from 1.
        first: seconds after the first failure.
        longest: never more seconds than this.
        jitter: a random number 0..1; the wait lies between three quarters of the full time and all of it.
    """
    full = min(longest, first * 2.0 ** min(tries - 1, 62))
    return full * (0.75 + 0.25 * jitter)


def poll_interval(elapsed: float, gained: float, percent: float, fastest: float, slowest: float) -> float:
    """Seconds until a preparation is worth asking about again.

    Far from its end the estimate is poor, and a part of what it still needs is waited for; near its end, all,
    and so is what would leave less than `fastest` for the next time.
    An estimate that proves wrong costs no more calls than one in each twentieth of the time.

    Args:
        elapsed: seconds since its progress has been followed.
        gained: percent that it has made in them; at 0 it is taken to be half-way: nothing else is known.
        percent: its progress 0..100.
        fastest: lower bound, in seconds.
        slowest: upper bound, in seconds.
    """
    remaining = elapsed * (100 - percent) / gained if gained > 0 else elapsed
    part = remaining * 0.6
    pause = remaining if remaining <= elapsed / 4 or remaining - part < fastest else part
    return max(fastest, min(slowest, max(pause, elapsed / 20)))


def in_step(now: float, pause: float, step: float) -> float:
    """The pause, made longer so that it ends at a multiple of `step`: those who wait ask together."""
    return ceil((now + pause) / step) * step - now


@dataclass(frozen=True, slots=True)
class Rank:
    """What decides a clip's place: begun work, priority; then camera by camera, request by request, age."""

    begun: bool
    priority: int
    camera: Hashable
    request: Hashable
    age: float
    """Any number that is smaller for older requests."""


class _Line(Generic[Item]):
    """The clips of one camera that are ready. In each round every request has one, the oldest first.

    A request that comes is in the next round, however many clips of others wait.
    """

    def __init__(self) -> None:
        self._clips: list[tuple[int, float, int, Item]] = []
        self._round = 0
        self._last: dict[Hashable, int] = {}

    def __bool__(self) -> bool:
        return bool(self._clips)

    def push(self, rank: Rank, ticket: int, item: Item) -> None:
        self._last[rank.request] = turn = max(self._last.get(rank.request, 0), self._round) + 1
        heapq.heappush(self._clips, (turn, rank.age, ticket, item))

    def pop(self) -> tuple[int, Item]:
        self._round, _, ticket, item = heapq.heappop(self._clips)
        return ticket, item


_Cameras = OrderedDict[Hashable, _Line[Item]]
"""The clips that are ready, of one rank: cameras in turn."""


class FairQueue(Generic[Item]):
    """The clips that wait for a slot. No camera or request with a thousand clips keeps others waiting."""

    def __init__(self) -> None:
        self._ranks: dict[Item, Rank] = {}
        self._ready: dict[tuple[bool, int], _Cameras[Item]] = {}
        self._later: list[tuple[float, int, Item]] = []
        self._tickets: dict[Item, int] = {}
        self._ripe: set[Item] = set()
        self._counter = count()

    def __len__(self) -> int:
        return len(self._ranks)

    def __contains__(self, item: Item) -> bool:
        return item in self._ranks

    def add(self, item: Item, rank: Rank, due: float = 0.0) -> None:
        """Let `item` wait; it can be taken from the time `due` on, in the unit that `take` is told."""
        self.discard(item)
        self._ranks[item] = rank
        self._tickets[item] = ticket = next(self._counter)
        heapq.heappush(self._later, (due, ticket, item))

    def discard(self, item: Item) -> None:
        """Take `item` out without a turn; nothing happens when it does not wait."""
        self._ranks.pop(item, None)
        self._ripe.discard(item)
        self._tickets.pop(item, None)  # its entries in the heaps are recognised as stale by this

    def take(self, now: float) -> Item | None:
        """Take out the item whose turn it is at `now`, or None when nobody can be served yet."""
        self._ripen(now)
        for key in sorted(self._ready, reverse=True):
            item = self._take_from(self._ready[key])
            if item is not None:
                return item
            del self._ready[key]
        return None

    def ready(self, now: float) -> int:
        """How many items could be taken at `now`."""
        self._ripen(now)
        return len(self._ripe)

    def waits(self) -> list[Item]:
        """The items that are not ready yet, as far as anybody has asked; in the order of their coming."""
        return [item for item in self._ranks if item not in self._ripe]

    def next_due(self) -> float | None:
        """When the first waiting item that is not ready yet will be; None when there is none."""
        while self._later and not self._is_current(self._later[0][2], self._later[0][1]):
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else None

    def _ripen(self, now: float) -> None:
        while (due := self.next_due()) is not None and due <= now:
            _, ticket, item = heapq.heappop(self._later)
            rank = self._ranks[item]
            self._ripe.add(item)
            cameras = self._ready.setdefault((rank.begun, rank.priority), OrderedDict())
            cameras.setdefault(rank.camera, _Line()).push(rank, ticket, item)

    def _take_from(self, cameras: "_Cameras[Item]") -> Item | None:
        while cameras:
            camera, waiting = cameras.popitem(last=False)
            while waiting:
                ticket, item = waiting.pop()
                if self._is_current(item, ticket):
                    if waiting:
                        cameras[camera] = waiting
                    self.discard(item)
                    return item
        return None

    def _is_current(self, item: Item, ticket: int) -> bool:
        return self._tickets.get(item) == ticket
