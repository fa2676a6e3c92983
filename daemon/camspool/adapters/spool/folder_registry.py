"""`state/`: what is remembered of the markers of drop/ and mirror/, and the lock against a second daemon."""

import errno
import fcntl
import json
import os
import socket
from pathlib import Path
from typing import Final

import structlog

from camspool.adapters.spool import durable
from camspool.adapters.spool.durable import FOLDER
from camspool.core.errors import CamspoolError

MARKER: Final = ".camspool"

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
        """True while a daemon holds the lock; a shared lock is tried for, for no longer than an instant.

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
            claim.bind(f"\0camspool/{marker_id}")
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

    def remember(self, root: Path, marker_id: str) -> None:
        """Remember durably that the folder's marker has this id."""
        ids = self._ids | {str(root): marker_id}
        with durable.as_storage_trouble(self.path):
            descriptor = os.open(self._state, FOLDER)
            try:
                durable.write(descriptor, self.path.name, json.dumps(ids, indent=2).encode() + b"\n")
            finally:
                os.close(descriptor)
        self._ids = ids

    def believe(self, root: Path, marker_id: str) -> None:
        """Take this id for the right one, for as long as this object lives."""
        self._ids = self._ids | {str(root): marker_id}

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self.path.read_bytes())
            return {str(root): str(marker_id) for root, marker_id in found.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, AttributeError):
            log.warning("folders_forgotten", path=str(self.path), consequence="the markers found are trusted")
            return {}
