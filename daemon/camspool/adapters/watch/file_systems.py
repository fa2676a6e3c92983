"""Which file system a folder is on, and whether inotify reports everything that happens there.

On network and FUSE file systems changes made by other machines raise no event, and no error either.
"""

import os
from pathlib import Path
from typing import Final

from camspool.core.mount_table import Mount, parse

UNKNOWN: Final = "unknown"
_MOUNTS: Final = Path("/proc/self/mountinfo")
_LOCAL: Final = frozenset(
    {"bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "hfs", "hfsplus", "jfs", "jffs2", "msdos"}
    | {"nilfs2", "ntfs", "ntfs3", "overlay", "ramfs", "reiserfs", "rootfs", "tmpfs", "ubifs", "udf", "vfat"}
    | {"xfs", "zfs"}
)
"""File systems that only this kernel writes to. What is not listed is polled: late is better than never."""


def file_system_of(path: Path, mounts: Path = _MOUNTS) -> str:
    """The type of the file system that `path` is on; `unknown` where that cannot be found out.

    Symbolic links are followed; a path that does not exist yet counts where it would be made.
    """
    try:
        table = mounts.read_text("utf-8", "surrogateescape")
    except OSError:
        return UNKNOWN
    return type_at(os.path.realpath(path), parse(table))


def inotify_works(file_system: str) -> bool:
    """True when all changes there are made through this kernel, so that inotify sees them."""
    return file_system in _LOCAL


def why_polling(wanted: str, file_system: str) -> str:
    """Why a folder is polled; empty where inotify is to be used.

    Args:
        wanted: `auto`, `inotify` or `polling`.
        file_system: its type.
    """
    if wanted == "polling":
        return "configured"
    if wanted == "auto" and not inotify_works(file_system):
        return f"inotify does not see what other machines change on {file_system}"
    return ""


def why_inotify(wanted: str, file_system: str) -> str:
    """Why a folder that needs no polling is watched by inotify."""
    return "configured" if wanted == "inotify" else f"{file_system} is local"


def type_at(path: str, mounts: list[Mount]) -> str:
    """The type at an absolute `path`, found as the kernel does it: from the top, into each mount on the way.

    So of two mounts on one point the upper one counts, and a mount hides older ones below its point.
    """
    ids = {mount.id for mount in mounts}
    here = [mount for mount in mounts if _holds(mount.point, path)]
    on_top = [mount for mount in here if mount.parent not in ids or mount.parent == mount.id]
    if not on_top:
        return UNKNOWN
    current = max(on_top, key=lambda mount: len(mount.point))
    while inside := [mount for mount in here if mount.parent == current.id != mount.id]:
        current = min(inside, key=lambda mount: len(mount.point))
    return current.type


def _holds(point: str, path: str) -> bool:
    return point in {"/", path} or path.startswith(point + "/")
