"""What an OSError means for us: the one table of errno values, for all adapters that touch files."""

import errno
from typing import Final

from camspool.core.errors import StorageTrouble
from camspool.core.values import WaitReason

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_NOT_A_FOLDER: Final = frozenset({errno.ENOTDIR, errno.ELOOP})


def is_full(error: OSError) -> bool:
    """True when there is no room left, on the disk or in the quota."""
    return error.errno in _FULL


def storage_trouble(about: str, error: OSError) -> StorageTrouble:
    """The trouble that `error` stands for.

    Args:
        about: the beginning of the message: a path, or what could not be done with it.
        error: what the kernel said.
    """
    reason = WaitReason.DISK_FULL if is_full(error) else WaitReason.FOLDER_UNAVAILABLE
    return StorageTrouble(reason, f"{about}: {_explained(error)}")


def _explained(error: OSError) -> str:
    if error.errno in _NOT_A_FOLDER:
        return "a file or a symbolic link is where a folder is needed; move it away"
    return error.strerror or str(error)
