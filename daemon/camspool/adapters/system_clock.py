"""The machine's own time, for `ports.Clock`. Tests bring a clock of their own."""

import asyncio
import ctypes
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_TIMESYNCD: Final = Path("/run/systemd/timesync")
"""There while systemd-timesyncd runs; it makes `synchronized` there once it has set the clock."""
_LARGEST_TIMEX: Final = 512
"""Bytes, more than `struct timex` has anywhere."""
_TIME_ERROR: Final = 5
"""What adjtimex(2) returns while the kernel's clock is not synchronised."""


class SystemClock:
    """Real time and real waiting."""

    def now(self) -> datetime:
        """Wall-clock time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment in the past; never steps back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)


def is_synchronised(timesyncd: Path = _TIMESYNCD) -> bool | None:
    """Whether a time server has set the clock since the machine was booted; None when that is not known.

    The kernel is asked where systemd-timesyncd does not run. The sandbox of our unit forbids that call.
    """
    try:
        if timesyncd.is_dir():
            return (timesyncd / "synchronized").exists()
    except OSError:
        return None
    return _kernel_is_synchronised()


def _kernel_is_synchronised() -> bool | None:
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    state = adjtimex(ctypes.create_string_buffer(_LARGEST_TIMEX))  # all zero: nothing is set
    return None if state < 0 else state != _TIME_ERROR
