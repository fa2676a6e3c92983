"""Tells people and their programs of changes, aside from all other work, which never waits or fails for it.

A notice is kept in memory only: it is told once, or not at all when the daemon ends before it got through.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Final

import structlog

from camspool.adapters.notify import Channel, Flag, NotSent
from camspool.core import notices
from camspool.core.errors import StorageTrouble
from camspool.core.health import ServiceState, ServiceStatus
from camspool.core.model import Status
from camspool.core.notices import DEGRADED_FOR_S, Notice, Occasion
from camspool.core.ports import Clock

log = structlog.get_logger()

CAPACITY: Final = 1000
"""Notices that may wait for one way; after that the oldest are dropped."""
PAUSES_S: Final = (2.0, 10.0)
"""Between the tries."""


class Outbox:
    """The notices that wait for one way, and its own task: no way waits for another.

    Args:
        channel: the way; may be replaced at any time.
        clock: for pauses.
        capacity: notices that may wait.
    """

    def __init__(self, channel: Channel, clock: Clock, capacity: int = CAPACITY) -> None:
        self.channel = channel
        self._clock = clock
        self._waiting: deque[Notice] = deque(maxlen=capacity)
        self._filled = asyncio.Event()
        self._barred = False
        self._overflows = False

    def put(self, notice: Notice) -> None:
        """Let a notice be sent, if it is one for this way."""
        if not self.channel.wants(notice):
            return
        if len(self._waiting) == self._waiting.maxlen and not self._overflows:
            self._overflows = True
            problem = f"{len(self._waiting)} notices are waiting already; the oldest are dropped"
            log.warning(
                "notice_not_sent", channel=self.channel.name, title=self._waiting[0].title, problem=problem
            )
        self._waiting.append(notice)
        self._filled.set()

    async def run(self) -> None:
        """Send one after the other until cancelled."""
        while True:
            await self._filled.wait()
            while self._waiting:
                await self._send(self._waiting.popleft())
            self._overflows = False
            self._filled.clear()

    async def _send(self, notice: Notice) -> None:
        try:
            await self._try(notice)
        except NotSent as failure:
            self._tell_barred(failure.problem, notice)
        except Exception:  # a defect here must not stop the daemon
            log.exception("notice_crashed", channel=self.channel.name, title=notice.title)
        else:
            if self._barred:
                log.info("notices_sent_again", channel=self.channel.name)
            self._barred = False

    async def _try(self, notice: Notice) -> None:
        channel = self.channel
        for pause in PAUSES_S:
            try:
                return await channel.send(notice)
            except NotSent as failure:
                if failure.again is None:
                    raise
                channel = failure.again
            await self._clock.sleep(pause)
        return await channel.send(notice)

    def _tell_barred(self, problem: str, notice: Notice) -> None:
        """One line when a way becomes barred, not one for each notice."""
        if not self._barred:
            log.warning("notice_not_sent", channel=self.channel.name, title=notice.title, problem=problem)
        self._barred = True


class Notices:
    """All ways.

    Args:
        channels: the ways; those that want nothing too.
        clock: for pauses, and how long the service has been degraded.
        flag: up while the last that was told of the service is that it is degraded, so that a restart neither
            tells it again nor forgets to tell that it is over.
    """

    def __init__(self, channels: Iterable[Channel], clock: Clock, flag: Flag) -> None:
        self.outboxes = tuple(Outbox(channel, clock) for channel in channels)
        self._clock = clock
        self._flag = flag
        self._degraded_at: float | None = None
        self._told_degraded: bool | None = None

    def configure(self, channels: Iterable[Channel]) -> None:
        """Go other ways from now on; what waits goes them too."""
        for outbox, channel in zip(self.outboxes, channels, strict=True):
            outbox.channel = channel

    async def run(self) -> None:
        """Send notices until cancelled."""
        async with asyncio.TaskGroup() as group:
            for outbox in self.outboxes:
                group.create_task(outbox.run())

    def request_ended(self, status: Status) -> None:
        """Tell of a request that has ended, once its file has been moved."""
        notice = notices.of_request(status)
        if notice is not None:
            self._put(notice)

    async def service_is(self, status: ServiceStatus) -> None:
        """Tell of the service when that is news; called at every change, and every few seconds."""
        now = self._clock.monotonic()
        if status.state is ServiceState.DEGRADED:
            self._degraded_at = now if self._degraded_at is None else self._degraded_at
            if now - self._degraded_at >= DEGRADED_FOR_S:
                await self._service_changed(status, Occasion.DEGRADED)
        elif status.state is ServiceState.OK:
            self._degraded_at = None
            await self._service_changed(status, Occasion.RECOVERED)

    async def _service_changed(self, status: ServiceStatus, occasion: Occasion) -> None:
        degraded = occasion is Occasion.DEGRADED
        if self._told_degraded is None:
            self._told_degraded = await self._remembered()
        if self._told_degraded is degraded:
            return
        self._told_degraded = degraded
        self._put(notices.of_service(status, occasion))
        try:
            await asyncio.to_thread(self._flag.put, up=degraded)
        except StorageTrouble as trouble:
            log.debug("notice_not_noted", problem=trouble.message)

    async def _remembered(self) -> bool:
        try:
            return await asyncio.to_thread(self._flag.is_up)
        except StorageTrouble as trouble:
            log.debug("notice_not_noted", problem=trouble.message)
            return False

    def _put(self, notice: Notice) -> None:
        for outbox in self.outboxes:
            outbox.put(notice)
