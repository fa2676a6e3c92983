"""The text of /proc/self/mountinfo as values; its format is in proc_pid_mountinfo(5). Reads nothing."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo: its id, its parent's, its mount point, its type (`ext4`, `fuse.sshfs`)."""

    id: str
    parent: str
    point: str
    type: str


def parse(table: str) -> list[Mount]:
    """The mounts in the text of mountinfo; lines of another form are passed over."""
    mounts = []
    for line in table.split("\n"):
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if separator and len(fields) > 4:
            mounts.append(Mount(fields[0], fields[1], _unescaped(fields[4]), after.split(" ")[0]))
    return mounts


def points_below(folder: str, mounts: list[Mount]) -> frozenset[str]:
    """The mount points inside of a folder, relative to it.

    Args:
        folder: an absolute path without symbolic links, as the kernel's table has them.
        mounts: the table.
    """
    prefix = folder.rstrip("/") + "/"
    return frozenset(
        mount.point.removeprefix(prefix)
        for mount in mounts
        if mount.point.startswith(prefix) and mount.point != prefix
    )


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
