"""Mounts below drop/ and mirror/, by a table that the test writes: real ones need root, see tests/system."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from camspool.adapters.spool import Spool
from camspool.adapters.spool.mounts import MountTable
from camspool.adapters.watch import scan
from camspool.core.errors import StorageTrouble
from camspool.core.mount_table import parse, points_below
from camspool.core.status_document import Status
from camspool.core.values import State, WaitReason
from support.builders import a_status


class Machine:
    """A spool, and mounts that are folders elsewhere, swapped in by renaming."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.drop, self.mirror, self.state = base / "drop", base / "mirror", base / "state"
        self._table = base / "mountinfo"
        self._changed = True
        self._points: list[Path] = []
        self._write()
        self.spool = self.another()

    def another(self) -> Spool:
        """The same folders after a restart."""
        spool = Spool(self.drop, self.mirror, self.state, MountTable(self._table, self._has_changed))
        spool.open()
        return spool

    def mount(self, point: Path, disk: Path) -> None:
        point.mkdir(parents=True, exist_ok=True)
        disk.mkdir(exist_ok=True)
        point.rename(self._below(point))
        disk.rename(point)
        self._points.append(point)
        self._write()

    def unmount(self, point: Path, disk: Path) -> None:
        point.rename(disk)
        self._below(point).rename(point)
        self._points.remove(point)
        self._write()

    def remembered(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.state / "folders.json").read_text())
        return found

    def _below(self, point: Path) -> Path:
        return self.base / f"below-{point.parent.name}-{point.name}"

    def _write(self) -> None:
        lines = [
            f"{number} 1 0:{number} / {point} rw - ext4 x rw" for number, point in enumerate(self._points, 30)
        ]
        self._table.write_text("\n".join(["20 1 8:1 / / rw - ext4 /dev/x rw", *lines, ""]))
        self._changed = True

    def _has_changed(self) -> bool:
        changed, self._changed = self._changed, False
        return changed


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.spool.close()


def named(name: str) -> Status:
    status = a_status(state=State.CANCELLED)
    return replace(status, name=name, request=replace(status.request, file=f"{name}.json"))


def test_a_new_mount_gets_a_marker_and_is_known_from_then_on(machine: Machine) -> None:
    site, disk = machine.mirror / "site-a", machine.base / "disk"
    machine.mount(site, disk)
    with capture_logs() as logged:
        machine.spool.check_mirror()
        machine.spool.check_mirror()
    assert [line["event"] for line in logged] == ["mount_adopted"]
    marker = json.loads((site / ".camspool").read_text())
    assert machine.remembered()[str(site)] == marker["id"]
    machine.spool.save_status(named("site-a/evening"))
    assert (site / "evening.status.json").exists()
    assert machine.spool.away_in_mirror() == {}


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("point_is_gone", [False, True])
def test_while_a_mount_is_away_nothing_is_written_or_missed_below_it(
    machine: Machine, *, restarted: bool, point_is_gone: bool
) -> None:
    site, disk = machine.mirror / "site-a", machine.base / "disk"
    machine.mount(site, disk)
    machine.spool.check_mirror()
    machine.spool.save_status(named("site-a/evening"))
    machine.unmount(site, disk)
    if point_is_gone:
        site.rmdir()
    spool = machine.spool
    if restarted:
        spool.close()
        spool = machine.spool = machine.another()
    attempts: list[Callable[[], object]] = [
        lambda: spool.save_status(named("site-a/evening")),
        lambda: spool.save_status(named("site-a/deeper/evening")),
        lambda: spool.load_status("site-a/evening"),
        lambda: spool.part_path("site-a/evening", 1, None),
        lambda: spool.remove_mp4("site-a/evening", "evening.mp4"),
        lambda: spool.discard_parts("site-a/evening"),
        lambda: spool.own_files.exists("site-a/evening.mp4"),
    ]
    for attempt in attempts:
        with pytest.raises(StorageTrouble, match="site-a was a mount of its own") as trouble:
            attempt()
        assert trouble.value.reason is WaitReason.FOLDER_UNAVAILABLE
        assert str(machine.state / "folders.json") in trouble.value.message
    assert not any(site.glob("*")) if site.exists() else point_is_gone
    spool.save_status(named("site-b/evening"))
    assert [status.name for status in spool.sweep()] == ["site-b/evening"]
    assert set(spool.away_in_mirror()) == {"site-a"}
    assert "site-a was a mount" in spool.mounts_away[0]
    site.mkdir(exist_ok=True)
    machine.mount(site, disk)
    spool.check_mirror()
    assert spool.mounts_away == []
    assert {status.name for status in spool.sweep()} == {"site-a/evening", "site-b/evening"}


def test_what_lies_below_a_drop_mount_that_is_away_is_not_gone(machine: Machine) -> None:
    site, disk = machine.drop / "site-a", machine.base / "disk"
    machine.mount(site, disk)
    machine.spool.check_drop()
    (site / "b.json").write_text("{}")
    (machine.drop / "c.json").write_text("{}")
    machine.unmount(site, disk)
    away = machine.spool.away_in_drop()
    found = scan.survey(machine.drop, lambda: None, away)
    assert set(found.present) == {"c.json"}
    assert not found.is_absent("site-a/b.json")
    assert not found.is_absent("site-a/deeper/b.json")
    assert found.is_absent("site-ab.json")
    looked = scan.look(machine.drop, ["site-a/b.json", "c.json"], lambda: None, away)
    assert set(looked.present) == {"c.json"}
    assert not looked.is_absent("site-a/b.json")
    with pytest.raises(StorageTrouble):
        machine.spool.in_drop("site-a/b.json")
    with pytest.raises(StorageTrouble):
        machine.spool.file_away("site-a/b.json", None, "site-a/b.json")


