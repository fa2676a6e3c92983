"""The machine's own time, for `ports.Clock`. Tests bring a clock of their own."""

import asyncio
import time
from datetime import UTC, datetime


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
