"""Builds the daemon from its settings: all its objects are created and connected here, and only here."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from camspool import USER_AGENT
from camspool.adapters.batching import Batching
from camspool.adapters.download import HttpDownloads
from camspool.adapters.mp4 import Mp4Videos
from camspool.adapters.notify import Flag
from camspool.adapters.pacing import Counting, Pacing
from camspool.adapters.spool import Spool
from camspool.adapters.survilla import Survilla
from camspool.adapters.system_clock import SystemClock, is_synchronised
from camspool.adapters.watch import DropWatcher
from camspool.config import excerpts, requirements
from camspool.config.cell import SettingsCell
from camspool.config.network import trusted
from camspool.config.settings import Settings
from camspool.config.token import Token
from camspool.core.figures import Figures
from camspool.core.ports import Clock
from camspool.page.page import Page, PageSettings
from camspool.page.posters import Posters
from camspool.page.shelf import Shelf
from camspool.pipeline.camera_directory import CameraDirectory
from camspool.pipeline.cleanup import Cleanup
from camspool.pipeline.clock_watch import ClockWatch
from camspool.pipeline.completion import Completion
from camspool.pipeline.disk_space import DiskSpace, DiskSpaceSettings
from camspool.pipeline.dispatcher import Dispatcher
from camspool.pipeline.host_troubles import HostTroubles, Pauses
from camspool.pipeline.intake import Intake
from camspool.pipeline.jobs import JobContext, Jobs
from camspool.pipeline.leftovers import Leftovers
from camspool.pipeline.outages import Cause, Outages
from camspool.pipeline.steps import Lane, StepContext, StepSettings, Workflow
from camspool.pipeline.triage import Triage
from camspool.pipeline.turns import Turns
from camspool.service.notifications import Notices, channels


@dataclass(frozen=True, slots=True)
class Folders:
    """drop/, mirror/ and state/, and what looks after them."""

    spool: Spool
    watcher: DropWatcher
    triage: Triage
    disk_space: DiskSpace


@dataclass(frozen=True, slots=True)
class Api:
    """The vendor's API: single calls, paced calls, batched calls, and the cameras that it lists."""

    survilla: Survilla
    pacing: Pacing
    recordings: Batching
    cameras: CameraDirectory


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What happens to a request, from its file to its MP4s and its removal."""

    jobs: Jobs
    dispatcher: Dispatcher
    intake: Intake
    completion: Completion
    leftovers: Leftovers
    cleanup: Cleanup
    clock_watch: ClockWatch
    downloads: HttpDownloads


@dataclass(frozen=True, slots=True)
class Reports:
    """What people get to see."""

    figures: Figures
    notices: Notices
    page: Page


@dataclass(frozen=True, slots=True)
class Parts:
    """The daemon's parts, connected to one another; all of them follow the settings in the cell."""

    settings: SettingsCell
    clock: Clock
    outages: Outages
    folders: Folders
    api: Api
    pipeline: Pipeline
    reports: Reports


def build(settings: Settings, environ: Mapping[str, str], on_outage: Callable[[], None]) -> Parts:
    """Make the parts; nothing is opened or started yet.

    Args:
        settings: the configuration.
        environ: the environment, where the token may be.
        on_outage: called when something begins or ceases to hold up the whole service.

    Raises:
        ConfigurationError: the settings ask for something that this machine does not have.
    """
    requirements.check_libraries(settings)
    cell, clock, figures, outages = SettingsCell(settings), SystemClock(), Figures(), Outages(on_outage)
    spool = Spool(settings.folders.drop, settings.folders.mirror, settings.folders.state)
    triage = Triage(spool, clock, cell.excerpt(excerpts.request_settings))
    watch_settings = cell.excerpt(excerpts.watch_settings)
    watcher = DropWatcher(
        settings.folders.drop, watch_settings, clock, spool.check_drop, triage.parses, spool.away_in_drop
    )
    disk_space = DiskSpace(spool, outages, clock, cell.excerpt(disk_space_settings))
    folders = Folders(spool, watcher, triage, disk_space)
    api = _api(cell, environ, clock, outages, figures)
    reports = _reports(cell, environ, clock, folders, figures)
    pipeline = _pipeline(cell, environ, clock, folders, api, reports)
    return Parts(cell, clock, outages, folders, api, pipeline, reports)


def step_settings(settings: Settings) -> StepSettings:
    """What the configuration says about the steps of a clip."""
    return StepSettings(
        lifetimes=excerpts.lifetimes(settings),
        grace=settings.requests.grace,
        delay=settings.requests.delay,
        poll_fastest=settings.api.poll.fastest,
        poll_slowest=settings.api.poll.slowest,
        retry_first=settings.retry.first,
        retry_longest=settings.retry.longest,
        stalled=settings.retry.stalled,
    )


