"""The spool on real folders: markers, statuses, MP4s, and request files that change while they are moved."""

import errno
import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from camspool.adapters.spool import AlreadyRunning, DropFile, Foreign, Spool, durable, temporary
from camspool.adapters.spool.owners import owner
from camspool.adapters.spool.temporary import temporary_name
from camspool.core import document, naming
from camspool.core.errors import ClipTrouble, NameTaken, RequestRejected, StorageTrouble
from camspool.core.status_document import Clip, OutputFile, RequestRecord, Status
from camspool.core.values import ErrorCode, State, WaitReason
from support.builders import a_clip, a_file

NOW = datetime(2020, 5, 11, 9, 41, 29, tzinfo=UTC)
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - another file system, there on every Linux


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def a_status(name: str = "a/b", state: State = State.QUEUED) -> Status:
    request = RequestRecord(file=f"{name}.json", sha256=sha256(b"{}"))
    return Status(name=name, state=state, request=request, created_at=NOW, updated_at=NOW)


class Folders:
    """A spool with its folders, and short ways to put things there."""

    def __init__(self, base: Path) -> None:
        self.drop, self.mirror, self.state = base / "drop", base / "mirror", base / "state"
        self.spool = Spool(self.drop, self.mirror, self.state)

    def put(self, path: str, data: bytes = b"{}", *, tree: str = "drop") -> Path:
        file: Path = getattr(self, tree) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file

    def in_mirror(self) -> set[str]:
        return {path.relative_to(self.mirror).as_posix() for path in self.mirror.rglob("*") if path.is_file()}


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Folders]:
    made = Folders(tmp_path)
    made.spool.open()
    yield made
    made.spool.close()


# Markers and the lock


def test_the_first_start_makes_folders_and_markers(folders: Folders) -> None:
    remembered = json.loads((folders.state / "folders.json").read_text())
    for folder in (folders.drop, folders.mirror):
        marker = json.loads((folder / ".camspool").read_text())
        assert marker["id"] == remembered[str(folder)]
        assert "do not delete" in marker["about"]
    folders.spool.check_drop()
    folders.spool.check_mirror()


@pytest.mark.parametrize("gone", ["marker", "folder", "other marker", "broken marker"])
def test_a_folder_without_its_marker_is_unavailable_and_left_alone(folders: Folders, gone: str) -> None:
    folders.spool.save_status(a_status())
    marker = folders.mirror / ".camspool"
    losses: dict[str, Callable[[], object]] = {
        "marker": marker.unlink,
        "folder": lambda: shutil.rmtree(folders.mirror),
        "other marker": lambda: marker.write_text('{"id": "of another daemon"}'),
        "broken marker": lambda: marker.write_text("half of it"),
    }
    losses[gone]()
    left = set(folders.mirror.rglob("*"))
    spool = folders.spool
    for attempt in _everything_that_touches_the_mirror(spool):
        with pytest.raises(StorageTrouble) as trouble:
            attempt()
        assert trouble.value.reason is WaitReason.FOLDER_UNAVAILABLE
        assert str(folders.mirror) in trouble.value.message
    spool.check_drop()
    spool.close()
    again = Folders(folders.mirror.parent).spool
    again.open()
    with pytest.raises(StorageTrouble):
        again.check_mirror()
    again.close()
    assert set(folders.mirror.rglob("*")) == left


def _everything_that_touches_the_mirror(spool: Spool) -> list[Callable[[], object]]:
    file = OutputFile(name="b.mp4", bytes=1, sha256="", duration_s=1, width=1, height=1, codec="h264")
    return [
        spool.check_mirror,
        lambda: spool.save_status(a_status()),
        lambda: spool.load_status("a/b"),
        lambda: spool.part_path("a/b", 1, None),
        lambda: spool.discard_parts("a/b"),
        lambda: spool.publish(Path(".b.001.mp4.part"), "a/b", "b.mp4"),
        lambda: spool.free_mp4_name("a/b", "b.mp4"),
        lambda: spool.is_whole("a/b", file),
        lambda: spool.remove_mp4("a/b", "b.mp4"),
        lambda: spool.file_away("b.json", None, "b.json"),
        lambda: spool.unblocked("a/b"),
        spool.free_bytes,
        lambda: list(spool.sweep()),
        lambda: spool.remove_orphans(lambda _: False),
    ]


