"""What the workflow does with the folders: read a request, keep its status, publish its MP4s, file it away.

All methods block; call them in a thread. Every OSError becomes StorageTrouble. When and in which order things
are written is the workflow's business; which names files get is `core/naming.py`'s.
"""

import contextlib
import hmac
import os
import stat
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from camspool.adapters.spool import filing
from camspool.adapters.spool.courtesy import sync_file, sync_folder
from camspool.adapters.spool.durable import (
    exists,
    opened,
    read_version,
    remove,
    rename_new,
    sha256_of,
    write,
)
from camspool.adapters.spool.folder_registry import FolderRegistry
from camspool.adapters.spool.markers import MarkedFolder
from camspool.adapters.spool.mounts import MountTable
from camspool.adapters.spool.names import try_file
from camspool.adapters.spool.own_files import OwnFiles
from camspool.adapters.spool.owners import owner
from camspool.adapters.spool.probe import probe
from camspool.adapters.spool.reader import Foreign, MirrorReader
from camspool.adapters.spool.temporary import is_left_over
from camspool.core import document, naming
from camspool.core.errors import ClipTrouble, NameTaken, RequestRejected, StorageTrouble
from camspool.core.naming import below
from camspool.core.status_document import OutputFile, Owner, Status
from camspool.core.values import ErrorCode, WaitReason


@dataclass(frozen=True, slots=True)
class DropFile:
    """A request file as it was read.

    `data` are its bytes, at most one more than a request may have; `sha256` is their version: see `durable`.
    Of a file that could not be read both are empty. `owner` is None where it is unknown.
    """

    data: bytes
    sha256: str
    owner: Owner | None


