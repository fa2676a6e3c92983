"""Which mount points there are now, by /proc/self/mountinfo: a bind mount has no device number of its own."""

import contextlib
import os
import select
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from camspool.core.mount_table import Mount, parse, points_below

_TABLE: Final = Path("/proc/self/mountinfo")

log = structlog.get_logger()


class MountTable:
    """The kernel's table, read again only when the kernel says that it has changed (see proc(5)).

    Args:
        path: the table.
        changed: True when it may have changed since the last call; None: ask the kernel.
    """

    def __init__(self, path: Path = _TABLE, changed: Callable[[], bool] | None = None) -> None:
        self._path = path
        self._changed = changed or self._ask_kernel
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._mounts: list[Mount] = []
        self._version = 0

    @property
    def version(self) -> int:
        """Another number whenever the table may have changed."""
        with self._lock:
            if self._changed() or self._version == 0:
                self._mounts = self._read()
                self._version += 1
            return self._version

    def below(self, folder: Path) -> frozenset[str]:
        """The mount points inside of a folder, relative to it, as they are at the last `version`."""
        return points_below(os.path.realpath(folder), self._mounts)

    def close(self) -> None:
        """Give the descriptor up."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _ask_kernel(self) -> bool:
        if self._descriptor is None:
            with contextlib.suppress(OSError):
                self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            return True
        poll = select.poll()
        poll.register(self._descriptor, select.POLLERR | select.POLLPRI)
        return bool(poll.poll(0))

    def _read(self) -> list[Mount]:
        try:
            return parse(self._path.read_text("utf-8", "surrogateescape"))
        except OSError as error:
            if self._version == 0:
                log.warning("mounts_unknown", problem=str(error), consequence="none is looked for below")
            return self._mounts


def mounts_below(folder: Path) -> frozenset[str]:
    """The mount points inside of a folder now, relative to it; for those who look once."""
    table = MountTable()
    try:
        return table.below(folder) if table.version else frozenset()
    finally:
        table.close()
