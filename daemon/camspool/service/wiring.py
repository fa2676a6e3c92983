"""Builds the daemon from its settings: every object of the program is made here, and only here."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from camspool import USER_AGENT
from camspool.adapters import documents, logs
from camspool.adapters.batching import Batching
from camspool.adapters.download import HttpDownloads
from camspool.adapters.mp4 import Mp4Videos
from camspool.adapters.notify import Channel, Flag, Hook, Services, Webhook, check_available
from camspool.adapters.pacing import Backoff, Counting, Pacing
from camspool.adapters.spool import Spool
from camspool.adapters.survilla import Survilla
from camspool.adapters.system_clock import SystemClock
from camspool.adapters.watch import DropWatcher, WatchSettings
from camspool.config.request_rules import request_rules
from camspool.config.settings import Settings
from camspool.config.token import read_token
from camspool.core import naming
from camspool.core.errors import RequestRejected
from camspool.core.expiry import Lifetimes
from camspool.core.figures import Figures
from camspool.core.ports import Clock
from camspool.core.status_document import Status, Waiting
from camspool.core.timetable import rate_at
from camspool.core.values import ErrorCode
from camspool.page.page import Page
from camspool.page.posters import Posters
from camspool.page.shelf import Shelf
from camspool.pipeline.camera_directory import CameraDirectory
from camspool.pipeline.cleanup import Cleanup
from camspool.pipeline.disk_space import DiskSpace
from camspool.pipeline.dispatcher import Dispatcher
from camspool.pipeline.intake import Intake, IntakeCallbacks
from camspool.pipeline.jobs import Job, JobContext, Jobs
from camspool.pipeline.outages import Cause, Outages
from camspool.pipeline.steps import Lane, Policy, StepContext, Workflow
from camspool.pipeline.triage import Terms, Triage
from camspool.service.notifications import Notices

LEAST_SECRET = 8
"""Characters that a part of an address must have, or it might be any word."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The daemon's parts, wired to one another."""

    clock: Clock
    spool: Spool
    context: StepContext
    videos: Mp4Videos
    survilla: Survilla
    pacing: Pacing
    recordings: Batching
    downloads: HttpDownloads
    outages: Outages
    disk_space: DiskSpace
    camera_directory: CameraDirectory
    jobs: Jobs
    dispatcher: Dispatcher
    triage: Triage
    intake: Intake
    cleanup: Cleanup
    page: Page
    watcher: DropWatcher
    figures: Figures
    notices: Notices


def build(settings: Settings, environ: Mapping[str, str], on_outage: Callable[[], None]) -> Parts:
    """Make the parts; nothing is opened or started yet.

    Args:
        settings: the configuration.
        environ: the environment, where the token may be.
        on_outage: called when something begins or ceases to hold up the whole service.

    Raises:
        ConfigurationError: `download.verify: decode` without PyAV, or a proxy that cannot be used.
    """
    clock, figures = SystemClock(), Figures()
    spool = Spool(settings.folders.drop, settings.folders.mirror, settings.folders.state)
    outages = Outages(on_outage)
    survilla, pacing = _api(settings, environ, clock, outages, figures)
    recordings = Batching(pacing, clock, settings.api.batch)
    downloads = _downloads(settings, clock)
    disk_space = DiskSpace(
        spool, outages, clock, min_free=settings.cleanup.min_free, pause=settings.watch.poll
    )
    camera_directory = CameraDirectory(recordings, clock)
    jobs = Jobs(JobContext(spool, clock, outages, settings.retry.give_up_after, figures))
    videos = Mp4Videos(settings.download.verify)
    videos.check_available()
    context = StepContext(recordings, downloads, videos, spool, clock, random.random, policy(settings))
    workflow = Workflow(context, camera_directory, disk_space, outages)
    page = _page(settings, spool, clock, outages)
    cleanup = Cleanup(spool, clock, jobs, settings.cleanup.keep, page.note)

    def remember(status: Status) -> None:
        cleanup.remember(status)
        page.note(status)

    flag = Flag(settings.folders.state / "degraded")
    notices = Notices(channels(settings, environ), clock, flag)

    async def on_ended(job: Job) -> None:
        await intake.ended(job)

    def tell(status: Status) -> None:
        figures.requests[status.state] += 1
        notices.request_ended(status)

    dispatcher = Dispatcher(workflow, clock, limits(settings), on_ended)
    watcher = _watcher(settings, spool, clock)
    triage = Triage(spool, clock, terms(settings))
    callbacks = IntakeCallbacks(watcher.forget, remember, disk_space.sit_out, tell)
    intake = Intake(spool, triage, jobs, dispatcher, callbacks)
    return Parts(
        clock,
        spool,
        context,
        videos,
        survilla,
        pacing,
        recordings,
        downloads,
        outages,
        disk_space,
        camera_directory,
        jobs,
        dispatcher,
        triage,
        intake,
        cleanup,
        page,
        watcher,
        figures,
        notices,
    )


