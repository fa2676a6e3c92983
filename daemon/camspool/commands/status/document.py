"""The overview for scripts: one JSON document; every key is always there, null where nothing is known."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from camspool.commands.status import phrases
from camspool.commands.status.snapshot import View, mp4s
from camspool.core import clip_plan, naming
from camspool.core.health import ServiceStatus
from camspool.core.status_document import Failure, Progress, Status, Waiting
from camspool.core.values import CameraRef, State

SCHEMA: Final = "camspool/overview/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Daemon:
    running: bool
    message: str
    service: ServiceStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """One request; `file` is its path below drop/, without a `name` and a `state` it is not taken in yet."""

    file: str
    name: str | None = None
    state: State | None = None
    cameras: tuple[CameraRef, ...] = ()
    camera_names: tuple[str | None, ...] = ()
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    progress: Progress | None = None
    bytes_per_s: int | None = None
    waiting: Waiting | None = None
    error: Failure | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    finished_at: datetime | None = None
    status_file: str | None = None
    mp4s: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Overview:
    schema: str = SCHEMA
    at: datetime
    timezone: str
    drop: str
    mirror: str
    drop_trouble: str | None
    daemon: _Daemon
    outstanding: tuple[_Item, ...]
    finished: tuple[_Item, ...]


_OVERVIEW: Final = TypeAdapter(_Overview)


def dump(view: View) -> str:
    """The document, indented."""
    daemon = _Daemon(
        running=phrases.is_running(view.service, view.at),
        message=phrases.daemon(view.service, view.at, view.zone),
        service=view.service,
    )
    overview = _Overview(
        at=view.at,
        timezone=view.zone.key,
        drop=naming.printable(str(view.drop)),
        mirror=naming.printable(str(view.mirror)),
        drop_trouble=view.drop_trouble,
        daemon=daemon,
        outstanding=tuple(_item(view, each.file, each.status) for each in view.outstanding),
        finished=tuple(_item(view, status.request.file, status) for status in view.finished),
    )
    return _OVERVIEW.dump_json(overview, indent=2).decode()


def _item(view: View, file: str, status: Status | None) -> _Item:
    if status is None:
        return _Item(file=file)
    start, end = phrases.span(status) or (None, None)
    entries = status.request.entries
    return _Item(
        file=file,
        name=status.name,
        state=status.state,
        cameras=tuple(dict.fromkeys(each for entry in entries for each in clip_plan.cameras(entry))),
        camera_names=tuple(dict.fromkeys(clip.camera_name for clip in status.clips)),
        begins_at=start,
        ends_at=end,
        progress=status.progress,
        bytes_per_s=phrases.speed(status) or None,
        waiting=status.waiting,
        error=status.error,
        created_at=status.created_at,
        updated_at=status.updated_at,
        finished_at=status.finished_at,
        status_file=naming.printable(str(view.mirror / naming.status_path(status.name))),
        mp4s=tuple(naming.printable(str(path)) for path in mp4s(view.mirror, status)),
    )
