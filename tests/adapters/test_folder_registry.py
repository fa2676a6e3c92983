"""What state/ remembers: markers, which drop folder belongs to which mirror; and what others make of it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.adapters.spool import AnotherFolder, Spool
from camspool.adapters.spool.folder_registry import FolderRegistry
from camspool.adapters.spool.markers import MarkedFolder
from camspool.core.errors import StorageTrouble


@contextmanager
def opened(base: Path, drop: str = "drop", mirror: str = "mirror") -> Iterator[Spool]:
    spool = Spool(base / drop, base / mirror, base / "state")
    spool.open()
    try:
        yield spool
    finally:
        spool.close()


def memory(base: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((base / "state/folders.json").read_text())
    return found


def remember(base: Path, found: dict[str, str]) -> None:
    (base / "state/folders.json").write_text(json.dumps(found))


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """Folders that a daemon has worked with."""
    with opened(tmp_path) as spool:
        spool.check_drop()
        spool.check_mirror()
    return tmp_path


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "a folder with a marker"])
def test_another_drop_folder_is_unknown_and_not_empty(used: Path, there: str) -> None:
    if there != "nothing":
        (used / "dorp").mkdir()
    if there == "a folder with a marker":
        (used / "dorp/.camspool").write_text('{"id": "of-another-daemon"}')
    with opened(used, "dorp") as spool:
        for attempt in (spool.check_drop, lambda: spool.in_drop("b.json"), lambda: spool.read("b.json")):
            with pytest.raises(AnotherFolder, match="dorp is not the drop folder of the mirror") as refused:
                attempt()
            assert (
                f"delete the line of {used / 'drop'} in {used / 'state/folders.json'}"
                in refused.value.message
            )
        spool.check_mirror()
    assert (used / "dorp").exists() == (there != "nothing")
    assert not (used / "dorp/.camspool").exists() or there == "a folder with a marker"
    with opened(used) as spool:
        spool.check_drop()


def test_the_check_says_so_too(used: Path) -> None:
    registry = FolderRegistry(used / "state")
    registry.look()
    with pytest.raises(AnotherFolder):
        MarkedFolder(used / "dorp", registry, used / "mirror").recognised()
    assert MarkedFolder(used / "drop", registry, used / "mirror").recognised()
    assert not (used / "dorp").exists()


def test_it_is_adopted_on_purpose_by_deleting_the_line_of_the_old_one(used: Path) -> None:
    found = memory(used)
    del found[str(used / "drop")]
    remember(used, found)
    with opened(used, "other") as spool:
        spool.check_drop()
    with opened(used, "drop") as spool, pytest.raises(AnotherFolder):
        spool.check_drop()


def test_a_folder_that_moved_with_its_marker_is_recognised(used: Path) -> None:
    (used / "drop").rename(used / "nas")
    with opened(used, "nas") as spool:
        spool.check_drop()
    (used / "drop").mkdir()
    with opened(used, "drop") as spool, pytest.raises(AnotherFolder):
        spool.check_drop()


def test_a_folder_replaced_at_its_own_place_needs_its_own_line_deleted_and_nothing_else(used: Path) -> None:
    (used / "drop/.camspool").unlink()
    with opened(used) as spool, pytest.raises(AnotherFolder):
        spool.check_drop()
    found = memory(used)
    del found[str(used / "drop")]
    remember(used, found)
    with opened(used) as spool:
        spool.check_drop()


def test_what_an_earlier_version_remembered_protects_as_well(used: Path) -> None:
    remember(used, {path: found for path, found in memory(used).items() if path.startswith("/")})
    with opened(used, "dorp") as spool, pytest.raises(AnotherFolder):
        spool.check_drop()
    with opened(used) as spool:
        spool.check_drop()
    assert str(used / "drop") in memory(used).values()


def test_a_new_mirror_takes_the_drop_folder_that_there_is(used: Path) -> None:
    with opened(used, mirror="larger") as spool:
        spool.check_drop()
        spool.check_mirror()


@pytest.mark.parametrize(
    "marker",
    [
        json.dumps({"id": "x" * 101}),
        json.dumps({"id": "x" * 4000}),
        json.dumps({"id": "\ud800"}),
        json.dumps({"id": "a\0b"}),
        json.dumps({"id": ""}),
        json.dumps({"id": ["x"]}),
        json.dumps({"id": {"id": "x"}}),
        json.dumps(["id"]),
        "[" * 4000,
        "\0" * 4000,
        '{"id": "x"',
    ],
)
def test_a_marker_that_somebody_else_wrote_stops_no_start(tmp_path: Path, marker: str) -> None:
    for name in ("drop", "mirror"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".camspool").write_text(marker)
    for _ in range(2):
        with opened(tmp_path) as spool:
            spool.check_drop()
            spool.check_mirror()


@pytest.mark.parametrize("value", ["x" * 101, "x" * 100_000, "\ud800", "\0", ""])
def test_a_memory_that_somebody_else_wrote_stops_no_start(used: Path, value: str) -> None:
    remember(used, {path: value + str(number) for number, path in enumerate(memory(used))})
    with opened(used) as spool, pytest.raises(AnotherFolder):
        spool.check_mirror()


def test_a_fifo_in_the_place_of_the_memory_blocks_nobody(used: Path) -> None:
    (used / "state/folders.json").unlink()
    os.mkfifo(used / "state/folders.json")
    with pytest.raises(StorageTrouble, match="no regular file"), opened(used):
        pass


def test_a_fifo_in_the_place_of_a_marker_blocks_nobody(used: Path) -> None:
    for name in ("drop", "mirror"):
        (used / name / ".camspool").unlink()
        os.mkfifo(used / name / ".camspool")
    with opened(used) as spool:
        for check in (spool.check_drop, spool.check_mirror):
            with pytest.raises(AnotherFolder):
                check()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> pytest.TempPathFactory:
    return tmp_path_factory


@given(data=st.binary(max_size=200))
def test_whatever_is_in_the_memory_it_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    state = tmp_path_factory.mktemp("state")
    (state / "folders.json").write_bytes(data)
    FolderRegistry(state).look()
