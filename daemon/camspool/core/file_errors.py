"""What an OSError means for us: the one table of errno values, for all adapters that touch files."""

import errno
from typing import Final

from camspool.core.errors import NameNotHeld, StorageTrouble
from camspool.core.values import WaitReason

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_REFUSED_LOOKUP: Final = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ})
_REFUSED_NAME: Final = _REFUSED_LOOKUP | {errno.ENOENT, errno.EPERM, errno.EACCES, errno.ENOTSUP}
_REFUSED_CALL: Final = frozenset(
    {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EACCES, errno.ENOTTY}
    | {errno.EBADF, errno.EISDIR}
)
_NOT_A_FOLDER: Final = frozenset({errno.ENOTDIR, errno.ELOOP})


def is_full(error: OSError) -> bool:
    """True when there is no room left, on the disk or in the quota."""
    return error.errno in _FULL


def is_read_only(error: OSError) -> bool:
    """True when nobody, or only somebody else, may write there."""
    return error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}


def may_have_lost_data(error: OSError) -> bool:
    """True when an fsync failed at writing; False when the file system only does not know how to do it."""
    return error.errno not in _REFUSED_CALL


class NameRefused(OSError):
    """The file system does not take a name, though it takes others: see `adapters/spool/names.py`."""


def may_refuse_a_name(error: OSError) -> bool:
    """True when making a name may have failed because of the name itself; only trying another one tells.

    eCryptfs says ENAMETOOLONG, vfat and exFAT EINVAL, ZFS EILSEQ; a server behind CIFS makes it ENOENT
    (STATUS_OBJECT_NAME_INVALID in the kernel's smb2maperror.c), EACCES or EPERM.
    """
    return error.errno in _REFUSED_NAME


def cannot_exist(error: OSError) -> bool:
    """True when a look-up failed because the file system could not hold such a name: then nothing has it."""
    return error.errno in _REFUSED_LOOKUP


def storage_trouble(about: str, error: OSError) -> StorageTrouble:
    """The trouble that `error` stands for.

    Args:
        about: the beginning of the message: a path, or what could not be done with it.
        error: what the kernel said.
    """
    if isinstance(error, NameRefused):
        return NameNotHeld(f"{about}: {error.strerror}", error.strerror or str(error))
    reason = WaitReason.DISK_FULL if is_full(error) else WaitReason.FOLDER_UNAVAILABLE
    return StorageTrouble(reason, f"{about}: {_explained(error)}")


def _explained(error: OSError) -> str:
    if error.errno in _NOT_A_FOLDER:
        return "a file or a symbolic link is where a folder is needed; move it away"
    return error.strerror or str(error)