def test_a_folder_that_comes_back_is_used_again(folders: Folders) -> None:
    away = folders.drop.rename(folders.drop.with_name("unmounted"))
    with pytest.raises(StorageTrouble, match=r"drop"):
        folders.spool.read("b.json")
    away.rename(folders.drop)
    folders.spool.check_drop()


def test_an_empty_mount_point_says_what_to_do(folders: Folders) -> None:
    (folders.drop / ".camspool").unlink()
    with pytest.raises(StorageTrouble, match=r"is it mounted\?.*folders\.json"):
        folders.spool.check_drop()


def test_a_marker_that_state_does_not_know_is_believed(folders: Folders) -> None:
    marker = (folders.drop / ".camspool").read_bytes()
    folders.spool.close()
    shutil.rmtree(folders.state)
    spool = Spool(folders.drop, folders.mirror, folders.state)
    spool.open()
    spool.check_drop()
    spool.close()
    assert (folders.drop / ".camspool").read_bytes() == marker


def test_what_state_remembers_may_be_broken(folders: Folders) -> None:
    folders.spool.close()
    (folders.state / "folders.json").write_bytes(b"\0\0\0")
    folders.spool.open()
    folders.spool.check_drop()


def test_a_second_daemon_is_refused_until_the_first_has_gone(folders: Folders) -> None:
    second = Spool(folders.drop, folders.mirror, folders.state)
    with pytest.raises(AlreadyRunning, match=str(folders.state)):
        second.open()
    folders.spool.close()
    second.open()
    second.close()


@pytest.mark.parametrize("shared", ["drop", "mirror"])
def test_one_with_another_state_folder_is_refused_too(folders: Folders, shared: str, tmp_path: Path) -> None:
    other = Folders(tmp_path / "other")
    setattr(other, shared, getattr(folders, shared))
    other.spool = Spool(other.drop, other.mirror, other.state)
    with pytest.raises(AlreadyRunning, match=f"running on {getattr(folders, shared)}"):
        other.spool.open()
    folders.spool.close()
    other.spool.open()
    with pytest.raises(AlreadyRunning):
        folders.spool.open()
    other.spool.close()
    folders.spool.open()


def test_a_folder_that_cannot_be_made_is_no_reason_not_to_start(tmp_path: Path) -> None:
    (tmp_path / "drop").write_text("a file in the way")
    folders = Folders(tmp_path)
    folders.spool.open()
    with pytest.raises(StorageTrouble, match="drop"):
        folders.spool.check_drop()
    (tmp_path / "drop").unlink()
    folders.spool.check_drop()
    folders.spool.close()


# Reading


def test_a_request_is_read_up_to_its_limit(folders: Folders) -> None:
    folders.put("a/b.json", b"{}")
    large = b"x" * (3 << 20)
    folders.put("large.json", large)
    assert folders.spool.read("a/b.json") == DropFile(
        b"{}", sha256(b"{}"), owner((folders.drop / "a/b.json").stat())
    )
    read = folders.spool.read("large.json")
    assert read
    assert read.data == large[: 64 * 1024 + 1]
    folders.put("large.json", large + b"x")
    assert folders.spool.read("large.json") != read


def test_of_a_huge_file_only_the_beginning_is_read(folders: Folders) -> None:
    huge = folders.put("huge.json", b"x")
    os.truncate(huge, 1 << 42)  # takes no room, but half an hour to be read
    read = folders.spool.read("huge.json")
    assert read
    assert read.data.startswith(b"x\0")
    assert folders.spool.file_away("huge.json", read.sha256, "huge.json") == "huge.json"


@pytest.mark.parametrize("kind", ["missing", "link", "fifo", "folder", "linked folder", "file for a folder"])
def test_what_is_no_file_of_ours_reads_as_gone(folders: Folders, kind: str, tmp_path: Path) -> None:
    secret = tmp_path / "outside" / "b.json"
    secret.parent.mkdir()
    secret.write_text("{}")
    path = folders.drop / "a" / "b.json"
    if kind not in {"linked folder", "file for a folder"}:
        path.parent.mkdir()
    kinds: dict[str, Callable[[], object]] = {
        "missing": lambda: None,
        "link": lambda: path.symlink_to(secret),
        "fifo": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "linked folder": lambda: path.parent.symlink_to(secret.parent),
        "file for a folder": path.parent.touch,
    }
    kinds[kind]()
    assert folders.spool.read("a/b.json") is None
    assert folders.spool.file_away("a/b.json", sha256(b"{}"), "a/b.json") is None


