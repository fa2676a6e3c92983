"""Finding out whether a file system takes a name: the errno of the real call, and a second name beside it.

A table of file systems would not do: nobody can see from here what lies behind a network share, or below an
encrypted folder.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Final

from camspool.adapters.spool.temporary import temporary_name
from camspool.core.file_errors import NameRefused, may_refuse_a_name

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def naming_file(folder: int, name: str) -> Iterator[None]:
    """Turn the OSError of a block that gives a file its name into NameRefused, where the name is at fault.

    Raises:
        NameRefused: the folder takes files, but none of this name.
        OSError: as the block raised it, in all other cases.
    """
    with _refusing(folder, name, _make_file):
        yield


@contextlib.contextmanager
def naming_folder(folder: int, name: str) -> Iterator[None]:
    """The same for a block that makes a folder."""
    with _refusing(folder, name, _make_folder):
        yield


def try_file(folder: int, name: str) -> None:
    """Make an empty file and delete it, unless something has the name.

    Raises:
        NameRefused: the folder takes files, but none of this name.
        OSError: it takes no file at all now.
    """
    with naming_file(folder, name), contextlib.suppress(FileExistsError):
        _make_file(folder, name)


@contextlib.contextmanager
def _refusing(folder: int, name: str, make: Callable[[int, str], None]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if may_refuse_a_name(error) and not _takes(make, folder, name) and _takes_another(make, folder):
            raise NameRefused(error.errno, os.strerror(error.errno or 0), name) from error
        raise


def _takes(make: Callable[[int, str], None], folder: int, name: str) -> bool:
    try:
        make(folder, name)
    except FileExistsError:
        return True
    except OSError as error:
        return not may_refuse_a_name(error)  # else it may be the disk, which cannot be determined now
    return True


def _takes_another(make: Callable[[int, str], None], folder: int) -> bool:
    try:
        make(folder, temporary_name())
    except OSError:
        return False
    return True


def _make_file(folder: int, name: str) -> None:
    descriptor = os.open(name, _NEW, 0o666, dir_fd=folder)
    try:
        os.unlink(name, dir_fd=folder)
    finally:
        os.close(descriptor)


def _make_folder(folder: int, name: str) -> None:
    os.mkdir(name, dir_fd=folder)
    os.rmdir(name, dir_fd=folder)
