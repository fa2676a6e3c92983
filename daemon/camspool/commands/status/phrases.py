"""Requests, waits and the daemon in a few words. Pure; `render` escapes what it prints."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from rich.filesize import decimal

from camspool.commands.terminal import counted
from camspool.core import clip_plan, health
from camspool.core.durations import written
from camspool.core.health import ServiceState, ServiceStatus
from camspool.core.status_document import Status, Waiting
from camspool.core.values import State

_LONGEST: Final = 160
NOT_TAKEN_IN: Final = "not taken in yet"
_START: Final = "start it with systemctl start camspool, or camspool run"
_DOINGS: Final = {
    State.QUEUED: "waits for its turn",
    State.SCHEDULED: "the range is not over yet",
    State.LISTING: "asks what was recorded",
    State.PREPARING: "the portal prepares it",
    State.DOWNLOADING: "the MP4 arrives",
    State.VERIFYING: "checks the MP4",
}


def is_running(service: ServiceStatus | None, now: datetime) -> bool:
    """True while a daemon works, going by the service file."""
    return service is not None and health.is_running(service, now)


def daemon(service: ServiceStatus | None, now: datetime, zone: ZoneInfo) -> str:
    """Whether the daemon runs, and what to do if it does not."""
    if service is None:
        return f"No daemon has written its service file here: is it running? If not, {_START}."
    last_seen = instant(service.updated_at, zone, now)
    if is_running(service, now):
        return "The daemon runs, and has problems:" if service.problems else "The daemon works."
    if service.state in {ServiceState.STOPPING, ServiceState.STOPPED}:
        return f"The daemon was stopped ({last_seen}). Requests wait until it runs again: {_START}."
    return f"The daemon is down: its last sign of life was at {last_seen}. Requests wait: {_START}."


def problems(service: ServiceStatus, now: datetime, zone: ZoneInfo) -> Iterable[str]:
    """The problems of the service as a whole, each with its beginning."""
    for problem in service.problems:
        yield f"{problem.message} (since {instant(problem.since, zone, now)})"


def cameras(status: Status) -> str:
    """The names of the cameras, else what the request calls them."""
    by_name = [str(clip.camera_name or clip.camera) for clip in status.clips]
    asked = (str(camera) for entry in status.request.entries for camera in clip_plan.cameras(entry))
    every = tuple(dict.fromkeys(by_name or asked))
    return ", ".join(every[:3]) + (f" and {len(every) - 3} more" if len(every) > 3 else "")


def span(status: Status) -> tuple[datetime, datetime] | None:
    """From the beginning of the first range to the end of the last; None for what asks for none."""
    entries = status.request.entries
    return (min(entry.start for entry in entries), max(entry.end for entry in entries)) if entries else None


def time_range(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """In local time: `2026-03-01 14:05:00 - 14:15:00`; with offsets where the clocks change in between."""
    first, last = local(start, zone), local(end, zone)
    if first.utcoffset() != last.utcoffset() or first.tzinfo is not zone:
        return f"{first:%Y-%m-%d %H:%M:%S%z} - {last:%Y-%m-%d %H:%M:%S%z}"
    until = f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M:%S}"
    return f"{first:%Y-%m-%d %H:%M:%S} - {until}"


def instant(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """A time as people say it: without the date when it is of today."""
    here = local(moment, zone)
    if here.date() == now.astimezone(zone).date():
        return f"{here:%H:%M:%S}"
    return f"{here:%Y-%m-%d %H:%M:%S}" + ("" if here.tzinfo is zone else f"{here:%z}")


def local(moment: datetime, zone: ZoneInfo) -> datetime:
    """The moment in local time; unchanged where that would leave the range of dates."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def size(count: int) -> str:
    """`12.3 MB`; plainly where no unit is large enough."""
    try:
        return decimal(count)
    except OverflowError:
        return f"{count} bytes"


def speed(status: Status) -> int:
    """Bytes per second of all its downloads together."""
    return sum(clip.download.bytes_per_s or 0 for clip in status.clips if clip.state is State.DOWNLOADING)


def news(status: Status, now: datetime, zone: ZoneInfo) -> str:
    """What is being done, what it waits for, or how it ended."""
    if status.state.final:
        return _outcome(status, now, zone)
    if status.waiting:
        return waiting(status.waiting, now, zone)
    parts = [f"{size(speed(status))}/s"] if speed(status) else [_DOINGS.get(status.state, "")]
    if status.progress.eta_s:
        parts.append(f"{written(status.progress.eta_s)} left")
    return ", ".join(parts)


def waiting(why: Waiting, now: datetime, zone: ZoneInfo) -> str:
    """Why it waits, and until when."""
    return _shorten(why.message) + (f" (until {instant(why.until, zone, now)})" if why.until else "")


def footage(status: Status) -> str:
    """`2 MP4s, 12.3 MB`; empty where there is none."""
    files = [clip.file for clip in status.clips if clip.file and clip.state is State.DONE]
    return f"{counted(len(files), 'MP4')}, {size(sum(file.bytes for file in files))}" if files else ""


def _shorten(text: str) -> str:
    """As much as an overview has room for."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _outcome(status: Status, now: datetime, zone: ZoneInfo) -> str:
    parts = [instant(status.finished_at, zone, now) if status.finished_at else "", footage(status)]
    if status.error:
        parts.append(_shorten(status.error.message))
    return ", ".join(part for part in parts if part)
