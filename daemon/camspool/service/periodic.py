"""The periodic jobs: what is done at regular intervals, beside the work on requests."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from camspool.adapters.systemd import ServiceManager, watchdog_interval
from camspool.core.backoff import after
from camspool.core.errors import StorageTrouble
from camspool.core.status_document import Waiting
from camspool.pipeline.jobs import PROGRESS_EVERY_S
from camspool.pipeline.outages import Cause
from camspool.service.metrics import Metrics
from camspool.service.supervision import Supervisor
from camspool.service.watchdog import STUCK_AFTER_S, FileWork, Sign, Watchdog
from camspool.service.wiring import Parts

log = structlog.get_logger()

TIME_ZONE: Final = UTC
METRICS_EVERY_S: Final = 15.0
LOOK_AT_THE_CLOCK_S: Final = 5.0
STEP_S: Final = 1.0
"""How far the wall clock must fall behind the monotonic clock to count as set back."""

PeriodicJob = Callable[[], Coroutine[Any, Any, None]]


class Every(BaseTrigger):  # type: ignore[misc]  # APScheduler is not typed
    """Due a number of seconds from now, whatever was due before.

    The interval trigger of APScheduler 3 lists all runs that were missed before it makes one of them: when
    the clock steps ten years ahead, that list takes gigabytes for a job that is run each second.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """See `BaseTrigger`."""
        return after(now, self.seconds)


class PeriodicJobs:
    """All of them, with their scheduler. A late run still takes place; several missed runs become one.

    Args:
        parts: the daemon's parts.
        metrics: writes its file.
        manager: is notified while the daemon makes progress.
        supervisor: looks after jobs that crash.
        environ: says whether the service manager expects that.
    """

    def __init__(
        self,
        parts: Parts,
        metrics: Metrics,
        manager: ServiceManager,
        supervisor: Supervisor,
        environ: Mapping[str, str],
    ) -> None:
        self._parts = parts
        self._metrics = metrics
        self._manager = manager
        self._supervisor = supervisor
        self._environ = environ

    def start(self) -> None:
        """Start running each at its intervals, until `stop`."""
        self._scheduler = AsyncIOScheduler(
            timezone=TIME_ZONE,
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )
        for job, seconds in self._jobs():
            self._scheduler.add_job(self._guarded(job), Every(seconds), id=job.__name__)
        cleanup = self._parts.pipeline.cleanup
        for job in (cleanup.remove_orphans, self._check_folders, self._metrics.write_metrics):
            self._scheduler.add_job(self._guarded(job))
        if (interval := watchdog_interval(self._environ, os.getpid())) is not None:
            self._schedule_watchdog(interval)
        self._scheduler.start()

    async def follow_clock(self) -> None:
        """Reschedule all jobs whenever the wall clock has been set back, until cancelled.

        The scheduler goes by that clock: a job that is due in a second would be due in a year and a second.
        """
        clock = self._parts.clock
        while True:
            before, began = clock.now(), clock.monotonic()
            await clock.sleep(LOOK_AT_THE_CLOCK_S)
            passed = (clock.now() - before).total_seconds()
            if passed < clock.monotonic() - began - STEP_S:
                for job in self._scheduler.get_jobs():
                    self._scheduler.reschedule_job(job.id, trigger=job.trigger)

    def stop(self) -> None:
        """Start no more runs."""
        self._scheduler.shutdown(wait=False)

    def reschedule(self) -> None:
        """Adopt the intervals of the settings in force."""
        for job, seconds in self._jobs():
            # Only what has changed: the others would start their interval again.
            if self._scheduler.get_job(job.__name__).trigger.seconds != seconds:
                self._scheduler.reschedule_job(job.__name__, trigger=Every(seconds))

    def _jobs(self) -> list[tuple[PeriodicJob, float]]:
        """Each job, and how often it is run, in seconds."""
        settings, cleanup = self._parts.settings.current, self._parts.pipeline.cleanup
        return [
            (self._metrics.write_metrics, METRICS_EVERY_S),
            (self._parts.pipeline.jobs.save_progress, PROGRESS_EVERY_S),
            (self._check_folders, settings.watch.poll),
            (cleanup.scrub, settings.cleanup.every),
            (cleanup.remove_orphans, settings.cleanup.every),
            (cleanup.retire, settings.cleanup.every),
        ]

    def _schedule_watchdog(self, interval: float) -> None:
        watcher, downloads = self._parts.folders.watcher, self._parts.pipeline.downloads
        file_work = FileWork(self._parts.clock)
        watchdog = Watchdog(
            self._parts.clock,
            {
                "scanner": Sign(lambda: watcher.progressed_at),
                "downloads": Sign(downloads.progressed_at, self._longest_silence_s),
                "file work": Sign(file_work.progressed_at),
            },
        )

        async def feed_watchdog() -> None:
            if not watchdog.stuck():
                self._manager.watchdog()

        for job in (file_work.try_through, feed_watchdog):
            self._scheduler.add_job(self._guarded(job), Every(interval), id=job.__name__)

    def _longest_silence_s(self) -> float:
        """A download may be silent for `download.timeout` seconds without being stuck."""
        return STUCK_AFTER_S + self._parts.settings.current.download.timeout

    async def _check_folders(self) -> None:
        trouble = self._parts.folders.watcher.trouble
        gone = Waiting(reason=trouble.reason, message=trouble.message, until=None) if trouble else None
        self._parts.outages.set(Cause.DROP, gone)
        await self._parts.folders.disk_space.check()

    def _guarded(self, job: PeriodicJob) -> PeriodicJob:
        """The job as the scheduler runs it: a missing folder, or the end of the daemon, is no error."""
        name = job.__name__

        async def run() -> None:
            if self._supervisor.pauses(name):
                return
            try:
                await job()
            except StorageTrouble as trouble:
                log.debug("job_put_off", job=name, problem=trouble.message)
            except asyncio.CancelledError:
                log.debug("job_stopped", job=name)
            except Exception as error:  # noqa: BLE001  the supervisor logs it
                self._supervisor.crashed(name, error)
            else:
                self._supervisor.worked(name)

        return run