class Spool:
    """The folders of one daemon.

    Args:
        drop: where requests are dropped.
        mirror: where statuses, MP4s and, in the end, the request files are.
        state: what is remembered about the two, and the lock.
        mounts: which mount points there are; None: as the kernel says.
    """

    def __init__(self, drop: Path, mirror: Path, state: Path, mounts: MountTable | None = None) -> None:
        self._registry = FolderRegistry(state)
        self._mounts = mounts or MountTable()
        self._drop = MarkedFolder(drop, self._registry, mirror=mirror, mounts=self._mounts)
        self._mirror = MarkedFolder(mirror, self._registry, mounts=self._mounts)
        self._reader = MirrorReader(self._mirror)
        self.own_files = OwnFiles(self._mirror)
        self._stopping = threading.Event()

    def open(self) -> None:
        """Take the lock and, on the first start, create the folders and their markers.

        An unavailable drop/ or mirror/ is no error here: the next `check_...` will say so again.

        Raises:
            AlreadyRunning: another daemon has the lock, or works on the same folders without it.
            StorageTrouble: the state folder cannot be used.
        """
        self._registry.open()
        for folder in (self._mirror, self._drop):
            with contextlib.suppress(StorageTrouble):
                folder.check()
            self._registry.claim(folder.root)

    def interrupt(self) -> None:
        """End what threads still look through or read for long, with StorageTrouble: the daemon stops."""
        self._stopping.set()

    def _check_stop(self) -> None:
        if self._stopping.is_set():
            raise StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, "the daemon stops")

    def close(self) -> None:
        """Give the lock up."""
        self._registry.close()
        self._mounts.close()

    def check_drop(self) -> None:
        """Raise StorageTrouble (`folder_unavailable`) while drop/ is not there; one small read."""
        self._drop.check()

    def check_mirror(self) -> None:
        """Raise StorageTrouble (`folder_unavailable`) while mirror/ is not there; a few small reads."""
        self._mirror.check()
        self._mirror.away()

    @property
    def mounts_away(self) -> list[str]:
        """Why mounts below drop/ and mirror/ could not be used when they were last looked at; no I/O."""
        return [*self._drop.seen_away.values(), *self._mirror.seen_away.values()]

    def away_in_drop(self) -> dict[str, StorageTrouble]:
        """The mounts below drop/ that are not there now, by their paths: what is in them is not gone."""
        return self._drop.away()

    def away_in_mirror(self) -> dict[str, StorageTrouble]:
        """The same below mirror/."""
        return self._mirror.away()

    def read(self, file: str) -> DropFile | None:
        """The bytes of a file in drop/; None when it is gone, or is not a regular file.

        Raises:
            RequestRejected: `unreadable`: its permissions keep us out.
            StorageTrouble: drop/ cannot be read now.
        """
        try:
            with self._drop.folder(naming.folder_of(file)) as folder:
                return _read_request(folder, file)
        except FileNotFoundError:
            return None

    def unread(self, file: str) -> DropFile | None:
        """A file in drop/ that is not read; None when it is gone, or is no regular file."""
        facts = self._drop.facts(file)
        return DropFile(b"", "", owner(facts)) if facts and stat.S_ISREG(facts.st_mode) else None

    def try_names(self, name: str) -> None:
        """Find out whether mirror/ can hold what a request of this name makes; its folder exists afterwards.

        Raises:
            NameNotHeld: it cannot.
        """
        with self._mirror.folder(naming.folder_of(name), create=True) as folder:
            try_file(folder, naming.longest_part_name(name))

    def load_status(self, name: str) -> Status | Foreign | None:
        """The status of `name`; None when there is none; Foreign when something else is in its place.

        An empty file counts as none: the request then starts again.
        """
        found = self._reader.status(name)
        return None if isinstance(found, Foreign) and found.empty else found

    def save_status(self, status: Status, *, durable: bool = True) -> None:
        """Replace the status file of `status.name` atomically, making its folder where needed.

        With `durable` it returns only when a power cut can no longer undo it; without, it costs no fsync, and
        one may leave an empty file: the request then starts again. A status that names MP4s is always
        durable, since without it nobody would know whose they are.
        """
        durable = durable or any(clip.file for clip in status.clips)
        self.save_document(naming.status_path(status.name), document.dump(status), durable=durable)

    def save_document(self, path: str, data: bytes, *, durable: bool = True) -> None:
        """Replace any of our own documents below mirror/ (the service file) in the same way."""
        with self._mirror.folder(naming.folder_of(path), create=True) as folder:
            write(folder, naming.stem_of(path), data, durable=durable)

    def unblocked(self, name: str) -> str:
        """`name`, with `~2` on each folder whose place in mirror/ is taken by a file or a symbolic link."""
        return self._reader.unblocked(name)

    def part_path(self, name: str, ask: int, piece: int | None) -> Path:
        """Where to download a clip to; its folder exists afterwards."""
        folder = naming.folder_of(name)
        with self._mirror.folder(folder, create=True):
            return self._mirror.root / folder / naming.part_name(name, ask, piece)

    def part_folder(self, name: str) -> AbstractContextManager[int]:
        """A descriptor of the folder that a request's part files are in, made where it is missing."""
        return self._mirror.folder(naming.folder_of(name), create=True)

    def discard_parts(self, name: str) -> None:
        """Delete whatever was downloaded for this request and not published."""
        with (
            contextlib.suppress(FileNotFoundError),
            self._mirror.folder(naming.folder_of(name)) as folder,
        ):
            for file_name in os.listdir(folder):  # noqa: PTH208 - a descriptor is no path
                if naming.stem_of_part(file_name) == naming.stem_of(name):
                    remove(folder, file_name)

    def publish(self, part: Path, name: str, file_name: str) -> None:
        """Put a complete part file under its final name, durably.

        Its modification time stays that of its arrival: cleaners and backups go by it.

        Args:
            part: as `part_path` gave it.
            name: the request's name; the MP4 lies in the same folder.
            file_name: the name that the MP4 gets.

        Raises:
            NameTaken: anything at all has that name.
            ClipTrouble: the part file has been taken away.
        """
        with self._mirror.folder(naming.folder_of(name), create=True) as folder:
            with opened(folder, part.name) as descriptor:
                if descriptor is None:
                    raise ClipTrouble(
                        WaitReason.DOWNLOAD_INTERRUPTED, f"{part} is gone; it is fetched again."
                    )
                sync_file(descriptor)
            try:
                rename_new(folder, part.name, folder, file_name)
            except FileExistsError:
                raise NameTaken(f"{file_name} exists already beside {name}") from None
            sync_folder(folder)

    def free_mp4_name(self, name: str, wanted: str, reserved: Collection[str] = ()) -> str:
        """The first of `wanted`, `~2`, `~3`... that does not exist beside `name` and is not in `reserved`."""
        number = 1
        try:
            with self._mirror.folder(naming.folder_of(name)) as folder:
                while True:
                    candidate = naming.numbered_file(wanted, number)
                    if candidate not in reserved and not exists(folder, candidate):
                        return candidate
                    number += 1
        except FileNotFoundError:
            return wanted

    def mp4_path(self, name: str, file_name: str) -> Path:
        """Where a published MP4 of this request lies."""
        return self._mirror.root / naming.folder_of(name) / file_name

    def is_whole(self, name: str, file: OutputFile) -> bool:
        """True when the MP4 is in mirror/ with exactly the bytes that were published."""
        try:
            with (
                self._mirror.folder(naming.folder_of(name)) as folder,
                opened(folder, file.name) as descriptor,
            ):
                if descriptor is None or os.fstat(descriptor).st_size != file.bytes:
                    return False
                return hmac.compare_digest(sha256_of(descriptor, self._check_stop), file.sha256)
        except FileNotFoundError:
            return False

    def remove_mp4(self, name: str, file_name: str) -> bool:
        """Delete an MP4 that the request's own status names; False when it was gone already."""
        try:
            with self._mirror.folder(naming.folder_of(name)) as folder:
                return remove(folder, file_name)
        except FileNotFoundError:
            return False

    def file_away(self, file: str, sha256: str | None, target: str, *, replace: bool = False) -> str | None:
        """Move a request file from drop/ to mirror/, when it is still the version that was worked on.

        Args:
            file: its path below drop/.
            sha256: of that version; None where it could not be read, and is moved unseen.
            target: where it should lie below mirror/; `~2`... is added when that is taken.
            replace: what lies at `target` is this request's own earlier copy, and may be overwritten.

        Returns:
            Where it lies now; None when it is gone from drop/, or was replaced there by another version,
            which then stays.
        """
        try:
            with (
                self._drop.folder(naming.folder_of(file)) as source,
                self._mirror.folder(naming.folder_of(target), create=True) as destination,
            ):
                moving = filing.Moving(
                    source, naming.stem_of(file), destination, naming.stem_of(target), replace
                )
                used = filing.move(moving, sha256)
        except FileNotFoundError:
            return None
        return used and below(naming.folder_of(target), used)

    def where_filed(self, sha256: str, target: str) -> str | None:
        """Where `file_away` has put a file with this content below mirror/; None when it has not."""
        try:
            with self._mirror.folder(naming.folder_of(target)) as folder:
                used = filing.find(folder, naming.stem_of(target), sha256)
        except FileNotFoundError:
            return None
        return used and below(naming.folder_of(target), used)

    def in_drop(self, file: str) -> bool:
        """True when anything at all has this path below drop/."""
        return self._drop.facts(file) is not None

    def probe_mirror(self) -> None:
        """Raise StorageTrouble while mirror/ cannot be written: tried with a small file, durably."""
        with self._mirror.folder("") as folder:
            probe(folder)

    def free_bytes(self) -> tuple[int, int]:
        """Bytes that we may still write in mirror/, and the size of its file system."""
        with self._mirror.folder("") as folder:
            facts = os.fstatvfs(folder)
        return facts.f_bavail * facts.f_frsize, facts.f_blocks * facts.f_frsize

    def sweep(self, since: float = 0.0) -> Iterator[Status]:
        """Every status in mirror/ that was written at the Unix time `since` or later, lazily.

        Files that are no status of ours are passed over.
        """
        for name in self._reader.names(since):
            self._check_stop()
            status = self.load_status(name)
            if isinstance(status, Status):
                yield status

    def remove_orphans(self, outstanding: Callable[[str], bool]) -> list[str]:
        """Delete part and temporary files that an interrupted run has left; give back what it has set aside.

        Only files with names that `naming.part_name` or `temporary_name` makes are looked at.

        Args:
            outstanding: is the request of this name being worked on? Its part files stay.

        Returns:
            Their paths below mirror/ or drop/.
        """
        orphans = [
            (self._mirror, path) for path in self._paths(self._mirror) if _is_orphan(path, outstanding)
        ]
        orphans += [(self._drop, path) for path in self._paths(self._drop) if self._is_left_in_drop(path)]
        return [path for root, path in orphans if _remove(root, path)]

    def _paths(self, root: MarkedFolder) -> Iterator[str]:
        for path in root.files():
            self._check_stop()
            yield path

    def _is_left_in_drop(self, path: str) -> bool:
        with contextlib.suppress(FileNotFoundError), self._drop.folder(naming.folder_of(path)) as folder:
            filing.recover(folder, naming.stem_of(path))
        return is_left_over(naming.stem_of(path))


def _remove(root: MarkedFolder, path: str) -> bool:
    try:
        with root.folder(naming.folder_of(path)) as folder:
            return remove(folder, naming.stem_of(path))
    except FileNotFoundError:
        return False


def _read_request(folder: int, file: str) -> DropFile | None:
    try:
        with opened(folder, naming.stem_of(file)) as descriptor:
            if descriptor is None:
                return None
            return DropFile(*read_version(descriptor), owner(os.fstat(descriptor)))
    except PermissionError:
        raise RequestRejected(
            ErrorCode.UNREADABLE,
            f"{naming.printable(file)} cannot be read: its permissions keep camspool out.",
            "Make the file readable for the user that camspool runs as, and drop it again.",
        ) from None


def _is_orphan(path: str, outstanding: Callable[[str], bool]) -> bool:
    file_name = naming.stem_of(path)
    if is_left_over(file_name):
        return True
    stem = naming.stem_of_part(file_name)
    return stem is not None and not outstanding(below(naming.folder_of(path), stem))
