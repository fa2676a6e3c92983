"""Speed: a limit that all downloads share, and a meter of the speed that one download has.

Neither sleeps: the limit says how long to wait, so that the wait can be interrupted.
"""

import threading
from collections import deque
from collections.abc import Callable

LARGEST_PIECE = 512 << 10
"""Bytes that are read at once, at most."""
TURN = 64 << 10
"""Bytes that one download gets, before the next one's turn, when there is a limit."""

Rate = Callable[[], float | None]

_CREDIT_S = 0.1  # what was not taken in time may be made up for: threads wake up late
_LOOK_AGAIN_S = 1.0  # the limit may have changed
_WINDOW_S = 10.0  # the speed is that of the last ten seconds


class RateLimit:
    """Bytes per second for all downloads together; safe to use from several threads.

    Args:
        rate: bytes per second that are allowed now, None for no limit; it may be another one at any time.
        monotonic: the clock, in seconds.
    """

    def __init__(self, rate: Rate, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._taken = self._allowed = 0.0
        self._seen_at = monotonic()

    @property
    def piece(self) -> int:
        """The most bytes to read at once: with a limit, no more than one turn."""
        return LARGEST_PIECE if self._rate() is None else TURN

    def take(self, count: int) -> float:
        """Note that `count` bytes were taken; what to give to `wait_s`. All wait in the order of this."""
        with self._lock:
            self._taken += count
            return self._taken

    def wait_s(self, taken: float) -> float:
        """Seconds to wait, and then to ask again; 0 once everything up to `taken` is allowed."""
        with self._lock:
            self._allow()
            rate = self._rate()
            owed = taken - self._allowed
            return 0.0 if rate is None or owed < 1 else min(owed / rate, _LOOK_AGAIN_S)

    def _allow(self) -> None:
        now, rate = self._monotonic(), self._rate()
        if rate is None:
            self._allowed = self._taken
        else:
            earned = self._allowed + (now - self._seen_at) * rate
            self._allowed = min(earned, self._taken + _CREDIT_S * rate)
        self._seen_at = now


class Share:
    """What one download takes of a limit. It pays for one `TURN` at a time, so that all progress alike."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._owed = 0
        self._taken = 0.0

    def take(self, count: int) -> None:
        """Note that `count` bytes were taken."""
        self._owed += count
        if self._owed >= TURN:
            rest = self._owed % TURN
            self._taken = self._limit.take(self._owed - rest)
            self._owed = rest

    def end(self) -> None:
        """Nothing more is taken; the next download pays for what is left."""
        self._limit.take(self._owed)
        self._owed = 0

    def wait_s(self) -> float:
        """Seconds to wait, and then to ask again; 0 when more may be taken."""
        return self._limit.wait_s(self._taken)


class Meter:
    """Says when a report is due (at most every `every_s` seconds), and the speed at that moment."""

    def __init__(self, done: int, monotonic: Callable[[], float], every_s: float = 1.0) -> None:
        self._monotonic = monotonic
        self._every_s = every_s
        self._seen = deque([(monotonic(), done)])

    def due(self) -> bool:
        """True when the last report is old enough."""
        return self._monotonic() - self._seen[-1][0] >= self._every_s

    def speed(self, done: int) -> int:
        """Note that `done` bytes are there; bytes per second of late."""
        now = self._monotonic()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW_S:
            self._seen.popleft()
        since, before = self._seen[0]
        return round((done - before) / (now - since)) if now > since else 0
