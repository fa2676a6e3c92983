"""Tests whether a folder can be written, with a small file that is then deleted: mode bits do not say enough.

The file is durable and arrives by a rename, like everything that camspool writes; its name begins with a dot,
so that no watcher picks it up.
"""

import errno
from typing import Final

from camspool.adapters.spool import durable
from camspool.adapters.spool.temporary import temporary_name

_PROBE: Final = ".camspool-probe"
_TEXT: Final = b"camspool writes this to try the folder, and deletes it.\n"


def probe(folder: int) -> None:
    """Write a file in an open folder and delete it.

    Raises:
        OSError: that fails.
    """
    durable.write(folder, _PROBE, _TEXT, durable=True)
    durable.remove(folder, _PROBE)


def renames(source: int, destination: int) -> bool:
    """True when a file can be renamed from one open folder to the other, False when it must be copied.

    Two mounts of one file system are two file systems to a rename, so only trying tells.

    Raises:
        OSError: one of them cannot be written.
    """
    moved = temporary_name()
    durable.write(source, moved, _TEXT, durable=False)
    try:
        durable.rename_new(source, moved, destination, moved)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    finally:
        durable.remove(source, moved)
        durable.remove(destination, moved)
    return True
