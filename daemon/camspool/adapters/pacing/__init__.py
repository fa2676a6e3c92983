"""How often and how persistently the vendor's API is asked: five wrappers of `ports.Api` around one another.

Counting counts the outcome of each call, Rate limits the calls per second, Retrying bridges seconds,
Bisecting finds what spoils a batch, CircuitBreaker bridges hours. What is asked, and in which batches, is
not its business.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from camspool.adapters.pacing.bisecting import Bisecting
from camspool.adapters.pacing.circuit_breaker import Backoff, CircuitBreaker
from camspool.adapters.pacing.counting import Counting
from camspool.adapters.pacing.rate import Rate
from camspool.adapters.pacing.retrying import Retrying
from camspool.core.errors import CamspoolError
from camspool.core.ports import Answer, Api, Clock, Question
from camspool.core.status_document import Waiting

__all__ = ["Backoff", "Counting", "Pacing", "PacingSettings"]


@dataclass(frozen=True, slots=True)
class PacingSettings:
    """Calls per second, at most; and the pauses between probes of a service in trouble."""

    rate: float
    backoff: Backoff


class Pacing:
    """`ports.Api` that never raises ServiceTrouble: it waits until the service is well again.

    Each `ask` is to be preceded by a `turn`.

    Args:
        api: the API itself. A ServiceTrouble that it raises for a PrepareRecording must mean that nothing was
            started, since the question is then asked again.
        clock: all waiting is done on it.
        settings: how often it may be asked, and probed in trouble, now.
        on_trouble: called at every change, with the reason and the end of the wait, or None when it is over.
        jitter: a number from 0 to 1, random.
    """

    def __init__(
        self,
        api: Api,
        clock: Clock,
        *,
        settings: Callable[[], PacingSettings],
        on_trouble: Callable[[Waiting | None], None] = lambda _: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._rate = Rate(api, lambda: settings().rate, clock)
        self._bisecting = Bisecting(Retrying(self._rate, clock, jitter), self._rate, clock)
        probe = Bisecting(self._rate, self._rate, clock)
        self._breaker = CircuitBreaker(
            self._bisecting, probe, clock, lambda: settings().backoff, on_trouble, jitter
        )

    def probe_soon(self) -> None:
        """Probe without further delay: something has changed that may help."""
        self._breaker.probe_soon()

    async def turn(self) -> None:
        """Wait until the rate allows a call; the next `ask` is that call."""
        await self._rate.turn()

    async def ask(self, questions: Sequence[Question]) -> Sequence[Answer | CamspoolError]:
        """Answer questions of one kind, however long it takes; see `ports.Api`."""
        return await self._breaker.ask(questions)

    def largest(self, kind: type[Question]) -> int | None:
        """How many questions of a kind the server lately took in one call; None while no limit is known."""
        return self._bisecting.largest(kind)

    @property
    def last_success_at(self) -> datetime | None:
        """When the API last answered a call."""
        return self._rate.last_success_at

    @property
    def calls_last_hour(self) -> int:
        """Calls made within the last 60 minutes, to the minute."""
        return self._rate.calls_last_hour
