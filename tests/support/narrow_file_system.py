"""A folder whose file system cannot hold every name, imitated at the calls that the kernel would refuse."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def a_file_system(root: Path, number: int, forbidden: str = ":", longest: int = 255) -> Iterator[None]:
    """While the block runs, nothing below `root` is made whose name has a forbidden character or is too long.

    Args:
        root: the folder.
        number: the errno by which it refuses such names.
        forbidden: the characters.
        longest: bytes of a name.
    """
    real = {call: getattr(os, call) for call in ("open", "mkdir", "rename", "stat")}

    def check(path: Any, folder: int | None, *, making: bool) -> None:
        if not isinstance(path, str) or not _is_below(root, path, folder):
            return
        name = path.rpartition("/")[2]
        if set(forbidden) & set(name) or len(os.fsencode(name)) > longest:
            code = number if making else errno.ENOENT
            raise OSError(code, os.strerror(code))

    def opened(path: Any, flags: int, *arguments: Any, dir_fd: int | None = None) -> Any:
        check(path, dir_fd, making=bool(flags & os.O_CREAT))
        return real["open"](path, flags, *arguments, dir_fd=dir_fd)

    def made(path: Any, *arguments: Any, dir_fd: int | None = None) -> Any:
        check(path, dir_fd, making=True)
        return real["mkdir"](path, *arguments, dir_fd=dir_fd)

    def renamed(source: Any, target: Any, **folders: Any) -> Any:
        check(target, folders.get("dst_dir_fd"), making=True)
        return real["rename"](source, target, **folders)

    def looked(path: Any, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> Any:
        check(path, dir_fd, making=False)
        return real["stat"](path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)

    with pytest.MonkeyPatch.context() as patch:
        for call, replaced in (("open", opened), ("mkdir", made), ("rename", renamed), ("stat", looked)):
            patch.setattr(os, call, replaced)
        yield


def _is_below(root: Path, path: str, folder: int | None) -> bool:
    place = path if folder is None else str(Path(f"/proc/self/fd/{folder}").readlink())
    return Path(place).is_relative_to(root)
