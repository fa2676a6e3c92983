"""The daemon: starts up, runs until it is told to stop, and shuts down so that the next start can go on."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from camspool.adapters.systemd import ServiceManager, watchdog_interval
from camspool.adapters.watch import Change, Settled
from camspool.aio import first_of, in_own_thread
from camspool.config.settings import Settings
from camspool.core import naming
from camspool.core.errors import ConfigurationError, StorageTrouble
from camspool.core.health import ServiceState
from camspool.core.status_document import Waiting
from camspool.core.values import Problem
from camspool.pipeline.jobs import PROGRESS_EVERY_S
from camspool.pipeline.outages import Cause
from camspool.service import reload, wiring
from camspool.service.health import HealthReport
from camspool.service.metrics import Metrics
from camspool.service.watchdog import STUCK_AFTER_S, FileWork, Sign, Watchdog

log = structlog.get_logger()

TAKEN_IN_AT_ONCE: Final = 4
"""Files of drop/: a file system makes several small files durable in hardly more time than one."""

SERVICE_FILE_EVERY_S: Final = 15
REREAD_WITHIN_S: Final = 10.0
"""The configuration may name folders on a share that hangs; nobody shall wait for it for ever."""


class Service:
    """One daemon.

    Args:
        settings: the configuration.
        environ: the environment: token, service manager.
        reread: reads the configuration again; blocking. May raise ConfigurationError.

    Raises:
        ConfigurationError: the settings ask for something that is not there.
    """

    def __init__(
        self, settings: Settings, environ: Mapping[str, str], reread: Callable[[], Settings]
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._reread = reread
        self._parts = wiring.build(settings, environ, self._on_outage)
        self._report = HealthReport(self._parts)
        self._metrics = Metrics(self._parts, self._report, settings)
        self._manager = ServiceManager()
        self._changes: list[asyncio.Queue[Change]] = [asyncio.Queue() for _ in range(TAKEN_IN_AT_ONCE)]
        self._stopping = asyncio.Event()
        self._reload_asked = asyncio.Event()
        self._news = asyncio.Event()
        self._put_off_files: set[str] = set()

    def stop(self) -> None:
        """Ask the daemon to end; to be called in its event loop."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT arrives, or `stop` is called.

        Raises:
            AlreadyRunning: another daemon works on the same folders.
            StorageTrouble: the state folder cannot be used.
        """
        await asyncio.to_thread(self._parts.spool.open)
        try:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self.stop)
            loop.add_signal_handler(signal.SIGHUP, self._reload_asked.set)
            await self._work()
        finally:
            await self._close()

    async def _work(self) -> None:
        """Start everything, say so, and wait for the word to stop."""
        log.info("service_starting", drop=str(self._settings.folders.drop), pid=os.getpid())
        self._scheduler = scheduler = self._schedule()
        scheduler.start()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work) for work in self._lasting_work()]
                await self._until_ready()
                await self._stopping.wait()
                self._manager.stopping()
                log.info("service_stopping")
                for task in tasks:
                    task.cancel()
        finally:
            scheduler.shutdown(wait=False)
            await self._say(ServiceState.STOPPING)
            await self._parts.jobs.save_all()
            await self._say(ServiceState.STOPPED)
            await self._tend_page(ServiceState.STOPPED)
        log.info("service_stopped")

    def _lasting_work(self) -> list[Coroutine[Any, Any, None]]:
        return [
            self._parts.watcher.run(self._note),
            self._parts.dispatcher.run(),
            self._parts.camera_directory.keep_fresh(),
            *(self._take_in(changes) for changes in self._changes),
            self._settle_abandoned(),
            self._tell_news(),
            self._reload_when_asked(),
            self._keep_page(),
            self._parts.page.illustrate(),
            self._parts.notices.run(),
            self._metrics.serve(),
        ]

    async def _until_ready(self) -> None:
        """Wait for the first scan; READY means that everything in drop/ has been seen."""
        self._news.set()
        await first_of(self._parts.watcher.first_scan_done.wait(), self._stopping.wait())
        if self._stopping.is_set():
            return
        self._manager.ready()
        watcher = self._parts.watcher
        log.info("service_ready", watching=watcher.mode, because=watcher.reason)
        self._news.set()

    async def _close(self) -> None:
        self._parts.downloads.close()
        await self._parts.recordings.aclose()
        await self._parts.survilla.aclose()
        self._manager.close()
        await asyncio.to_thread(self._parts.spool.close)

    # A new configuration

    async def _reload_when_asked(self) -> None:
        while True:
            await self._reload_asked.wait()
            self._reload_asked.clear()
            ready = self._parts.watcher.first_scan_done.is_set()
            if ready:
                self._manager.reloading()
            await self._reload()
            self._manager.status(self._report.words())
            if ready:  # before the first scan it would be no more than half true
                self._manager.ready()
            self._news.set()

    async def _reload(self) -> None:
        try:
            wanted = await self._read_again()
            reload.check(wanted)
        except ConfigurationError as error:
            problems = [problem.sentence for problem in error.problems]
            log.error("configuration_not_reloaded", source=error.source, problems=problems)  # noqa: TRY400
            message = f"The new configuration is bad, the old one stays in force: {error}"
            self._report.notice("bad_configuration", message)
            return
        outcome = reload.compare(self._settings, wanted)
        reload.apply(self._parts, outcome.settings, self._environ)
        self._settings = outcome.settings
        self._metrics.file = outcome.settings.metrics.file
        self._reschedule()
        self._report.all_clear()
        told = {"applied": outcome.applied, "needs_restart": outcome.needs_restart}
        if outcome.needs_restart:
            log.warning("configuration_reloaded", **told)
        else:
            log.info("configuration_reloaded", **told)

    async def _read_again(self) -> Settings:
        try:
            return await asyncio.wait_for(in_own_thread(self._reread), REREAD_WITHIN_S)
        except TimeoutError:
            expected = f"an answer within {REREAD_WITHIN_S:g} seconds; does a share that it names hang?"
            raise ConfigurationError((Problem("", None, expected),), "the configuration") from None

    # What arrives in the drop folder

    def _note(self, change: Change) -> None:
        """Queue a change; those whose names could meet in mirror/ are taken in one after the other."""
        self._changes[hash(naming.family(change.file)) % len(self._changes)].put_nowait(change)

    async def _take_in(self, changes: asyncio.Queue[Change]) -> None:
        while True:
            change = await changes.get()
            await self._parts.outages.passable(Cause.MIRROR)
            try:
                await self._handle(change)
            except StorageTrouble as trouble:
                await self._put_off(change, trouble)
            except Exception:  # a defect in the handling of one file must not stop the others
                log.exception("file_crashed", file=change.file)
            else:
                self._put_off_files.discard(change.file)
            self._news.set()

    async def _handle(self, change: Change) -> None:
        if isinstance(change, Settled):
            await self._parts.intake.settled(change.file)
        else:
            await self._parts.intake.gone(change.file)

    async def _put_off(self, change: Change, trouble: StorageTrouble) -> None:
        """What could not be taken in now comes again: when the mirror is back, or after a pause."""
        pause = 0.0 if await self._parts.disk_space.is_down() else self._settings.watch.poll
        asyncio.get_running_loop().call_later(pause, self._note, change)
        if change.file not in self._put_off_files:
            self._put_off_files.add(change.file)
            log.warning("request_put_off", file=change.file, problem=trouble.message)

    async def _settle_abandoned(self) -> None:
        """Once, after the start: what was deleted from drop/, or moved by us, and nobody noted it."""
        parts, names = self._parts, None
        while names is None or names:
            try:
                if names is None:
                    names = await asyncio.to_thread(parts.cleanup.survey)
                names = [name for name in names if not await parts.intake.settle_abandoned(name)]
            except StorageTrouble:
                await parts.disk_space.sit_out()
            else:
                await parts.clock.sleep(self._settings.watch.poll if names else 0.0)

    # What is told

    def _on_outage(self) -> None:
        self._parts.jobs.refresh()
        self._news.set()

    async def _tell_news(self) -> None:
        """Rewrite the service file at every change, but not more than once a second."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self._say()
            await self._parts.clock.sleep(1.0)

    async def _keep_page(self) -> None:
        """No periodic job: looking through a large mirror may take it longer than one period."""
        await self._parts.watcher.first_scan_done.wait()
        while True:
            await self._tend_page()
            await self._parts.clock.sleep(self._settings.page.every)

    async def _tend_page(self, state: ServiceState | None = None) -> None:
        outstanding = [job.status for job in self._parts.jobs]
        await self._parts.page.tend(self._report.status(state), outstanding)

    async def _say(self, state: ServiceState | None = None) -> None:
        self._manager.status(await self._report.write(state))

    # Periodic jobs

    def _schedule(self) -> AsyncIOScheduler:
        """The periodic jobs. A late run is still run, and several that were missed are one."""
        scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        )
        for job, seconds in self._periodic_jobs():
            scheduler.add_job(_put_off_quietly(job), "interval", seconds=seconds, id=job.__name__)
        at_once = (
            self._parts.cleanup.remove_orphans,
            self._check_folders,
            self._metrics.write_metrics,
        )
        for job in at_once:
            scheduler.add_job(_put_off_quietly(job))
        if (interval := watchdog_interval(self._environ, os.getpid())) is not None:
            self._schedule_watchdog(scheduler, interval)
        return scheduler

    def _periodic_jobs(self) -> list[tuple[Callable[[], Coroutine[Any, Any, None]], float]]:
        """Each job, and how often it is run, in seconds."""
        parts, cleanup = self._parts, self._settings.cleanup
        return [
            (self._say, SERVICE_FILE_EVERY_S),
            (self._metrics.write_metrics, SERVICE_FILE_EVERY_S),
            (parts.jobs.save_progress, PROGRESS_EVERY_S),
            (self._check_folders, self._settings.watch.poll),
            (parts.cleanup.scrub, cleanup.every),
            (parts.cleanup.remove_orphans, cleanup.every),
            (parts.cleanup.retire, cleanup.every),
        ]

    def _reschedule(self) -> None:
        for job, seconds in self._periodic_jobs():
            # Only what has changed: the others would begin to wait anew.
            if self._scheduler.get_job(job.__name__).trigger.interval.total_seconds() != seconds:
                self._scheduler.reschedule_job(job.__name__, trigger="interval", seconds=seconds)

    def _schedule_watchdog(self, scheduler: AsyncIOScheduler, interval: float) -> None:
        parts, file_work = self._parts, FileWork(self._parts.clock)
        watchdog = Watchdog(
            parts.clock,
            {
                "scanner": Sign(lambda: parts.watcher.progressed_at),
                # Nothing may come for `download.timeout` seconds, and all is well.
                "downloads": Sign(
                    parts.downloads.progressed_at, lambda: STUCK_AFTER_S + self._settings.download.timeout
                ),
                "file work": Sign(file_work.progressed_at),
            },
        )

        async def tend() -> None:
            if not watchdog.stuck():
                self._manager.watchdog()

        for job in (file_work.try_through, tend):
            scheduler.add_job(job, "interval", seconds=interval)

    async def _check_folders(self) -> None:
        trouble = self._parts.watcher.trouble
        gone = Waiting(reason=trouble.reason, message=trouble.message, until=None) if trouble else None
        self._parts.outages.set(Cause.DROP, gone)
        await self._parts.disk_space.check()


def _put_off_quietly(job: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], Coroutine[Any, Any, None]]:
    """The job, for the scheduler: a folder that is gone, or the end of the service, is no error of it."""

    async def run() -> None:
        try:
            await job()
        except StorageTrouble as trouble:
            log.debug("job_put_off", job=job.__name__, problem=trouble.message)
        except asyncio.CancelledError:
            log.debug("job_stopped", job=job.__name__)

    return run
