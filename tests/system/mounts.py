"""File systems to be full, read-only or gone, in a mount namespace that dies with the tests.

Needs root. What is missing is an error: a test that is skipped proves nothing.
"""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_CLONE_NEWNS = 0x00020000  # linux/sched.h
_PROGRAMS = ("mount", "umount", "setpriv")

WITHOUT_PRIVILEGE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
"""What to put before a command that shall be subject to permissions.

Not another user: the interpreter may lie where only root can look. Root without these capabilities is kept
out by a file's mode like anybody else.
"""


def own_namespace() -> None:
    """From now on, mounts of this thread, and of what it starts, are seen by nobody else."""
    assert os.geteuid() == 0, "these tests mount file systems: run them as root (sudo make test-system)"
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    assert not missing, f"missing: {', '.join(missing)} (Debian: apt-get install mount util-linux)"
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "no mount namespace of their own for these tests")
    _run("mount", "--make-rprivate", "/")


@contextmanager
def tmpfs(folder: Path, **options: str) -> Iterator[Path]:
    """A file system in memory at `folder` while the block runs."""
    folder.mkdir(exist_ok=True)
    chosen = ",".join(f"{name}={value}" for name, value in options.items())
    _run("mount", "-t", "tmpfs", *(["-o", chosen] if chosen else []), "camspool-test", str(folder))
    with _unmounting(folder):
        yield folder


def old_disk(image: Path) -> Path:
    """A disk, in a file, whose file system dates by whole seconds, as ext3 and FAT do."""
    with image.open("wb") as file:
        file.truncate(8 << 20)
    _run("mkfs.ext4", "-q", "-I", "128", str(image))
    return image


@contextmanager
def disk(image: Path, folder: Path) -> Iterator[Path]:
    """What is in `image` appears at `folder` while the block runs."""
    folder.mkdir(exist_ok=True)
    _run("mount", "-o", "loop", str(image), str(folder))
    with _unmounting(folder):
        yield folder


@contextmanager
def share(disk: Path, folder: Path) -> Iterator["Share"]:
    """What is on `disk` appears at `folder`, as a share that can be unmounted and mounted again."""
    for each in (disk, folder):
        each.mkdir(exist_ok=True)
    found = Share(disk, folder)
    found.mount()
    with ExitStack() as stack:
        stack.callback(found.unmount)
        yield found


class Share:
    """See `share`."""

    def __init__(self, disk: Path, folder: Path) -> None:
        self._disk, self._folder = disk, folder
        self._mounted = False

    def mount(self) -> None:
        """Mount it, unless it is."""
        if not self._mounted:
            _run("mount", "--bind", str(self._disk), str(self._folder))
        self._mounted = True

    def unmount(self) -> None:
        """Take it away, as a server that is switched off does: without asking who has files open."""
        if self._mounted:
            _run("umount", "--lazy", str(self._folder))
        self._mounted = False


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """Nothing at or below `path` can be changed while the block runs; files that are open stay writable."""
    with pinned(path):
        _run("mount", "-o", "remount,bind,ro", str(path))
        yield


@contextmanager
def pinned(path: Path) -> Iterator[None]:
    """The name `path` can neither be replaced nor deleted while the block runs: it is a mount point."""
    _run("mount", "--bind", str(path), str(path))
    with _unmounting(path):
        yield


@contextmanager
def no_room(folder: Path, free: int = 0) -> Iterator[None]:
    """All but `free` bytes of the file system of `folder` are taken while the block runs."""
    facts = os.statvfs(folder)
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, facts.f_bavail * facts.f_frsize - free)
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def no_inodes(folder: Path) -> Iterator[None]:
    """No file can be made in the file system of `folder` while the block runs, though there is room."""
    ballast = [folder / f"ballast-{number}" for number in range(os.statvfs(folder).f_favail)]
    for path in ballast:
        path.touch()
    try:
        yield
    finally:
        for path in ballast:
            path.unlink()


@contextmanager
def _unmounting(folder: Path) -> Iterator[None]:
    try:
        yield
    finally:
        _run("umount", "--lazy", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
