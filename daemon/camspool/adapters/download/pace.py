"""How fast: a limit that all downloads share, and the speed that one download has.

Neither sleeps: the limit says how long to wait, and the one who waits can be interrupted.
"""

import threading
from collections import deque
from collections.abc import Callable

_WINDOW_S = 10.0  # the speed is that of the last ten seconds


class RateLimit:
    """Bytes per second for everybody together; safe to use from several threads.

    Args:
        bytes_per_s: the limit; None for none.
        monotonic: the clock, in seconds.
    """

    def __init__(self, bytes_per_s: float | None, monotonic: Callable[[], float]) -> None:
        self._bytes_per_s = bytes_per_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._free_at = monotonic()

    def set(self, bytes_per_s: float | None) -> None:
        """Allow so many bytes per second from now on."""
        with self._lock:
            self._bytes_per_s = bytes_per_s
            self._free_at = self._monotonic()

    def wait_s(self, count: int) -> float:
        """Seconds to wait after `count` bytes; what several threads took is paid one after the other."""
        with self._lock:
            if self._bytes_per_s is None:
                return 0.0
            now = self._monotonic()
            self._free_at = max(self._free_at, now) + count / self._bytes_per_s
            return self._free_at - now


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
