"""Reads mirror/, for the daemon as well as for the commands: the only place that does. Writes nothing.

No symbolic link is followed, and a status file that does not match its place is not believed.
"""

import heapq
import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from camspool.adapters.spool.durable import exists, opened, read
from camspool.adapters.spool.markers import MarkedFolder, ObservedFolder, modified_ns
from camspool.adapters.spool.steps import components
from camspool.core import document, naming
from camspool.core.errors import StorageTrouble
from camspool.core.naming import MP4_SUFFIX, below
from camspool.core.status_document import LARGEST_STATUS, STATUS_SCHEMA, Status


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something that is no status of ours has the name of a status file; `why` says so to people.

    `empty`: it holds nothing, or zeros, which is what a power cut can leave of a write without fsync.
    """

    path: str
    why: str
    empty: bool = False


@dataclass(slots=True)
class FolderContents:
    """A folder: paths of the folders in it, names of its requests (last component), names of its MP4s."""

    folders: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    videos: set[str] = field(default_factory=set)


class MirrorReader:
    """The mirror, of this daemon or of one that may be running beside us.

    All methods block, and raise StorageTrouble when the mirror, or what is asked for in it, cannot be read.

    Args:
        folder: the mirror.
    """

    def __init__(self, folder: MarkedFolder) -> None:
        self.root = folder.root
        self._folder = folder

    @classmethod
    def beside_the_daemon(cls, root: Path) -> "MirrorReader":
        """For programs that have neither the lock nor the memory of the daemon: any marker will do."""
        return cls(ObservedFolder(root))

    def check(self) -> None:
        """Raise StorageTrouble while the mirror is not there: nothing in it may be called missing then."""
        self._folder.check()

    def status(self, name: str) -> Status | Foreign | None:
        """The status of a request; None when nothing has its path; Foreign when something else has it."""
        path = naming.status_path(name)
        try:
            with (
                self._folder.folder(naming.folder_of(path)) as folder,
                opened(folder, naming.stem_of(path)) as descriptor,
            ):
                if descriptor is not None:
                    return _status_in(read(descriptor, LARGEST_STATUS), name)
                taken = exists(folder, naming.stem_of(path))
        except FileNotFoundError:
            return None
        return Foreign(path, "it is no regular file") if taken else None

    def contents(self, folder: str) -> FolderContents:
        """What is of interest in a folder; dot files, links and the leavings of other programs are not.

        Raises:
            FileNotFoundError: it is not there.
        """
        found = FolderContents()
        with self._folder.folder(folder) as descriptor, os.scandir(descriptor) as entries:
            for entry in entries:
                if not naming.ignored_component(entry.name):
                    _sort_in(found, folder, entry)
        found.folders.sort()
        found.requests.sort()
        return found

    def names(self, since: float = 0.0) -> Iterator[str]:
        """The names of all requests that have a status file, lazily.

        Args:
            since: leave out those whose file was last written before this Unix time.
        """
        return (
            name for name, entry in self._status_files() if not since or modified_ns(entry) >= since * 1e9
        )

    def latest(self) -> Iterator[str]:
        """The same, those first whose file was written last."""
        newest = [(-modified_ns(entry), name) for name, entry in self._status_files()]
        heapq.heapify(newest)
        while newest:
            yield heapq.heappop(newest)[1]

    def _status_files(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        for path, entry in self._folder.walk():
            if path.endswith(naming.STATUS_SUFFIX) and not naming.ignored_component(entry.name):
                yield path.removesuffix(naming.STATUS_SUFFIX), entry

    def opened(self, path: str) -> AbstractContextManager[int | None]:
        """A descriptor to read a regular file below the mirror; None when there is none."""
        return self._folder.opened(path)

    def exists(self, path: str) -> bool:
        """True when anything at all has this path."""
        return self._folder.facts(path) is not None

    def size(self, path: str) -> int | None:
        """The bytes of a file of whatever kind; None when there is none, or it cannot be determined."""
        facts = self._folder.facts(path)
        return None if facts is None else facts.st_size

    def unblocked(self, name: str) -> str:
        """`name`, with `~2` on each folder whose place is taken by a file or a symbolic link."""
        return naming.unblocked(name, self._blocked)

    def _blocked(self, path: str) -> bool:
        facts = self._folder.facts(path)
        return facts is not None and not stat.S_ISDIR(facts.st_mode)


def why(trouble: StorageTrouble) -> str:
    """What the kernel said, without the path that the trouble names."""
    cause = trouble.__cause__
    return (cause.strerror if isinstance(cause, OSError) else None) or trouble.message


def _sort_in(found: FolderContents, folder: str, entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        found.folders.append(below(folder, entry.name))
    elif not entry.is_file(follow_symlinks=False):
        return
    elif entry.name.endswith(naming.STATUS_SUFFIX):
        found.requests.append(entry.name.removesuffix(naming.STATUS_SUFFIX))
    elif entry.name.lower().endswith(MP4_SUFFIX):
        found.videos.add(entry.name)


def _status_in(data: bytes, name: str) -> Status | Foreign:
    path = naming.status_path(name)
    if not data.strip(b"\0"):
        return Foreign(path, "it is empty, as after a power cut", empty=True)
    try:
        status = document.load(data)
    except ValidationError:
        return Foreign(path, "it is no status document")
    if status.schema != STATUS_SCHEMA:
        return Foreign(path, f"its schema is {status.schema}, expected {STATUS_SCHEMA}")
    if status.name != name:
        return Foreign(path, f"it is the status of {status.name}")
    return status if _stays_inside(status) else Foreign(path, "it names files in other places")


def _stays_inside(status: Status) -> bool:
    """Anybody may have edited the file: what it names is moved and deleted by us, so it must be ours."""
    try:
        components(status.request.file)
        components(status.request.filed_as or "")
    except ValueError:
        return False
    names = [clip.file.name for clip in status.clips if clip.file]
    return all("/" not in name and "\0" not in name and name.endswith(MP4_SUFFIX) for name in names)
