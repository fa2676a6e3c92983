"""`state/`: what is remembered of the markers of drop/ and mirror/, and the lock against a second daemon."""

import errno
import fcntl
import hashlib
import json
import os
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog

from camspool.adapters.spool import durable
from camspool.adapters.spool.durable import FOLDER
from camspool.adapters.spool.marker_file import MARKER
from camspool.core.errors import CamspoolError

_DROP_OF: Final = "drop of {}"
"""Under this key stands the path of the drop folder that belongs to the mirror with that id."""
_LONGEST_ID: Final = 64
_LONGEST_MEMORY: Final = 4 * 1024 * 1024
"""Bytes of folders.json that are read: a line for each mount, of which there may be thousands."""

log = structlog.get_logger()


class AlreadyRunning(CamspoolError):
    """Another daemon works on the same state folder, drop/ or mirror/."""


class FolderRegistry:
    """`state/`: which id the marker of each folder had, and the lock."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._lock: int | None = None
        self._claims: list[socket.socket] = []
        self._ids: dict[str, str] = {}
        self._changing = threading.Lock()

    @property
    def path(self) -> Path:
        """The file that a person may edit when a folder was replaced on purpose."""
        return self._state / "folders.json"

    def open(self) -> None:
        """Take the lock and read what is remembered.

        Raises:
            AlreadyRunning: another daemon has the lock.
            StorageTrouble: the state folder cannot be used.
        """
        with durable.as_storage_trouble(self._state):
            self._state.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.close()
                raise AlreadyRunning(
                    f"Another camspool is running on {self._state}; stop it, or give this one other folders."
                ) from None
            self._ids = self._read()

    def look(self) -> None:
        """Read what is remembered, for those who only look on: takes no lock, makes nothing.

        Raises:
            StorageTrouble: it cannot be read.
        """
        with durable.as_storage_trouble(self.path):
            self._ids = self._read()

    def in_use(self) -> bool:
        """True while a daemon holds the lock; a shared lock is tried, without waiting.

        Raises:
            StorageTrouble: the lock cannot be looked at.
        """
        path = self._state / "lock"
        with durable.as_storage_trouble(path):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except (FileNotFoundError, NotADirectoryError):
                return False
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            finally:
                os.close(descriptor)
        return False

    def claim(self, root: Path) -> None:
        """Keep a daemon with another state folder from working on this drop/ or mirror/.

        The claim is an address in the kernel that only one process of this machine can have, and that ends
        with it. A lock on the folder would keep its share from being unmounted. Other machines see neither.

        Raises:
            AlreadyRunning: another daemon has it.
        """
        marker_id = self.id_of(root)
        if marker_id is None:
            return
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._claims.append(claim)
        try:
            claim.bind(f"\0camspool/{_short(marker_id)}")
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            self.close()
            raise AlreadyRunning(
                f"Another camspool, with another state folder, is running on {root}; stop it. If {root} is a "
                f"copy of its folder, delete the marker {MARKER} in it and {self.path}, and start again."
            ) from None

    def close(self) -> None:
        """Give the lock and the claims up."""
        for claim in self._claims:
            claim.close()
        self._claims.clear()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def id_of(self, root: Path) -> str | None:
        """The id that the folder's marker had; None for a folder never seen."""
        return self._ids.get(str(root))

    def remember(self, marker_ids: Mapping[Path, str]) -> None:
        """Remember durably which ids the markers of folders have."""
        with self._changing:
            self._save(self._ids | {str(root): marker_id for root, marker_id in marker_ids.items()})

    def remember_mirror(self, root: Path, marker_id: str) -> None:
        """Remember durably a mirror that is new here: in the same write, that no drop folder has filled it.

        So whoever changes both folders in the configuration gets a new pair, also after a kill in between.
        """
        with self._changing:
            self._save({_DROP_OF.format(marker_id): ""} | self._ids | {str(root): marker_id})

    def believe(self, root: Path, marker_id: str) -> None:
        """Take this id for the right one, for as long as this object lives."""
        self._ids = self._ids | {str(root): marker_id}

    def below(self, root: Path) -> dict[str, str]:
        """The ids of folders inside of `root` that are mounts of their own, by their paths relative to it."""
        prefix = f"{root}/"
        return {path.removeprefix(prefix): id_ for path, id_ in self._ids.items() if path.startswith(prefix)}

    def drops_of(self, mirror: Path) -> dict[str, str]:
        """Which drop folder belongs to this mirror: its id by its path; empty while any folder may be it.

        That is so before the first start, and again when a person has deleted the line of that folder. An
        earlier version did not note it: then every other folder may be meant.
        """
        marker_id = self.id_of(mirror)
        if marker_id is None:
            return {}
        if (path := self._ids.get(_DROP_OF.format(marker_id))) is not None:
            return {path: self._ids[path]} if path in self._ids else {}
        folders = {path: id_ for path, id_ in self._ids.items() if path.startswith("/")}
        return {
            path: id_
            for path, id_ in folders.items()
            if path != str(mirror) and not any(path.startswith(f"{other}/") for other in folders)
        }

    def pair(self, mirror: Path, drop: Path) -> None:
        """Remember durably which drop folder belongs to a mirror, once that one has an id."""
        marker_id = self.id_of(mirror)
        if marker_id is None or self._ids.get(_DROP_OF.format(marker_id)) == str(drop):
            return
        with self._changing:
            self._save(self._ids | {_DROP_OF.format(marker_id): str(drop)})

    def _save(self, ids: dict[str, str]) -> None:
        with durable.as_storage_trouble(self.path):
            descriptor = os.open(self._state, FOLDER)
            try:
                durable.write(descriptor, self.path.name, json.dumps(ids, indent=2).encode() + b"\n")
            finally:
                durable.release(descriptor)
        self._ids = ids

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self._data())
            return {str(root): str(marker_id) for root, marker_id in found.items()}
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (ValueError, AttributeError, RecursionError):
            log.warning("folders_forgotten", path=str(self.path), consequence="the markers found are trusted")
            return {}

    def _data(self) -> bytes:
        """What the file holds; a FIFO, which nobody may ever fill, is not read."""
        folder = os.open(self._state, FOLDER)
        try:
            with durable.opened(folder, self.path.name) as descriptor:
                if descriptor is not None:
                    return durable.read(descriptor, _LONGEST_MEMORY)
                if durable.exists(folder, self.path.name):
                    raise OSError(errno.EINVAL, "it is no regular file", str(self.path))
                raise FileNotFoundError(self.path)
        finally:
            durable.release(folder)


def _short(marker_id: str) -> str:
    """The id as part of an address, which has 108 bytes at most; people and programs can edit markers."""
    if len(marker_id) <= _LONGEST_ID and marker_id.isascii():
        return marker_id
    return hashlib.sha256(marker_id.encode("utf-8", "surrogatepass")).hexdigest()
