"""How the daemon is, put together from its parts. Who shows it to whom is the business of `announcements`."""

from datetime import datetime

from camspool import __version__
from camspool.core import health
from camspool.core.health import ApiHealth, DiskHealth, ServiceProblem, ServiceState, ServiceStatus, Watching
from camspool.pipeline.outages import Cause
from camspool.service.wiring import Parts


class Health:
    """The daemon's health."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._started_at = parts.clock.now()
        self._since: dict[Cause, datetime] = {}
        self._problem: ServiceProblem | None = None

    def report(self, code: str, message: str) -> None:
        """Show a problem that holds up nobody's work, until `withdraw`."""
        self._problem = ServiceProblem(code, message, self._parts.clock.now())

    def withdraw(self) -> None:
        """Show the problem of the last `report` no more."""
        self._problem = None

    def in_words(self, status: ServiceStatus | None = None) -> str:
        """The status, or how the daemon is now, in one line."""
        status = status or self.status()
        if status.state in (ServiceState.STOPPING, ServiceState.STOPPED):
            return status.state
        words = health.in_words(status.queue, status.problems)
        scanned = self._parts.folders.watcher.first_scan_done.is_set()
        return words if scanned else f"starting: looking through the drop folder; {words}"

    def status(self, state: ServiceState | None = None) -> ServiceStatus:
        """What the service file says now; `state` overrules what the problems say."""
        now, jobs = self._parts.clock.now(), self._parts.pipeline.jobs
        watcher, disk_space = self._parts.folders.watcher, self._parts.folders.disk_space
        pacing, problems = self._parts.api.pacing, self._problems(now)
        return ServiceStatus(
            version=__version__,
            state=state or health.state_of(problems, now),
            started_at=self._started_at,
            updated_at=now,
            problems=problems,
            watching=Watching(watcher.mode, watcher.file_system, watcher.last_scan_at),
            api=ApiHealth(pacing.last_success_at, pacing.calls_last_hour),
            queue=jobs.count_by_state(),
            oldest_request_at=jobs.oldest(),
            disk=DiskHealth(disk_space.free_bytes, disk_space.kept_free_bytes),
        )

    def _problems(self, now: datetime) -> tuple[ServiceProblem, ...]:
        held = self._parts.outages.all()
        self._since = {cause: self._since.get(cause, now) for cause in held}
        problems = [
            ServiceProblem(waiting.reason, waiting.message, self._since[cause])
            for cause, waiting in held.items()
        ]
        return (self._problem, *problems) if self._problem else tuple(problems)
