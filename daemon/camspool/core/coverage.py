"""How much of what was asked for is there, whether that is all of it, and when each piece begins. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Final

from camspool.core.backoff import after
from camspool.core.footage import is_too_low
from camspool.core.selection import covers, exceeds
from camspool.core.status_document import Clip, Coverage, Failure, StartsAt
from camspool.core.values import ErrorCode, State

WITH_FOOTAGE: Final = frozenset({State.DONE, State.REMOVED})


def covered(clips: Sequence[Clip]) -> Coverage:
    """Seconds asked for and seconds delivered, gaps left out; copies of the same time count once."""
    asks = _by_ask(clips)
    return Coverage(
        requested_s=sum(requested for requested, _ in asks),
        delivered_s=round(sum(min(requested, delivered) for requested, delivered in asks), 3),
    )


def falls_short(clips: Sequence[Clip]) -> bool:
    """True when an ask is not covered, or not in the height that was chosen.

    Each ask counts by itself, so that a long one cannot hide a short one.
    """
    return not all(covers(delivered, requested) for requested, delivered in _by_ask(clips)) or any(
        _lowered(clips)
    )


def shortfall(clips: Sequence[Clip], coverage: Coverage, now: datetime) -> Failure:
    """Why a request of which every clip is done is `partial`."""
    if all(covers(delivered, requested) for requested, delivered in _by_ask(clips)):
        message = next(_lowered(clips), "")
        hint = "See in which heights the portal plays it; move the request back to drop/ to try again."
        return Failure(code=ErrorCode.HEIGHT_NOT_OFFERED, message=message, hint=hint, at=now)
    message = f"Only {coverage.delivered_s:.10g} of {coverage.requested_s:.10g} seconds were recorded."
    if untimed := [clip.file.name for clip in clips if clip.file and not clip.file.duration_s]:
        message = f"It is unknown how much was recorded: {untimed[0]} has no usable times."
    hint = "Look in the portal whether the camera was recording the whole time."
    return Failure(code=ErrorCode.NO_RECORDING, message=message, hint=hint, at=now)


def dated(clips: tuple[Clip, ...]) -> tuple[Clip, ...]:
    """The clips, each with the moment at which its footage begins, as far as a listing tells.

    Pieces of one ask are listed without their times, so what lies between them is unknown.
    """
    if all(clip.recording is None for clip in clips):
        return clips
    return tuple(each for _, ask in groupby(clips, key=lambda clip: clip.ask) for each in _dated(list(ask)))


def _dated(ask: Sequence[Clip]) -> Iterator[Clip]:
    lengths = [_length_s(clip) for clip in ask]
    consecutive = not exceeds(sum(lengths), ask[0].asked_s)  # else they are copies of the same time
    passed = 0.0
    for clip, length in zip(ask, lengths, strict=True):
        if clip.recording is None:
            yield clip
            continue
        estimated = (clip.piece or 1) > 1
        starts_at = StartsAt(at=after(clip.start, passed if consecutive else 0.0), estimated=estimated)
        yield clip if clip.starts_at == starts_at else replace(clip, starts_at=starts_at)
        passed += length


def _length_s(clip: Clip) -> float:
    """As long as the MP4 is, gaps included, or as long as its recording was listed to be."""
    if clip.file and clip.file.duration_s:
        return clip.file.duration_s
    return clip.recording.duration_s if clip.recording else 0.0


def _lowered(clips: Sequence[Clip]) -> Iterator[str]:
    for clip in clips:
        if clip.file and clip.recording and clip.state in WITH_FOOTAGE and is_too_low(clip):
            height, chosen = clip.file.height, clip.recording.height
            yield f"{clip.file.name} is {height} lines high, though {chosen} were chosen."


def _by_ask(clips: Sequence[Clip]) -> list[tuple[float, float]]:
    """Seconds requested and seconds in the mirror, for each ask."""
    asks: dict[int, tuple[float, float]] = {}
    for clip in clips:
        seconds = clip.file.footage_s if clip.file and clip.state in WITH_FOOTAGE else 0.0
        asks[clip.ask] = (clip.asked_s, asks.get(clip.ask, (0.0, 0.0))[1] + seconds)
    return list(asks.values())
