"""When to try again, and when to ask again: functions of numbers."""

from datetime import datetime, timedelta
from math import ceil


def after(start: datetime, seconds: float) -> datetime:
    """The instant `seconds` after `start`; the end of time when that lies beyond it."""
    try:
        return start + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=start.tzinfo)


def backoff(tries: int, first: float, longest: float, jitter: float) -> float:
    """Seconds to wait before the next try: doubling, bounded, spread so that clips do not come in step.

    Args:
        tries: how many have failed in a row, from 1.
        first: seconds after the first failure.
        longest: never more seconds than this.
        jitter: a random number 0..1; the wait lies between three quarters of the full time and all of it.
    """
    full = min(longest, first * 2.0 ** min(tries - 1, 62))
    return full * (0.75 + 0.25 * jitter)


def poll_interval(elapsed: float, gained: float, percent: float, fastest: float, slowest: float) -> float:
    """Seconds until a preparation is worth asking about again.

    Far from its end the estimate is poor, and a part of what it still needs is waited for; near its end, all,
    and so is what would leave less than `fastest` for the next time.
    An estimate that proves wrong costs no more calls than one in each twentieth of the time.

    Args:
        elapsed: seconds since its progress has been followed.
        gained: percent that it has made in them; at 0 it is taken to be half-way: nothing else is known.
        percent: its progress 0..100.
        fastest: lower bound, in seconds.
        slowest: upper bound, in seconds.
    """
    remaining = elapsed * (100 - percent) / gained if gained > 0 else elapsed
    part = remaining * 0.6
    pause = remaining if remaining <= elapsed / 4 or remaining - part < fastest else part
    return max(fastest, min(slowest, max(pause, elapsed / 20)))


def in_step(now: float, pause: float, step: float) -> float:
    """The pause, made longer so that it ends at a multiple of `step`: those who wait ask together."""
    return ceil((now + pause) / step) * step - now
