"""What a player shows of a track: its time line as the edit list cuts it, in seconds. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from camspool.adapters.mp4.time_line import MOST_GAPS, SHORTEST_GAP_S
from camspool.core.status_document import Gap

_ROUNDING_S: Final = 0.001


class Edit(NamedTuple):
    """One entry of an edit list, in seconds.

    `length` is None where it lasts to the end of the track, `media_from` is None for a pause.
    """

    length: float | None
    media_from: float | None


@dataclass(frozen=True, slots=True)
class Shown:
    """How long the track is, gaps included, and its gaps in order."""

    duration_s: float
    gaps: tuple[Gap, ...]


def apply(edits: Sequence[Edit], duration_s: float, holes: Sequence[Gap]) -> Shown:
    """Apply an edit list.

    Args:
        edits: the list; without any, or when they show nothing at all or the same more than once, the track
            is taken as it is.
        duration_s: of the track's own time line, holes included.
        holes: of the same, in order.
    """
    gaps: list[Gap] = []
    position, footage = 0.0, 0.0
    for edit in edits:
        if edit.media_from is not None:
            start, end = _stretch(edit, duration_s)
            if len(gaps) < 4 * MOST_GAPS:
                gaps += _within(holes, start, end, position)
            position, footage = position + end - start, footage + end - start
        elif edit.length and edit.length > SHORTEST_GAP_S:  # a shorter pause only aligns sound and picture
            gaps.append(Gap(at_s=position, length_s=edit.length))
            position += edit.length
    if not 0 < footage <= duration_s + _ROUNDING_S:
        return Shown(duration_s, tuple(holes))
    return Shown(position, _longest(gaps))


def _stretch(edit: Edit, duration_s: float) -> tuple[float, float]:
    """From when until when an edit shows the track: no longer than there is any of it."""
    start = max(0.0, edit.media_from or 0.0)
    end = duration_s if edit.length is None else min(duration_s, start + edit.length)
    return start, max(start, end)


def _within(holes: Sequence[Gap], start: float, end: float, position: float) -> Iterator[Gap]:
    """The holes between `start` and `end` of the track, which is shown from `position` on."""
    for hole in holes:
        first, last = max(hole.at_s, start), min(hole.at_s + hole.length_s, end)
        if first < last:
            yield Gap(at_s=position + first - start, length_s=last - first)


def _longest(gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    kept = sorted(gaps, key=lambda gap: gap.length_s, reverse=True)[:MOST_GAPS]
    return tuple(sorted(kept, key=lambda gap: gap.at_s))
