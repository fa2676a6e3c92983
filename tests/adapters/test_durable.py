"""Durable writes: what is asked of the kernel, in which order, and what a failure leaves behind."""

import errno
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from camspool.adapters.spool import durable
from camspool.core.errors import StorageTrouble
from camspool.core.values import WaitReason


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, folder: int) -> list[str]:
    """Names of the calls that matter, in order; each is really made. (Tracing needs rights that CI lacks.)"""
    made: list[str] = []

    def recorded(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            made.append("fsync folder" if name == "fsync" and args[0] == folder else name)
            return real(*args, **options)

        return call

    for name in ("write", "fsync", "rename"):
        monkeypatch.setattr(os, name, recorded(name, getattr(os, name)))
    return made


def test_durable_means_synced_before_the_name_and_after_it(
    folder: int, calls: list[str], tmp_path: Path
) -> None:
    durable.write(folder, "x", b"bytes")
    assert calls == ["write", "fsync", "rename", "fsync folder"]
    assert (tmp_path / "x").read_bytes() == b"bytes"


def test_a_copy_is_synced_before_it_can_get_a_name(folder: int, calls: list[str], tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"bytes")
    with durable.opened(folder, "source") as source:
        assert source is not None
        temporary = durable.copy(source, folder)
    assert calls == ["write", "fsync"]
    assert (tmp_path / temporary).read_bytes() == b"bytes"


def test_not_durable_is_still_atomic_and_costs_no_sync(folder: int, calls: list[str]) -> None:
    durable.write(folder, "x", b"bytes", durable=False)
    assert calls == ["write", "rename"]


@pytest.mark.parametrize("failing", ["write", "fsync", "rename"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    failing: str, folder: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A real full disk needs a mount of our own, which needs root; the kernel's answer is the same.
    def full(*args: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "x").write_bytes(b"old")
    monkeypatch.setattr(os, failing, full)
    with pytest.raises(OSError, match="No space"):
        durable.write(folder, "x", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == b"old"


def test_a_short_write_is_continued(folder: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))
    durable.write(folder, "x", b"0123456789" * 10)
    assert (tmp_path / "x").read_bytes() == b"0123456789" * 10


def test_a_reader_never_sees_half(folder: int, tmp_path: Path) -> None:
    versions = [secrets.token_bytes(20_000) for _ in range(2)]
    durable.write(folder, "x", versions[0])
    seen: list[bytes] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.append((tmp_path / "x").read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(500):
        durable.write(folder, "x", versions[number % 2], durable=False)
    stop.set()
    reader.join()
    assert len(seen) > 10
    assert set(seen) <= set(versions)


def test_writers_do_not_disturb_one_another(folder: int, tmp_path: Path) -> None:
    def write(number: int) -> None:
        for _ in range(50):
            durable.write(folder, "x", bytes([number]) * 5000, durable=False)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(set((tmp_path / "x").read_bytes())) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_others_may_read_what_is_written(folder: int, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        durable.write(folder, "x", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("flag_known", [True, False], ids=["renameat2", "older file systems"])
@pytest.mark.parametrize("obstacle", ["file", "folder", "dangling link"])
def test_rename_new_never_overwrites(
    *, obstacle: str, flag_known: bool, folder: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not flag_known:
        monkeypatch.setattr(durable, "_renameat2", None)
    (tmp_path / "new").write_bytes(b"new")
    taken = tmp_path / "taken"
    make: dict[str, Callable[[], object]] = {
        "file": taken.touch,
        "folder": taken.mkdir,
        "dangling link": lambda: taken.symlink_to("nowhere"),
    }
    make[obstacle]()
    with pytest.raises(FileExistsError):
        durable.rename_new(folder, "new", folder, "taken")
    assert (tmp_path / "new").read_bytes() == b"new"
    durable.rename_new(folder, "new", folder, "free")
    assert (tmp_path / "free").read_bytes() == b"new"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, WaitReason.DISK_FULL),
        (errno.EDQUOT, WaitReason.DISK_FULL),
        (errno.EIO, WaitReason.FOLDER_UNAVAILABLE),
        (errno.EROFS, WaitReason.FOLDER_UNAVAILABLE),
        (errno.ESTALE, WaitReason.FOLDER_UNAVAILABLE),
        (errno.ENOENT, WaitReason.FOLDER_UNAVAILABLE),
    ],
)
def test_every_os_error_is_classified(number: int, reason: WaitReason) -> None:
    with pytest.raises(StorageTrouble) as trouble, durable.as_storage_trouble("/srv/x"):
        raise OSError(number, os.strerror(number))
    assert trouble.value.reason is reason
    assert trouble.value.message == f"/srv/x: {os.strerror(number)}"


def test_a_folder_that_cannot_be_synced_is_no_failure(
    folder: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if descriptor == folder:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))  # as some FUSE and SMB mounts answer
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    durable.write(folder, "x", b"bytes")
    assert (tmp_path / "x").read_bytes() == b"bytes"


@pytest.mark.parametrize(("said", "longest"), [(255, 255), (143, 143), (0, 255), (-1, 255)])
def test_a_limit_of_names_that_no_file_system_has_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: int, longest: int
) -> None:
    monkeypatch.setattr(os, "fpathconf", lambda *_: said)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        assert durable.longest_name(descriptor) == longest
    finally:
        os.close(descriptor)
