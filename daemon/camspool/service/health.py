"""The health of the daemon, assembled from its parts; `announcements` shows it to people and programs."""

from datetime import datetime

from camspool import __version__
from camspool.core import health
from camspool.core.health import (
    ApiHealth,
    DiskHealth,
    ProblemCode,
    ServiceProblem,
    ServiceState,
    ServiceStatus,
    Watching,
)
from camspool.core.values import HostAction, WaitReason
from camspool.pipeline.outages import Cause
from camspool.service.supervision import Supervisor
from camspool.service.wiring import Parts


class Health:
    """The daemon's health."""

    def __init__(self, parts: Parts, supervisor: Supervisor) -> None:
        self._parts = parts
        self._supervisor = supervisor
        self._started_at = parts.clock.now()
        self._since: dict[Cause | HostAction, datetime] = {}
        self._problem: ServiceProblem | None = None
        self._clock_doubted_at: datetime | None = None
        self._mount_away_at: datetime | None = None

    def report(self, code: str, message: str) -> None:
        """Show a problem that holds up no work, until `withdraw`."""
        self._problem = ServiceProblem(code, message, self._parts.clock.now())

    def withdraw(self) -> None:
        """No longer show the problem of the last `report`."""
        self._problem = None

    def in_words(self, status: ServiceStatus | None = None) -> str:
        """The given status, or the present one, in one line."""
        status = status or self.status()
        if status.state in (ServiceState.STOPPING, ServiceState.STOPPED):
            return status.state
        words = health.in_words(status.queue, status.problems)
        scanned = self._parts.folders.watcher.first_scan_done.is_set()
        return words if scanned else f"starting: looking through the drop folder; {words}"

    def status(self, state: ServiceState | None = None) -> ServiceStatus:
        """The contents of the service file now; `state` overrides what follows from the problems."""
        now, jobs = self._parts.clock.now(), self._parts.pipeline.jobs
        watcher, disk_space = self._parts.folders.watcher, self._parts.folders.disk_space
        pacing, problems = self._parts.api.pacing, self._problems(now)
        return ServiceStatus(
            version=__version__,
            state=state or health.state_of(problems, now),
            started_at=self._started_at,
            updated_at=now,
            next_update_by=self._next_update_by(now, state),
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
        others = (
            self._problem,
            self._supervisor.problem,
            self._clock_problem(now),
            self._mounts_problem(now),
        )
        return (*filter(None, others), *problems)

    def _clock_problem(self, now: datetime) -> ServiceProblem | None:
        doubt = self._parts.pipeline.clock_watch.doubt
        if doubt is None:
            self._clock_doubted_at = None
            return None
        self._clock_doubted_at = self._clock_doubted_at or now
        message = f"The clock of this machine cannot be believed, {doubt}: no footage is deleted meanwhile."
        return ServiceProblem(ProblemCode.CLOCK_IMPLAUSIBLE, message, self._clock_doubted_at)

    def _mounts_problem(self, now: datetime) -> ServiceProblem | None:
        away = self._parts.folders.spool.mounts_away
        if not away:
            self._mount_away_at = None
            return None
        self._mount_away_at = self._mount_away_at or now
        more = f" And {len(away) - 1} more mounts are away." if len(away) > 1 else ""
        return ServiceProblem(WaitReason.FOLDER_UNAVAILABLE, away[0] + more, self._mount_away_at)

    def _next_update_by(self, now: datetime, state: ServiceState | None) -> datetime | None:
        if state is ServiceState.STOPPED:
            return None
        return health.next_update_by(now, self._parts.settings.current.mirror.heartbeat)
