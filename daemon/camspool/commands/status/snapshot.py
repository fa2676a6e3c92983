"""What the folders tell: the files in drop/ with their statuses, what has ended last, the daemon's own word.

Of the mirror, however large, only the names and times of its status files are looked at, and those read that
are shown.
"""

import contextlib
import heapq
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from camspool.adapters.spool.durable import storage
from camspool.adapters.spool.folder_registry import MARKER
from camspool.commands.verify.mirror import Mirror, below
from camspool.config.settings import Settings
from camspool.core import health, naming
from camspool.core.health import ServiceStatus
from camspool.core.status_document import Status
from camspool.core.values import State

SERVICE_FILE: Final = "_service.json"
_LONGEST_SERVICE: Final = 1024 * 1024
_MOST_READ: Final = 1000
"""Statuses that are read to find the latest ones: retention may have touched very many."""
_BUSIEST_FIRST: Final = (
    *(State.DOWNLOADING, State.VERIFYING, State.PREPARING, State.LISTING),
    *(State.QUEUED, State.SCHEDULED),
)


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
    drop, mirror = settings.folders.drop, Mirror(settings.folders.mirror)
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
    """What the daemon last said of itself; None when it has said nothing that can be read."""
    try:
        with (mirror / SERVICE_FILE).open("rb") as file:
            return health.load(file.read(_LONGEST_SERVICE))
    except (OSError, ValidationError):
        return None


def status_of(mirror: Mirror, file: str, sha256: str | None = None) -> Status | None:
    """The status of a file in drop/, under whichever name it has got; of that version of it, if one is named.

    An earlier request that was called the same and has been filed is another one.
    """
    ended = None
    base = mirror.unblocked(naming.name_of(file))
    for number in count(1):
        name = naming.numbered_name(base, number)
        status = read(mirror, name)
        if status is None and mirror.size(naming.status_path(name)) is None:
            break
        # What is there and no status of ours has cost the request a number.
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


def names(mirror: Path) -> Iterator[str]:
    """The names of all requests that the mirror has a status of, the latest first."""
    newest = _status_files(mirror)
    heapq.heapify(newest)
    while newest:
        yield heapq.heappop(newest)[1].removesuffix(naming.STATUS_SUFFIX)


def read(mirror: Mirror, name: str) -> Status | None:
    """The status of a request; None when there is none, or something that is none."""
    try:
        found = mirror.status(name)
    except OSError:
        return None
    return found if isinstance(found, Status) else None


def mp4s(mirror: Path, status: Status) -> Iterator[Path]:
    """Where the MP4s of a request lie."""
    for clip in status.clips:
        if clip.file and clip.state is State.DONE:
            yield mirror / naming.folder_of(status.name) / clip.file.name


def _outstanding(drop: Path, mirror: Mirror) -> tuple[tuple[Outstanding, ...], str | None]:
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
        return len(_BUSIEST_FIRST) + 1, 0, outstanding.file
    place = _BUSIEST_FIRST.index(status.state) if status.state in _BUSIEST_FIRST else len(_BUSIEST_FIRST)
    return place, status.created_at.timestamp(), outstanding.file


def _finished(mirror: Mirror, last: int, outstanding: set[str]) -> Iterator[Status]:
    found = 0
    for number, name in enumerate(names(mirror.root)):
        if found == last or number == _MOST_READ:
            return
        status = None if name in outstanding else read(mirror, name)
        # One whose footage was removed has ended long ago.
        if status and status.state.final and status.state is not State.REMOVED:
            found += 1
            yield status


def _is_of(status: Status, file: str, sha256: str | None) -> bool:
    record = status.request
    return record.file == naming.printable(file) and sha256 in {None, record.sha256}


def _refused(mirror: Mirror, file: str) -> Status | None:
    """A rejected file whose name belongs to another request has its status under its whole name."""
    status = read(mirror, mirror.unblocked(file))
    waits = status is not None and status.request.file == file and status.request.filed_as is None
    return status if waits else None


def _status_files(root: Path) -> list[tuple[int, str]]:
    """Negative times of change and paths of all status files."""
    found = []
    with storage(root):
        for path, entry in _files(root):
            if path.endswith(naming.STATUS_SUFFIX):
                with contextlib.suppress(FileNotFoundError):  # deleted since the folder was read
                    found.append((-entry.stat(follow_symlinks=False).st_mtime_ns, path))
    return found


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
