"""Calls that a file system may refuse although the data are safe: modes, times, the fsync of a folder.

CIFS refuses the times of another user's file, exFAT and many FUSE layers refuse modes, several the fsync of a
folder. That is no trouble: it is logged once for each kind of call and file system, and shown by `camspool
check`.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from camspool.core.file_errors import may_have_lost_data

_logged: Final[set[tuple[str, int]]] = set()

log = structlog.get_logger()


def set_mode(descriptor: int, mode: int) -> None:
    """Give an open file these permissions, if that is possible."""
    _try("fchmod", descriptor, lambda: os.fchmod(descriptor, mode))


def set_times(descriptor: int, facts: os.stat_result) -> None:
    """Give an open file the times of another, if that is possible."""
    _try("utime", descriptor, lambda: os.utime(descriptor, ns=(facts.st_atime_ns, facts.st_mtime_ns)))


def sync_file(descriptor: int) -> None:
    """Make what was written to an open file durable, as far as its file system knows how to.

    Raises:
        OSError: the disk failed: the data may be lost.
    """
    _sync("fsync", descriptor)


def sync_folder(folder: int) -> None:
    """Make an open folder's names durable, as far as its file system knows how to.

    Raises:
        OSError: the disk failed: the names may be lost.
    """
    _sync("fsync of a folder", folder)


def _sync(call: str, descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if may_have_lost_data(error):
            raise
        _note(call, descriptor, error)


def _try(call: str, descriptor: int, make: Callable[[], None]) -> None:
    try:
        make()
    except OSError as error:
        _note(call, descriptor, error)


def _note(call: str, descriptor: int, error: OSError) -> None:
    key = call, os.fstat(descriptor).st_dev
    if key not in _logged:
        _logged.add(key)
        log.info("call_refused", call=call, path=_path_of(descriptor), problem=error.strerror or str(error))


def _path_of(descriptor: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())
    except OSError:
        return "unknown"
