"""The `.part` file: bytes on disk and their SHA-256, which grow together. Knows nothing of HTTP."""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from camspool.core.errors import StorageTrouble
from camspool.core.file_errors import is_full, may_have_lost_data, storage_trouble
from camspool.core.ports import Downloaded
from camspool.core.values import WaitReason

_BLOCK = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITE_OUT_EVERY = 8 << 20
"""Bytes, or a piece more, that are not on their way to the disk: the fsync at the end would wait for them,
and so, on ext4, would that of a status then, which waits for all that is on its way. Less at a time makes the
waits of statuses shorter, and downloads slower."""
_SPARE = 256 * 1024
"""Bytes that a download which has filled the disk gives back, so that status files can still be written."""


class PartFile:
    """An open part file. Every method raises StorageTrouble for what the file system refuses.

    Args:
        path: made when it is missing, and anew when it is a hard link to another file; a symbolic link is
            refused, since it was not made by us.
        open_folder: gives a descriptor of its folder; None: that is opened by its path.
    """

    def __init__(
        self, path: Path, open_folder: Callable[[], AbstractContextManager[int]] | None = None
    ) -> None:
        self._path = path
        self._sha256 = hashlib.sha256()
        with ExitStack() as opened:
            self._folder = self._open_folder(open_folder)
            opened.callback(os.close, self._folder)
            with self._trouble("opened"):
                self._descriptor = self._open(0)
                opened.callback(lambda: os.close(self._descriptor))
                found = os.fstat(self._descriptor)
                if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
                    found = self._part_from_its_twins()
            self.bytes = self._written_out = found.st_size
            if not stat.S_ISREG(found.st_mode):
                raise StorageTrouble(
                    WaitReason.FOLDER_UNAVAILABLE, f"{path} is something else than a file; delete it"
                )
            self._open_files = opened.pop_all()

    def _open_folder(self, open_folder: Callable[[], AbstractContextManager[int]] | None) -> int:
        """A descriptor of our own of the folder: what is done in it cannot be redirected any more."""
        with self._trouble("opened"):
            if open_folder is None:
                return os.open(self._path.parent, _FOLDER)
            with open_folder() as folder:
                return os.dup(folder)

    def _open(self, flags: int) -> int:
        return os.open(self._path.name, _OPEN | flags, 0o666, dir_fd=self._folder)

    def _remove(self) -> None:
        os.unlink(self._path.name, dir_fd=self._folder)

    def _part_from_its_twins(self) -> os.stat_result:
        """Begin a file of our own in the place of a hard link to a file that may belong to others."""
        self._remove()
        twin, self._descriptor = self._descriptor, self._open(os.O_EXCL)
        os.close(twin)
        return os.fstat(self._descriptor)

    def keep(self, check: Callable[[], None]) -> None:
        """Go on with what is there: hash it. `check` is called between blocks and may raise."""
        self._sha256 = hashlib.sha256()
        with self._trouble("read"):
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            while block := os.read(self._descriptor, _BLOCK):
                self._sha256.update(block)
                check()
            self.bytes = self._written_out = os.lseek(self._descriptor, 0, os.SEEK_CUR)

    def start_over(self) -> None:
        """Forget what is there."""
        self._sha256 = hashlib.sha256()
        with self._trouble("emptied"):
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            if self.bytes:
                os.ftruncate(self._descriptor, 0)
        self.bytes = self._written_out = 0

    def write(self, chunk: bytes | memoryview) -> None:
        """Append a chunk. After StorageTrouble the SHA-256 is void until `keep` or `start_over`."""
        self._sha256.update(chunk)
        view = memoryview(chunk)
        try:
            while view:
                written = os.write(self._descriptor, view)
                self.bytes += written
                view = view[written:]
            self._write_out()
        except OSError as error:
            if is_full(error):
                self._give_back()
            raise self._storage_trouble("written", error) from None

    def _write_out(self) -> None:
        """Now and then have the disk begin with what was written lately, without waiting for it."""
        start, length = self._written_out, self.bytes - self._written_out
        if length >= _WRITE_OUT_EVERY:
            # Linux writes out what is to be dropped from its cache (mm/fadvise.c). What goes wrong with that,
            # the fsync at the end tells; a kernel that takes no advice (ENOSYS) writes out when it likes.
            with suppress(OSError):
                os.posix_fadvise(self._descriptor, start, length, os.POSIX_FADV_DONTNEED)
            self._written_out = self.bytes

    def _give_back(self) -> None:
        with suppress(OSError):  # the full disk is what is reported
            os.ftruncate(self._descriptor, max(0, self.bytes - _SPARE))
            self.bytes = max(0, self.bytes - _SPARE)

    def sync(self) -> Downloaded:
        """Make what was written durable, as far as the file system knows how to.

        After an fsync that failed at writing it is unknown which bytes are on disk, and a second one would
        report success: so the file is removed.
        """
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            if may_have_lost_data(error):
                with suppress(OSError):  # the failing disk is what is reported
                    self._remove()
                raise self._storage_trouble("written", error) from None
        return Downloaded(self.bytes, self._sha256.hexdigest())

    def close(self) -> None:
        """Close the file; what was written stays."""
        with self._trouble("closed"):
            self._open_files.close()

    @contextmanager
    def _trouble(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._storage_trouble(done, error) from None

    def _storage_trouble(self, done: str, error: OSError) -> StorageTrouble:
        about = f"{self._path} cannot be {done}"
        if error.errno == errno.ELOOP:
            why = "a symbolic link is in its place; delete that"
            return StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, f"{about}: {why}")
        return storage_trouble(about, error)