def terms(settings: Settings) -> Terms:
    """What the configuration says about accepting requests."""
    return Terms(request_rules(settings), settings.requests.delay)


def policy(settings: Settings) -> Policy:
    """What the configuration says about carrying clips."""
    lifetimes = settings.api.lifetimes
    return Policy(
        lifetimes=Lifetimes(lifetimes.recording_id, lifetimes.download_url, lifetimes.downloaded_url),
        grace=settings.requests.grace,
        delay=settings.requests.delay,
        poll_fastest=settings.api.poll.fastest,
        poll_slowest=settings.api.poll.slowest,
        retry_first=settings.retry.first,
        retry_longest=settings.retry.longest,
        stalled=settings.retry.stalled,
    )


def token_reader(settings: Settings, environ: Mapping[str, str]) -> Callable[[], str]:
    """What reads the token, from where the configuration says; it is never logged from then on."""

    def read() -> str:
        secret = read_token(settings, environ).get_secret_value()
        logs.redact(secret)
        return secret

    return read


def channels(settings: Settings, environ: Mapping[str, str]) -> tuple[Channel, ...]:
    """The ways that notices go by the configuration, always in one order; their addresses are never logged.

    Raises:
        ConfigurationError: `notify.urls` without Apprise.
    """
    notify, hooks = settings.notify, settings.hooks
    if notify.urls:
        check_available()
    for url in filter(None, (*notify.urls, notify.webhook)):
        address = url.get_secret_value()
        logs.redact(address)
        if len(path := address.partition("://")[2].partition("/")[2]) >= LEAST_SECRET:
            logs.redact(path)  # libraries write an address in their own way
    return (
        Services(notify.urls, notify.events, notify.timeout, environ),
        Webhook(notify.webhook, notify.events, notify.timeout, USER_AGENT),
        Hook(hooks.done, hooks.timeout, settings.folders.mirror, environ),
    )


def limits(settings: Settings) -> dict[Lane, int]:
    """What the configuration says about how many clips are worked on at once."""
    return {Lane.PREPARING: settings.limits.preparing, Lane.DOWNLOADING: settings.limits.downloading}


def backoff(settings: Settings) -> Backoff:
    """What the configuration says about probing an API in trouble."""
    return Backoff(settings.retry.first, settings.retry.longest)


def watch_settings(settings: Settings) -> WatchSettings:
    """What the configuration says about watching drop/."""
    watch = settings.watch
    return WatchSettings(watch.mode, watch.settle, watch.rescan, watch.poll)


def _api(
    settings: Settings, environ: Mapping[str, str], clock: Clock, outages: Outages, figures: Figures
) -> tuple[Survilla, Pacing]:
    def on_trouble(trouble: Waiting | None) -> None:
        outages.set(Cause.API, trouble)

    api = settings.api
    token = token_reader(settings, environ)
    survilla = Survilla(api.endpoint, token, clock, timeout=api.timeout, user_agent=USER_AGENT)
    counting = Counting(survilla, figures.calls)
    pacing = Pacing(counting, clock, rate=api.rate, backoff=backoff(settings), on_trouble=on_trouble)
    return survilla, pacing


def _page(settings: Settings, spool: Spool, clock: Clock, outages: Outages) -> Page:
    def has_room() -> bool:
        return outages.get(Cause.ROOM) is None

    shelf = Shelf(spool.own_files, settings.timezone)
    posters = Posters(spool.own_files, shelf, clock, has_room)
    return Page(spool, clock, shelf, posters, enabled=settings.page.enabled)


def _downloads(settings: Settings, clock: Clock) -> HttpDownloads:
    return HttpDownloads(
        timeout=settings.download.timeout, rate=download_rate(settings, clock), user_agent=USER_AGENT
    )


def download_rate(settings: Settings, clock: Clock) -> Callable[[], float | None]:
    """The bytes per second that the configuration allows now, whenever that is called; None for no limit."""

    def rate() -> float | None:
        return rate_at(settings.download.rate, clock.now().astimezone(settings.timezone))

    return rate


def _watcher(settings: Settings, spool: Spool, clock: Clock) -> DropWatcher:
    def parses(file: str) -> bool:
        try:
            dropped = spool.read(file)
            if dropped is None:
                return False
            documents.read(dropped.data, naming.suffix(file))
        except RequestRejected as rejected:
            return rejected.code is ErrorCode.INVALID  # whole, but wrong; all else may be half a file
        return True

    how = watch_settings(settings)
    return DropWatcher(settings.folders.drop, how, clock, spool.check_drop, parses)
