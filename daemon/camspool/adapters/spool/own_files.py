"""Files of our own in mirror/ that belong to no single request, such as the page.

They can all be made again from the status files, so nothing here is synced to the disk.
"""

import contextlib
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from itertools import groupby

from camspool.adapters.spool.durable import exists, remove, write
from camspool.adapters.spool.markers import MarkedFolder
from camspool.core import naming


class OwnFiles:
    """Paths are below mirror/. All methods block, and raise StorageTrouble while it cannot be used."""

    def __init__(self, mirror: MarkedFolder) -> None:
        self._mirror = mirror

    def opened(self, path: str) -> AbstractContextManager[int | None]:
        """A descriptor to read a regular file; None when there is none."""
        return self._mirror.opened(path)

    def read(self, path: str) -> bytes | None:
        """The file's bytes; None when there is no such regular file."""
        with self.opened(path) as descriptor:
            if descriptor is None:
                return None
            with open(descriptor, "rb", closefd=False) as file:
                return file.read()

    def write(self, path: str, data: bytes) -> None:
        """Replace the file atomically, making its folder where needed."""
        with self._mirror.folder(naming.folder_of(path), create=True) as folder:
            write(folder, naming.stem_of(path), data, durable=False)

    def remove(self, path: str) -> bool:
        """Delete the file; False when there is none, and where it is a folder, which stays."""
        with (
            contextlib.suppress(FileNotFoundError),
            self._mirror.folder(naming.folder_of(path)) as folder,
            contextlib.suppress(IsADirectoryError),
        ):
            return remove(folder, naming.stem_of(path))
        return False

    def exists(self, path: str) -> bool:
        """True when anything at all has this path."""
        return self._mirror.facts(path) is not None

    def names(self, path: str) -> set[str]:
        """What is in the folder; nothing when it is not there."""
        try:
            with self._mirror.folder(path) as folder:
                return set(os.listdir(folder))  # noqa: PTH208 - a descriptor is no path
        except FileNotFoundError:
            return set()

    def missing(self, paths: Iterable[str]) -> set[str]:
        """Those of the paths that nothing has; each folder is opened once."""
        missing: set[str] = set()
        for folder_path, found in groupby(sorted(paths, key=naming.folder_of), naming.folder_of):
            inside = set(found)
            with contextlib.suppress(FileNotFoundError), self._mirror.folder(folder_path) as folder:
                inside = {path for path in inside if not exists(folder, naming.stem_of(path))}
            missing |= inside
        return missing
