"""What stops all clips alike is one outage of the service: noticed once, probed by one, reported once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from camspool.aio import first_of
from camspool.core import backoff as backoffs
from camspool.core.errors import CamspoolError, ClipTrouble, ServiceTrouble
from camspool.core.ports import Answer, Api, Clock, Question
from camspool.core.status_document import Waiting
from camspool.core.values import WaitReason

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds before the first probe and, doubling, at most."""

    first: float
    longest: float

    def before(self, probe: int, jitter: float) -> float:
        """Seconds before probe number `probe` (from 0); `jitter`, 0 to 1, takes up to a quarter away."""
        return backoffs.backoff(probe + 1, self.first, self.longest, 1 - jitter)


@dataclass(frozen=True, slots=True)
class _Condition:
    """The trouble that the service is in; `since` and `probe_at` on the monotonic clock, `probes` failed."""

    trouble: ServiceTrouble
    since: float
    probe_at: float
    probes: int


class CircuitBreaker:
    """`ports.Api` that never raises ServiceTrouble.

    While the service is in trouble one caller at a time probes it with its own questions, taking turns with
    the others, so that no caller's questions can hold up everybody.

    Args:
        api: is asked while all is well.
        probe: is asked when it is not: the same, without short retries.
        clock: all waiting is done on it.
        backoff: the seconds between probes, unless the server's Retry-After says otherwise.
        on_trouble: called at every change.
        jitter: a number from 0 to 1, random.
    """

    def __init__(
        self,
        api: Api,
        probe: Api,
        clock: Clock,
        backoff: Callable[[], Backoff],
        on_trouble: Callable[[Waiting | None], None],
        jitter: Callable[[], float],
    ) -> None:
        self._api = api
        self._probe = probe
        self._clock = clock
        self._backoff = backoff
        self._on_trouble = on_trouble
        self._jitter = jitter
        self._condition: _Condition | None = None
        self._probing = asyncio.Lock()
        self._hurry = asyncio.Event()

    async def ask(self, questions: Sequence[Question]) -> Sequence[Answer | CamspoolError]:
        """As `ports.Api`, but waits for as long as the service is in trouble."""
        failed = False
        while True:
            async with self._admitted() as probing:
                try:
                    answers = await (self._probe if probing else self._api).ask(questions)
                except ServiceTrouble as trouble:
                    if failed and not probing and trouble.reason != WaitReason.RATE_LIMITED:
                        # Others got answers since it failed before: what fails is these questions.
                        return [ClipTrouble(WaitReason.API_ERROR, trouble.message) for _ in questions]
                    failed = True
                    self._hold(trouble, probing=probing)
                else:
                    if probing:
                        self._release()
                    return answers

    def probe_soon(self) -> None:
        """Probe without further delay: something has changed that may help."""
        self._hurry.set()

    @asynccontextmanager
    async def _admitted(self) -> AsyncIterator[bool]:
        """Enter at once while all is well; else, as the only one, when it is time to probe (True)."""
        if self._condition is None:
            yield False
            return
        async with self._probing:
            if self._condition is not None:
                pause = max(0.0, self._condition.probe_at - self._clock.monotonic())
                await first_of(self._clock.sleep(pause), self._hurry.wait())
            yield self._condition is not None

    def _hold(self, trouble: ServiceTrouble, *, probing: bool) -> None:
        now, known = self._clock.monotonic(), self._condition
        if known and not probing:
            return
        probes = known.probes + 1 if known else 0
        backoff = self._backoff()
        pause = backoff.before(probes, self._jitter())
        if trouble.retry_after is not None:
            pause = max(backoff.first, trouble.retry_after)
        self._hurry.clear()
        self._condition = _Condition(trouble, known.since if known else now, now + pause, probes)
        until = self._clock.now() + timedelta(seconds=pause)
        if known is None or known.trouble.reason != trouble.reason:
            log.warning("api_trouble", reason=trouble.reason.value, message=trouble.message, until=until)
        # An unknown end gets no date: each probe would rewrite the status of every request.
        announced = until if trouble.retry_after is not None else None
        self._on_trouble(Waiting(reason=trouble.reason, message=trouble.message, until=announced))

    def _release(self) -> None:
        if self._condition:
            log.info("api_recovered", after_s=round(self._clock.monotonic() - self._condition.since, 1))
        self._condition = None
        self._on_trouble(None)
