"""Durable writes: temporary sibling, fsync, rename, fsync of the folder.

Works on names inside an open folder (a directory descriptor), so that nothing can be redirected by a symbolic
link or a mount that changes meanwhile. Which names are right is decided elsewhere.
"""

import contextlib
import ctypes
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from typing import Any, Final

from camspool.adapters.spool.courtesy import set_mode, set_times, sync_file, sync_folder
from camspool.adapters.spool.names import naming_file
from camspool.adapters.spool.temporary import temporary_name
from camspool.core import naming
from camspool.core.file_errors import cannot_exist, storage_trouble
from camspool.core.values import LONGEST_REQUEST

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
"""How a folder is opened for work on names in it."""
_CHUNK: Final = 1 << 20
_PIECE: Final = 64 << 10
_RENAME_NOREPLACE: Final = 1  # linux/fs.h
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a FIFO must not wait for its writer.
_EXISTING_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

SHORTEST_LIMIT: Final = 64
"""Bytes; a file system that claims to allow fewer for a name does not know what it allows."""


@contextlib.contextmanager
def as_storage_trouble(path: Path | str, *, missing_passes: bool = False) -> Iterator[None]:
    """Turn every OSError of the block into StorageTrouble that names `path`.

    Args:
        path: what the block works on, for the message.
        missing_passes: let FileNotFoundError through, where the caller knows what it means.
    """
    try:
        yield
    except OSError as error:
        if missing_passes and isinstance(error, FileNotFoundError):
            raise
        raise storage_trouble(str(path), error) from error


def replace_file(path: Path, data: bytes, mode: int) -> None:
    """Put `data` under any path, outside of the marked folders, as `write` does, but not durably.

    Raises:
        StorageTrouble: it cannot be written there.
    """
    with as_storage_trouble(path):
        folder = os.open(path.parent, FOLDER)
        try:
            write(folder, path.name, data, durable=False, mode=mode)
        finally:
            release(folder)


def write(folder: int, name: str, data: bytes, *, durable: bool = True, mode: int | None = None) -> None:
    """Put `data` under `name` so that a reader sees the old bytes or the new ones, never a part of them.

    Args:
        folder: descriptor of the folder.
        name: a name in it.
        data: the whole content of the file.
        durable: return only when a power cut can no longer undo it. Without, one may bring the old bytes
            back, or leave an empty file: XFS and others write names before bytes.
        mode: the file's permissions, where those that the umask leaves are not meant.

    Raises:
        NameRefused: the file system does not take this name.
        OSError: anything else.
    """
    with _temporary_file(folder) as (temporary, file):
        if mode is not None:
            set_mode(file.fileno(), mode)
        _fill(file, data, durable=durable)
        with naming_file(folder, name):
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    if durable:
        sync_folder(folder)


def write_new(folder: int, name: str, data: bytes) -> None:
    """The same, durably, for a name that nothing may have yet.

    Raises:
        FileExistsError: something has it.
    """
    with _temporary_file(folder) as (temporary, file):
        _fill(file, data, durable=True)
        with naming_file(folder, name):
            rename_new(folder, temporary, folder, name)
    sync_folder(folder)


def _fill(file: FileIO, data: bytes, *, durable: bool) -> None:
    _write_all(file, data)
    if durable:
        sync_file(file.fileno())
    file.close()  # which may be when a network file system first says that it could not write


def _write_all(file: FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file.fileno(), view) :]


@contextlib.contextmanager
def _temporary_file(folder: int) -> Iterator[tuple[str, FileIO]]:
    """A new file that is open until the block ends or closes it, and that is deleted if the block fails."""
    temporary = temporary_name()
    with os.fdopen(os.open(temporary, _NEW_FILE, 0o666, dir_fd=folder), "wb", buffering=0) as file:
        try:
            yield temporary, file
        except BaseException:
            with contextlib.suppress(OSError):  # the first failure is the one to report
                remove(folder, temporary)
            raise


