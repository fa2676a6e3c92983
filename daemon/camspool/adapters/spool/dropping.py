"""Putting a request file into drop/, deleting it there, moving it back; for programs beside the daemon.

Needs neither the lock nor state/. What the file says and what it is called is decided elsewhere.
"""

import contextlib
import errno
import os
from pathlib import Path

from camspool.adapters.spool import durable
from camspool.adapters.spool.courtesy import sync_folder
from camspool.adapters.spool.folder_registry import FolderRegistry
from camspool.adapters.spool.markers import MarkedFolder, ObservedFolder
from camspool.core import naming
from camspool.core.errors import NameTaken, StorageTrouble


def put(drop: Path, state: Path, file: str, data: bytes) -> Path:
    """Write a new file below drop/, whole and durable when it appears; folders on the way are made.

    Args:
        drop: the folder.
        state: where it is remembered which folder that is; whoever may not read there trusts any marker.
        file: the path below drop/.
        data: the file's bytes.

    Returns:
        Where it lies.

    Raises:
        NameTaken: something has that path; nothing was written.
        StorageTrouble: drop/ is not there (or not mounted), or cannot be written.
        ValueError: the path would lead out of drop/.
    """
    with _believed(drop, state).folder(naming.folder_of(file), create=True) as folder:
        try:
            durable.write_new(folder, naming.stem_of(file), data)
        except FileExistsError:
            raise NameTaken(f"{drop / file} is there already.") from None
    return drop / file


def withdraw(drop: Path, state: Path, file: str) -> bool:
    """Delete a file below drop/, durably; a daemon then cancels its request.

    Args:
        drop: the folder.
        state: as for `put`.
        file: the path below drop/.

    Returns:
        False if it was not there (any more).

    Raises:
        StorageTrouble: drop/ is not there (or not mounted), or the file may not be deleted.
        ValueError: the path would lead out of drop/.
    """
    try:
        with _believed(drop, state).folder(naming.folder_of(file)) as folder:
            removed = durable.remove(folder, naming.stem_of(file))
            sync_folder(folder)
    except FileNotFoundError:
        return False
    return removed


def move_back(mirror: Path, filed_as: str, drop: Path, state: Path, file: str) -> Path:
    """Move a request file that was filed in the mirror back into drop/, where a daemon takes it up again.

    Between file systems it is copied first: a kill in between leaves it in both, which does no harm.

    Args:
        mirror: the mirror.
        filed_as: the file's path below it.
        drop: the drop folder.
        state: as for `put`.
        file: its path below drop/.

    Returns:
        Where it lies now.

    Raises:
        FileNotFoundError: it is not in the mirror (any more).
        NameTaken: something has that path in drop/; nothing was moved.
        StorageTrouble: one of the folders is not there, or may not be written.
        ValueError: a path would lead out of its folder.
    """
    with (
        ObservedFolder(mirror).folder(naming.folder_of(filed_as)) as source,
        _believed(drop, state).folder(naming.folder_of(file), create=True) as destination,
    ):
        try:
            _move_new(source, naming.stem_of(filed_as), destination, naming.stem_of(file))
        except FileExistsError:
            raise NameTaken(f"{drop / file} is there already.") from None
        sync_folder(destination)
        sync_folder(source)
    return drop / file


def _believed(drop: Path, state: Path) -> MarkedFolder:
    registry = FolderRegistry(state)
    with contextlib.suppress(StorageTrouble):
        registry.look()
    marked = MarkedFolder(drop, registry)
    marked.believe()
    return marked


def _move_new(source: int, name: str, destination: int, new_name: str) -> None:
    try:
        durable.rename_new(source, name, destination, new_name)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with durable.opened(source, name) as descriptor:
            if descriptor is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name) from None
            temporary = durable.copy(descriptor, destination)
        try:
            durable.rename_new(destination, temporary, destination, new_name)
        finally:
            durable.remove(destination, temporary)
        sync_folder(destination)
        durable.remove(source, name)
