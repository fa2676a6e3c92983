"""The service file: what a person with only the share sees of the daemon's health."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import TypeAdapter

from camspool.core.backoff import after
from camspool.core.values import State, WaitReason

RATE_LIMITED_IS_NORMAL: Final = timedelta(minutes=5)
"""Being rate limited for so long is no trouble yet (contract, Rulings)."""

SILENT_FOR: Final = timedelta(minutes=1)
"""A service file without `next_update_by` comes from a version that wrote it every 15 seconds."""
MARGIN_S: Final = 45.0
"""So much later than a heartbeat says may the service file be written: a disk may be slow."""

SERVICE_SCHEMA: Final = "camspool/service/1"
SERVICE_FILE: Final = "_service.json"
"""Its path below mirror/."""


class ProblemCode(StrEnum):
    """What can be wrong with the service beside a `WaitReason`."""

    BAD_CONFIGURATION = "bad_configuration"
    INTERNAL_ERROR = "internal_error"
    CLOCK_IMPLAUSIBLE = "clock_implausible"


class ServiceState(StrEnum):
    """How the daemon is; a `degraded` one works on what it can."""

    OK = "ok"
    DEGRADED = "degraded"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ServiceProblem:
    """One thing that is wrong with the whole service."""

    code: str
    message: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Watching:
    """How the drop folder is watched: `inotify` or `polling`."""

    mode: str
    file_system: str
    last_scan_at: datetime | None


@dataclass(frozen=True, slots=True)
class ApiHealth:
    """When the API last answered, and how often it was asked within the last hour."""

    last_success_at: datetime | None
    calls_last_hour: int


@dataclass(frozen=True, slots=True)
class DiskHealth:
    """Bytes free in the mirror, and bytes that downloads leave free; null while they are not known."""

    free_bytes: int | None
    min_free_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """The service file, `mirror/_service.json`.

    It is written at each change, and else once a heartbeat: a daemon that has not written by `next_update_by`
    is down. That is null once it has stopped, and in the files of earlier versions.
    """

    schema: str = SERVICE_SCHEMA
    version: str
    state: ServiceState
    started_at: datetime
    updated_at: datetime
    next_update_by: datetime | None = None
    problems: tuple[ServiceProblem, ...] = ()
    watching: Watching
    api: ApiHealth
    queue: dict[State, int] = field(default_factory=dict)
    oldest_request_at: datetime | None = None
    disk: DiskHealth


_SERVICE: Final = TypeAdapter(ServiceStatus)


def dump(status: ServiceStatus) -> bytes:
    """The service file's bytes: indented UTF-8 JSON."""
    return _SERVICE.dump_json(status, indent=2) + b"\n"


def load(data: bytes) -> ServiceStatus:
    """The service file that `data` holds.

    Raises:
        pydantic.ValidationError: it is none.
    """
    return _SERVICE.validate_json(data)


def is_running(status: ServiceStatus, now: datetime) -> bool:
    """True while a daemon works, going by its service file."""
    if status.state not in {ServiceState.OK, ServiceState.DEGRADED}:
        return False
    return now <= (status.next_update_by or status.updated_at + SILENT_FOR)


def next_update_by(now: datetime, heartbeat_s: float) -> datetime:
    """When a service file that is written now will have been written again, unless the daemon is down."""
    return after(now, heartbeat_s + MARGIN_S)


def is_news(status: ServiceStatus, before: ServiceStatus) -> bool:
    """True when a reader should learn of the new status now, rather than at the next heartbeat.

    What changes all the time, such as bytes free, is no news by itself.
    """
    return _news(status) != _news(before)


def _news(status: ServiceStatus) -> tuple[object, ...]:
    watching = (status.watching.mode, status.watching.file_system)
    room = (status.disk.free_bytes is None, status.disk.min_free_bytes)
    oldest = status.oldest_request_at
    return status.state, status.problems, watching, status.queue, oldest, room


def state_of(problems: tuple[ServiceProblem, ...], now: datetime) -> ServiceState:
    """`degraded` when anything is wrong that is not normal for a while."""
    serious = [
        problem
        for problem in problems
        if problem.code != WaitReason.RATE_LIMITED or now - problem.since >= RATE_LIMITED_IS_NORMAL
    ]
    return ServiceState.DEGRADED if serious else ServiceState.OK


def in_words(queue: dict[State, int], problems: tuple[ServiceProblem, ...]) -> str:
    """One line for people: the work in progress, and the problems with their beginnings."""
    work = ", ".join(f"{count} {state}" for state, count in queue.items()) or "nothing to do"
    wrong = [f"{problem.message} (since {problem.since:%H:%M} UTC)" for problem in problems]
    return "; ".join([work, *wrong])