def copy(source: int, folder: int) -> str:
    """Copy an open file into `folder`, durably, under a temporary name, which is returned."""
    facts = os.fstat(source)
    with _temporary_file(folder) as (temporary, file):
        while chunk := os.read(source, _CHUNK):
            _write_all(file, chunk)
        set_mode(file.fileno(), stat.S_IMODE(facts.st_mode) & 0o777)
        set_times(file.fileno(), facts)
        sync_file(file.fileno())
        file.close()
    return temporary


def release(descriptor: int) -> None:
    """Close what was only read from: nothing can be lost by it, whatever the kernel says."""
    with contextlib.suppress(OSError):
        os.close(descriptor)


@contextlib.contextmanager
def opened(folder: int, name: str) -> Iterator[int | None]:
    """A descriptor to read the regular file `name`; None when there is none, whatever else has that name."""
    try:
        descriptor = os.open(name, _EXISTING_FILE, dir_fd=folder)
    except OSError as error:
        absent = error.errno in {errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENODEV}
        if not absent and not cannot_exist(error):
            raise
        yield None
        return
    try:
        yield descriptor if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    finally:
        release(descriptor)


def sha256_of(descriptor: int, check: Callable[[], None] = lambda: None) -> str:
    """The SHA-256 of an open file, from where it stands to its end, as 64 hex digits.

    `check` is called before each piece is read: what it raises ends the reading.
    """
    sha256 = hashlib.sha256()
    check()
    while chunk := os.read(descriptor, _CHUNK):
        sha256.update(chunk)
        check()
    return sha256.hexdigest()


def read(descriptor: int, most: int) -> bytes:
    """What an open file holds, at most so many bytes of it; with no call to the kernel more than it takes."""
    pieces = []
    while most and (piece := os.read(descriptor, min(most, _PIECE))):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


def read_version(descriptor: int) -> tuple[bytes, str]:
    """What an open request file begins with, at most one byte more than a request may have, and its version.

    The version is the SHA-256 of its bytes; of a file too large to be a request, that of its size and
    beginning: gigabytes dropped by mistake must not be read to their end while other requests wait.
    """
    data = read(descriptor, LONGEST_REQUEST + 1)
    large = len(data) > LONGEST_REQUEST
    size = b"%d bytes, beginning with " % os.fstat(descriptor).st_size if large else b""
    return data, hashlib.sha256(size + data).hexdigest()


def remove(folder: int, name: str) -> bool:
    """Delete a file; False when it was not there."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def rename_new(from_folder: int, name: str, to_folder: int, new_name: str) -> None:
    """Rename without ever replacing anything.

    Raises:
        FileExistsError: something has the new name, be it a dangling symbolic link.
    """
    try:
        _rename_no_replace(from_folder, name, to_folder, new_name)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}:
            raise
        # NFS and others lack the flag. Between look and rename another program could take the name, but link
        # and unlink, which could not be overtaken, would show watchers of the mirror no finished file.
        if exists(to_folder, new_name):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new_name) from None
        os.rename(name, new_name, src_dir_fd=from_folder, dst_dir_fd=to_folder)


def exists(folder: int, name: str) -> bool:
    """True when anything has that name, be it a dangling symbolic link."""
    return facts_of(folder, name) is not None


def longest_name(folder: int) -> int:
    """Bytes that the folder's file system allows for one name; eCryptfs allows 143.

    File systems in user space may say 0, and others -1 for no limit: then it is taken to be as usual.
    """
    try:
        longest = os.fpathconf(folder, "PC_NAME_MAX")
    except OSError:
        return naming.LONGEST_COMPONENT
    return longest if longest >= SHORTEST_LIMIT else naming.LONGEST_COMPONENT


def facts_of(folder: int, name: str) -> os.stat_result | None:
    """What stat says of a name, links not followed; None when nothing has it, or can have it."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.ENOENT or cannot_exist(error):
            return None
        raise


def _rename_no_replace(from_folder: int, name: str, to_folder: int, new_name: str) -> None:
    if _renameat2 is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if _renameat2(from_folder, os.fsencode(name), to_folder, os.fsencode(new_name), _RENAME_NOREPLACE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)


def _from_libc(function: str) -> Any:
    found = getattr(ctypes.CDLL(None, use_errno=True), function, None)  # older musl has no renameat2
    if found is not None:
        found.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    return found


_renameat2: Final = _from_libc("renameat2")
