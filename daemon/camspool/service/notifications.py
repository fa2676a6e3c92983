"""Notifies people and their programs of changes; other work never waits for this, nor fails because of it.

A notice is kept in memory only: it is sent once, or not at all if the daemon ends before delivering it.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog

from camspool import USER_AGENT
from camspool.adapters import logs
from camspool.adapters.notify import Channel, Flag, Hook, NotSent, Services, Webhook
from camspool.config.settings import Settings
from camspool.core import notices
from camspool.core.errors import StorageTrouble
from camspool.core.health import ServiceState, ServiceStatus
from camspool.core.notices import DEGRADED_FOR_S, Notice, Occasion
from camspool.core.ports import Clock
from camspool.core.status_document import Status

log = structlog.get_logger()

CAPACITY: Final = 32 << 20
"""Bytes of notices that may wait for one channel, some 80,000 for a program; then the oldest are dropped."""
PAUSES_S: Final = (2.0, 10.0)
"""Between the tries."""
LEAST_SECRET: Final = 8
"""The length from which part of an address is hidden; anything shorter might be an ordinary word."""


def channels(settings: Settings, environ: Mapping[str, str], verify: ssl.SSLContext) -> tuple[Channel, ...]:
    """The channels in use now, always in the same order; their addresses are never logged."""
    notify, hooks = settings.notify, settings.hooks
    for url in filter(None, (*notify.urls, notify.webhook)):
        address = url.get_secret_value()
        logs.redact(address)
        if len(path := address.partition("://")[2].partition("/")[2]) >= LEAST_SECRET:
            logs.redact(path)  # libraries spell an address in their own way
    return (
        Services(notify.urls, notify.events, notify.timeout, environ),
        Webhook(notify.webhook, notify.events, notify.timeout, USER_AGENT, verify),
        Hook(hooks.done, hooks.timeout, settings.folders.mirror, environ),
    )


class Outbox:
    """The notices that wait for one channel, and its own task: no channel waits for another.

    Args:
        channel: gives the channel as it is configured now.
        clock: for pauses.
        capacity: bytes of notices that may wait.
    """

    def __init__(self, channel: Callable[[], Channel], clock: Clock, capacity: int = CAPACITY) -> None:
        self._channel = channel
        self._clock = clock
        self._capacity = capacity
        self._waiting: deque[Notice] = deque()
        self._weight = 0
        self._dropped = 0
        self._filled = asyncio.Event()
        self._barred = False

    @property
    def channel(self) -> Channel:
        """The channel as it is configured now."""
        return self._channel()

    def put(self, notice: Notice) -> None:
        """Queue a notice, if it is one for this channel."""
        if not self.channel.wants(notice):
            return
        kept = self.channel.kept(notice)
        self._waiting.append(kept)
        self._weight += kept.weight
        while self._weight > self._capacity and len(self._waiting) > 1:
            self._drop_oldest()
        self._filled.set()

    async def run(self) -> None:
        """Send the notices one after another until cancelled."""
        try:
            while True:
                await self._filled.wait()
                while self._waiting:
                    await self._send(self._taken())
                self._log_dropped("too many were waiting")
                self._filled.clear()
        except asyncio.CancelledError:
            self._dropped += len(self._waiting)
            self._log_dropped("the daemon ended before they got through, or too many were waiting")
            raise

    def _taken(self) -> Notice:
        notice = self._waiting.popleft()
        self._weight -= notice.weight
        return notice

    def _drop_oldest(self) -> None:
        problem = f"{len(self._waiting)} notices are waiting already; the oldest are dropped"
        title = self._taken().title
        if not self._dropped:
            log.warning("notice_not_sent", channel=self.channel.name, title=title, problem=problem)
        self._dropped += 1

    def _log_dropped(self, problem: str) -> None:
        if self._dropped:
            log.warning("notices_dropped", channel=self.channel.name, count=self._dropped, problem=problem)
        self._dropped = 0

    async def _send(self, notice: Notice) -> None:
        try:
            await self._try(notice)
        except NotSent as failure:
            self._log_barred(failure.problem, notice)
        except asyncio.CancelledError:
            self._dropped += 1
            raise
        except Exception:  # a defect here must not stop the daemon
            log.exception("notice_crashed", channel=self.channel.name, title=notice.title)
        else:
            if self._barred:
                log.info("notices_sent_again", channel=self.channel.name)
            self._barred = False

    async def _try(self, notice: Notice) -> None:
        channel = self.channel
        if not channel.wants(notice):  # the configuration changed while it waited
            return None
        for pause in PAUSES_S:
            try:
                return await channel.send(notice)
            except NotSent as failure:
                if failure.again is None:
                    raise
                channel = failure.again
            await self._clock.sleep(pause)
        return await channel.send(notice)

    def _log_barred(self, problem: str, notice: Notice) -> None:
        """Log one line when a channel fails, not one for each notice."""
        if not self._barred:
            log.warning("notice_not_sent", channel=self.channel.name, title=notice.title, problem=problem)
        self._barred = True


class Notices:
    """All channels.

    Args:
        channels: gives the channels as they are configured now, unused ones too, always in the same order.
        clock: for pauses, and how long the service has been degraded.
        flag: up while the last notice about the service was that it is degraded, so that a restart neither
            repeats it nor forgets to report the recovery.
    """

    def __init__(self, channels: Callable[[], Sequence[Channel]], clock: Clock, flag: Flag) -> None:
        self.outboxes = tuple(
            Outbox(lambda number=number: channels()[number], clock)  # type: ignore[misc]
            for number in range(len(channels()))
        )
        self._clock = clock
        self._flag = flag
        self._degraded_at: float | None = None
        self._reported_degraded: bool | None = None
        self._notifying = asyncio.Lock()

    def request_ended(self, status: Status) -> None:
        """Notify that a request has ended, once its file has been moved."""
        notice = notices.of_request(status)
        if notice is not None:
            self._put(notice)

    async def service_is(self, status: ServiceStatus) -> None:
        """Notify of a change in the health of the service; called at any change, and every few seconds."""
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
        async with self._notifying:  # two at once would both find that nothing has been sent
            if self._reported_degraded is None:
                self._reported_degraded = await self._remembered()
            if self._reported_degraded is degraded:
                return
            self._reported_degraded = degraded
            self._put(notices.of_service(status, occasion))
            await self._remember(degraded)

    async def _remember(self, degraded: bool) -> None:  # noqa: FBT001
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
