"""Reading the mirror, without the lock, the memory and the rights of the daemon. Writes nothing."""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from camspool.adapters.mp4 import Verify, inspect_file
from camspool.adapters.spool import Foreign
from camspool.adapters.spool.durable import FOLDER, opened, read, sha256_of
from camspool.adapters.spool.folder_registry import MARKER
from camspool.commands.verify.verdicts import Found
from camspool.core import document, naming
from camspool.core.errors import BadVideo, StorageTrouble
from camspool.core.status_document import STATUS_SCHEMA, OutputFile, Status
from camspool.core.values import WaitReason

MP4_SUFFIX: Final = ".mp4"
_LONGEST_STATUS: Final = 64 * 1024 * 1024


@dataclass(slots=True)
class Listing:
    """A folder: paths of the folders in it, names of its requests (last component), names of its MP4s."""

    folders: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    videos: set[str] = field(default_factory=set)


class Mirror:
    """The mirror of a daemon that may be running.

    Args:
        root: the folder.
        verify: how far to look into each MP4.
    """

    def __init__(self, root: Path, verify: Verify = "structure") -> None:
        self.root = root
        self._verify = verify

    def check(self) -> None:
        """Raise StorageTrouble while the mirror is not there: nothing in it may be called missing then."""
        try:
            os.lstat(self.root / MARKER)
        except FileNotFoundError:
            what = f"has no marker {MARKER}" if self.root.exists() else "is not there"
            raise _unavailable(
                f"{self.root} {what}. Is it mounted, and is it the mirror of a daemon that has run?"
            ) from None
        except OSError as error:
            raise _unavailable(f"{self.root} cannot be read: {error.strerror}.") from error

    def listing(self, folder: str) -> Listing:
        """What is of interest in a folder; dot files, links and the leavings of other programs are not.

        Raises:
            OSError: it cannot be read.
        """
        listing = Listing()
        with os.scandir(self.root / folder) as entries:
            for entry in entries:
                if not naming.ignored_component(entry.name):
                    _sort_in(listing, folder, entry)
        listing.folders.sort()
        listing.requests.sort()
        return listing

    def status(self, name: str) -> Status | Foreign | None:
        """The status of a request; None when there is no such file.

        Raises:
            OSError: it cannot be read.
        """
        path = naming.status_path(name)
        with self._opened(path) as descriptor:
            if descriptor is None:
                return None
            return _status_in(read(descriptor, _LONGEST_STATUS), name)

    def examine(self, path: str, file: OutputFile) -> Found | None:
        """Read an MP4, no further than to where it differs; None when no regular file has this name.

        Raises:
            OSError, StorageTrouble: it cannot be read.
        """
        with self._opened(path) as descriptor:
            if descriptor is None:
                return None
            size = os.fstat(descriptor).st_size
            if size != file.bytes:
                return Found(size)
            sha256 = sha256_of(descriptor)
        return Found(size, sha256, self._damage(path) if sha256 == file.sha256 else None)

    def size(self, path: str) -> int | None:
        """The bytes of a file of whatever kind; None when there is none (any more)."""
        try:
            return os.lstat(self.root / path).st_size
        except OSError:
            return None

    def unblocked(self, name: str) -> str:
        """The name that a request called `name` gets where a file or a link is in the place of a folder."""
        return naming.unblocked(name, self._blocked)

    def _blocked(self, path: str) -> bool:
        try:
            return not stat.S_ISDIR(os.lstat(self.root / path).st_mode)
        except OSError:
            return False

    def _damage(self, path: str) -> str | None:
        try:
            inspect_file(self.root / path, self._verify)
        except BadVideo as bad:
            return str(bad)
        return None

    @contextlib.contextmanager
    def _opened(self, path: str) -> Iterator[int | None]:
        try:
            folder = os.open(self.root / naming.folder_of(path), FOLDER)
        except (FileNotFoundError, NotADirectoryError):
            yield None
            return
        try:
            with opened(folder, naming.stem_of(path)) as descriptor:
                yield descriptor
        finally:
            os.close(folder)


def below(folder: str, name: str) -> str:
    """`name` in `folder`, as a path below the mirror."""
    return f"{folder}/{name}" if folder else name


def _sort_in(listing: Listing, folder: str, entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        listing.folders.append(below(folder, entry.name))
    elif not entry.is_file(follow_symlinks=False):
        return
    elif entry.name.endswith(naming.STATUS_SUFFIX):
        listing.requests.append(entry.name.removesuffix(naming.STATUS_SUFFIX))
    elif entry.name.lower().endswith(MP4_SUFFIX):
        listing.videos.add(entry.name)


def _status_in(data: bytes, name: str) -> Status | Foreign:
    path = naming.status_path(name)
    if not data.strip(b"\0"):
        return Foreign(path, "it is empty, as after a power cut")
    try:
        status = document.load(data)
    except ValidationError:
        return Foreign(path, "it is no status document")
    if status.schema != STATUS_SCHEMA:
        return Foreign(path, f"its schema is {status.schema}")
    if status.name != name:
        return Foreign(path, f"it is the status of {status.name}")
    # Anybody may have edited the file: what it names is only looked for beside it.
    if any("/" in clip.file.name or "\0" in clip.file.name for clip in status.clips if clip.file):
        return Foreign(path, "it names files in other places")
    return status


def _unavailable(message: str) -> StorageTrouble:
    return StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, message)