def lane_limits(settings: Settings) -> dict[Lane, int]:
    """What the configuration says about how many clips are worked on at once."""
    return {Lane.PREPARING: settings.limits.preparing, Lane.DOWNLOADING: settings.limits.downloading}


def pauses(settings: Settings) -> Pauses:
    """What the configuration says about asking hosts in trouble."""
    return Pauses(settings.retry.first, settings.retry.longest)


def disk_space_settings(settings: Settings) -> DiskSpaceSettings:
    """What the configuration says about free space."""
    return DiskSpaceSettings(settings.cleanup.min_free, settings.watch.poll)


def page_settings(settings: Settings) -> PageSettings:
    """What the configuration says about the page."""
    return PageSettings(
        settings.page.enabled, settings.timezone, settings.mirror.heartbeat, settings.page.every
    )


def _api(
    cell: SettingsCell, environ: Mapping[str, str], clock: Clock, outages: Outages, figures: Figures
) -> Api:
    survilla = _survilla(cell, environ, clock)
    on_trouble = partial(outages.set, Cause.API)
    counting = Counting(survilla, figures.calls)
    pacing = Pacing(counting, clock, settings=cell.excerpt(excerpts.pacing_settings), on_trouble=on_trouble)
    recordings = Batching(pacing, clock, lambda: cell.current.api.batch)
    return Api(survilla, pacing, recordings, CameraDirectory(recordings, clock))


def _survilla(cell: SettingsCell, environ: Mapping[str, str], clock: Clock) -> Survilla:
    return Survilla(
        cell.current.api.endpoint,
        Token(cell, environ).read,
        clock,
        timeout=lambda: cell.current.api.timeout,
        user_agent=USER_AGENT,
        verify=trusted(cell.current, environ),
    )


def _reports(
    cell: SettingsCell, environ: Mapping[str, str], clock: Clock, folders: Folders, figures: Figures
) -> Reports:
    settings, own_files = cell.current, folders.spool.own_files
    flag = Flag(settings.folders.state / "degraded")
    ways = partial(channels, environ=environ, verify=trusted(settings, environ))
    notices = Notices(cell.excerpt(ways), clock, flag)
    shelf = Shelf(own_files, settings.timezone)
    posters = Posters(own_files, shelf, clock, folders.disk_space.has_room)
    page = Page(folders.spool, clock, shelf, posters, cell.excerpt(page_settings))
    return Reports(figures, notices, page)


def _pipeline(
    cell: SettingsCell,
    environ: Mapping[str, str],
    clock: Clock,
    folders: Folders,
    api: Api,
    reports: Reports,
) -> Pipeline:
    spool, disk_space, page = folders.spool, folders.disk_space, reports.page
    jobs = Jobs(
        JobContext(
            spool, clock, disk_space.outages, lambda: cell.current.retry.give_up_after, reports.figures
        )
    )
    videos = Mp4Videos(lambda: cell.current.download.verify)
    downloads = _downloads(cell, environ, clock)
    steps = cell.excerpt(step_settings)
    hosts = HostTroubles(clock, disk_space.outages, cell.excerpt(pauses), random.random)
    context = StepContext(api.recordings, downloads, videos, spool, clock, random.random, steps, hosts)
    workflow = Workflow(context, api.cameras, disk_space, disk_space.outages)
    dispatcher = Dispatcher(workflow, clock, cell.excerpt(lane_limits))
    hosts.on_recovery = dispatcher.reconsider
    clock_watch = ClockWatch(clock, lambda: api.survilla.server_time, is_synchronised)
    keep = cell.excerpt(lambda settings: settings.cleanup.keep)
    turns = Turns()
    cleanup = Cleanup(spool, clock_watch, jobs, turns, keep, page.note)
    completion = Completion(
        spool,
        folders.triage,
        jobs,
        turns,
        forget=folders.watcher.forget,
        sit_out=disk_space.sit_out,
        on_closed=(cleanup.remember, page.note),
        on_news=(reports.figures.request_ended, reports.notices.request_ended),
    )
    intake = Intake(folders.triage, jobs, dispatcher, completion)
    leftovers = Leftovers(spool, jobs, completion, cleanup.survey, disk_space.sit_out)
    return Pipeline(jobs, dispatcher, intake, completion, leftovers, cleanup, clock_watch, downloads)


def _downloads(cell: SettingsCell, environ: Mapping[str, str], clock: Clock) -> HttpDownloads:
    settings = cell.excerpt(partial(excerpts.download_settings, now=clock.now))
    return HttpDownloads(settings, user_agent=USER_AGENT, verify=trusted(cell.current, environ))
