"""drop/, mirror/ and state/: whether they exist, are the known ones, can be written and have room.

Works beside a running daemon and before the first start: everything that is created is deleted again, and no
folder is adopted.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich.filesize import decimal

from camspool.adapters.spool import AnotherFolder, FolderRegistry, MarkedFolder, probe, renames
from camspool.adapters.spool.durable import FOLDER
from camspool.adapters.watch import file_system_of, inotify_works
from camspool.commands.check.isolated import own_group, own_name
from camspool.commands.check.result import Result, not_checked, ok, warning, wrong
from camspool.config.settings import Folders
from camspool.core.errors import StorageTrouble
from camspool.core.free_space import room_to_keep

COPIED: Final = "request files are copied instead of renamed, which works and is slower"
_FSTAB: Final = Path("/etc/fstab")


def marked(
    name: str, root: Path, state: Path, mirror: Path | None = None, fstab: Path = _FSTAB
) -> Iterator[Result]:
    """drop/ or mirror/.

    Args:
        name: which of them.
        root: the folder.
        state: where the daemon remembers its marker.
        mirror: for drop/, the mirror that it belongs to.
        fstab: the file that lists the mounts there should be.
    """
    registry = FolderRegistry(state)
    try:
        registry.look()
    except StorageTrouble as trouble:
        yield not_checked(name, f"what is remembered of {root} cannot be read ({trouble.message})")
        return
    try:
        known = MarkedFolder(root, registry, mirror).recognised()
    except AnotherFolder as another:
        yield wrong(name, another.found, another.remedy)
        return
    except StorageTrouble as trouble:
        yield wrong(name, trouble.message, _remedy_for(trouble.__cause__, root))
        return
    if share := None if known else unmounted(root, fstab):
        found = f"{share} is in {fstab} and not mounted: what is below it now would be taken for {root}"
        yield warning(name, found, f"mount {share}")
    yield tried(
        name, root, "it is the one that is remembered" if known else "the first start marks it as camspool's"
    )
    if name == "drop":
        yield from _sharing(root)


def state(root: Path, made_by_systemd: bool) -> Iterator[Result]:  # noqa: FBT001
    """Whether state/ can be written and is on a local disk."""
    if made_by_systemd and not is_there(root):
        yield ok("state", f"{root} does not exist yet: systemd creates it (StateDirectory=)")
        return
    yield tried("state", root, "")
    file_system = file_system_of(root)
    if not inotify_works(file_system):
        yield warning("state", f"{root} is on {file_system}", "Put folders.state on a local disk.")


def daemon(root: Path) -> Iterator[Result]:
    """Whether a daemon is running, which holds the lock in state/."""
    try:
        at_work = FolderRegistry(root).in_use()
    except StorageTrouble as trouble:
        yield warning("daemon", f"cannot tell whether one is running: {trouble.message}")
        return
    yield ok("daemon", f"one is running on {root}" if at_work else "none is running on these folders")


def rename(folders: Folders) -> Iterator[Result]:
    """Whether finished request files can be renamed from drop/ to mirror/."""
    try:
        recognised(folders.drop, folders.state)
        recognised(folders.mirror, folders.state)
        whole = _renames(folders.drop, folders.mirror)
    except (OSError, StorageTrouble):
        yield not_checked("rename", "drop and mirror cannot both be written")
        return
    if whole:
        yield ok("rename", "drop and mirror are on one file system: request files are renamed")
        return
    yield warning(
        "rename",
        f"drop and mirror are on different file systems or mounts: {COPIED}",
        "If that is not on purpose, put both into one folder of one mount.",
    )


def room(folders: Folders, min_free: int) -> Iterator[Result]:
    """Whether the mirror's file system has room for downloads, by the daemon's own rule."""
    try:
        recognised(folders.mirror, folders.state)
    except StorageTrouble:
        yield not_checked("free space", "the mirror cannot be looked at")
        return
    facts = os.statvfs(_nearest(folders.mirror))
    yield enough(facts.f_bavail * facts.f_frsize, facts.f_blocks * facts.f_frsize, min_free)


def enough(free: int, size: int, min_free: int) -> Result:
    """Whether a download may begin with `free` of `size` bytes free."""
    keeps = room_to_keep(min_free, size)
    found = f"{decimal(free)} are free for the mirror; downloads leave {decimal(keeps)} of it free"
    if free >= keeps:
        return ok("free space", found)
    remedy = "Make room, lower cleanup.min_free, or set cleanup.keep."
    return wrong("free space", f"{found}, so none begins", remedy)


def unmounted(folder: Path, fstab: Path) -> str | None:
    """The mount point above `folder` that is in fstab and not mounted."""
    try:
        lines = fstab.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    points = (
        fields[1] for line in lines if len(fields := line.split()) > 2 and not line.lstrip().startswith("#")
    )
    inside = (point for point in points if point.startswith("/") and folder.is_relative_to(point))
    return next((point for point in inside if not os.path.ismount(point)), None)


def recognised(root: Path, state: Path) -> bool:
    """Whether the folder is the known one; a possibly empty mount point is neither written nor measured."""
    registry = FolderRegistry(state)
    registry.look()
    return MarkedFolder(root, registry).recognised()


def tried(name: str, root: Path, remark: str) -> Result:
    """Whether this user can write in the folder, found out by writing: mode bits do not tell everything."""
    if not is_there(root):
        return _to_be_made(name, root)
    try:
        with opened(root) as folder:
            probe(folder)
    except OSError as error:
        found = f"{own_name()} cannot write in {root}: {error.strerror}"
        return wrong(name, found, _remedy_for(error, root))
    return ok(name, f"{root} can be written" + (f"; {remark}" if remark else ""))


def _to_be_made(name: str, root: Path) -> Result:
    parent = _nearest(root)
    if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
        return ok(name, f"{root} does not exist yet: the first start creates it")
    found = f"{root} does not exist, and {own_name()} may not create it in {parent}"
    return wrong(name, found, f"install -d -o {own_name()} -g {own_group()} -m 2770 {root}")


def _sharing(root: Path) -> Iterator[Result]:
    """Whether folders that other users make in drop/ will be open to the daemon too."""
    with contextlib.suppress(OSError):
        mode = root.stat().st_mode
        if mode & stat.S_IWGRP and not mode & stat.S_ISGID and inotify_works(file_system_of(root)):
            yield warning(
                "drop",
                "its group may write, but folders that others make in it will not belong to its group: "
                "requests could not be moved out of them",
                f"chmod g+s {root}",
            )


def _renames(drop: Path, mirror: Path) -> bool:
    if not (is_there(drop) and is_there(mirror)):
        return _nearest(drop).stat().st_dev == _nearest(mirror).stat().st_dev
    with opened(drop) as source, opened(mirror) as destination:
        return renames(source, destination)


@contextlib.contextmanager
def opened(root: Path) -> Iterator[int]:
    descriptor = os.open(root, FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_there(path: Path) -> bool:
    """True also for a path that may not be looked at: writing then says why."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _nearest(path: Path) -> Path:
    """`path`, or the nearest folder above it that exists."""
    return next(each for each in (path, *path.parents) if is_there(each))


def _remedy_for(error: BaseException | None, root: Path) -> str:
    number = error.errno if isinstance(error, OSError) else None
    match number:
        case errno.EACCES | errno.EPERM:
            return (
                f"To let {own_name()} write there: chown {own_name()} {root} (and open the folders above it)"
            )
        case errno.EROFS:
            return "It is mounted read-only: mount it read-write, or check its disk."
        case errno.ENOSPC | errno.EDQUOT:
            return "Make room, or raise the quota."
        case errno.ENOTDIR | errno.EEXIST:
            return "Move away what is there, or choose another folder."
        case errno.ENOENT:
            return (
                "Mount it if it is a share; if it was removed on purpose, see folders.json in folders.state."
            )
        case _:
            return "Check the disk or share that it is on."
