"""A look at the folders: the files in drop/ with their statuses, the latest that ended, the service file.

However large the mirror is, only the names and times of its status files are looked at, and only those that
are shown are read.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from camspool.adapters.spool import MirrorReader
from camspool.adapters.spool.marker_file import MARKER
from camspool.config.settings import Settings
from camspool.core import health, naming
from camspool.core.errors import StorageTrouble
from camspool.core.health import SERVICE_FILE, ServiceStatus
from camspool.core.naming import below
from camspool.core.overview import BUSIEST_FIRST
from camspool.core.status_document import Status
from camspool.core.values import State

_LONGEST_SERVICE: Final = 1024 * 1024
_MOST_READ: Final = 1000
"""Statuses read at most to find the latest ones: retention may have changed very many."""
_BUSY_STATES: Final = [state for state, _ in BUSIEST_FIRST]


@dataclass(frozen=True, slots=True)
class Outstanding:
    """A file in drop/, by its path there; `status` is None while the daemon has not taken it in."""

    file: str
    status: Status | None


@dataclass(frozen=True, slots=True)
class View:
    """What was seen at `at`. `drop_trouble` says why drop/ cannot be believed, if so."""

    at: datetime
    zone: ZoneInfo
    drop: Path
    mirror: Path
    service: ServiceStatus | None
    outstanding: tuple[Outstanding, ...]
    finished: tuple[Status, ...]
    drop_trouble: str | None = None


def look(settings: Settings, last: int, now: datetime) -> View:
    """Look at everything once.

    Args:
        settings: where the folders are.
        last: how many of the requests that have ended.
        now: the time now.

    Raises:
        StorageTrouble: the mirror is not there.
    """
    drop, mirror = settings.folders.drop, MirrorReader.beside_the_daemon(settings.folders.mirror)
    mirror.check()
    waiting, trouble = _outstanding(drop, mirror)
    names = {each.status.name for each in waiting if each.status}
    return View(
        at=now,
        zone=settings.timezone,
        drop=drop,
        mirror=mirror.root,
        service=service(mirror.root),
        outstanding=waiting,
        finished=tuple(_finished(mirror, last, names)),
        drop_trouble=trouble,
    )


def service(mirror: Path) -> ServiceStatus | None:
    """The service file; None if there is none that can be read."""
    try:
        with (mirror / SERVICE_FILE).open("rb") as file:
            return health.load(file.read(_LONGEST_SERVICE))
    except (OSError, ValidationError):
        return None


def status_of(mirror: MirrorReader, file: str, sha256: str | None = None) -> Status | None:
    """The status of a file in drop/, under whatever name it got; of the version with that hash, if given.

    An earlier request that was called the same and has been filed is another one. None also when the mirror
    cannot be read.
    """
    try:
        return _status_of(mirror, file, sha256)
    except StorageTrouble:
        return None


def _status_of(mirror: MirrorReader, file: str, sha256: str | None) -> Status | None:
    ended = None
    base = mirror.unblocked(naming.name_of(file))
    for number in count(1):
        name = naming.numbered_name(base, number)
        status = read(mirror, name)
        if status is None and mirror.size(naming.status_path(name)) is None:
            break
        # Something else under that name has cost the request a number.
        if (
            status is None
            or status.request.file != naming.printable(file)
            or sha256 not in {None, status.request.sha256}
        ):
            continue
        if not status.state.final:
            return status
        ended = status if sha256 or status.request.filed_as is None else ended
    return ended or _refused(mirror, file)


def read(mirror: MirrorReader, name: str) -> Status | None:
    """The status of a request; None when there is none, or something that is none."""
    try:
        found = mirror.status(name)
    except StorageTrouble:
        return None
    return found if isinstance(found, Status) else None


def mp4s(mirror: Path, status: Status) -> Iterator[Path]:
    """Where the MP4s of a request lie."""
    for clip in status.clips:
        if clip.file and clip.state is State.DONE:
            yield mirror / naming.folder_of(status.name) / clip.file.name


def _outstanding(drop: Path, mirror: MirrorReader) -> tuple[tuple[Outstanding, ...], str | None]:
    trouble = None
    try:
        files = [file for file, _ in _files(drop)]
        if not (drop / MARKER).exists():
            trouble = f"{drop} has no marker {MARKER}: is it mounted?"
    except OSError as error:
        return (), f"{drop} cannot be read: {error.strerror}"
    found = [Outstanding(naming.printable(file), status_of(mirror, file)) for file in files]
    return tuple(sorted(found, key=_turn)), trouble


def _turn(outstanding: Outstanding) -> tuple[int, float, str]:
    """Those at work first, then as they came; what has not been taken in last."""
    status = outstanding.status
    if status is None:
        return len(_BUSY_STATES) + 1, 0, outstanding.file
    place = _BUSY_STATES.index(status.state) if status.state in _BUSY_STATES else len(_BUSY_STATES)
    return place, status.created_at.timestamp(), outstanding.file


def _finished(mirror: MirrorReader, last: int, outstanding: set[str]) -> Iterator[Status]:
    found = 0
    for number, name in enumerate(mirror.latest()):
        if found == last or number == _MOST_READ:
            return
        status = None if name in outstanding else read(mirror, name)
        # One whose footage was removed has ended long ago.
        if status and status.state.final and status.state is not State.REMOVED:
            found += 1
            yield status


def _refused(mirror: MirrorReader, file: str) -> Status | None:
    """A rejected file whose name belongs to another request has its status under its whole name."""
    status = read(mirror, mirror.unblocked(file))
    waits = status is not None and status.request.file == file and status.request.filed_as is None
    return status if waits else None


def _files(root: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """The regular files below `root` that are not ignored by their names, where one may look.

    Raises:
        OSError: the root itself cannot be read.
    """
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(root / folder) as entries:
                listed = [entry for entry in entries if not naming.ignored_component(entry.name)]
        except OSError:
            if not folder:
                raise
            continue
        for entry in listed:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(below(folder, entry.name))
            elif entry.is_file(follow_symlinks=False):
                yield below(folder, entry.name), entry
