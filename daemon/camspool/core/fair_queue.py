"""Who is next: a queue that is fair to cameras and requests."""

import heapq
from collections import OrderedDict
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final, Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Rank:
    """What decides a clip's place: begun work, priority; then camera by camera, request by request, age."""

    begun: bool
    priority: int
    camera: Hashable
    request: Hashable
    age: float
    """Any number that is smaller for older requests."""


STALE_AT_MOST: Final = 64
"""So many entries of what is gone, beyond as many as there are clips, may stay before they are swept out."""


class _Line(Generic[Item]):
    """The clips of one camera that are ready. In each round every request has one, the oldest first.

    A new request is in the next round, however many clips of others are waiting.
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

    def keep(self, tickets: Mapping[Item, int], requests: Collection[Hashable]) -> None:
        """Forget all clips but those with these tickets, and all requests but these."""
        self._clips = [clip for clip in self._clips if tickets.get(clip[3]) == clip[2]]
        heapq.heapify(self._clips)
        self._last = {request: turn for request, turn in self._last.items() if request in requests}


_Cameras = OrderedDict[Hashable, _Line[Item]]
"""The clips of one rank that are ready: the cameras take turns."""


class FairQueue(Generic[Item]):
    """The clips that wait for a slot. No camera or request with a thousand clips keeps the others waiting."""

    def __init__(self) -> None:
        self._ranks: dict[Item, Rank] = {}
        self._ready: dict[tuple[bool, int], _Cameras[Item]] = {}
        self._later: list[tuple[float, int, Item]] = []
        self._tickets: dict[Item, int] = {}
        self._ripe: set[Item] = set()
        self._counter = count()
        self._stale = 0

    def __len__(self) -> int:
        return len(self._ranks)

    def __contains__(self, item: Item) -> bool:
        return item in self._ranks

    def add(self, item: Item, rank: Rank, due: float = 0.0) -> None:
        """Let `item` wait; it can be taken from the time `due` on, in the unit that `take` is given."""
        self.discard(item)
        self._ranks[item] = rank
        self._tickets[item] = ticket = next(self._counter)
        heapq.heappush(self._later, (due, ticket, item))

    def discard(self, item: Item) -> None:
        """Take `item` out without a turn; nothing happens when it does not wait."""
        if self._ranks.pop(item, None) is None:
            return
        self._ripe.discard(item)
        del self._tickets[item]  # its entries in the heaps are recognised as stale by this
        self._stale += 1
        if self._stale > len(self._ranks) + STALE_AT_MOST:
            self._sweep()

    def take(self, now: float) -> Item | None:
        """Take out the item whose turn it is at `now`, or None if no item is due yet."""
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
        """The items that were not ready at the last call with a time, in the order of their arrival."""
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

    def _sweep(self) -> None:
        """Forget the entries of what is gone; done seldom enough to cost no more than the rest."""
        self._stale = 0
        self._later = [entry for entry in self._later if self._is_current(entry[2], entry[1])]
        heapq.heapify(self._later)
        requests = {rank.request for rank in self._ranks.values()}
        for cameras in self._ready.values():
            for line in cameras.values():
                line.keep(self._tickets, requests)

    def _is_current(self, item: Item, ticket: int) -> bool:
        return self._tickets.get(item) == ticket
