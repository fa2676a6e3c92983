"""Watching drop/: which files are settled, which are gone."""

from camspool.adapters.watch.file_systems import file_system_of, inotify_works, why_inotify, why_polling
from camspool.adapters.watch.limits import InotifyLimits, folders_in, inotify_limits
from camspool.adapters.watch.watcher import Change, DropWatcher, Gone, Settled, WatchSettings

__all__ = [
    "Change",
    "DropWatcher",
    "Gone",
    "InotifyLimits",
    "Settled",
    "WatchSettings",
    "file_system_of",
    "folders_in",
    "inotify_limits",
    "inotify_works",
    "why_inotify",
    "why_polling",
]
