"""The part file of a download: where it is written, whatever links are in the way, and what failures do."""

import errno
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from camspool.adapters.download.part import PartFile
from camspool.adapters.spool import Spool
from camspool.core.errors import StorageTrouble


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the listing's own goes with it


def failing(call: str, number: int) -> Callable[..., Any]:
    def fails(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number), call)

    return fails


@pytest.mark.parametrize("swapped", ["its folder", "the file"])
def test_a_link_in_the_mirror_leads_no_download_out_of_it(tmp_path: Path, swapped: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    spool = Spool(tmp_path / "drop", tmp_path / "mirror", tmp_path / "state")
    spool.open()
    before = descriptors()
    part = spool.part_path("a/b", 1, None)
    if swapped == "its folder":
        part.parent.rename(tmp_path / "moved")
        part.parent.symlink_to(outside)
    else:
        part.symlink_to(outside / "passwd")
    with pytest.raises(StorageTrouble, match="symbolic link"):
        PartFile(part, lambda: spool.part_folder("a/b"))
    assert descriptors() == before
    assert list(outside.iterdir()) == []
    spool.close()


def test_a_folder_that_is_swapped_while_it_is_written_keeps_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "outside").mkdir()
    with closing(PartFile(tmp_path / "a/x.part")) as part:
        (tmp_path / "a").rename(tmp_path / "moved")
        (tmp_path / "a").symlink_to(tmp_path / "outside")
        part.write(b"video")
        part.sync()
    assert (tmp_path / "moved/x.part").read_bytes() == b"video"
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EPERM])
def test_a_file_system_that_cannot_sync_takes_the_video_all_the_same(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", failing("fsync", number))
    with closing(PartFile(tmp_path / "x.part")) as part:
        part.write(b"video")
        assert part.sync().bytes == 5
    assert (tmp_path / "x.part").read_bytes() == b"video"


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_sync_that_failed_at_writing_makes_the_part_worthless(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", failing("fsync", number))
    with closing(PartFile(tmp_path / "x.part")) as part:
        part.write(b"video")
        with pytest.raises(StorageTrouble):
            part.sync()
    assert not (tmp_path / "x.part").exists()


@pytest.mark.parametrize("call", ["fstat", "open", "dup", "unlink"])
def test_no_descriptor_is_lost_when_it_cannot_be_opened(
    tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = tmp_path / "twin"
    twin.write_bytes(b"x")
    (tmp_path / "x.part").hardlink_to(twin)
    spool = Spool(tmp_path / "drop", tmp_path / "mirror", tmp_path / "state")
    spool.open()
    before = descriptors()
    with monkeypatch.context() as patched:
        patched.setattr(os, call, failing(call, errno.EIO))
        try:
            PartFile(tmp_path / "x.part").close()
        except StorageTrouble:
            pass
        else:
            assert call == "dup"
    assert descriptors() == before
    with closing(PartFile(tmp_path / "x.part")) as part:
        part.write(b"video")
    assert twin.read_bytes() == b"x"
    assert descriptors() == before
    spool.close()