def test_an_unreadable_file_is_rejected(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    folders.put("b.json")
    real = os.open

    def refused(
        path: Any, *args: Any, **options: Any
    ) -> int:  # root, as whom CI may run, can read everything
        if path == "b.json":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, *args, **options)

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(RequestRejected) as rejected:
        folders.spool.read("b.json")
    assert rejected.value.code is ErrorCode.UNREADABLE
    assert folders.spool.file_away("b.json", None, "b.json") == "b.json"


@pytest.mark.parametrize("path", ["../x.json", "/etc/passwd", "a/../../x.json", "a//b.json", "./b.json"])
def test_no_path_leads_out(folders: Folders, path: str) -> None:
    for attempt in (
        lambda: folders.spool.read(path),
        lambda: folders.spool.file_away(path, None, "b.json"),
        lambda: folders.spool.load_status(naming.name_of(path)),
        lambda: folders.spool.save_status(replace(a_status(), name=naming.name_of(path))),
    ):
        with pytest.raises(ValueError, match="no path below"):
            attempt()


# Statuses


def test_a_status_comes_back_as_it_was_saved(folders: Folders) -> None:
    assert folders.spool.load_status("a/b") is None
    folders.spool.save_status(a_status())
    assert folders.spool.load_status("a/b") == a_status()
    folders.spool.save_status(a_status(state=State.DONE), durable=False)
    assert folders.spool.load_status("a/b") == a_status(state=State.DONE)
    assert folders.in_mirror() == {".camspool", "a/b.status.json"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"not ours", "no status document"),
        (b'{"schema": "other"}', "no status document"),
        (document.dump(a_status("other")), "status of other"),
        (document.dump(replace(a_status(), schema="camspool/status/2")), "schema"),
        (document.dump(replace(a_status(), request=RequestRecord(file="../x", sha256=""))), "other places"),
    ],
)
def test_a_foreign_file_is_distinguished_from_a_status(folders: Folders, content: bytes, why: str) -> None:
    folders.put("a/b.status.json", content, tree="mirror")
    found = folders.spool.load_status("a/b")
    assert isinstance(found, Foreign)
    assert why in found.why
    assert list(folders.spool.sweep()) == []


def test_a_status_cannot_make_us_delete_elsewhere(folders: Folders) -> None:
    file = OutputFile(name="../b.mp4", bytes=1, sha256="", duration_s=1, width=1, height=1, codec="h264")
    status = replace(a_status(), clips=(Clip(camera=1, start=NOW, end=NOW, file=file),))
    folders.put("a/b.status.json", document.dump(status), tree="mirror")
    assert isinstance(folders.spool.load_status("a/b"), Foreign)


@pytest.mark.parametrize("content", [b"", b"\0" * 4096])
def test_what_a_power_cut_leaves_of_an_unsynced_write_counts_as_absent(
    folders: Folders, content: bytes
) -> None:
    folders.put("a/b.status.json", content, tree="mirror")
    assert folders.spool.load_status("a/b") is None


@pytest.mark.parametrize(("file", "syncs"), [(a_file(), 2), (None, 0)])
def test_progress_is_synced_only_where_mp4s_would_lose_their_record(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, file: OutputFile | None, syncs: int
) -> None:
    synced: list[int] = []
    folders.spool.save_status(a_status())
    monkeypatch.setattr(os, "fsync", synced.append)
    clip = a_clip(State.DOWNLOADING, file=file)
    folders.spool.save_status(replace(a_status(), clips=(clip,)), durable=False)
    assert len(synced) == syncs