def test_another_disk_in_its_place_is_not_it(machine: Machine) -> None:
    site = machine.mirror / "site-a"
    machine.mount(site, machine.base / "one")
    machine.spool.check_mirror()
    machine.unmount(site, machine.base / "one")
    machine.mount(site, machine.base / "two")
    assert set(machine.spool.away_in_mirror()) == {"site-a"}
    assert not (site / ".camspool").exists()


def test_mounts_in_mounts(machine: Machine) -> None:
    outer, inner = machine.mirror / "a/b", machine.mirror / "a/b/c/d"
    machine.mount(outer, machine.base / "outer")
    machine.mount(inner, machine.base / "inner")
    machine.spool.save_status(named("a/b/c/d/evening"))
    assert {str(outer), str(inner)} <= machine.remembered().keys()
    machine.unmount(inner, machine.base / "inner")
    assert set(machine.spool.away_in_mirror()) == {"a/b/c/d"}
    machine.spool.save_status(named("a/b/c/evening"))
    machine.unmount(outer, machine.base / "outer")
    assert set(machine.spool.away_in_mirror()) == {"a/b", "a/b/c/d"}


def test_a_mount_that_cannot_be_written_is_recognised_by_the_table(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, disk = machine.drop / "site-a", machine.base / "disk"
    disk.mkdir()
    (disk / "b.json").write_text("{}")
    machine.mount(site, disk)
    real = os.open

    def read_only(path: str, flags: int, *arguments: int, dir_fd: int | None = None) -> int:
        if flags & os.O_CREAT and dir_fd is not None and os.path.samestat(os.fstat(dir_fd), site.stat()):
            raise OSError(30, "Read-only file system")
        return real(path, flags, *arguments, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", read_only)
    with capture_logs() as logged:
        assert machine.spool.in_drop("site-a/b.json")
    assert [line["event"] for line in logged] == ["mount_not_marked", "mount_adopted"]
    assert machine.remembered()[str(site)] == ""
    machine.unmount(site, disk)
    with pytest.raises(StorageTrouble):
        machine.spool.in_drop("site-a/b.json")
    machine.mount(site, disk)
    assert machine.spool.in_drop("site-a/b.json")


def test_a_mount_that_cannot_be_adopted_yet_is_unavailable_until_it_can(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = machine.mirror / "site-a"
    machine.mount(site, machine.base / "disk")
    real = os.open

    def full(path: str, flags: int, *arguments: int, dir_fd: int | None = None) -> int:
        if flags & os.O_CREAT and dir_fd is not None and os.path.samestat(os.fstat(dir_fd), site.stat()):
            raise OSError(28, "No space left on device")
        return real(path, flags, *arguments, dir_fd=dir_fd)

    with monkeypatch.context() as patched, capture_logs() as logged:
        patched.setattr(os, "open", full)
        for _ in range(3):
            machine.spool.check_mirror()
            with pytest.raises(StorageTrouble, match="No space left"):
                machine.spool.save_status(named("site-a/evening"))
    assert [line["event"] for line in logged] == ["mount_not_adopted"]
    machine.spool.check_mirror()
    machine.spool.save_status(named("site-a/evening"))


def test_ignored_mounts_and_those_of_files_get_no_marker(machine: Machine) -> None:
    machine.mount(machine.mirror / "#snapshot", machine.base / "snapshots")
    machine.spool.check_mirror()
    assert not (machine.mirror / "#snapshot/.camspool").exists()
    (machine.mirror / "file").write_text("")
    machine._points.append(machine.mirror / "file")
    machine._write()
    machine.spool.check_mirror()
    assert set(machine.remembered()) == {str(machine.drop), str(machine.mirror)} | {
        key for key in machine.remembered() if key.startswith("drop of ")
    }


def test_very_many_mounts_are_adopted_and_looked_for(machine: Machine) -> None:
    for number in range(200):
        machine._points.append(machine.mirror / f"site-{number}")
        machine._points[-1].mkdir()
    machine._write()
    machine.spool.check_mirror()
    assert len(machine.remembered()) == 203
    assert machine.spool.away_in_mirror() == {}
    for number in range(200):
        (machine.mirror / f"site-{number}/.camspool").unlink()
    assert len(machine.spool.away_in_mirror()) == 200
    found = scan.survey(machine.mirror, lambda: None, machine.spool.away_in_mirror())
    assert sum(found.is_absent(f"site-{number % 200}/{number}.json") for number in range(100_000)) == 0


def test_the_table_as_the_kernel_writes_it() -> None:
    text = (
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "30 22 0:40 / /srv/drop/a\\040b rw - nfs4 nas:/x rw\n"
        "31 22 8:1 /srv/other /srv/drop/bind rw master:1 - ext4 /dev/sda1 rw\n"
        "32 22 8:2 / /srv/dropped rw - ext4 /dev/sdb rw\n"
        "33 22 8:3 / /srv/drop rw - ext4 /dev/sdc rw\nhalf a line\n"
        "34 33 8:3 /same /srv/drop/same ro - ext4 /dev/sdc rw\n"
        "35 22 8:1 /srv/drop/twin /srv/drop/twin ro - ext4 /dev/sda1 rw\n"
        "36 34 8:3 /same/deeper /srv/drop/same/deeper ro - ext4 /dev/sdc rw\n"
        "37 33 8:3 /other /srv/drop/another rw - ext4 /dev/sdc rw\n"
    )
    assert points_below("/srv/drop", parse(text)) == {"a b", "bind", "another"}
    assert points_below("/", parse(text)) >= {"srv/drop", "srv/dropped"}


def test_the_kernels_own_table_can_be_read() -> None:
    table = MountTable()
    first = table.version
    assert table.version == first
    assert table.below(Path("/"))
    table.close()
