"""Distinguishing a folder from an empty mount point by the marker in it.

It knows nothing of what lies in the folders.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from camspool.adapters.spool import durable
from camspool.adapters.spool.durable import FOLDER, release
from camspool.adapters.spool.folder_registry import FolderRegistry
from camspool.adapters.spool.marker_file import MARKER, KnownMarker, make_marker, marker_id
from camspool.adapters.spool.mounts import MountTable
from camspool.adapters.spool.nested_mounts import MountUnavailable, NestedMounts
from camspool.adapters.spool.steps import components, step
from camspool.core import naming
from camspool.core.errors import StorageTrouble
from camspool.core.values import WaitReason

_NO_MARKER: Final = f"has no marker {MARKER}: is it mounted?"


class AnotherFolder(StorageTrouble):
    """A folder is not the one that is remembered: not mounted, most likely.

    Args:
        found: what it is instead.
        memory: the file in which it is remembered.
        remedy: what to do about it, where it is not the usual.
    """

    def __init__(self, found: str, memory: Path, remedy: str | None = None) -> None:
        remedy = remedy or (
            f"Mount the right one; if this is the right one, stop camspool, "
            f"delete the line of this folder in {memory}, and start again."
        )
        super().__init__(WaitReason.FOLDER_UNAVAILABLE, f"{found} {remedy}")
        self.found = found
        self.remedy = remedy


class MarkedFolder:
    """drop/ or mirror/: a tree that is only touched while its marker is there.

    All below it is reached from the descriptor whose marker was read, without following symbolic links. A
    mount point below it has a marker of its own: see `nested_mounts`.

    Args:
        root: the folder.
        registry: what is remembered of the markers.
        mirror: for drop/, the mirror that it belongs to.
        mounts: which mount points there are; None for those who only look for the mounts that are known.
    """

    def __init__(
        self,
        root: Path,
        registry: FolderRegistry,
        mirror: Path | None = None,
        mounts: MountTable | None = None,
    ) -> None:
        self.root = root.absolute()
        self._registry = registry
        self._mirror = mirror and mirror.absolute()
        self._adopting = threading.Lock()
        self._marker = KnownMarker()
        self._nested = NestedMounts(self.root, registry, mounts)

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
                self._nested.adopt_new(descriptor, again=not relative)
                path = ""
                for component in components(relative):
                    path = naming.below(path, component)
                    descriptor = self._entered(descriptor, path, component, create=create)
                yield descriptor
            finally:
                release(descriptor)

    @contextlib.contextmanager
    def opened(self, path: str) -> Iterator[int | None]:
        """A descriptor to read the regular file `path` in the tree; None when there is none."""
        with contextlib.ExitStack() as stack:
            try:
                folder = stack.enter_context(self.folder(naming.folder_of(path)))
                descriptor = stack.enter_context(durable.opened(folder, naming.stem_of(path)))
            except FileNotFoundError:
                descriptor = None
            yield descriptor

    def facts(self, path: str) -> os.stat_result | None:
        """What the file system says of anything that has this path; None when nothing has it."""
        try:
            with self.folder(naming.folder_of(path)) as folder:
                return durable.facts_of(folder, naming.stem_of(path))
        except FileNotFoundError:
            return None

    @property
    def seen_away(self) -> dict[str, str]:
        """What `away` found last, and why, by paths below the folder; looks at nothing."""
        return dict(self._nested.away)

    def away(self) -> dict[str, StorageTrouble]:
        """The mounts below the folder that are not there now, by their paths relative to it.

        What lies below them is unavailable, and not gone.
        """
        away: dict[str, StorageTrouble] = {}
        for path in self._nested.known():
            try:
                with self.folder(path):
                    pass
            except StorageTrouble as trouble:
                away[path] = trouble
        return away

    def _entered(self, folder: int, path: str, component: str, *, create: bool) -> int:
        """The descriptor of the folder `path`, one step on, in place of `folder`, which is closed."""
        if self._nested.is_known(path):
            return _replaced(folder, self._nested.entered(folder, path, component))
        return _replaced(folder, step(folder, component, create=create))

    def recognised(self) -> bool:
        """True when this is the folder that is remembered, False when none is; adopts and makes nothing.

        Raises:
            AnotherFolder: it has another marker than is remembered, or none.
            StorageTrouble: it cannot be looked at.
        """
        remembered = self._registry.id_of(self.root)
        if remembered is not None:
            release(self._known(remembered))
            return True
        with durable.as_storage_trouble(self.root):
            self._expect_own(self._found())
        return False

    def believe(self) -> None:
        """Where nothing is remembered, take the marker that is there for the right one; makes nothing.

        Raises:
            StorageTrouble: there is none, or it cannot be looked at.
        """
        if self._registry.id_of(self.root) is not None:
            return
        with durable.as_storage_trouble(self.root):
            found = self._found()
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
        except MountUnavailable:
            return []  # nobody can tell what is in it
        except StorageTrouble as trouble:
            if relative and self._passes_over(trouble):
                return []
            raise

    def _passes_over(self, trouble: StorageTrouble) -> bool:
        """lost+found and the like: nothing of ours is in a folder that we may not read."""
        return isinstance(trouble.__cause__, PermissionError)

    def _open_root(self) -> int:
        remembered = self._registry.id_of(self.root)
        descriptor = self._adopt() if remembered is None else self._known(remembered)
        if self._mirror is not None:
            self._registry.pair(self._mirror, self.root)
        return descriptor

    def _known(self, remembered: str) -> int:
        with durable.as_storage_trouble(self.root):
            descriptor = os.open(self.root, FOLDER)
            try:
                self._expect(remembered, self._marker.id_in(descriptor, remembered))
                self._expect_own(remembered)
            except BaseException:
                release(descriptor)
                raise
        return descriptor

    def _expect(self, remembered: str, found: str | None) -> None:
        if found == remembered:
            return
        what = _NO_MARKER if found is None else "is another folder than before."
        raise AnotherFolder(f"{self.root} {what}", self._registry.path)

    def _found(self) -> str | None:
        """The id in the marker that is there; None where there is none, or no such folder."""
        try:
            descriptor = os.open(self.root, FOLDER)
        except FileNotFoundError:
            return None
        try:
            return marker_id(descriptor)
        finally:
            release(descriptor)

    def _expect_own(self, found: str | None) -> None:
        """Raise AnotherFolder when the mirror's requests came from another drop folder than this.

        Otherwise a slip in the configuration would pass for a folder whose requests were all deleted.
        """
        known = self._registry.drops_of(self._mirror) if self._mirror is not None else {}
        if not known or str(self.root) in known or found in known.values():
            return
        wanted = " or ".join(known)
        raise AnotherFolder(
            f"{self.root} is not the drop folder of the mirror {self._mirror}: that is {wanted}.",
            self._registry.path,
            f"Correct folders.drop. If {self.root} is to take its place, stop camspool, delete the line of "
            f"{wanted} in {self._registry.path}, and start again: requests without files are cancelled.",
        )

    def _adopt(self) -> int:
        """First use: state/ has never seen this folder. A marker that is there already is believed."""
        with self._adopting, durable.as_storage_trouble(self.root):
            self._expect_own(self._found())
            self.root.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.root, FOLDER)
            try:
                found = marker_id(descriptor) or make_marker(descriptor)
                if self._mirror is None:
                    self._registry.remember_mirror(self.root, found)
                else:
                    self._registry.remember({self.root: found})
            except BaseException:
                release(descriptor)
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
            release(descriptor)
            if isinstance(error, FileNotFoundError):
                raise _no_marker(f"{self.root} has no marker {MARKER}") from None
            raise
        return descriptor

    def _passes_over(self, trouble: StorageTrouble) -> bool:  # noqa: ARG002
        """A program beside the daemon shows what it can see."""
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


def _replaced(descriptor: int, by: int) -> int:
    release(descriptor)
    return by
