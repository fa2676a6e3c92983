"""What the file system of a folder can and cannot do, found out by trying with files that are deleted.

A table of file systems would not do: nobody can see from here what lies behind a network share. The names of
the files begin with a dot, so that no watcher takes them for anything.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from camspool.adapters.spool import durable
from camspool.adapters.spool.names import try_file
from camspool.adapters.spool.temporary import temporary_name
from camspool.core.file_errors import NameRefused

LONGEST: Final = 255
"""Bytes of the longest name on nearly every file system of Linux."""
_SHORTEST: Final = 64
_SPECIAL: Final = ':?*"<>|\\'
_ENDS: Final = (".", " ")
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class FolderTraits:
    """What was found.

    Args:
        refused: the calls that fail although the data are safe, each with the kernel's words.
        longest_name: bytes of the longest name that it takes.
        forbidden: the characters that it takes in no name.
        ends: the characters that it takes nowhere but at the end of a name.
        ignores_case: whether `a` and `A` are one name.
    """

    refused: tuple[tuple[str, str], ...]
    longest_name: int
    forbidden: str
    ends: str
    ignores_case: bool


def traits(folder: int) -> FolderTraits:
    """Try everything in an open folder.

    Raises:
        OSError: no file at all can be written there.
    """
    return FolderTraits(
        refused=tuple(_refused(folder)),
        longest_name=_longest_name(folder),
        forbidden="".join(each for each in _SPECIAL if not _takes(folder, f"{temporary_name()}{each}x")),
        ends="".join(each for each in _ENDS if not _takes(folder, temporary_name() + each)),
        ignores_case=_ignores_case(folder),
    )


def _refused(folder: int) -> Iterator[tuple[str, str]]:
    name = temporary_name()
    descriptor = os.open(name, _NEW, 0o600, dir_fd=folder)
    try:
        yield from _tried("chmod", lambda: os.fchmod(descriptor, 0o640))
        yield from _tried("utime", lambda: os.utime(descriptor, (1_000_000_000, 1_000_000_000)))
    finally:
        durable.release(descriptor)
        durable.remove(folder, name)
    yield from _tried("fsync of a folder", lambda: os.fsync(folder))


def _tried(call: str, make: Callable[[], None]) -> Iterator[tuple[str, str]]:
    try:
        make()
    except OSError as error:
        yield call, error.strerror or str(error)


def _longest_name(folder: int) -> int:
    """By bisection; every file system takes 64 bytes."""
    takes, refuses = _SHORTEST, LONGEST + 1
    while refuses - takes > 1:
        middle = LONGEST if takes == _SHORTEST and refuses == LONGEST + 1 else (takes + refuses) // 2
        if _takes(folder, temporary_name().ljust(middle, "x")):
            takes = middle
        else:
            refuses = middle
    return takes


def _takes(folder: int, name: str) -> bool:
    try:
        try_file(folder, name)
    except NameRefused:
        return False
    return True


def _ignores_case(folder: int) -> bool:
    name = temporary_name()
    durable.release(os.open(name, _NEW, 0o600, dir_fd=folder))
    try:
        return durable.exists(folder, name.upper())
    finally:
        durable.remove(folder, name)
