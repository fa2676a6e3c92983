"""watchdog's inotify: is it of use here, is it still running, and what it tells, as hints.

Its threads may die, and after a remount its root is another folder, both without a word: so it is tended.
"""

import contextlib
import logging
import os
import threading
import warnings
from pathlib import Path
from typing import Final

import structlog
from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.inotify import InotifyObserver
from watchdog.observers.inotify_move_event_grouper import InotifyMoveEventGrouper
from watchdog.utils import BaseThread

from camspool.adapters.watch.file_systems import UNKNOWN, file_system_of, why_inotify, why_polling
from camspool.adapters.watch.hints import Hints

_FIRST_RETRY: Final = 10.0
_LONGEST_RETRY: Final = 600.0

# Reading a file ourselves raises `opened` and `closed_no_write`: those must not be hints.
_EVENTS: Final[list[type[FileSystemEvent]]] = [
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
]

log = structlog.get_logger()

_MOVE_S: Final = 0.02
"""How long the library waits for the second half of a move, while it holds up all that comes after it.

By default it is 0.5 s. A file that is moved out of drop/, as each request is in the end, has only the first
half, and the kernel reports both halves at once.
"""


class Observer:
    """Keeps inotify running where it is of use, and says how changes are noticed; called from threads.

    Args:
        drop: the folder to watch, with all below it.
        wanted: `auto`, `inotify` or `polling`.
        hints: where changes are reported.
    """

    def __init__(self, drop: Path, wanted: str, hints: Hints) -> None:
        self._drop = drop
        self._wanted = wanted
        self._hints = hints
        self._lock = threading.Lock()
        self._closed = False
        self._inotify: _Inotify | None = None
        self._retry = _FIRST_RETRY
        self._retry_at = float("-inf")
        self.file_system = UNKNOWN
        self.mode = "polling"
        self.reason = "not started"

    def tend(self, now: float) -> None:
        """Start, restart or stop inotify, as the folder is at `now` (monotonic seconds)."""
        with self._lock:
            if self._closed:
                return
            self.file_system = file_system_of(self._drop)
            unwanted = why_polling(self._wanted, self.file_system)
            if unwanted or (self._inotify and not self._inotify.works()):
                self._stop()
            if unwanted:
                self._say("polling", unwanted)
            elif self._inotify is None and now >= self._retry_at:
                self._start(now)

    def open(self) -> None:
        """Let `tend` start inotify, also after `close`."""
        with self._lock:
            self._closed = False

    def close(self) -> None:
        """Stop, and start no more until `open`."""
        with self._lock:
            self._closed = True
            self._stop()

    def _start(self, now: float) -> None:
        try:
            self._inotify = _Inotify(self._drop, self._hints)
        except OSError as error:
            self._retry_at = now + self._retry
            self._retry = min(self._retry * 2, _LONGEST_RETRY)
            self._say("polling", f"inotify could not be started: {error.strerror or error}")
            return
        self._retry = _FIRST_RETRY
        self._say("inotify", why_inotify(self._wanted, self.file_system))

    def _stop(self) -> None:
        if self._inotify is not None:
            self._inotify.stop()
            self._inotify = None

    def _say(self, mode: str, reason: str) -> None:
        if (mode, reason) != (self.mode, self.reason):
            log.info("watching", mode=mode, reason=reason, file_system=self.file_system)
        self.mode, self.reason = mode, reason


class _Inotify:
    """A running observer of one folder tree.

    Raises:
        OSError: it cannot be started: no such folder, or no inotify watches or instances left.
    """

    def __init__(self, root: Path, hints: Hints) -> None:
        self._root = root
        self._identity = _identity(root)
        real = root.resolve()  # the root itself may be a symbolic link, which would be watched instead
        # Full events: a file moved in from elsewhere is `moved` then, not `created` like one being written.
        before = set(threading.enumerate())
        _adjust_library()
        self._observer = InotifyObserver(generate_full_events=True)
        try:
            self._observer.schedule(_Handler(real, hints), str(real), recursive=True, event_filter=_EVENTS)
            self._observer.start()
        except BaseException:
            self._observer.stop()
            raise
        started = set(threading.enumerate()) - before
        self._threads = [thread for thread in started if isinstance(thread, BaseThread)]

    def works(self) -> bool:
        """False when a thread has died, or the path leads to another folder than the one watched."""
        if not all(thread.is_alive() for thread in self._threads):
            return False
        try:
            return _identity(self._root) == self._identity
        except OSError:
            return False

    def stop(self) -> None:
        """Stop the threads and wait for them."""
        self._observer.stop()
        with contextlib.suppress(RuntimeError):  # it had not come up
            self._observer.join()


class _Handler(FileSystemEventHandler):
    def __init__(self, root: Path, hints: Hints) -> None:
        self._prefix = f"{root}/"
        self._hints = hints

    def dispatch(self, event: FileSystemEvent) -> None:
        if event.is_directory:
            self._hints.add_everything()
            return
        source, target = os.fsdecode(event.src_path), os.fsdecode(event.dest_path)
        for path in filter(None, (source, target)):
            if path.startswith(self._prefix):
                self._hints.add(path.removeprefix(self._prefix), renamed=path == target)


def _adjust_library() -> None:
    """Make watchdog fit; for all of it, since its observers have no arguments for these (7.1)."""
    InotifyMoveEventGrouper.delay = _MOVE_S
    logging.getLogger("watchdog.observers.inotify").addFilter(_is_worth_logging)
    # It warns when a folder and one inside it appear at once, which is harmless; but where warnings are
    # errors, that ends its reading thread.
    warnings.filterwarnings("ignore", r"Callback with id '\d+' already exists", RuntimeWarning)


def _is_worth_logging(record: logging.LogRecord) -> bool:
    """False of what watchdog calls an error: that its threads are asked to stop while they wait."""
    return "when the thread is inactive" not in record.getMessage()


def _identity(root: Path) -> tuple[int, int]:
    facts = root.stat()
    return facts.st_dev, facts.st_ino
