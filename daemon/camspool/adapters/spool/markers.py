"""Telling a folder from an empty mount point by the marker in it.

What lies in the folders is none of this module's business.
"""

import contextlib
import json
import os
import secrets
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from camspool.adapters.spool import durable
from camspool.adapters.spool.durable import FOLDER
from camspool.adapters.spool.folder_registry import MARKER, FolderRegistry
from camspool.core import naming
from camspool.core.errors import StorageTrouble
from camspool.core.values import WaitReason

_ABOUT: Final = (
    "camspool keeps this file here to tell this folder from one that is not mounted. "
    "While it is missing, camspool leaves the folder alone. Please do not delete or copy it."
)


class AnotherFolder(StorageTrouble):
    """A folder is not the one that is remembered: not mounted, most likely.

    Args:
        found: what it is instead.
        memory: the file in which it is remembered.
    """

    def __init__(self, found: str, memory: Path) -> None:
        remedy = (
            f"Mount the right one; if this is the right one, stop camspool, "
            f"delete the line of this folder in {memory}, and start again."
        )
        super().__init__(WaitReason.FOLDER_UNAVAILABLE, f"{found} {remedy}")
        self.found = found
        self.remedy = remedy


class MarkedFolder:
    """drop/ or mirror/: a tree that is only touched while its marker is there.

    All below it is reached from the descriptor whose marker was read, without following symbolic links.
    """

    def __init__(self, root: Path, registry: FolderRegistry) -> None:
        self.root = root.absolute()
        self._registry = registry
        self._adopting = threading.Lock()
        self._seen: tuple[str, _Version] | None = None

    def check(self) -> None:
        """Do nothing while the folder is there; on its very first use, create it and its marker.

        Raises:
            StorageTrouble: `folder_unavailable`: it is gone, not mounted, or another folder.
        """
        with self.folder(""):
            pass

    @contextlib.contextmanager
    def folder(self, relative: str, *, create: bool = False) -> Iterator[int]:
        """A descriptor of the folder `relative` ("" for the root), made with its parents if `create`.

        Raises:
            FileNotFoundError: (never when `create`) it, or what the block asks for in it, is not there.
            StorageTrouble: the tree is unavailable, or anything else failed, in the block too.
            ValueError: the path would lead out of the tree.
        """
        with durable.as_storage_trouble(f"{self.root}/{relative}".rstrip("/"), missing_passes=not create):
            descriptor = self._open_root()
            try:
                for component in components(relative):
                    descriptor = _replaced(descriptor, _step(descriptor, component, create=create))
                yield descriptor
            finally:
                os.close(descriptor)

    def recognised(self) -> bool:
        """True when this is the folder that is remembered, False when none is; adopts and makes nothing.

        Raises:
            AnotherFolder: it has another marker than is remembered, or none.
            StorageTrouble: it cannot be looked at.
        """
        remembered = self._registry.id_of(self.root)
        if remembered is not None:
            os.close(self._known(remembered))
        return remembered is not None

    def believe(self) -> None:
        """Where nothing is remembered, take the marker that is there for the right one; makes nothing.

        Raises:
            StorageTrouble: there is none, or it cannot be looked at.
        """
        if self._registry.id_of(self.root) is not None:
            return
        with durable.as_storage_trouble(self.root):
            descriptor = os.open(self.root, FOLDER)
            try:
                found = _marker_id(descriptor)
            finally:
                os.close(descriptor)
        if found is None:
            raise StorageTrouble(
                WaitReason.FOLDER_UNAVAILABLE,
                f"{self.root} has no marker {MARKER}. Is it mounted, and has camspool been started once?",
            )
        self._registry.believe(self.root, found)

    def files(self) -> Iterator[str]:
        """The paths of all regular files, lazily, dot files included, ignored folders left out."""
        return (path for path, _ in self.walk())

    def walk(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """The same with the entry of each, which may be asked for more until the next one comes."""
        self.check()
        waiting = [""]
        while waiting:
            relative = waiting.pop()
            with contextlib.ExitStack() as stack:
                for entry in self._entries(relative, stack):
                    path = naming.below(relative, entry.name)
                    if entry.is_dir(follow_symlinks=False) and not naming.ignored_component(entry.name):
                        waiting.append(path)
                    elif entry.is_file(follow_symlinks=False):
                        yield path, entry

    def _entries(self, relative: str, stack: contextlib.ExitStack) -> list[os.DirEntry[str]]:
        """What is in a folder, which stays open on the `stack`."""
        try:
            descriptor = stack.enter_context(self.folder(relative))
            with (
                durable.as_storage_trouble(self.root / relative, missing_passes=True),
                os.scandir(descriptor) as entries,
            ):
                return list(entries)
        except FileNotFoundError:
            return []
        except StorageTrouble as trouble:
            if relative and self._passes_over(trouble):
                return []
            raise

    def _passes_over(self, trouble: StorageTrouble) -> bool:
        """lost+found and the like: nothing of ours is in a folder that we may not read."""
        return isinstance(trouble.__cause__, PermissionError)

    def _open_root(self) -> int:
        remembered = self._registry.id_of(self.root)
        return self._adopt() if remembered is None else self._known(remembered)

    def _known(self, remembered: str) -> int:
        with durable.as_storage_trouble(self.root):
            descriptor = os.open(self.root, FOLDER)
            try:
                self._recognise(descriptor, remembered)
            except BaseException:
                os.close(descriptor)
                raise
        return descriptor

    def _recognise(self, folder: int, remembered: str) -> None:
        """Read the marker, unless it is the very file that was read last time: that takes less time."""
        version = _marker_version(folder)
        if version is not None and (remembered, version) == self._seen:
            return
        self._expect(remembered, _marker_id(folder))
        self._seen = (remembered, version) if version else None

    def _expect(self, remembered: str, found: str | None) -> None:
        if found == remembered:
            return
        what = (
            f"has no marker {MARKER}: is it mounted?" if found is None else "is another folder than before."
        )
        raise AnotherFolder(f"{self.root} {what}", self._registry.path)

    def _adopt(self) -> int:
        """First use: state/ has never seen this folder. A marker that is there already is believed."""
        with self._adopting, durable.as_storage_trouble(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.root, FOLDER)
            try:
                marker_id = _marker_id(descriptor)
                if not marker_id:
                    marker_id = secrets.token_hex(16)
                    marker = {"schema": "camspool/marker/1", "id": marker_id, "about": _ABOUT}
                    durable.write(descriptor, MARKER, json.dumps(marker, indent=2).encode() + b"\n")
                self._registry.remember(self.root, marker_id)
            except BaseException:
                os.close(descriptor)
                raise
            return descriptor


class ObservedFolder(MarkedFolder):
    """The same for programs beside the daemon: any marker will do, and nothing is ever made."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, FolderRegistry(Path(os.devnull)))

    def _open_root(self) -> int:
        try:
            descriptor = os.open(self.root, FOLDER)
        except FileNotFoundError:
            raise _no_marker(f"{self.root} is not there") from None
        try:
            os.stat(MARKER, dir_fd=descriptor, follow_symlinks=False)
        except BaseException as error:
            os.close(descriptor)
            if isinstance(error, FileNotFoundError):
                raise _no_marker(f"{self.root} has no marker {MARKER}") from None
            raise
        return descriptor

    def _passes_over(self, trouble: StorageTrouble) -> bool:  # noqa: ARG002
        """Whoever looks on shows what can be seen."""
        return True


def _no_marker(found: str) -> StorageTrouble:
    question = "Is it mounted, and has a daemon run on it?"
    return StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, f"{found}. {question}")


def modified_ns(entry: os.DirEntry[str]) -> int:
    """When a file that `walk` has just named was last written, in nanoseconds; far ahead if unknown."""
    try:
        return entry.stat(follow_symlinks=False).st_mtime_ns
    except OSError:
        return sys.maxsize  # whoever reads it will find out


def components(relative: str) -> list[str]:
    """The path's components.

    Raises:
        ValueError: it is absolute, or has an empty, `.` or `..` component.
    """
    parts = relative.split("/") if relative else []
    if any(part in {"", ".", ".."} or "\0" in part for part in parts):
        raise ValueError(f"{relative!r} is no path below a folder")
    return parts


def _replaced(descriptor: int, by: int) -> int:
    os.close(descriptor)
    return by


def _step(folder: int, component: str, *, create: bool) -> int:
    if create:
        with contextlib.suppress(FileExistsError):
            os.mkdir(component, dir_fd=folder)
            durable.sync_folder(folder)
    try:
        return os.open(component, FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except NotADirectoryError:
        if create:
            raise
        raise FileNotFoundError(component) from None


_COARSE_NS: Final = 1_000_000
_Version = tuple[int, int, int, int]


def _marker_version(folder: int) -> _Version | None:
    """What tells one version of the marker from another; None when nothing does, or there is none.

    The markers of drop/ and mirror/ are made within one second, so that on disks or shares that were mounted
    the wrong way round all of it may be the same where a file system knows but seconds (ext3, sshfs, WebDAV)
    or hundredths (exFAT).
    """
    try:
        facts = os.stat(MARKER, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if facts.st_ctime_ns % _COARSE_NS == 0:
        return None
    return facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns


def _marker_id(folder: int) -> str | None:
    """The id in the folder's marker; None without a marker, empty when it cannot be understood."""
    with durable.opened(folder, MARKER) as descriptor:
        if descriptor is None:
            return None
        try:
            return str(json.loads(os.read(descriptor, 4096))["id"])
        except (ValueError, KeyError, TypeError):
            return ""
