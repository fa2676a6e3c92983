"""Which of the listed recordings are fetched, at which height, and how much of the range they cover.

The vendor does not say whether several listed recordings are pieces of the range or copies of the same time
on several storages; the contract's section "Choosing" is our rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from camspool.core.values import HeightSelector, Listed, Take

SLACK_S = 5.0
"""Recordings start and end at key frames: a few seconds more or less are no difference."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A recording to fetch, and the height to fetch it in."""

    recording: Listed
    height: int


@dataclass(frozen=True, slots=True)
class HeightNotOffered:
    """There are recordings, but none in the height that was asked for; `heights` are those on offer."""

    heights: tuple[int, ...]


def choose(
    listed: Sequence[Listed], selector: HeightSelector, take: Take, asked_s: float
) -> tuple[Choice, ...] | HeightNotOffered:
    """Choose the recordings to fetch, in the order in which they were listed.

    Args:
        listed: what the listing showed.
        selector: which height is wanted, applied to each recording by itself.
        take: `auto` decides between pieces and alternatives by their durations.
        asked_s: length of the range that was asked for, in seconds.

    Returns:
        The choices; an empty tuple when nothing was listed.
    """
    footage = [recording for recording in listed if recording.duration_s > 0]
    offers = [
        Choice(recording, height)
        for recording in footage
        if (height := pick_height(recording.heights, selector)) is not None
    ]
    if not offers:
        heights = sorted({height for recording in footage for height in recording.heights})
        return HeightNotOffered(tuple(heights)) if footage else ()
    if take is Take.ALL or (take is Take.AUTO and _are_pieces(offers, asked_s)):
        return tuple(offers)
    return (max(offers, key=lambda offer: offer.recording.duration_s),)


def choose_again(choices: Sequence[Choice], piece: int, pieces: int) -> Choice | None:
    """Find one piece in a new listing of its range; a listing makes new ids, so there is nothing to compare.

    Args:
        choices: what `choose` made of the new listing.
        piece: which piece it was, from 1.
        pieces: how many there were.

    Returns:
        The piece; None when there are more or fewer pieces now: another piece's footage in its place would
        be a lie.
    """
    return choices[piece - 1] if len(choices) == pieces else None


def pick_height(offered: Sequence[int], selector: HeightSelector) -> int | None:
    """The height that `selector` means among `offered`, or None when none fits.

    `<=720` is the largest that is not above, `>=720` the smallest that is not below.
    """
    if selector == "best":
        return max(offered, default=None)
    if selector == "smallest":
        return min(offered, default=None)
    if isinstance(selector, int):
        return selector if selector in offered else None
    limit = int(selector[2:])
    if selector.startswith("<="):
        return max((height for height in offered if height <= limit), default=None)
    return min((height for height in offered if height >= limit), default=None)


def covers(delivered_s: float, asked_s: float) -> bool:
    """True when `delivered_s` seconds of footage count as all of `asked_s` seconds; none never do."""
    return delivered_s > 0 and delivered_s >= asked_s - max(SLACK_S, asked_s / 100)


def exceeds(total_s: float, asked_s: float) -> bool:
    """True when footage of `total_s` seconds is more than a range of `asked_s` seconds can hold."""
    return total_s > asked_s + max(SLACK_S, asked_s / 50)


def _are_pieces(offers: Sequence[Choice], asked_s: float) -> bool:
    total = sum(offer.recording.duration_s for offer in offers)
    return not exceeds(total, asked_s)
