"""Whether the wall clock can be believed, before anything is deleted because of its age. Pure.

A machine without a clock chip starts in another year; a bad time server sets the clock ten years ahead.
What is deleted then does not come back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

FAR_FROM_SERVER: Final = timedelta(minutes=10)
"""How far the clock and the API's `Date` may differ."""
LONGEST_JUMP: Final = timedelta(days=1)
"""How far the wall clock may get ahead of the monotonic clock between two looks."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A time of day, and the monotonic seconds at which it was read."""

    at: datetime
    monotonic: float

    def extrapolated(self, monotonic: float) -> datetime:
        """What a clock that runs evenly shows at another moment; the end of time when that lies beyond it."""
        try:
            return self.at + timedelta(seconds=monotonic - self.monotonic)
        except OverflowError:
            return datetime.max.replace(tzinfo=self.at.tzinfo)


@dataclass(frozen=True, slots=True)
class Look:
    """The outcome of a look at the clock.

    Args:
        doubt: why it cannot be believed, in words; None when it can.
        trusted: the last reading that could be believed.
    """

    doubt: str | None
    trusted: Reading


def look(now: Reading, trusted: Reading, server: Reading | None, *, synchronised: bool | None) -> Look:
    """Judge the clock.

    A jump stays in doubt until the API agrees with it, or the clock has jumped back.

    Args:
        now: the clock, as it was just read.
        trusted: the last reading that could be believed; at the start, the first one.
        server: the last `Date` of the API, and when it came; None when there was none yet.
        synchronised: whether the machine has set its clock by a time server since it was booted; None when
            that is not known.
    """
    doubt = _doubt(now, trusted, server, synchronised=synchronised)
    return Look(doubt, trusted if doubt else now)


def _doubt(
    now: Reading, trusted: Reading, server: Reading | None, *, synchronised: bool | None
) -> str | None:
    if server is not None:
        off = now.at - server.extrapolated(now.monotonic)
        if abs(off) <= FAR_FROM_SERVER:
            return None
        return f"it is {_words(off)} the API's"
    ahead = now.at - trusted.extrapolated(now.monotonic)
    if ahead > LONGEST_JUMP:
        return f"it has jumped by {_amount(ahead)}"
    if synchronised is False:
        return "it has not been set by a time server since the start of this machine"
    return None


def _words(off: timedelta) -> str:
    return f"{_amount(abs(off))} {'ahead of' if off > timedelta() else 'behind'}"


def _amount(size: timedelta) -> str:
    return f"{size.days} days" if size.days > 1 else f"{round(size.total_seconds() / 60)} minutes"
