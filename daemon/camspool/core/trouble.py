"""A clip's trouble: what ends it, how long each pause in it is, and which answers settle the matter.

Trouble begins with the first pause that a clip has to make, and lasts until the clip gets further than it
has ever been. Small successes on the way, such as a listing, end nothing: a clip that goes round in circles
has one long trouble. Whether it is the clip's own or a host's is found out in `pipeline/host_troubles.py`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from camspool.core.status_document import Clip, Reached, Verdict, Waiting
from camspool.core.values import ErrorCode, State, WaitReason

_ORDER: Final = (State.PREPARING, State.DOWNLOADING, State.VERIFYING, State.DONE)
"""The states that a clip works its way through; whatever comes before them is its beginning."""


def eased(before: Clip, after: Clip) -> Clip:
    """The clip after an event, without its trouble if that has brought it further than it has ever been."""
    reached = max(before.reached, _position(before), key=rank)
    here = _position(after)
    if rank(here) <= rank(reached):
        return replace(after, reached=reached)
    return replace(after, reached=here, waiting=None, troubled_s=0.0, tries=0, verdict=Verdict())


def _position(clip: Clip) -> Reached:
    if clip.state not in _ORDER:
        return Reached()
    return Reached(state=clip.state, percent=clip.prepare.percent, bytes=clip.download.bytes)


def rank(reached: Reached) -> tuple[int, float]:
    """How far that is; within a state only what is made in it counts."""
    if reached.state not in _ORDER:
        return -1, 0.0
    amounts = {State.PREPARING: reached.percent, State.DOWNLOADING: float(reached.bytes)}
    return _ORDER.index(reached.state), amounts.get(reached.state, 0.0)


def waited(clip: Clip, waiting: Waiting, now: datetime) -> Clip:
    """The clip once it has had to pause because of a trouble of its own."""
    pause = (waiting.until - now).total_seconds() if waiting.until else 0.0
    return replace(clip, waiting=waiting, troubled_s=clip.troubled_s + pause, tries=clip.tries + 1)


def is_hopeless(clip: Clip, waiting: Waiting, give_up_after_s: float) -> bool:
    """True when a clip has been in trouble of its own for too long to wait once more."""
    if waiting.reason is WaitReason.RECORDING_NOT_YET_THERE:
        return False
    return clip.troubled_s >= give_up_after_s and clip.tries > 0


@dataclass(frozen=True, slots=True)
class Proof:
    """How often, and for how many seconds in all, an answer has to come before a clip fails by it."""

    times: int
    seconds: float


HALF_AN_HOUR: Final = 1800.0

REFUSED: Final = Proof(3, HALF_AN_HOUR)
"""Preparations that are answered `false` or null, each on a fresh listing."""

EXPIRED: Final = Proof(5, HALF_AN_HOUR)
"""Recordings made anew because an id or address was good for nothing."""

BAD_VIDEOS: Final = 3
"""Complete downloads with a broken structure; the seconds for them are `retry.longest`."""


def weighed(clip: Clip, code: ErrorCode | None) -> Verdict:
    """What the clip's verdict becomes by one more answer that amounts to `code`, or to nothing."""
    verdict = clip.verdict
    if code is None:
        return replace(verdict, made_anew=verdict.made_anew + 1)
    if verdict.code is not code:
        verdict = replace(verdict, code=code, count=0, since_s=clip.troubled_s)
    return replace(verdict, count=verdict.count + 1, made_anew=verdict.made_anew + 1)


def settles(clip: Clip, code: ErrorCode, proof: Proof) -> bool:
    """True when one more answer that amounts to `code` is the last that it takes."""
    verdict = weighed(clip, code)
    return verdict.count >= proof.times and clip.troubled_s - verdict.since_s >= proof.seconds
