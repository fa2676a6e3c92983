"""A FUSE file system in memory that knows what a power cut would leave of it; a program of its own.

After each operation that changes what is on the disk it writes that down as an image: a folder with the files
as they would be found after a cut at this moment. What was not fsynced is lost, in one of two ways (`Disk`).
"""

import argparse
import errno
import os
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import mfusepy

Disk = Literal["lazy", "journal"]
"""`lazy`: names too are only on the disk once their folder was fsynced, as POSIX allows. `journal`: names are
on the disk at once and in order, as a journal keeps them, while data that was not fsynced is lost: a file
that was renamed over another without fsync is empty then."""


@dataclass(eq=False)
class File:
    """A file: its bytes now, and those that were fsynced."""

    data: bytearray = field(default_factory=bytearray)
    synced: bytes = b""
    mode: int = stat.S_IFREG | 0o644
    changed_ns: int = field(default_factory=time.time_ns)


@dataclass(eq=False)
class Folder:
    """A folder: its names now, and those that were fsynced."""

    entries: "dict[str, File | Folder]" = field(default_factory=dict)
    synced: "dict[str, File | Folder]" = field(default_factory=dict)
    mode: int = stat.S_IFDIR | 0o755
    changed_ns: int = field(default_factory=time.time_ns)


class LossyFileSystem(mfusepy.Operations):  # type: ignore[misc]  # it comes without types
    """The tree, and its images: `images`/00001, 00002 and so on, one for each change on the disk."""

    use_ns = True

    def __init__(self, images: Path, disk: Disk) -> None:
        self._images = images
        self._disk = disk
        self._root = Folder()
        self._open: dict[int, File] = {}
        self._count = 0
        self._inodes: dict[File | Folder, int] = {}

    # What a power cut would leave

    def _changed(self) -> None:
        self._count += 1
        unfinished = self._images / ".unfinished"
        self._write(self._root, unfinished)
        unfinished.rename(self._images / f"{self._count:05d}")

    def _write(self, folder: Folder, place: Path) -> None:
        place.mkdir()
        for name, node in (folder.synced if self._disk == "lazy" else folder.entries).items():
            if isinstance(node, Folder):
                self._write(node, place / name)
            else:
                (place / name).write_bytes(node.synced)

    def _names_changed(self) -> None:
        if self._disk == "journal":
            self._changed()

    # Names

    def _node(self, path: str) -> File | Folder:
        node: File | Folder = self._root
        for name in filter(None, path.split("/")):
            if not isinstance(node, Folder) or name not in node.entries:
                raise mfusepy.FuseOSError(errno.ENOENT)
            node = node.entries[name]
        return node

    def _file(self, path: str) -> File:
        node = self._node(path)
        if isinstance(node, Folder):
            raise mfusepy.FuseOSError(errno.EISDIR)
        return node

    def _folder(self, path: str) -> Folder:
        node = self._node(path)
        if isinstance(node, File):
            raise mfusepy.FuseOSError(errno.ENOTDIR)
        return node

    def _place(self, path: str) -> tuple[Folder, str]:
        parent, _, name = path.rpartition("/")
        return self._folder(parent), name

    def mkdir(self, path: str, mode: int) -> int:
        folder, name = self._place(path)
        folder.entries[name] = Folder(mode=stat.S_IFDIR | mode)
        self._names_changed()
        return 0

    def rmdir(self, path: str) -> int:
        folder, name = self._place(path)
        if self._folder(path).entries:
            raise mfusepy.FuseOSError(errno.ENOTEMPTY)
        del folder.entries[name]
        self._names_changed()
        return 0

    def unlink(self, path: str) -> int:
        self._file(path)
        folder, name = self._place(path)
        del folder.entries[name]
        self._names_changed()
        return 0

    def rename(self, old: str, new: str) -> int:
        node = self._node(old)
        (source, name), (target, new_name) = self._place(old), self._place(new)
        if isinstance(target.entries.get(new_name), Folder):
            raise mfusepy.FuseOSError(errno.EISDIR)
        del source.entries[name]
        target.entries[new_name] = node
        node.changed_ns = time.time_ns()
        self._names_changed()
        return 0

    def readdir(self, path: str, fh: int) -> list[str]:
        return [".", "..", *self._folder(path).entries]

    # Files

    def create(self, path: str, mode: int, fi: object = None) -> int:
        folder, name = self._place(path)
        folder.entries[name] = file = File(mode=stat.S_IFREG | mode)
        self._names_changed()
        return self._opened(file)

    def open(self, path: str, flags: int) -> int:
        return self._opened(self._file(path))

    def _opened(self, file: File) -> int:
        handle = max(self._open, default=0) + 1
        self._open[handle] = file
        return handle

    def release(self, path: str, fh: int) -> int:
        del self._open[fh]
        return 0

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return bytes(self._open[fh].data[offset : offset + size])

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        file = self._open[fh]
        file.data.extend(bytes(max(0, offset - len(file.data))))
        file.data[offset : offset + len(data)] = data
        file.changed_ns = time.time_ns()
        return len(data)

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        file = self._file(path) if fh is None else self._open[fh]
        del file.data[length:]
        file.data.extend(bytes(length - len(file.data)))
        file.changed_ns = time.time_ns()
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        file = self._open[fh]
        file.synced = bytes(file.data)
        self._changed()
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        folder = self._folder(path)
        folder.synced = dict(folder.entries)
        self._changed()
        return 0

    # Facts

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        node = self._open[fh] if fh is not None and fh in self._open else self._node(path)
        times = dict.fromkeys(("st_atime", "st_mtime", "st_ctime"), node.changed_ns)
        size = len(node.data) if isinstance(node, File) else 0
        inode = self._inodes.setdefault(node, len(self._inodes) + 1)
        return {"st_mode": node.mode, "st_nlink": 1, "st_size": size, "st_ino": inode, **times}

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
        self._node(path).changed_ns = times[1] if times else time.time_ns()
        return 0

    def chmod(self, path: str, mode: int) -> int:
        node = self._node(path)
        node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(mode)
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        return {
            "f_bsize": 4096,
            "f_frsize": 4096,
            "f_blocks": 1 << 20,
            "f_bfree": 1 << 19,
            "f_bavail": 1 << 19,
        }


class Mount(mfusepy.FUSE):  # type: ignore[misc]  # it comes without types
    """Like many a network file system, it cannot rename without replacing; mfusepy would replace."""

    def rename_fuse_3(self, old: bytes, new: bytes, flags: int) -> int:
        return -errno.EINVAL if flags else int(super().rename_fuse_3(old, new, flags))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mount_point", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("disk", choices=["lazy", "journal"])
    arguments = parser.parse_args()
    os.umask(0)
    file_system = LossyFileSystem(arguments.images, arguments.disk)
    Mount(file_system, str(arguments.mount_point), foreground=True, nothreads=True, hard_remove=True)


if __name__ == "__main__":
    main()
