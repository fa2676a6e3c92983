"""The text of /proc/self/mountinfo as values; its format is in proc_pid_mountinfo(5). Reads nothing."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo: its id, its parent's, its mount point, its type (`ext4`, `fuse.sshfs`).

    `device` and `root` say what is mounted: the file system, and which folder of it.
    """

    id: str
    parent: str
    point: str
    type: str
    device: str = ""
    root: str = "/"


def parse(table: str) -> list[Mount]:
    """The mounts in the text of mountinfo; lines of another form are passed over."""
    mounts = []
    for line in table.split("\n"):
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if separator and len(fields) > 4:
            point, root = _unescaped(fields[4]), _unescaped(fields[3])
            mounts.append(Mount(fields[0], fields[1], point, after.split(" ")[0], fields[2], root))
    return mounts


def points_below(folder: str, mounts: list[Mount]) -> frozenset[str]:
    """The mount points inside of a folder, relative to it.

    A folder that is only mounted on itself, as systemd's ReadWritePaths= does, is none: with or without the
    mount there is the same in it.

    Args:
        folder: an absolute path without symbolic links, as the kernel's table has them.
        mounts: the table.
    """
    prefix = folder.rstrip("/") + "/"
    by_id = {mount.id: mount for mount in mounts}
    return frozenset(
        mount.point.removeprefix(prefix)
        for mount in mounts
        if mount.point.startswith(prefix)
        and mount.point != prefix
        and not _is_on_itself(mount, by_id.get(mount.parent))
    )


def _is_on_itself(mount: Mount, parent: Mount | None) -> bool:
    if parent is None or mount.device != parent.device:
        return False
    below_it = mount.point.removeprefix(parent.point.rstrip("/"))
    return mount.root == parent.root.rstrip("/") + below_it


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
