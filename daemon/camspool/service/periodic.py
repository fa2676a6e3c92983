"""The periodic jobs: what is done again and again, beside the work on requests."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from camspool.adapters.systemd import ServiceManager, watchdog_interval
from camspool.core.errors import StorageTrouble
from camspool.core.status_document import Waiting
from camspool.pipeline.jobs import PROGRESS_EVERY_S
from camspool.pipeline.outages import Cause
from camspool.service.announcements import Announcements
from camspool.service.metrics import Metrics
from camspool.service.watchdog import STUCK_AFTER_S, FileWork, Sign, Watchdog
from camspool.service.wiring import Parts

log = structlog.get_logger()

SERVICE_FILE_EVERY_S: Final = 15.0

PeriodicJob = Callable[[], Coroutine[Any, Any, None]]


class PeriodicJobs:
    """All of them, with their scheduler. A late run is still made; several that were missed are one."""

    def __init__(
        self,
        parts: Parts,
        announcements: Announcements,
        metrics: Metrics,
        manager: ServiceManager,
        environ: Mapping[str, str],
    ) -> None:
        self._parts = parts
        self._announcements = announcements
        self._metrics = metrics
        self._manager = manager
        self._environ = environ

    def start(self) -> None:
        """Run each at its time, until `stop`."""
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        )
        for job, seconds in self._jobs():
            self._scheduler.add_job(_put_off_quietly(job), "interval", seconds=seconds, id=job.__name__)
        cleanup = self._parts.pipeline.cleanup
        for job in (cleanup.remove_orphans, self._check_folders, self._metrics.write_metrics):
            self._scheduler.add_job(_put_off_quietly(job))
        if (interval := watchdog_interval(self._environ, os.getpid())) is not None:
            self._schedule_watchdog(interval)
        self._scheduler.start()

    def stop(self) -> None:
        """Run no more of them."""
        self._scheduler.shutdown(wait=False)

    def reschedule(self) -> None:
        """Run each as often as the settings say now."""
        for job, seconds in self._jobs():
            # Only what has changed: the others would begin to wait anew.
            if self._scheduler.get_job(job.__name__).trigger.interval.total_seconds() != seconds:
                self._scheduler.reschedule_job(job.__name__, trigger="interval", seconds=seconds)

    def _jobs(self) -> list[tuple[PeriodicJob, float]]:
        """Each job, and how often it is run, in seconds."""
        settings, cleanup = self._parts.settings.current, self._parts.pipeline.cleanup
        return [
            (self._announcements.say, SERVICE_FILE_EVERY_S),
            (self._metrics.write_metrics, SERVICE_FILE_EVERY_S),
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

        async def tend() -> None:
            if not watchdog.stuck():
                self._manager.watchdog()

        for job in (file_work.try_through, tend):
            self._scheduler.add_job(job, "interval", seconds=interval)

    def _longest_silence_s(self) -> float:
        """Nothing may come for `download.timeout` seconds, and all is well."""
        return STUCK_AFTER_S + self._parts.settings.current.download.timeout

    async def _check_folders(self) -> None:
        trouble = self._parts.folders.watcher.trouble
        gone = Waiting(reason=trouble.reason, message=trouble.message, until=None) if trouble else None
        self._parts.outages.set(Cause.DROP, gone)
        await self._parts.folders.disk_space.check()


def _put_off_quietly(job: PeriodicJob) -> PeriodicJob:
    """The job, for the scheduler: a folder that is gone, or the end of the service, is no error of it."""

    async def run() -> None:
        try:
            await job()
        except StorageTrouble as trouble:
            log.debug("job_put_off", job=job.__name__, problem=trouble.message)
        except asyncio.CancelledError:
            log.debug("job_stopped", job=job.__name__)

    return run
