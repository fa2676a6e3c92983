"""What stops many clips alike: the API or a download host is down, the disk is full, a folder is gone.

Noticed once, shown in every status file that it concerns, and waited for without counting against any clip.
It is found out elsewhere when a condition is over: in `adapters/pacing/`, `host_troubles.py` and
`disk_space.py`.
"""

import asyncio
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from enum import Enum, auto
from typing import Final

from camspool.core.status_document import Status, Waiting
from camspool.core.values import LISTING, PREPARATION, PROGRESS, HostAction, State


class Cause(Enum):
    """The things that a condition can be about; what is asked of one host is one, too (`HostAction`)."""

    API = auto()
    MIRROR = auto()
    """The mirror cannot be written: nothing can go on, as no state could be saved."""
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
        self._held: dict[Cause | HostAction, Waiting] = {}
        self._on_change = on_change
        self._changed = asyncio.Event()

    def set(self, cause: Cause | HostAction, waiting: Waiting | None) -> None:
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

    def get(self, cause: Cause | HostAction) -> Waiting | None:
        """The trouble with `cause`, or None when there is none."""
        return self._held.get(cause)

    def all(self) -> dict[Cause | HostAction, Waiting]:
        """Everything that holds now."""
        return dict(self._held)

    async def passable(self, *causes: Cause) -> None:
        """Return as soon as none of the causes holds."""
        while any(cause in self._held for cause in causes):
            await self._changed.wait()

    def holding_up(self, status: Status) -> Waiting | None:
        """The condition that keeps all of a request's clips from going on, if one does."""
        states = {clip.state for clip in status.clips if not clip.state.final}
        if not states or states == {State.SCHEDULED}:
            return None
        if mirror := self._held.get(Cause.MIRROR):
            return mirror
        if states & {State.DOWNLOADING, State.VERIFYING}:
            return self._held.get(Cause.ROOM) if states == {State.DOWNLOADING} else None
        return self._held.get(Cause.API) or self._asked_in_vain(states)

    def _asked_in_vain(self, states: AbstractSet[State]) -> Waiting | None:
        """The question of the API that fails for everybody, when every clip needs one that does."""
        failing = [
            next(
                (self._held[question] for question in _QUESTIONS.get(state, ()) if question in self._held),
                None,
            )
            for state in sorted(states - {State.SCHEDULED})
        ]
        return failing[0] if all(failing) else None


_QUESTIONS: Final = {
    State.QUEUED: (LISTING, PREPARATION),
    State.LISTING: (LISTING,),
    State.PREPARING: (PREPARATION, PROGRESS),
}
"""What the API is asked in each state; clips are queued while those before them ask in vain."""
