"""Moving a request file from one open folder to another, while its owner may replace it at any moment.

The rule: what is moved is the version that was worked on; a newer one stays, or is put back, where it was.
"""

import contextlib
import errno
import os
from dataclasses import dataclass
from itertools import count

from camspool.adapters.spool import durable
from camspool.core import naming


@dataclass(frozen=True, slots=True)
class Moving:
    """From `name` in the folder `source` to `target` in the folder `destination`; both are descriptors."""

    source: int
    name: str
    destination: int
    target: str
    replace: bool


def move(moving: Moving, sha256: str | None) -> str | None:
    """Move the file; see `Spool.file_away`. Returns the name that it got, None when it was not moved."""
    if not _is_version(moving.source, moving.name, sha256):
        return None
    try:
        used = _place(moving.source, moving.name, moving)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return _move_across(moving, sha256)
    # Only now can nobody replace it any more: look again at what was moved.
    if not _is_version(moving.destination, used, sha256):
        _give_back(moving, moving.destination, used)
        return None
    _sync(moving.destination, used)
    durable.sync_folder(moving.destination)
    durable.sync_folder(moving.source)
    return used


def find(folder: int, target: str, sha256: str) -> str | None:
    """The name that `move` gave a file with this content; None when there is none."""
    for number in count(1):
        name = naming.numbered_file(target, number)
        if _is_version(folder, name, sha256):
            return name
        if not durable.exists(folder, name):
            return None
    raise AssertionError("numbers do not end")


def _move_across(moving: Moving, sha256: str | None) -> str | None:
    """The same between file systems: the copy is durable before the original goes."""
    with durable.opened(moving.source, moving.name) as descriptor:
        if descriptor is None:
            return None
        temporary, copied = durable.copy(descriptor, moving.destination)
    try:
        if sha256 not in {None, copied}:
            return None
        used = _place(moving.destination, temporary, moving)
    finally:
        durable.remove(moving.destination, temporary)
    durable.sync_folder(moving.destination)
    if _remove_version(moving, copied):
        return used
    durable.remove(moving.destination, used)
    return None


def _remove_version(moving: Moving, sha256: str) -> bool:
    """Delete the original unless it is another version by now; set aside first, so that none slips in."""
    aside = durable.temporary_name()
    try:
        os.rename(moving.name, aside, src_dir_fd=moving.source, dst_dir_fd=moving.source)
    except FileNotFoundError:
        return True
    if not _is_version(moving.source, aside, sha256):
        _give_back(moving, moving.source, aside)
        return False
    durable.remove(moving.source, aside)
    durable.sync_folder(moving.source)
    return True


def _place(folder: int, name: str, moving: Moving) -> str:
    number = 1
    while True:
        wanted = naming.numbered_file(moving.target, number)
        try:
            durable.rename_new(folder, name, moving.destination, wanted)
        except FileExistsError:
            if moving.replace and number == 1 and _replaced(folder, name, moving.destination, wanted):
                return wanted
            number += 1
        else:
            return wanted


def _replaced(folder: int, name: str, destination: int, wanted: str) -> bool:
    if _same_file(folder, name, destination, wanted):
        # Two names of one file, as after `ln mirror/b.json drop/`: a rename would do nothing at all.
        durable.remove(folder, name)
        return True
    try:
        os.rename(name, wanted, src_dir_fd=folder, dst_dir_fd=destination)
    except IsADirectoryError:
        return False
    return True


def _same_file(folder: int, name: str, destination: int, wanted: str) -> bool:
    here = os.stat(name, dir_fd=folder, follow_symlinks=False)
    there = os.stat(wanted, dir_fd=destination, follow_symlinks=False)
    return os.path.samestat(here, there)


def _give_back(moving: Moving, folder: int, name: str) -> None:
    try:
        durable.rename_new(folder, name, moving.source, moving.name)
    except FileExistsError:
        durable.remove(folder, name)  # a still newer version is there, and its owner has given this one up


def _is_version(folder: int, name: str, sha256: str | None) -> bool:
    if sha256 is None:
        return durable.exists(folder, name)
    with durable.opened(folder, name) as descriptor:
        return descriptor is not None and durable.sha256_of(descriptor) == sha256


def _sync(folder: int, name: str) -> None:
    with contextlib.suppress(PermissionError), durable.opened(folder, name) as descriptor:
        if descriptor is not None:
            os.fsync(descriptor)
