"""Tells people how the daemon is: the service file, and the line for the service manager."""

import asyncio
from datetime import datetime

import structlog

from camspool import __version__
from camspool.core import health
from camspool.core.errors import StorageTrouble
from camspool.core.health import (
    SERVICE_FILE,
    ApiHealth,
    DiskHealth,
    ServiceProblem,
    ServiceState,
    ServiceStatus,
    Watching,
)
from camspool.pipeline.outages import Cause
from camspool.service.wiring import Parts

log = structlog.get_logger()


class HealthReport:
    """The daemon's health, put together from its parts."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._started_at = parts.clock.now()
        self._since: dict[Cause, datetime] = {}
        self._notice: ServiceProblem | None = None

    def notice(self, code: str, message: str) -> None:
        """Let a problem be told that holds up nobody's work, until `all_clear`."""
        self._notice = ServiceProblem(code, message, self._parts.clock.now())

    def all_clear(self) -> None:
        """Tell of the last `notice` no more."""
        self._notice = None

    async def write(self, state: ServiceState | None = None) -> str:
        """Write the service file; `state` overrules what the problems say.

        Returns:
            The same in one line.
        """
        status = self.status(state)
        await self._parts.notices.service_is(status)
        try:
            await asyncio.to_thread(
                self._parts.spool.save_document, SERVICE_FILE, health.dump(status), durable=False
            )
        except StorageTrouble as trouble:
            log.debug("service_file_not_written", problem=trouble.message)
        return self._words(status)

    def words(self) -> str:
        """How the daemon is, in one line."""
        return self._words(self.status())

    def _words(self, status: ServiceStatus) -> str:
        if status.state in (ServiceState.STOPPING, ServiceState.STOPPED):
            return status.state
        words = health.in_words(status.queue, status.problems)
        looked = self._parts.watcher.first_scan_done.is_set()
        return words if looked else f"starting: looking through the drop folder; {words}"

    def status(self, state: ServiceState | None = None) -> ServiceStatus:
        """What the service file says now."""
        parts, now = self._parts, self._parts.clock.now()
        problems = self._problems(now)
        return ServiceStatus(
            version=__version__,
            state=state or health.state_of(problems, now),
            started_at=self._started_at,
            updated_at=now,
            problems=problems,
            watching=Watching(parts.watcher.mode, parts.watcher.file_system, parts.watcher.last_scan_at),
            api=ApiHealth(parts.pacing.last_success_at, parts.pacing.calls_last_hour),
            queue=parts.jobs.count_by_state(),
            oldest_request_at=parts.jobs.oldest(),
            disk=DiskHealth(parts.disk_space.free_bytes, parts.disk_space.kept_free_bytes),
        )

    def _problems(self, now: datetime) -> tuple[ServiceProblem, ...]:
        held = self._parts.outages.all()
        self._since = {cause: self._since.get(cause, now) for cause in held}
        problems = [
            ServiceProblem(waiting.reason, waiting.message, self._since[cause])
            for cause, waiting in held.items()
        ]
        return (self._notice, *problems) if self._notice else tuple(problems)
