"""Whose trouble is it? What two clips or more meet at one host, while nothing succeeds there, is the host's.

It is one condition of the service then: named once, probed by one clip at a time, for which those that wait
take turns, and over with the first success. What to do about a clip's own trouble is not its business.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog

from camspool.aio import first_of
from camspool.core import backoff
from camspool.core.errors import ClipTrouble, DownloadTrouble, SharedTrouble
from camspool.core.ports import Clock
from camspool.core.status_document import Waiting
from camspool.core.values import PREPARATION, HostAction, WaitReason
from camspool.pipeline.outages import Outages

log = structlog.get_logger()

LONGEST_RETRY_AFTER_S: Final = 3600.0
"""A host that asks for more is asked again after an hour all the same: it may have been a mistake."""

TURN_S: Final = 1.0
"""Those that have probed in vain come back one after the other, the one that probed last at the end."""

EARLY_S: Final = 0.01
"""Waits are dated by another clock, to the microsecond: who comes a little early has come for its turn."""

MOST_TURNS: Final = 30

MOST_HOSTS: Final = 1000
"""Hosts at which something has failed and nothing succeeded since; an API could invent any number."""

Who = Hashable
"""What tells one clip from another."""


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds: `retry.first` and `retry.longest`."""

    first: float
    longest: float


@dataclass(slots=True)
class _Condition:
    """The trouble of one host action.

    `failed` are those that met it and when they last came by, the least recent failure first; `probes` counts
    those that have failed since it was known. Times are on the monotonic clock.
    """

    trouble: ClipTrouble
    failed: dict[Who, float]
    began_at: float
    failed_at: float
    not_before: float = 0.0
    jitter: float = 1.0
    probes: int = 0
    probing: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def signal(self) -> None:
        """Let those that wait for their turn look again."""
        self.changed.set()
        self.changed = asyncio.Event()


class Visit:
    """One clip's question to a host, or its download from there."""

    def __init__(self, on_success: Callable[[], None]) -> None:
        self._on_success = on_success
        self.succeeded = False

    def succeed(self) -> None:
        """The host does what it should, though the visit lasts: others need not wait for its end."""
        if not self.succeeded:
            self.succeeded = True
            self._on_success()


