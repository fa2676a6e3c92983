"""The daemon: starts up, runs until it is asked to stop, and shuts down so that the next start can go on."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping

import structlog

from camspool.adapters.systemd import ServiceManager
from camspool.aio import first_of
from camspool.config.settings import Settings
from camspool.core.health import ServiceState
from camspool.service import wiring
from camspool.service.announcements import Announcements
from camspool.service.arrivals import Arrivals
from camspool.service.health import Health
from camspool.service.metrics import Metrics
from camspool.service.periodic import PeriodicJobs
from camspool.service.reload import Reloading
from camspool.service.supervision import Supervisor, Work

log = structlog.get_logger()


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
        self._stopping = asyncio.Event()
        self._manager = ServiceManager()
        self._parts = parts = wiring.build(settings, environ, self._on_outage)
        self._supervisor = Supervisor(parts.clock, self._on_change)
        self._health = Health(parts, self._supervisor)
        self._announcements = Announcements(parts, self._health, self._manager)
        self._arrivals = Arrivals(parts, self._announcements.news.set)
        self._metrics = Metrics(parts, self._health)
        self._periodic = PeriodicJobs(parts, self._metrics, self._manager, self._supervisor, environ)
        self._reloading = Reloading(parts, self._health, reread, self._manager, self._on_reload)

    def stop(self) -> None:
        """Ask the daemon to end; to be called in its event loop."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT arrives, or `stop` is called.

        Raises:
            AlreadyRunning: another daemon works on the same folders.
            StorageTrouble: the state folder cannot be used.
        """
        await asyncio.to_thread(self._parts.folders.spool.open)
        loop = asyncio.get_running_loop()
        before = loop.get_exception_handler()
        try:
            self._listen(loop)
            await self._work()
        finally:
            await self._close()
            loop.set_exception_handler(before)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen for signals, and for errors in work that nobody awaits."""
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._reloading.ask)
        loop.set_exception_handler(self._supervisor.loop_error)

    async def _work(self) -> None:
        """Start everything, announce it, and wait until the daemon is asked to stop."""
        folders = self._parts.settings.current.folders
        log.info("service_starting", drop=str(folders.drop), pid=os.getpid())
        self._periodic.start()
        try:
            async with asyncio.TaskGroup() as group:
                keep = self._supervisor.keep_running
                tasks = [group.create_task(keep(*task)) for task in self._lasting_tasks().items()]
                await self._until_ready()
                await self._stopping.wait()
                self._manager.stopping()
                log.info("service_stopping")
                self._parts.folders.spool.interrupt()
                for task in tasks:
                    task.cancel()
        finally:
            await self._wind_up()
        log.info("service_stopped")

    def _lasting_tasks(self) -> dict[str, Work]:
        """The tasks that run as long as the daemon does, by names for people."""
        parts = self._parts
        return {
            "watching drop/": lambda: parts.folders.watcher.run(self._arrivals.note),
            "dispatcher": lambda: parts.pipeline.dispatcher.run(
                parts.pipeline.completion.ended, parts.pipeline.jobs
            ),
            "list of cameras": parts.api.cameras.keep_fresh,
            **self._arrivals.tasks(),
            "service file": self._announcements.run,
            "page": self._announcements.keep_page,
            "pictures of the page": parts.reports.page.illustrate,
            **{f"notices, {outbox.channel.name}": outbox.run for outbox in parts.reports.notices.outboxes},
            "metrics": self._metrics.serve,
            "reload": self._reloading.run,
            "clock of the periodic jobs": self._periodic.follow_clock,
        }

    async def _until_ready(self) -> None:
        """Wait for the first scan; READY means that everything in drop/ has been seen."""
        watcher, news = self._parts.folders.watcher, self._announcements.news
        news.set()
        await first_of(watcher.first_scan_done.wait(), self._stopping.wait())
        if self._stopping.is_set():
            return
        self._manager.ready()
        log.info("service_ready", watching=watcher.mode, because=watcher.reason)
        news.set()

    async def _wind_up(self) -> None:
        """Save what is only in memory, and announce that the daemon has ended."""
        self._periodic.stop()
        await self._supervisor.attempt("service file", self._announcements.say(ServiceState.STOPPING))
        await self._supervisor.attempt("statuses", self._parts.pipeline.jobs.save_all())
        await self._supervisor.attempt("service file", self._announcements.say(ServiceState.STOPPED))
        await self._supervisor.attempt("page", self._announcements.tend_page(ServiceState.STOPPED))

    async def _close(self) -> None:
        self._parts.pipeline.downloads.close()
        await self._supervisor.attempt("calls", self._parts.api.recordings.aclose())
        await self._supervisor.attempt("connections", self._parts.api.survilla.aclose())
        self._manager.close()
        await asyncio.to_thread(self._parts.folders.spool.close)

    def _on_outage(self) -> None:
        self._parts.pipeline.jobs.refresh()
        self._on_change()

    def _on_change(self) -> None:
        self._announcements.news.set()

    def _on_reload(self) -> None:
        self._periodic.reschedule()
        self._on_change()
