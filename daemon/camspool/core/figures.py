"""Counters of the running daemon, for monitoring; `exposition` writes them out."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from camspool.core.status_document import Clip, Status
from camspool.core.values import State, WaitReason

STEPS: Final = (State.LISTING, State.PREPARING, State.DOWNLOADING, State.VERIFYING)
CALL_SUCCEEDED: Final = "ok"

BOUNDS_S: Final = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
"""A listing takes a second, a preparation from local storage hours."""


class Histogram:
    """How many durations were how long."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self._counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum_s += seconds

    @property
    def at_most(self) -> list[int]:
        """For each of `BOUNDS_S` how many took at most so long; and last, how many there are."""
        return list(accumulate(self._counts))


@dataclass(slots=True)
class Figures:
    """Counts since the start of the daemon.

    Args:
        requests: that have ended, by their final state.
        clips: the same of clips.
        mp4_bytes: bytes of the MP4s that were published.
        calls: API calls, by what came of them: `CALL_SUCCEEDED` or the reason why everybody had to wait.
        waits: how often a clip began to wait, by the reason.
        steps: how long clips were in each step, what they waited there included.
    """

    requests: Counter[State] = field(default_factory=Counter)
    clips: Counter[State] = field(default_factory=Counter)
    mp4_bytes: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    waits: Counter[WaitReason] = field(default_factory=Counter)
    steps: dict[State, Histogram] = field(default_factory=lambda: {step: Histogram() for step in STEPS})
    _entered: dict[str, dict[str, float]] = field(default_factory=dict)
    """When each clip of each outstanding request came into its step."""

    def request_ended(self, status: Status) -> None:
        """A request has ended."""
        self.requests[status.state] += 1

    def request_gone(self, request: str) -> None:
        """A request is outstanding no longer, whatever became of its clips."""
        self._entered.pop(request, None)

    def clip_changed(self, request: str, before: Clip, after: Clip, at: float) -> None:
        """A clip has another state, or waits for something else, since `at` (monotonic seconds)."""
        if after.waiting and (before.waiting is None or before.waiting.reason != after.waiting.reason):
            self.waits[after.waiting.reason] += 1
        if after.state is before.state:
            return
        clips = self._entered.setdefault(request, {})
        entered = clips.pop(after.key, None)
        if entered is not None and before.state in self.steps:
            self.steps[before.state].add(at - entered)
        if not after.state.final:
            clips[after.key] = at
            return
        if not clips:
            self.request_gone(request)
        self.clips[after.state] += 1
        if after.state is State.DONE and after.file:
            self.mp4_bytes += after.file.bytes
