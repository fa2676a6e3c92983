"""Mount points below drop/ or mirror/: each is a folder with a marker of its own, known from then on.

While one is away, what lies below it is unavailable, never empty. A mount that we may not write has no
marker; the kernel's table of mounts says whether it is there.
"""

import contextlib
import threading
from pathlib import Path
from typing import Final

import structlog

from camspool.adapters.spool import durable
from camspool.adapters.spool.folder_registry import FolderRegistry
from camspool.adapters.spool.marker_file import KnownMarker, make_marker, marker_id
from camspool.adapters.spool.mounts import MountTable, mounts_below
from camspool.adapters.spool.steps import components, step
from camspool.core import naming
from camspool.core.errors import StorageTrouble
from camspool.core.file_errors import is_read_only
from camspool.core.values import WaitReason

_WITHOUT_MARKER: Final = ""
"""Remembered in place of an id."""

log = structlog.get_logger()


class MountUnavailable(StorageTrouble):
    """A mount below drop/ or mirror/ cannot be used now: what is in it is unavailable, and not gone."""


class MountAway(MountUnavailable):
    """It is not there, or another one is in its place.

    Args:
        path: its mount point.
        memory: the file in which it is remembered.
    """

    def __init__(self, path: str, memory: Path) -> None:
        super().__init__(
            WaitReason.FOLDER_UNAVAILABLE,
            f"{path} was a mount of its own, and is not mounted now. Mount it; if it is no mount any more, "
            f"stop camspool, delete its line in {memory}, and start again.",
        )


class NestedMounts:
    """The mounts below one folder.

    Args:
        root: the folder's absolute path.
        registry: what is remembered of the markers.
        table: which mount points there are; None: new ones are not adopted.
    """

    def __init__(self, root: Path, registry: FolderRegistry, table: MountTable | None) -> None:
        self._root = root
        self._registry = registry
        self._table = table
        self._version = 0
        self._present: frozenset[str] = frozenset()
        self._not_adopted: dict[str, str] = {}
        self._markers: dict[str, KnownMarker] = {}
        self.away: dict[str, str] = {}
        """Those that could not be entered when that was last tried, and why; for reports."""
        self._adopting = threading.Lock()

    def known(self) -> list[str]:
        """The mounts that there are, or were, relative to the root."""
        return sorted({*self._registry.below(self._root), *self._not_adopted})

    def is_known(self, path: str) -> bool:
        """True when there is, or was, a mount of its own at this path below the root."""
        return path in self._not_adopted or self._registry.id_of(self._root / path) is not None

    def entered(self, folder: int, path: str, component: str) -> int:
        """A descriptor of a known mount's root.

        Args:
            folder: descriptor of the folder that the mount point is in.
            path: the mount point, relative to the root.
            component: its last component.

        Raises:
            MountAway: it is not mounted, or it is not the one that is remembered.
            OSError: it cannot be looked at.
        """
        try:
            descriptor = self._entered(folder, path, component)
        except (MountUnavailable, OSError) as error:
            self._note_away(path, error)
            raise
        if self.away.pop(path, None) is not None:
            log.info("mount_back", path=str(self._root / path))
        return descriptor

    def _entered(self, folder: int, path: str, component: str) -> int:
        try:
            descriptor = step(folder, component)
        except FileNotFoundError:
            raise self._away(path) from None
        try:
            self._recognise(descriptor, path)
        except BaseException:
            durable.release(descriptor)
            raise
        return descriptor

    def _note_away(self, path: str, error: MountUnavailable | OSError) -> None:
        if path not in self.away and path not in self._not_adopted:
            log.warning("mount_away", path=str(self._root / path), problem=str(error))
        self.away[path] = str(error)

    def adopt_new(self, root: int, *, again: bool) -> None:
        """Give every mount that was not seen before a marker, as soon as the kernel's table shows it.

        Args:
            root: descriptor of the root.
            again: try those again that could not be adopted.
        """
        if self._table is None or (
            self._table.version == self._version and not (again and self._not_adopted)
        ):
            return
        with self._adopting:
            version = self._table.version
            self._present = frozenset(
                path for path in self._table.below(self._root) if not naming.ignored(path)
            )
            self._not_adopted = {
                path: why for path, why in self._not_adopted.items() if path in self._present
            }
            new = [path for path in sorted(self._present) if self._registry.id_of(self._root / path) is None]
            self._remember({path: found for path in new if (found := self._adopt(root, path)) is not None})
            self._version = version  # last, so that nobody else goes on before

    def _recognise(self, descriptor: int, path: str) -> None:
        remembered = self._registry.id_of(self._root / path)
        if remembered is None:
            problem = self._not_adopted.get(path, "it has no marker yet")
            raise MountUnavailable(WaitReason.FOLDER_UNAVAILABLE, f"{self._root / path}: {problem}")
        if remembered == _WITHOUT_MARKER:
            present = mounts_below(self._root) if self._table is None else self._present
            if path not in present:
                raise self._away(path)
            return
        marker = self._markers.setdefault(path, KnownMarker())
        if marker.id_in(descriptor, remembered) != remembered:
            raise self._away(path)

    def _adopt(self, root: int, path: str) -> str | None:
        """The id of a new mount's marker; None for one that is gone already, or has to be put off."""
        try:
            descriptor = self._open(root, path)
        except (FileNotFoundError, NotADirectoryError):
            return None  # unmounted since, or a file that was mounted on a file
        except (OSError, StorageTrouble) as error:
            self._put_off(path, str(error))
            return None
        try:
            return marker_id(descriptor) or self._make_marker(descriptor, path)
        except OSError as error:
            self._put_off(path, str(error))
            return None
        finally:
            durable.release(descriptor)

    def _remember(self, adopted: dict[str, str]) -> None:
        """All of them at once: there may be thousands, and each time the memory is written durably."""
        if not adopted:
            return
        self._registry.remember({self._root / path: found for path, found in adopted.items()})
        for path, found in adopted.items():
            self._not_adopted.pop(path, None)
            log.info("mount_adopted", path=str(self._root / path), marker=bool(found))

    def _put_off(self, path: str, problem: str) -> None:
        """Let what cannot be adopted now be unavailable until it can."""
        if path not in self._not_adopted:
            log.warning("mount_not_adopted", path=str(self._root / path), problem=problem)
        self._not_adopted[path] = problem

    def _make_marker(self, descriptor: int, path: str) -> str:
        try:
            return make_marker(descriptor)
        except OSError as error:
            if not is_read_only(error):
                raise
            log.warning("mount_not_marked", path=str(self._root / path), problem=error.strerror)
            return _WITHOUT_MARKER

    def _open(self, root: int, path: str) -> int:
        """A descriptor of the mount's root; the mounts on the way to it have been adopted before."""
        with contextlib.ExitStack() as on_the_way:
            folder, here = root, ""
            for component in components(naming.folder_of(path)):
                here = naming.below(here, component)
                known = self.is_known(here)
                folder = self.entered(folder, here, component) if known else step(folder, component)
                on_the_way.callback(durable.release, folder)
            return step(folder, naming.stem_of(path))

    def _away(self, path: str) -> MountAway:
        return MountAway(str(self._root / path), self._registry.path)
