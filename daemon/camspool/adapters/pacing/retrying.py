"""Trouble that passes within seconds: a call is tried three times before it counts as failed."""

from collections.abc import Callable, Sequence
from typing import Final

from camspool.core.errors import CamspoolError, ServiceTrouble
from camspool.core.ports import Answer, Api, Clock, Question
from camspool.core.values import WaitReason

PAUSES_S: Final = (0.5, 2.0)
"""Between the tries; each is up to half as long again, at random, so that daemons do not return together."""

LONGEST_PAUSE_S: Final = 5.0
"""A server that asks to be left alone for longer is in trouble for everybody: see `circuit_breaker`."""


class Retrying:
    """`ports.Api` that repeats what failed as a whole; see `Pacing` on repeating a PrepareRecording."""

    def __init__(self, api: Api, clock: Clock, jitter: Callable[[], float]) -> None:
        self._api = api
        self._clock = clock
        self._jitter = jitter

    async def ask(self, questions: Sequence[Question]) -> Sequence[Answer | CamspoolError]:
        """As `ports.Api`; raises the last try's ServiceTrouble."""
        for pause in PAUSES_S:
            try:
                return await self._api.ask(questions)
            except ServiceTrouble as trouble:
                wished = trouble.retry_after or 0.0
                if trouble.reason == WaitReason.UNAUTHORISED or wished > LONGEST_PAUSE_S:
                    raise
            await self._clock.sleep(max(wished, pause) * (1 + self._jitter() / 2))
        return await self._api.ask(questions)
