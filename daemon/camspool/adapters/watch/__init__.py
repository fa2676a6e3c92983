"""Watching drop/: which files are settled, which are gone."""

from camspool.adapters.watch.file_systems import file_system_of, inotify_works
from camspool.adapters.watch.watcher import Change, DropWatcher, Gone, Settled, WatchSettings

__all__ = ["Change", "DropWatcher", "Gone", "Settled", "WatchSettings", "file_system_of", "inotify_works"]
