"""When to try again, and when to ask again: functions of numbers."""

from datetime import datetime, timedelta
from math import ceil
from typing import Final


def after(start: datetime, seconds: float) -> datetime:
    """The instant `seconds` after `start`; the end of time when that lies beyond it."""
    try:
        return start + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=start.tzinfo)


def backoff(tries: int, first: float, longest: float, jitter: float) -> float:
    """Seconds to wait before the next try: doubling, bounded, spread so that clips do not come in step.

    Args:
        tries: how many have failed, from 1.
        first: seconds after the first failure.
        longest: never more seconds than this.
        jitter: a random number 0..1; the wait lies between three quarters of the full time and all of it.
    """
    full = min(longest, first * 2.0 ** min(tries - 1, 62))
    return full * (0.75 + 0.25 * jitter)


STEEP: Final = 16
"""The second pause before work of the server's is asked for again is so many times the first."""


def steep_backoff(times: int, first: float, longest: float, jitter: float) -> float:
    """Seconds to wait before the server is given the same work once more, a preparation above all.

    With a first pause of 5 s the second is over a minute, so that trouble of a minute costs three
    preparations at most; from then on it doubles.

    Args:
        times: how often that has been asked for in vain, from 1.
        first: seconds after the first time.
        longest: never more seconds than this.
        jitter: as for `backoff`.
    """
    return backoff(times, first if times == 1 else first * STEEP / 2, longest, jitter)


def poll_interval(elapsed: float, gained: float, percent: float, fastest: float, slowest: float) -> float:
    """Seconds until a preparation is worth asking about again.

    Far from its end the estimate is poor, so only a part of the time that it still needs is waited for; near
    its end all of it is, and so is a rest that would leave less than `fastest` for the next time.
    An estimate that proves wrong costs no more calls than one in each twentieth of the time.

    Args:
        elapsed: seconds since its progress has been followed.
        gained: percent that it has made in them; at 0 it is taken to be half-way, as nothing else is known.
        percent: its progress 0..100.
        fastest: lower bound, in seconds.
        slowest: upper bound, in seconds.
    """
    remaining = elapsed * (100 - percent) / gained if gained > 0 else elapsed
    part = remaining * 0.6
    pause = remaining if remaining <= elapsed / 4 or remaining - part < fastest else part
    return max(fastest, min(slowest, max(pause, elapsed / 20)))


def in_step(now: float, pause: float, step: float) -> float:
    """The pause, made longer so that it ends at a multiple of `step`, and all who wait ask together."""
    return ceil((now + pause) / step) * step - now
