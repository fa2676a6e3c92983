"""Moving a request file from one open folder to another, while its owner may replace it at any moment.

The rule: what is moved is the version that was worked on; a newer one stays, or is put back, where it was.
"""

import contextlib
import errno
import os
from dataclasses import dataclass
from itertools import count

from camspool.adapters.spool import durable
from camspool.adapters.spool.courtesy import sync_file, sync_folder
from camspool.adapters.spool.temporary import aside_name, set_aside_as
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
    """Move the file; see `Spool.file_away`. Returns the name that it got, None when it was not moved.

    It is set aside first, under a name that says what it is called: there nobody replaces it, and if this
    ends half-way, `recover` gives it back.
    """
    aside = aside_name(moving.name, durable.longest_name(moving.source))
    _give_back(moving.source, aside, moving.name)  # an earlier try may have failed half-way
    if not _is_version(moving.source, moving.name, sha256):
        return None
    try:
        os.rename(moving.name, aside, src_dir_fd=moving.source, dst_dir_fd=moving.source)
    except FileNotFoundError:
        return None
    used = None
    try:
        # Until now it could be replaced: look again at what was set aside.
        if _is_version(moving.source, aside, sha256):
            used = _moved(moving, aside, sha256)
    finally:
        if used is None:
            _give_back(moving.source, aside, moving.name)
    sync_folder(moving.source)
    return used


def recover(folder: int, name: str) -> bool:
    """Give a file its name back that an earlier run has set aside and not moved; False when it is no such."""
    original = set_aside_as(name)
    if original is not None:
        _give_back(folder, name, original)
    return original is not None


def find(folder: int, target: str, sha256: str) -> str | None:
    """The name that `move` gave a file with this content; None when there is none."""
    for number in count(1):
        name = naming.numbered_file(target, number)
        if _is_version(folder, name, sha256):
            return name
        if not durable.exists(folder, name):
            return None
    raise AssertionError("numbers do not end")


def _moved(moving: Moving, aside: str, sha256: str | None) -> str | None:
    try:
        used = _place(moving.source, aside, moving)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return _moved_across(moving, aside, sha256)
    _sync(moving.destination, used)
    sync_folder(moving.destination)
    return used


def _moved_across(moving: Moving, aside: str, sha256: str | None) -> str | None:
    """The same between file systems: the copy is durable before the original goes."""
    with durable.opened(moving.source, aside) as descriptor:
        if descriptor is None:
            return None
        temporary = durable.copy(descriptor, moving.destination)
    try:
        if not _is_version(moving.destination, temporary, sha256):
            return None
        used = _place(moving.destination, temporary, moving)
    finally:
        durable.remove(moving.destination, temporary)
    sync_folder(moving.destination)
    durable.remove(moving.source, aside)
    return used


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


def _give_back(folder: int, aside: str, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        try:
            durable.rename_new(folder, aside, folder, name)
        except FileExistsError:
            durable.remove(folder, aside)  # a newer version is there, and its owner has given this one up


def _is_version(folder: int, name: str, sha256: str | None) -> bool:
    if sha256 is None:
        return durable.exists(folder, name)
    with durable.opened(folder, name) as descriptor:
        return descriptor is not None and durable.read_version(descriptor)[1] == sha256


def _sync(folder: int, name: str) -> None:
    with contextlib.suppress(PermissionError), durable.opened(folder, name) as descriptor:
        if descriptor is not None:
            sync_file(descriptor)
