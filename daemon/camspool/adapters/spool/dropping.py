"""Putting a request file into drop/, as a careful tool does it; for programs beside the daemon.

Needs neither the lock nor state/. What the file says and what it is called is decided elsewhere.
"""

import contextlib
from pathlib import Path

from camspool.adapters.spool import durable
from camspool.adapters.spool.folder_registry import FolderRegistry
from camspool.adapters.spool.markers import MarkedFolder
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
    registry = FolderRegistry(state)
    with contextlib.suppress(StorageTrouble):
        registry.look()
    marked = MarkedFolder(drop, registry)
    marked.believe()
    with marked.folder(naming.folder_of(file), create=True) as folder:
        try:
            durable.write_new(folder, naming.stem_of(file), data)
        except FileExistsError:
            raise NameTaken(f"{drop / file} is there already.") from None
    return drop / file