class HostTroubles:
    """Knows at which hosts everything fails.

    Args:
        clock: all waiting is done on it.
        outages: is kept up to date with one cause for each host action in trouble.
        pauses: how long to wait between probes.
        random: gives a number 0..1, for jitter.

    Attributes:
        on_recovery: called when a host is well again, or the trouble turns out to be of one clip alone.
    """

    def __init__(
        self,
        clock: Clock,
        outages: Outages,
        pauses: Callable[[], Pauses],
        random: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._outages = outages
        self._pauses = pauses
        self._random = random
        self.on_recovery: Callable[[], None] = lambda: None
        self._met: dict[HostAction, dict[str, dict[Who, float]]] = {}
        self._failures: dict[HostAction, dict[Who, tuple[int, float]]] = {}
        """How often each clip has failed since it last succeeded, and when it last came by."""
        self._conditions: dict[HostAction, _Condition] = {}

    @asynccontextmanager
    async def visit(self, action: HostAction, who: Who, *, patient: bool) -> AsyncIterator[Visit]:
        """Enter at once while all is well there; else as the only one, when it is this clip's turn to probe.

        A ClipTrouble that the block raises is counted. Any other error is about one clip alone, such as an id
        that is no longer known, and says nothing about the host.

        Args:
            action: what is asked of which host.
            who: the clip.
            patient: let a clip that has never failed there wait for its turn, not only come back for it.
                Those that have are always sent away: they must not keep a slot that another could use.

        Raises:
            SharedTrouble: the host is in trouble, and another clip's turn is earlier; or the clip has just
                met a trouble there that it shares.
        """
        if not action.host:
            yield Visit(lambda: None)  # an address that is none: there is no host that others could meet
            return
        probing = await self._turn(action, who, patient=patient)
        visit = Visit(lambda: self._succeeded(action, who))
        try:
            yield visit
        except SharedTrouble:
            raise  # of another question, which was asked on the way
        except ClipTrouble as trouble:
            if visit.succeeded:  # the host has delivered: what happened then is this clip's own
                raise
            self._failed(action, who, trouble, probing=probing)
            raise
        else:
            visit.succeed()
        finally:
            if probing:
                self._leave(action)

    async def _turn(self, action: HostAction, who: Who, *, patient: bool) -> bool:
        while (condition := self._conditions.get(action)) is not None:
            now = self._clock.monotonic()
            failures = self._came_by(action, who)
            if who in condition.failed:
                condition.failed[who] = now
            due = self._due(action, condition, who)
            if now + EARLY_S >= due and not condition.probing:
                condition.probing = True
                return True
            if failures or not patient:
                if condition.probing:
                    due = now + self._pause(action, condition, condition.probes + 1)
                raise _shared(condition, action, due - now, recall=not failures)
            changed = condition.changed
            if condition.probing:
                await changed.wait()
            else:
                await first_of(self._clock.sleep(due - now), changed.wait())
        return False

    def _due(self, action: HostAction, condition: _Condition, who: Who) -> float:
        """When a clip may probe; one that has never failed there does not sit out the others' pauses."""
        if failures := self._came_by(action, who):
            line = list(condition.failed)
            place = line.index(who) if who in condition.failed else len(line)
            pause = self._pause(action, condition, max(condition.probes + 1, failures))
            pause += TURN_S * min(place, MOST_TURNS)
        else:
            pause = self._pause(action, condition, max(1, len(condition.failed) - 1))
        return max(condition.not_before, condition.failed_at + pause)

    def _pause(self, action: HostAction, condition: _Condition, times: int) -> float:
        grown = backoff.steep_backoff if action == PREPARATION else backoff.backoff
        pauses = self._pauses()
        return grown(times, pauses.first, pauses.longest, condition.jitter)

    def _came_by(self, action: HostAction, who: Who) -> int:
        """How often a clip has failed there since it last succeeded."""
        clips = self._failures.get(action, {})
        if who not in clips:
            return 0
        clips[who] = (clips[who][0], self._clock.monotonic())
        return clips[who][0]

    def _leave(self, action: HostAction) -> None:
        if condition := self._conditions.get(action):
            condition.probing = False
            condition.signal()

    def _failed(self, action: HostAction, who: Who, trouble: ClipTrouble, *, probing: bool) -> None:
        """Count a failure.

        Raises:
            SharedTrouble: it is not the clip's own.
        """
        now = self._clock.monotonic()
        clips = self._failures.setdefault(action, {})
        clips[who] = (clips.get(who, (0, now))[0] + 1, now)
        condition = self._conditions.get(action) or self._begun(action, who, trouble)
        if condition is None:
            return
        condition.failed.pop(who, None)
        condition.failed[who] = now
        if probing:
            condition.failed_at, condition.jitter = now, self._random()
            condition.probes += 1
        self._heed_retry_after(condition, trouble)
        if self._is_of_one_alone(condition):
            self._end(action, alone=True)
            return
        self._tell(action, condition, trouble)
        raise _shared(condition, action, self._due(action, condition, who) - now, recall=False) from trouble

    def _begun(self, action: HostAction, who: Who, trouble: ClipTrouble) -> _Condition | None:
        """The condition that this failure begins; None while it may be the clip's own."""
        now = self._clock.monotonic()
        met = self._met.setdefault(action, {}).setdefault(_kind(trouble), {})
        met[who] = now
        self._forget_what_is_gone(action, met)
        if len(met) < 2 and _retry_after(trouble) is None:
            return None
        condition = _Condition(trouble, dict(met), began_at=now, failed_at=now, jitter=self._random())
        self._conditions[action] = condition
        log.warning(
            "host_trouble",
            host=action.host,
            action=action.action,
            kind=_kind(trouble),
            message=trouble.message,
        )
        return condition

    def _forget_what_is_gone(self, action: HostAction, met: dict[Who, float]) -> None:
        for gone in [who for who, seen in met.items() if self._is_gone(seen)]:
            del met[gone]
        clips = self._failures[action]
        for gone in [who for who, (_, seen) in clips.items() if self._is_gone(seen)]:
            del clips[gone]
        for hosts in (self._met, self._failures):
            if len(hosts) > MOST_HOSTS:
                del hosts[next(iter(hosts))]

    def _is_of_one_alone(self, condition: _Condition) -> bool:
        """True when all others have ended by now; a host that asked for time is believed all the same."""
        for gone in [who for who, seen in condition.failed.items() if self._is_gone(seen)]:
            del condition.failed[gone]
        return len(condition.failed) < 2 and condition.not_before <= self._clock.monotonic()

    def _is_gone(self, seen: float) -> bool:
        """True when a clip has not come by for so long that it must have ended."""
        return self._clock.monotonic() - seen > 2 * (self._pauses().longest + MOST_TURNS * TURN_S)

    def _heed_retry_after(self, condition: _Condition, trouble: ClipTrouble) -> None:
        if (wished := _retry_after(trouble)) is not None:
            condition.not_before = self._clock.monotonic() + min(wished, LONGEST_RETRY_AFTER_S)
            condition.trouble = trouble

    def _tell(self, action: HostAction, condition: _Condition, trouble: ClipTrouble) -> None:
        wished = condition.not_before - self._clock.monotonic()
        until = backoff.after(self._clock.now(), wished) if wished > 0 else None
        shown = self._outages.get(action)
        if shown is None or until is not None or shown.reason is not _reason(trouble):
            message = f"{action.host}, {action.action}: {trouble.message}"
            self._outages.set(action, Waiting(reason=_reason(trouble), message=message, until=until))

    def _succeeded(self, action: HostAction, who: Who) -> None:
        self._failures.get(action, {}).pop(who, None)
        self._met.pop(action, None)
        if action in self._conditions:
            self._end(action)

    def _end(self, action: HostAction, *, alone: bool = False) -> None:
        condition = self._conditions.pop(action)
        self._met.pop(action, None)
        after_s = round(self._clock.monotonic() - condition.began_at, 1)
        log.info(
            "host_trouble_not_shared" if alone else "host_recovered",
            host=action.host,
            action=action.action,
            after_s=after_s,
        )
        condition.signal()
        self._outages.set(action, None)
        self.on_recovery()


def _shared(condition: _Condition, action: HostAction, pause: float, *, recall: bool) -> SharedTrouble:
    trouble = condition.trouble
    return SharedTrouble(_reason(trouble), trouble.message, action, max(pause, TURN_S), recall=recall)


def _kind(trouble: ClipTrouble) -> str:
    return trouble.kind if isinstance(trouble, DownloadTrouble) else trouble.reason.value


def _retry_after(trouble: ClipTrouble) -> float | None:
    """Seconds that the host asked for; None when it asked for none, or for no time at all."""
    return (trouble.retry_after or None) if isinstance(trouble, DownloadTrouble) else None


def _reason(trouble: ClipTrouble) -> WaitReason:
    return WaitReason.RATE_LIMITED if _retry_after(trouble) is not None else trouble.reason
