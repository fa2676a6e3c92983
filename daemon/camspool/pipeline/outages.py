"""What stops all clips alike: the API is down, the disk is full, a folder is gone.

Noticed once, shown in every status file that it concerns, and waited for without burning anybody's attempts.
Who finds out that a condition is over is another matter: see `adapters/pacing.py` and `storage.py`.
"""

import asyncio
from collections.abc import Callable
from enum import Enum, auto

from camspool.core.status_document import Status, Waiting
from camspool.core.values import State


class Cause(Enum):
    """The things that a condition can be about."""

    API = auto()
    MIRROR = auto()
    """The mirror cannot be written: nothing can go on, since no state could be saved."""
    ROOM = auto()
    """Less than `cleanup.min_free` is left: no download may begin."""
    DROP = auto()
    """The drop folder is not there: nothing new, and nothing is taken for cancelled."""


class Outages:
    """The conditions that hold now.

    Args:
        on_change: called, in the event loop, after each change.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._held: dict[Cause, Waiting] = {}
        self._on_change = on_change
        self._changed = asyncio.Event()

    def set(self, cause: Cause, waiting: Waiting | None) -> None:
        """Let a condition hold for the reason given, or end it with None."""
        if self._held.get(cause) == waiting:
            return
        if waiting is None:
            del self._held[cause]
        else:
            self._held[cause] = waiting
        self._changed.set()
        self._changed = asyncio.Event()
        self._on_change()

    def get(self, cause: Cause) -> Waiting | None:
        """What is wrong with `cause`, or None when nothing is."""
        return self._held.get(cause)

    def all(self) -> dict[Cause, Waiting]:
        """Everything that holds now."""
        return dict(self._held)

    async def passable(self, *causes: Cause) -> None:
        """Return as soon as none of the causes holds."""
        while any(cause in self._held for cause in causes):
            await self._changed.wait()

    def holding_up(self, status: Status) -> Waiting | None:
        """The condition that keeps a request from getting on, if one does."""
        states = {clip.state for clip in status.clips if not clip.state.final}
        if not states or states == {State.SCHEDULED}:
            return None
        if mirror := self._held.get(Cause.MIRROR):
            return mirror
        if states & {State.DOWNLOADING, State.VERIFYING}:
            return self._held.get(Cause.ROOM) if states == {State.DOWNLOADING} else None
        return self._held.get(Cause.API)
