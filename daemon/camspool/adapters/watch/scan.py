"""Looking at drop/: its regular files, and the places that cannot be read. Blocking: run it in a thread.

What is no regular file is never opened, and no symbolic link followed.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from camspool.core import naming
from camspool.core.settling import Signature


@dataclass(slots=True)
class ScanResult:
    """What was seen: files with their signatures, and what could not be looked at (files or folders)."""

    present: dict[str, Signature] = field(default_factory=dict)
    hidden: dict[str, Exception] = field(default_factory=dict)

    def is_absent(self, file: str) -> bool:
        """True when the file was looked for and is certainly not there."""
        if file in self.present:
            return False
        return not self.hides(file)

    def hides(self, file: str) -> bool:
        """True when the file, or a folder on the way to it, could not be looked at."""
        return bool(self.hidden) and any(path in self.hidden for path in _with_parents(file))


def _with_parents(file: str) -> Iterator[str]:
    while file:
        yield file
        file = file.rpartition("/")[0]


def survey(
    root: Path, on_progress: Callable[[], None], away: Mapping[str, Exception] | None = None
) -> ScanResult:
    """All files below `root` that are not ignored by their names.

    Args:
        root: drop/.
        on_progress: called all along.
        away: folders that are not there now, though what is in them is not gone: mounts.

    Raises:
        OSError: the root itself cannot be read.
    """
    found = ScanResult(hidden=dict(away or {}))
    waiting = [""]
    while waiting:
        relative = waiting.pop()
        try:
            waiting += _look_into(root, relative, found, on_progress)
        except OSError as error:
            if not relative:
                raise
            if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
                found.hidden[relative] = error  # lost+found, a failing disk: what is in it is not gone
        on_progress()
    return found


def look(
    root: Path,
    files: Iterable[str],
    on_progress: Callable[[], None],
    away: Mapping[str, Exception] | None = None,
) -> ScanResult:
    """The same for a few files alone.

    They are opened for it: NFS answers stat from a cache for up to a minute, and asks its server on open.
    """
    found = ScanResult(hidden=dict(away or {}))
    for file in files:
        on_progress()
        if found.hides(file):
            continue
        try:
            facts = _facts(root / file)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            found.hidden[file] = error
            continue
        if stat.S_ISREG(facts.st_mode):
            found.present[file] = _signature(facts)
    return found


def _look_into(root: Path, relative: str, found: ScanResult, on_progress: Callable[[], None]) -> list[str]:
    folders = []
    with os.scandir(root / relative) as entries:
        for entry in entries:
            on_progress()
            if naming.ignored_component(entry.name):
                continue
            path = f"{relative}/{entry.name}" if relative else entry.name
            if entry.is_dir(follow_symlinks=False):
                folders += [] if path in found.hidden else [path]
            elif entry.is_file(follow_symlinks=False):
                _add(path, entry, found)
    return folders


def _add(path: str, entry: os.DirEntry[str], found: ScanResult) -> None:
    try:
        found.present[path] = _signature(entry.stat(follow_symlinks=False))
    except FileNotFoundError:
        return  # gone since the folder was read
    except OSError as error:
        found.hidden[path] = error


def _facts(path: Path) -> os.stat_result:
    facts = path.lstat()
    if not stat.S_ISREG(facts.st_mode):
        return facts
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        return facts
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def _signature(facts: os.stat_result) -> Signature:
    return Signature(facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)