def test_links_in_the_mirror_are_not_followed(folders: Folders, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (folders.mirror / "a").symlink_to(outside)
    with pytest.raises(StorageTrouble, match="symbolic link"):
        folders.spool.save_status(a_status("a/b"))
    with pytest.raises(StorageTrouble, match="symbolic link"):
        folders.spool.part_path("a/b", 1, None)
    (folders.mirror / "c.status.json").symlink_to(outside / "c")
    assert isinstance(folders.spool.load_status("c"), Foreign)
    assert list(outside.iterdir()) == []


def test_a_folder_whose_place_is_taken_gets_a_number(folders: Folders) -> None:
    folders.put("a", tree="mirror")
    folders.put("x/y", tree="mirror")
    assert folders.spool.unblocked("a/b/c") == "a~2/b/c"
    assert folders.spool.unblocked("x/y/c") == "x/y~2/c"
    assert folders.spool.unblocked("x/new/c") == "x/new/c"
    assert folders.spool.unblocked("c") == "c"


def test_new_folders_are_synced_too(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    folders.spool.save_status(a_status("x/y/b"))
    mirror = str(folders.mirror)
    assert [synced[0], synced[1], synced[3]] == [mirror, f"{mirror}/x", f"{mirror}/x/y"]
    assert Path(synced[2]).name.startswith(".camspool-")


def test_a_full_disk_is_named(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:  # filling a real disk would need a mount of our own, and root
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageTrouble) as trouble:
        folders.spool.save_status(a_status())
    assert trouble.value.reason is WaitReason.DISK_FULL
    assert folders.in_mirror() == {".camspool"}


# MP4s


def a_part(folders: Folders, name: str = "a/b", data: bytes = b"film", ask: int = 1) -> Path:
    part = folders.spool.part_path(name, ask, None)
    part.write_bytes(data)
    return part


def test_publishing_is_durable_before_and_after_the_rename(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = a_part(folders)
    calls: list[str] = []
    real_fsync, real_rename = os.fsync, durable._rename_no_replace

    def fsync(descriptor: int) -> None:
        calls.append("fsync " + Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real_fsync(descriptor)

    def rename(*args: Any) -> None:
        calls.append("rename")
        real_rename(*args)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(durable, "_rename_no_replace", rename)
    arrived = part.stat().st_mtime_ns
    folders.spool.publish(part, "a/b", "b.mp4")
    assert calls == ["fsync .b.001.mp4.part", "rename", "fsync a"]
    published = folders.spool.mp4_path("a/b", "b.mp4")
    assert published.read_bytes() == b"film"
    assert published.stat().st_mtime_ns == arrived
    assert not part.exists()


def test_publishing_never_overwrites(folders: Folders) -> None:
    part = a_part(folders)
    folders.put("a/b.mp4", b"of somebody else", tree="mirror")
    (folders.mirror / "a" / "b~2.mp4").symlink_to("nowhere")
    for name in ("b.mp4", "b~2.mp4"):
        with pytest.raises(NameTaken, match=name):
            folders.spool.publish(part, "a/b", name)
    assert (folders.mirror / "a/b.mp4").read_bytes() == b"of somebody else"
    assert folders.spool.free_mp4_name("a/b", "b.mp4") == "b~3.mp4"
    assert folders.spool.free_mp4_name("a/b", "b.mp4", {"b~3.mp4"}) == "b~4.mp4"
    assert folders.spool.free_mp4_name("new/b", "b.mp4") == "b.mp4"
    assert part.read_bytes() == b"film"


def test_two_publishers_of_one_name_do_not_both_get_it(folders: Folders) -> None:
    parts = [a_part(folders, data=bytes([ask]) * 10, ask=ask) for ask in range(1, 9)]
    outcome: list[bool] = []

    def publish(part: Path) -> None:
        try:
            folders.spool.publish(part, "a/b", "b.mp4")
            outcome.append(True)
        except NameTaken:
            outcome.append(False)

    threads = [threading.Thread(target=publish, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome) == [False] * 7 + [True]


def test_a_part_that_was_taken_away_is_fetched_again(folders: Folders) -> None:
    part = a_part(folders)
    part.unlink()
    with pytest.raises(ClipTrouble):
        folders.spool.publish(part, "a/b", "b.mp4")


def test_whole_means_the_same_bytes(folders: Folders) -> None:
    data = os.urandom(3 << 20)
    folders.put("a/b.mp4", data, tree="mirror")
    file = OutputFile(
        name="b.mp4", bytes=len(data), sha256=sha256(data), duration_s=1, width=1, height=1, codec="h264"
    )
    assert folders.spool.is_whole("a/b", file)
    assert not folders.spool.is_whole("a/b", replace(file, sha256=sha256(b"other")))
    assert not folders.spool.is_whole("a/b", replace(file, bytes=1))
    assert not folders.spool.is_whole("a/c", replace(file, name="c.mp4"))
    assert folders.spool.remove_mp4("a/b", "b.mp4")
    assert not folders.spool.is_whole("a/b", file)
    assert not folders.spool.remove_mp4("a/b", "b.mp4")


def test_only_this_requests_parts_are_discarded(folders: Folders) -> None:
    for name, ask in (("a/b", 1), ("a/b", 2), ("a/b.001", 1), ("b", 1)):
        a_part(folders, name, ask=ask)
    folders.put("a/.b.part", tree="mirror")
    folders.spool.discard_parts("a/b")
    folders.spool.discard_parts("nowhere/b")
    assert folders.in_mirror() == {".camspool", "a/.b.001.001.mp4.part", ".b.001.mp4.part", "a/.b.part"}


def test_the_sweep_finds_every_status(folders: Folders) -> None:
    names = {f"{folder}/{number}" for folder in ("a", "a/b", "c") for number in range(20)} | {"top"}
    for name in names:
        folders.spool.save_status(a_status(name), durable=False)
    folders.put("a/note.txt", tree="mirror")
    folders.put(".trash/x.status.json", document.dump(a_status(".trash/x")), tree="mirror")
    assert {status.name for status in folders.spool.sweep()} == names


def test_orphans_are_removed_and_nothing_else(folders: Folders) -> None:
    left_over = ".camspool-0123abcd-0123456789abcdef.tmp"
    orphans = [".b.001.mp4.part", "a/.c.001-2.mp4.part", f"a/{left_over}"]
    being_written = temporary_name()
    kept = [".busy.001.mp4.part", "a/.mine.part", "a/x.mp4", ".something.tmp", "_service.json", being_written]
    for path in (*orphans, *kept):
        folders.put(path, tree="mirror")
    asked: list[str] = []

    def outstanding(name: str) -> bool:
        asked.append(name)
        return name == "busy"

    folders.put(f"c/{left_over}")
    folders.put(".c.001.mp4.part")
    assert sorted(folders.spool.remove_orphans(outstanding)) == sorted([*orphans, f"c/{left_over}"])
    assert folders.in_mirror() == {*kept, ".camspool"}
    assert [path.name for path in folders.drop.rglob("*.*")] == [".camspool", ".c.001.mp4.part"]
    assert sorted(asked) == ["a/c", "b", "busy"]


def test_free_bytes_are_those_of_the_mirror(folders: Folders) -> None:
    free, total = folders.spool.free_bytes()
    assert 0 < free < total
    assert total == shutil.disk_usage(folders.mirror).total


# Filing requests away


@pytest.fixture(params=["one file system", "two file systems"])
def filing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folders]:
    """Folders on one file system, and the mirror on another: /dev/shm is a tmpfs on every usual Linux."""
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY) as other:
        folders = Folders(tmp_path)
        if request.param == "two file systems":
            assert SHARED_MEMORY.stat().st_dev != tmp_path.stat().st_dev
            folders.mirror = Path(other) / "mirror"
            folders.spool = Spool(folders.drop, folders.mirror, folders.state)
        folders.spool.open()
        yield folders
        folders.spool.close()


def test_a_request_is_filed_beside_its_status(filing: Folders) -> None:
    file = filing.put("a/b.json", b"request")
    os.utime(file, (NOW.timestamp(), NOW.timestamp()))
    assert filing.spool.file_away("a/b.json", sha256(b"request"), "a/b.json") == "a/b.json"
    moved = filing.mirror / "a/b.json"
    assert moved.read_bytes() == b"request"
    assert moved.stat().st_mtime == NOW.timestamp()
    assert filing.spool.file_away("a/b.json", sha256(b"request"), "a/b.json") is None
    assert filing.in_mirror() == {".camspool", "a/b.json"}
    assert os.listdir(filing.drop / "a") == []  # noqa: PTH208 - dot files count too


def test_a_taken_place_is_numbered_or_replaced(filing: Folders) -> None:
    filing.put("b.json", b"earlier", tree="mirror")
    filing.put("b.json", b"first")
    assert filing.spool.file_away("b.json", sha256(b"first"), "b.json") == "b~2.json"
    filing.put("b.json", b"second")
    assert filing.spool.file_away("b.json", sha256(b"second"), "b.json") == "b~3.json"
    filing.put("b.json", b"third")
    assert filing.spool.file_away("b.json", sha256(b"third"), "b.json", replace=True) == "b.json"
    assert (filing.mirror / "b.json").read_bytes() == b"third"
    (filing.mirror / "folder.json").mkdir()
    filing.put("folder.json", b"fourth")
    assert (
        filing.spool.file_away("folder.json", sha256(b"fourth"), "folder.json", replace=True)
        == "folder~2.json"
    )


def test_another_version_stays_in_drop(filing: Folders) -> None:
    filing.put("b.json", b"newer")
    filing.put("b.json", b"earlier", tree="mirror")
    for replaces in (False, True):
        assert filing.spool.file_away("b.json", sha256(b"older"), "b.json", replace=replaces) is None
    assert (filing.drop / "b.json").read_bytes() == b"newer"
    assert filing.in_mirror() == {".camspool", "b.json"}
    assert (filing.mirror / "b.json").read_bytes() == b"earlier"


def test_a_version_that_slips_in_at_the_last_moment_is_put_back(
    filing: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    filing.put("b.json", b"older")
    _before_the_move(filing, monkeypatch, lambda: filing.put("b.json", b"newer"))
    assert filing.spool.file_away("b.json", sha256(b"older"), "b.json") is None
    assert (filing.drop / "b.json").read_bytes() == b"newer"
    assert filing.in_mirror() == {".camspool"}
    assert {path.name for path in filing.drop.iterdir()} == {".camspool", "b.json"}


def test_a_file_deleted_at_the_last_moment_is_no_trouble(
    filing: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = filing.put("b.json", b"older")
    _before_the_move(filing, monkeypatch, file.unlink)
    assert filing.spool.file_away("b.json", sha256(b"older"), "b.json") in {None, "b.json"}
    assert {path.name for path in filing.drop.iterdir()} == {".camspool"}


def _before_the_move(filing: Folders, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Run `act` once, between the last look at the file in drop/ and its leaving of drop/."""
    real = os.rename

    def move(*args: Any, **options: Any) -> None:
        if args[0] == "b.json":
            monkeypatch.setattr(os, "rename", real)
            act()
        real(*args, **options)

    monkeypatch.setattr(os, "rename", move)


class Killed(BaseException):
    """As if by SIGKILL: nothing that the code would do about it is done."""


@pytest.mark.parametrize("slips_in", [None, b"newer"])
def test_what_was_set_aside_when_the_daemon_died_is_given_back(
    filing: Folders, monkeypatch: pytest.MonkeyPatch, slips_in: bytes | None
) -> None:
    filing.put("a/b.json", b"older")
    real = os.rename

    def killed(*args: Any, **options: Any) -> None:
        if slips_in:
            filing.put("a/b.json", slips_in)
        real(*args, **options)
        # What a kill would prevent, and `finally` does not: every rename and removal after it.
        monkeypatch.setattr(durable, "rename_new", _raise_killed)
        monkeypatch.setattr(durable, "remove", _raise_killed)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", killed)
        with pytest.raises(Killed):
            filing.spool.file_away("a/b.json", sha256(b"older"), "a/b.json")
    monkeypatch.undo()
    assert not (filing.drop / "a/b.json").exists()
    filing.spool.remove_orphans(lambda _: False)
    assert not (filing.drop / "a/b.json").exists(), "this run may still be about to move it"
    monkeypatch.setattr(temporary, "_THIS_RUN", "0badcafe")
    assert filing.spool.remove_orphans(lambda _: False) == []
    assert (filing.drop / "a/b.json").read_bytes() == (slips_in or b"older")
    assert os.listdir(filing.drop / "a") == ["b.json"]  # noqa: PTH208 - dot files count too


def _raise_killed(*_: object) -> None:
    raise Killed


def test_a_move_that_failed_half_way_is_done_at_the_next_try(
    filing: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    filing.put("b.json", b"request")

    def fails(*_: object) -> None:
        raise OSError(errno.EIO, "broken for a while")

    with monkeypatch.context() as patched:
        patched.setattr(durable, "rename_new", fails)
        with pytest.raises(StorageTrouble):
            filing.spool.file_away("b.json", sha256(b"request"), "b.json")
    assert filing.spool.file_away("b.json", sha256(b"request"), "b.json") == "b.json"
    assert {path.name for path in filing.drop.iterdir()} == {".camspool"}


def test_the_longest_names_can_be_set_aside(folders: Folders) -> None:
    name = "\u00e4" * 127 + "x"
    folders.put(name, b"x")
    kept = naming.kept_file(naming.refused_name(name), name)
    assert folders.spool.file_away(name, sha256(b"x"), kept) == kept


def test_the_newest_of_three_versions_stays(filing: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    filing.put("b.json", b"one")
    real = os.rename

    def move(*args: Any, **options: Any) -> None:
        monkeypatch.setattr(os, "rename", real)
        filing.put("b.json", b"two")
        real(*args, **options)
        filing.put("b.json", b"three")

    monkeypatch.setattr(os, "rename", move)
    assert filing.spool.file_away("b.json", sha256(b"one"), "b.json") is None
    assert (filing.drop / "b.json").read_bytes() == b"three"
    assert filing.in_mirror() == {".camspool"}
    assert {path.name for path in filing.drop.iterdir()} == {".camspool", "b.json"}


def test_two_names_of_one_file_become_one(folders: Folders) -> None:
    folders.put("b.json", b"request", tree="mirror")
    (folders.drop / "b.json").hardlink_to(folders.mirror / "b.json")
    assert folders.spool.file_away("b.json", sha256(b"request"), "b.json", replace=True) == "b.json"
    assert not (folders.drop / "b.json").exists()
    assert (folders.mirror / "b.json").read_bytes() == b"request"


def test_names_in_any_bytes_are_filed(folders: Folders) -> None:
    name = os.fsdecode(b"caf\xe9\n.json")
    folders.put(name, b"x")
    kept = naming.kept_file(naming.refused_name(name), name)
    assert folders.spool.file_away(name, sha256(b"x"), kept) == kept
    assert (folders.mirror / kept).read_bytes() == b"x"


def test_a_stop_ends_what_threads_read_or_look_through_for_long(folders: Folders) -> None:
    size = 64 << 30
    (folders.mirror / "a.mp4").touch()
    os.truncate(folders.mirror / "a.mp4", size)  # sparse: it takes no room, and a minute to read
    file = replace(a_file(name="a.mp4"), bytes=size)
    with ThreadPoolExecutor() as threads:
        reading = threads.submit(folders.spool.is_whole, "a", file)
        with pytest.raises(TimeoutError):
            reading.result(0.2)
        folders.spool.interrupt()
        with pytest.raises(StorageTrouble):
            reading.result()
    folders.spool.save_status(a_status(name="b"))
    with pytest.raises(StorageTrouble):
        list(folders.spool.sweep())
    with pytest.raises(StorageTrouble):
        folders.spool.remove_orphans(lambda _: False)


@pytest.mark.parametrize("first", ["mirror", "drop"])
def test_a_new_drop_folder_with_a_new_mirror_is_their_own_pair(tmp_path: Path, first: str) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    old = Spool(tmp_path / "old/drop", tmp_path / "old/mirror", tmp_path / "state")
    old.open()
    old.close()
    for _ in range(2):  # the second time as after a kill that came before the pair was noted
        new = Spool(tmp_path / "new/drop", tmp_path / "new/mirror", tmp_path / "state")
        new._registry.open()
        (new.check_mirror if first == "mirror" else new.check_drop)()
        new.close()
    new.open()
    new.check_drop()
    new.close()
    slip = Spool(tmp_path / "slip", tmp_path / "new/mirror", tmp_path / "state")
    slip.open()
    with pytest.raises(StorageTrouble, match="is not the drop folder of the mirror"):
        slip.check_drop()
    slip.close()
