"""What a file in drop/ means in view of existing statuses: new, the same again, changed, name taken.

The contract's rules in "Folders" and "Again", as one decision for each name that the request could have.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from camspool.core.naming import is_request
from camspool.core.status_document import Clip, Status
from camspool.core.values import State


class Decision(Enum):
    """What to do with a file under the name in question."""

    BEGIN = auto()
    """It is new under this name, or starts again after an end without footage."""
    RESUME = auto()
    """It is in work already: go on from the status."""
    START_OVER = auto()
    """It was edited while in work."""
    FILE_AWAY = auto()
    """It has ended with footage, and a restart came before its move to the mirror."""
    REPEAT = auto()
    """It is done, and its MP4s are whole: nothing to do."""
    NEXT_NAME = auto()
    """The name belongs to another file, or an earlier version is done under it: try `~2`, `~3`, ..."""
    NAME_TAKEN = auto()
    """Another file with this stem (`b.yaml` beside `b.json`) has the name."""


@dataclass(frozen=True, slots=True)
class DroppedFile:
    """A file as found in drop/: its path there, and the SHA-256 of its bytes."""

    file: str
    sha256: str


_STARTS_AGAIN = frozenset({State.FAILED, State.CANCELLED, State.REJECTED, State.VALIDATED, State.REMOVED})


def decide(
    dropped: DroppedFile, found: Status | None, *, first: bool, is_whole: Callable[[Status], bool]
) -> Decision:
    """Decide what the dropped file means under one name.

    Args:
        dropped: the file.
        found: the status that stands under the name, if any.
        first: True for the request's own stem, False for `~2` and on.
        is_whole: whether all MP4s of a status are still there, unchanged; called only when it matters.
    """
    if found is None:
        return Decision.BEGIN
    if dropped.file not in {found.request.file, found.request.filed_as}:
        return _owned_by_another(found, first=first)
    same = found.request.sha256 == dropped.sha256
    if not found.state.final:
        return Decision.RESUME if same else Decision.START_OVER
    return _ended(found, same=same, is_whole=is_whole)


def _owned_by_another(found: Status, *, first: bool) -> Decision:
    if not first or not is_request(found.request.file):
        return Decision.NEXT_NAME  # the answer to `b.txt` is not for `b.txt.json` to replace
    return Decision.BEGIN if found.state is State.CANCELLED else Decision.NAME_TAKEN


def _ended(found: Status, *, same: bool, is_whole: Callable[[Status], bool]) -> Decision:
    if found.state in _STARTS_AGAIN:
        return Decision.BEGIN
    if found.state is State.DONE and not is_whole(found):
        return Decision.BEGIN
    if same and found.request.filed_as is None:
        return Decision.FILE_AWAY
    return Decision.REPEAT if same and found.state is State.DONE else Decision.NEXT_NAME


def keep_finished(before: Status, after: Status, is_whole: Callable[[Clip], bool]) -> tuple[Clip, ...]:
    """The clips of a request that starts over; those finished before are taken over as they are.

    Only asks that were fetched as one recording are taken over: the pieces of a range belong together.

    Args:
        before: the request's earlier run.
        after: the new one, no clip of which has begun.
        is_whole: tells whether a finished clip's MP4 is still there, unchanged.
    """
    finished = {
        _asked(before, clip): clip
        for clip in before.clips
        if clip.state is State.DONE and clip.pieces is None and is_whole(clip)
    }
    return tuple(
        replace(earlier, ask=clip.ask, entry=clip.entry)
        if (earlier := finished.pop(_asked(after, clip), None))  # no two clips have one MP4
        else clip
        for clip in after.clips
    )


def _asked(status: Status, clip: Clip) -> tuple[object, ...]:
    entry = status.request.entries[clip.entry]
    return clip.camera, clip.start, clip.end, entry.height, entry.take
