"""What a file system refuses: harmless where the data are safe, a name that it cannot hold, a failing disk.

Each call that the spool makes is let fail with each errno; no descriptor may be lost by any of it.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from camspool.adapters.spool import Spool, courtesy
from camspool.core import naming
from camspool.core.errors import CamspoolError, NameNotHeld, StorageTrouble
from support.builders import a_status
from support.narrow_file_system import a_file_system

REFUSALS = [errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOTSUP, errno.ENOSYS]
FAILURES = [errno.EIO, errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.ESTALE]
ALL = [errno.EPERM, errno.EACCES, errno.EINVAL, errno.EIO, errno.ENOSPC, errno.ENOENT, errno.ENAMETOOLONG]
OTHER_FILE_SYSTEM = Path("/dev/shm")  # noqa: S108 - there on every Linux


@pytest.fixture(autouse=True)
def _nothing_logged_yet() -> None:
    courtesy._logged.clear()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = Spool(tmp_path / "drop", tmp_path / "mirror", tmp_path / "state")
    opened.open()
    yield opened
    opened.close()


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the listing's own goes with it


@contextmanager
def refusing(call: str, number: int, only: Callable[..., bool] = lambda *_, **__: True) -> Iterator[None]:
    """Every such call fails with this errno while the block runs."""
    real = getattr(os, call)

    def fails(*arguments: Any, **options: Any) -> Any:
        if only(*arguments, **options):
            raise OSError(number, os.strerror(number))
        return real(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, call, fails)
        yield


def is_folder(descriptor: int) -> bool:
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


@pytest.fixture
def crossing(tmp_path: Path) -> Iterator[Spool]:
    """drop/ and mirror/ on two file systems, so that request files are copied."""
    if OTHER_FILE_SYSTEM.stat().st_dev == tmp_path.stat().st_dev:
        raise AssertionError(f"{OTHER_FILE_SYSTEM} is no other file system")
    drop = OTHER_FILE_SYSTEM / f"camspool-test-{os.getpid()}-{tmp_path.name}"
    opened = Spool(drop, tmp_path / "mirror", tmp_path / "state")
    opened.open()
    (drop / "b.json").write_bytes(b"{}")
    yield opened
    opened.close()
    for path in drop.iterdir():
        path.unlink()
    drop.rmdir()


@pytest.mark.parametrize("number", [*REFUSALS, *FAILURES])
@pytest.mark.parametrize("call", ["fchmod", "utime"])
def test_modes_and_times_that_are_refused_are_no_trouble(crossing: Spool, call: str, number: int) -> None:
    before = descriptors()
    with refusing(call, number), capture_logs() as logged:
        assert crossing.file_away("b.json", None, "b.json") == "b.json"
        assert crossing.file_away("b.json", None, "b.json") is None
    assert [line["call"] for line in logged if line["event"] == "call_refused"] == [call]
    assert descriptors() == before


@pytest.mark.parametrize("number", [*REFUSALS, errno.EBADF])
def test_the_fsync_of_a_folder_that_is_refused_is_no_trouble(spool: Spool, number: int) -> None:
    with refusing("fsync", number, is_folder), capture_logs() as logged:
        for name in ("a/b", "a/c", "b"):
            spool.save_status(replace(a_status(), name=name))
    [line] = [line for line in logged if line["event"] == "call_refused"]
    assert (line["call"], line["problem"]) == ("fsync of a folder", os.strerror(number))
    assert str(spool.mp4_path("", "").parent) in line["path"]


@pytest.mark.parametrize("number", FAILURES)
def test_a_folder_whose_names_may_be_lost_is_trouble(spool: Spool, number: int) -> None:
    with refusing("fsync", number, is_folder), pytest.raises(StorageTrouble):
        spool.save_status(a_status())
    spool.save_status(a_status())


@pytest.mark.parametrize("number", [*REFUSALS, errno.EBADF, *FAILURES])
def test_an_mp4_is_published_unless_its_bytes_may_be_lost(spool: Spool, number: int) -> None:
    before = descriptors()
    part = spool.part_path("store/evening", 1, None)
    part.write_bytes(b"footage")
    with refusing("fsync", number):
        if number in FAILURES:
            with pytest.raises(StorageTrouble):
                spool.publish(part, "store/evening", "evening.mp4")
        else:
            spool.publish(part, "store/evening", "evening.mp4")
    assert spool.mp4_path("store/evening", "evening.mp4").exists() == (number not in FAILURES)
    assert descriptors() == before


CALLS = ["open", "stat", "rename", "unlink", "mkdir", "fsync", "write", "read", "fstat", "listdir", "scandir"]
"""What the spool asks of the kernel; `close` gives a descriptor up whatever it says."""


def everything(spool: Spool, drop: Path) -> list[Callable[[], object]]:
    status = replace(a_status(), name="store/evening")

    def put() -> None:
        (drop / "store").mkdir(exist_ok=True)
        (drop / "store/evening.json").write_bytes(b"{}")

    return [
        put,
        spool.check_drop,
        spool.check_mirror,
        lambda: spool.read("store/evening.json"),
        lambda: spool.try_names("store/evening"),
        lambda: spool.save_status(status),
        lambda: spool.load_status("store/evening"),
        lambda: list(spool.sweep()),
        lambda: spool.remove_orphans(lambda _: False),
        lambda: spool.discard_parts("store/evening"),
        lambda: spool.own_files.write("_page/x.js", b"x"),
        lambda: spool.own_files.read("_page/x.js"),
        lambda: spool.free_mp4_name("store/evening", "evening.mp4"),
        lambda: spool.file_away("store/evening.json", None, "store/evening.json"),
        lambda: spool.where_filed("0" * 64, "store/evening.json"),
        spool.away_in_mirror,
    ]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("number", ALL, ids=errno.errorcode.__getitem__)
def test_no_descriptor_is_lost_whichever_call_fails(
    spool: Spool, tmp_path: Path, call: str, number: int
) -> None:
    for work in everything(spool, tmp_path / "drop"):
        work()
    before = descriptors()
    for nth in (0, 2):
        for work in everything(spool, tmp_path / "drop")[1:]:
            made = iter(range(1000))
            from_then_on = refusing(call, number, lambda *_, _made=made, _nth=nth, **__: next(_made) >= _nth)
            with from_then_on, suppress(CamspoolError):  # and nothing else is ever raised
                work()
    assert descriptors() == before


# Names


@pytest.mark.parametrize(
    "number", [errno.EINVAL, errno.ENAMETOOLONG, errno.EILSEQ, errno.ENOENT, errno.EPERM, errno.EACCES]
)
@pytest.mark.parametrize("name", ["2026-03-01T18:00:00", "store:12/evening", "a/b:c/d"])
def test_a_name_that_the_mirror_cannot_hold_is_distinguished_from_trouble(
    spool: Spool, tmp_path: Path, number: int, name: str
) -> None:
    before = descriptors()
    with a_file_system(tmp_path, number):
        with pytest.raises(NameNotHeld) as refused:
            spool.try_names(name)
        assert refused.value.why == os.strerror(number)
        assert spool.load_status(name) is None
        assert spool.unblocked(name) == name
        spool.try_names("store-12/evening")
        spool.try_names(naming.portable_name(f"{name}.json"))
        spool.save_status(replace(a_status(), name=naming.portable_name(f"{name}.json")))
    assert descriptors() == before


@pytest.mark.parametrize("number", [errno.ENAMETOOLONG, errno.EINVAL])
def test_the_real_limit_of_a_name_is_found_by_trying(spool: Spool, tmp_path: Path, number: int) -> None:
    with a_file_system(tmp_path, number, longest=143):  # eCryptfs
        spool.try_names("x" * (143 - len(naming.longest_part_name("x")) + 1))
        with pytest.raises(NameNotHeld):
            spool.try_names("x" * (143 - len(naming.longest_part_name("x")) + 2))


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_mirror_that_takes_no_file_at_all_is_trouble_and_no_bad_name(spool: Spool, number: int) -> None:
    creates = lambda *arguments, **_: bool(arguments[1] & os.O_CREAT)  # noqa: E731
    with refusing("open", number, creates), pytest.raises(StorageTrouble) as trouble:
        spool.try_names("evening")
    assert not isinstance(trouble.value, NameNotHeld)


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=120))
def test_a_portable_name_has_nothing_that_a_file_system_forbids(name: str) -> None:
    portable = naming.portable_name(f"{name}.json")
    assert portable.isascii()
    assert not set(portable) & set(':?*|<>"\\')
    assert len(portable) <= 49
    assert portable[-1] not in ". "


def test_statuses_keep_who_dropped_the_file(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "drop/b.json").write_text("{}")
    dropped = spool.read("b.json")
    assert dropped is not None
    assert dropped.owner is not None
    assert dropped.owner.uid == os.getuid()
