"""Shows the state of the daemon: the service file, the page, the service manager, and notices of changes."""

import asyncio
import contextlib
from typing import Final

import structlog

from camspool.adapters.systemd import ServiceManager
from camspool.aio import first_of
from camspool.core import health
from camspool.core.errors import StorageTrouble
from camspool.core.health import SERVICE_FILE, ServiceState, ServiceStatus
from camspool.service.camera_file import CameraFile
from camspool.service.health import Health
from camspool.service.wiring import Parts

log = structlog.get_logger()

AT_MOST_EVERY_S: Final = 1.0
"""Changes that follow one another more closely than this are shown together."""
LOOK_EVERY_S: Final = 15.0
"""Some changes are due to time alone: trouble that lasts is shown and notified, passing trouble is not."""


class Announcements:
    """Everything that is shown of the daemon as a whole.

    Set `news` when something has changed that should be seen.
    """

    def __init__(self, parts: Parts, daemon_health: Health, manager: ServiceManager) -> None:
        self._parts = parts
        self._health = daemon_health
        self._manager = manager
        self._written: ServiceStatus | None = None
        self._written_at = float("-inf")
        self._cameras = CameraFile(
            parts.folders.spool,
            lambda: parts.api.cameras.listed,
            parts.clock.now,
            lambda: parts.settings.current.api.endpoint,
        )
        self.news = asyncio.Event()

    async def run(self) -> None:
        """Show every change, and at each heartbeat that the daemon is alive, until cancelled."""
        self.news.set()
        while True:
            await first_of(self.news.wait(), self._parts.clock.sleep(min(LOOK_EVERY_S, self._silence_left_s)))
            self.news.clear()
            await self.say()
            await self._parts.clock.sleep(AT_MOST_EVERY_S)

    async def say(self, state: ServiceState | None = None) -> None:
        """Show the state of the daemon now; `state` overrides what follows from the problems."""
        status = self._health.status(state)
        await self._parts.reports.notices.service_is(status)
        if self._written is None or self._silence_left_s <= 0 or health.is_news(status, self._written):
            await self._write(status)
        with contextlib.suppress(StorageTrouble):  # the next round tries again
            await self._cameras.write()
        self._manager.status(self._health.in_words(status))

    @property
    def _silence_left_s(self) -> float:
        """Seconds until the service file must be written even without news."""
        heartbeat = self._parts.settings.current.mirror.heartbeat
        return max(0.0, self._written_at + heartbeat - self._parts.clock.monotonic())

    async def _write(self, status: ServiceStatus) -> None:
        spool = self._parts.folders.spool
        try:
            await asyncio.to_thread(spool.save_document, SERVICE_FILE, health.dump(status), durable=False)
        except StorageTrouble as trouble:
            log.debug("service_file_not_written", problem=trouble.message)
            self._written = None
        else:
            self._written = status
        self._written_at = self._parts.clock.monotonic()

    async def keep_page(self) -> None:
        """Keep the page up to date until cancelled.

        No periodic job: looking through a large mirror may take it longer than one period.
        """
        await self._parts.folders.watcher.first_scan_done.wait()
        while True:
            await self.tend_page()
            await self._parts.clock.sleep(self._parts.settings.current.page.every)

    async def tend_page(self, state: ServiceState | None = None) -> None:
        """Show the state of the daemon now on the page."""
        outstanding = [job.status for job in self._parts.pipeline.jobs]
        await self._parts.reports.page.tend(self._health.status(state), outstanding)
