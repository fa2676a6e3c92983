"""Disks full, read-only or gone: requests wait, nothing is lost or half there, and it goes on by itself."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from camspool.adapters.spool.folder_registry import FolderRegistry
from camspool.adapters.spool.marker_file import MARKER
from camspool.adapters.spool.markers import AnotherFolder, MarkedFolder
from camspool.simulator import Simulator
from support.running import Running, daemon, request, simulator
from system import mounts
from system.daemon_process import logged, process, running, times_logged, wait_for

MIB = 1 << 20
SLOW = 1_000_000
"""Bytes per second: the fat clip, of 3 MB, takes three seconds."""

pytestmark = pytest.mark.timeout(240)  # of a busy machine


@pytest.fixture(scope="module", autouse=True)
def _own_namespace() -> None:
    mounts.own_namespace()


@pytest.fixture
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.getbasetemp() / "clips") as started:
        yield started


@pytest.fixture
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """A server that takes its time to prepare, long enough to take something away meanwhile."""
    with simulator(tmp_path_factory.getbasetemp() / "clips", prepare_cloud=0.7) as started:
        yield started


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """What the daemon logs: where nothing can be written any more, it is the only sign."""
    with capture_logs() as captured:
        yield captured


async def _until(happened: Callable[[], object], timeout: float = 30.0) -> None:
    async with asyncio.timeout(timeout):
        while not happened():
            await asyncio.sleep(0.01)


def _events(lines: list[Any]) -> list[str]:
    return [line["event"] for line in lines]


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _problems(camspool: Running) -> list[str]:
    return [problem["code"] for problem in camspool.service()["problems"]]


async def _is_whole(camspool: Running, name: str) -> dict[str, Any]:
    """Wait for the request's end, and compare its MP4 with the server's."""
    status = await camspool.when(name, lambda status: status["request"]["filed_as"] is not None)
    assert (status["state"], status["waiting"]) == ("done", None)
    for clip in status["clips"]:
        mp4 = (camspool.mirror / name).with_name(clip["file"]["name"])
        assert mp4.read_bytes() == camspool.server_bytes(clip)
    assert (camspool.mirror / status["request"]["filed_as"]).is_file()
    assert not (camspool.drop / status["request"]["file"]).exists()
    return status


async def _prepared_once_and_clean(camspool: Running, clips: int) -> None:
    assert camspool.sim.record.operations()["recordingPrepare"] == clips
    assert await camspool.leftovers() == []
    assert [path.name for path in camspool.drop.rglob("*") if path.is_file()] == [".camspool"]


# Room


@pytest.mark.parametrize("min_free", [400_000, 0])
async def test_a_disk_that_fills_up_during_a_download_is_waited_for(
    tmp_path: Path, sim: Simulator, min_free: int
) -> None:
    with mounts.tmpfs(tmp_path / "mirror", size="8m"):
        async with daemon(tmp_path, sim, cleanup={"min_free": min_free}) as camspool:
            with mounts.no_room(camspool.mirror, 2 * MIB):
                camspool.put("b.json", request("Fat"))
                status = await camspool.when("b", lambda status: status["waiting"] is not None)
                assert (status["state"], status["waiting"]["reason"]) == ("downloading", "disk_full")
                if min_free:  # with 0 nobody looks at the disk: only the clip that found it full says so
                    await _until(lambda: _problems(camspool) == ["disk_full"])
                    assert camspool.service()["state"] == "degraded"
                camspool.put("c.json", request(validate_only=True))
                assert (await camspool.ended("c"))["state"] == "validated"
                assert camspool.published() == []
                assert (camspool.drop / "b.json").exists()
            await _is_whole(camspool, "b")
            await _until(lambda: camspool.service()["state"] == "ok")
            assert camspool.sim.record.downloads[-1].range_start > MIB
            await _prepared_once_and_clean(camspool, 1)


async def test_a_disk_without_a_single_byte_left_is_waited_for(
    tmp_path: Path, slow: Simulator, lines: list[Any]
) -> None:
    with mounts.tmpfs(tmp_path / "mirror", size="8m"):
        async with daemon(tmp_path, slow) as camspool:
            camspool.put("b.json", request())
            await camspool.until("b", "preparing")
            with mounts.no_room(camspool.mirror):
                camspool.put("c.json", request(at=20))
                await _until(lambda: any(line.get("about") == "mirror" for line in lines))
                await asyncio.sleep(1.2)  # the preparation comes to its end meanwhile
                assert camspool.status("b")["state"] == "preparing"
                assert camspool.published() == []
                assert {"b.json", "c.json"} <= _names(camspool.drop)
            await _is_whole(camspool, "b")
            await _is_whole(camspool, "c")
            await _prepared_once_and_clean(camspool, 2)
    # The periodic look may come between and tell, beside it, that there is too little room for downloads.
    events = [line["event"] for line in lines if line.get("about") == "mirror"]
    assert events == ["storage_trouble", "storage_recovered"]


async def test_no_download_begins_where_min_free_is_not_free(tmp_path: Path, sim: Simulator) -> None:
    with mounts.tmpfs(tmp_path / "mirror", size="8m"):
        async with daemon(tmp_path, sim, cleanup={"min_free": 400_000}) as camspool:
            with mounts.no_room(camspool.mirror, 300_000):
                await _until(lambda: _problems(camspool) == ["disk_full"])
                camspool.put("b.json", request())
                status = await camspool.until("b", "downloading")
                assert status["waiting"]["reason"] == "disk_full"
                await asyncio.sleep(0.5)
                assert sim.record.downloads == []
                assert camspool.service()["disk"]["free_bytes"] < 400_000
            await _is_whole(camspool, "b")
            await _until(lambda: camspool.service()["problems"] == [])


async def test_a_file_system_without_inodes_is_waited_for(
    tmp_path: Path, sim: Simulator, lines: list[Any]
) -> None:
    sim.faults.add("download_slow", rate=SLOW)
    with mounts.tmpfs(tmp_path / "mirror", size="16m", nr_inodes="40"):
        async with daemon(tmp_path, sim) as camspool:
            camspool.put("b.json", request("Fat"))
            await camspool.when("b", lambda status: status["clips"][0]["download"]["bytes"] > 0)
            with mounts.no_inodes(camspool.mirror):
                camspool.put("store/c.json", request(at=20))
                await _until(lambda: "storage_trouble" in _events(lines))
                await asyncio.sleep(3.5)  # the download comes to its end meanwhile
                assert camspool.published() == []
                assert camspool.status("b")["state"] == "downloading"
                assert (camspool.drop / "store/c.json").exists()
            await _is_whole(camspool, "b")
            await _is_whole(camspool, "store/c")
            await _prepared_once_and_clean(camspool, 2)
    assert len(sim.record.downloads) == 2


# Mounts


async def test_a_read_only_mirror_is_waited_for(tmp_path: Path, slow: Simulator, lines: list[Any]) -> None:
    async with daemon(tmp_path, slow) as camspool:
        camspool.put("b.json", request())
        await camspool.until("b", "preparing")
        with mounts.read_only(camspool.mirror):
            camspool.put("c.json", request(at=20))
            await _until(lambda: "storage_trouble" in _events(lines))
            await asyncio.sleep(1.2)  # the preparation comes to its end meanwhile
            assert camspool.status("b")["state"] == "preparing"
            assert {"b.json", "c.json"} <= _names(camspool.drop)
        await _is_whole(camspool, "b")
        await _is_whole(camspool, "c")
        await _prepared_once_and_clean(camspool, 2)


async def test_a_mirror_that_becomes_read_only_during_a_download(tmp_path: Path, sim: Simulator) -> None:
    sim.faults.add("download_slow", rate=SLOW)
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request("Fat"))
        await camspool.when("b", lambda status: status["clips"][0]["download"]["bytes"] > 0)
        with mounts.read_only(camspool.mirror):
            await asyncio.sleep(4)  # the file that is open can still be written, to its end
            assert camspool.published() == []
            assert camspool.status("b")["state"] == "downloading"
        await _is_whole(camspool, "b")
        await _prepared_once_and_clean(camspool, 1)
    assert len(sim.record.downloads) == 1


async def test_a_drop_folder_that_is_unmounted_cancels_nothing(tmp_path: Path, slow: Simulator) -> None:
    with mounts.share(tmp_path / "disk", tmp_path / "drop") as share:
        async with daemon(tmp_path, slow) as camspool:
            camspool.put("b.json", request())
            camspool.put("store/c.json", request(at=20))
            for name in ("b", "store/c"):
                await camspool.until(name, "preparing")
            share.unmount()
            await _until(lambda: _problems(camspool) == ["folder_unavailable"])
            for name in ("b", "store/c"):
                assert (await camspool.until(name, "done"))["request"]["filed_as"] is None
            assert _names(camspool.drop) == set()
            share.mount()
            for name in ("b", "store/c"):
                await _is_whole(camspool, name)
            camspool.put("d.json", request(at=40))
            await _is_whole(camspool, "d")
            await _until(lambda: camspool.service()["state"] == "ok")
            await _prepared_once_and_clean(camspool, 3)


def test_disks_that_are_swapped_are_distinguished_by_what_is_in_their_markers(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    one, other = (mounts.old_disk(tmp_path / name) for name in ("one", "other"))
    registry = FolderRegistry(tmp_path / "state")
    folders = [MarkedFolder(tmp_path / name, registry) for name in ("drop", "mirror")]

    def facts() -> list[tuple[int, int, int, int]]:
        found = [(folder.root / MARKER).stat() for folder in folders]
        return [(each.st_dev, each.st_ino, each.st_mtime_ns, each.st_ctime_ns) for each in found]

    with mounts.disk(one, folders[0].root), mounts.disk(other, folders[1].root):
        time.sleep(1.1 - time.time() % 1)  # early in a second, so that it is that of both
        for folder in 2 * folders:
            folder.check()
        before = facts()
    with mounts.disk(other, folders[0].root), mounts.disk(one, folders[1].root):
        assert facts() == before, "nothing but their contents tells them apart"
        for folder in folders:
            with pytest.raises(AnotherFolder):
                folder.check()


@pytest.mark.parametrize("moment", ["preparing", "downloading"])
async def test_a_mirror_that_is_unmounted_is_waited_for(
    tmp_path: Path, slow: Simulator, lines: list[Any], moment: str
) -> None:
    slow.faults.add("download_slow", rate=SLOW)
    with mounts.share(tmp_path / "disk", tmp_path / "mirror") as share:
        async with daemon(tmp_path, slow) as camspool:
            camspool.put("store/b.json", request("Fat"))
            await camspool.when("store/b", lambda status: _is_in_the_middle(status, moment))
            share.unmount()
            camspool.put("c.json", request(at=20))
            await _until(lambda: "storage_trouble" in _events(lines))
            await asyncio.sleep(3.5)  # the download comes to its end meanwhile
            assert _names(camspool.mirror) == set()
            assert {"store", "c.json"} <= _names(camspool.drop)
            share.mount()
            await _is_whole(camspool, "store/b")
            await _is_whole(camspool, "c")
            await _prepared_once_and_clean(camspool, 2)


def _is_in_the_middle(status: dict[str, Any], moment: str) -> bool:
    clip = status["clips"][0]
    return bool(status["state"] == moment and (clip["download"]["bytes"] > 0 or moment == "preparing"))


async def test_drop_and_mirror_on_different_file_systems(tmp_path: Path, sim: Simulator) -> None:
    with mounts.tmpfs(tmp_path / "drop"):
        async with daemon(tmp_path, sim) as camspool:
            asked = camspool.put("store/b.json", request()).read_bytes()
            await _is_whole(camspool, "store/b")
            assert (camspool.mirror / "store/b.json").read_bytes() == asked
            for file, content in (("x.json", '{"camera": 1}'), ("_z/w.json", "{}")):
                camspool.put(file, content)
            for name in ("x", "_z.rejected/w.json"):
                assert (await camspool.ended(name))["state"] == "rejected"
            camspool.put("store/b.json", request())
            repeated = await camspool.when("store/b", lambda status: status.get("repeated_at") is not None)
            assert repeated["state"] == "done"
            await _until(lambda: not (camspool.drop / "store/b.json").exists())
            camspool.put("store/b.json", request(at=20))
            await _is_whole(camspool, "store/b~2")
            assert camspool.published() == ["store/b.mp4", "store/b~2.mp4"]
            await _prepared_once_and_clean(camspool, 2)


# One folder, one file


async def test_a_folder_that_cannot_be_written_holds_up_only_its_own(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        (camspool.mirror / "locked").mkdir()
        with mounts.read_only(camspool.mirror / "locked"):
            for number in range(3):
                camspool.put(f"locked/{number}.json", request(at=20 * number))
            camspool.put("c.json", request(at=60))
            await _is_whole(camspool, "c")
            assert len(_names(camspool.drop / "locked")) == 3
            assert camspool.service()["state"] == "ok"
        for number in range(3):
            await _is_whole(camspool, f"locked/{number}")
        await _prepared_once_and_clean(camspool, 4)


async def test_a_folder_that_can_no_longer_be_written_holds_up_only_its_own(
    tmp_path: Path, slow: Simulator
) -> None:
    async with daemon(tmp_path, slow, limits={"preparing": 2, "downloading": 1}) as camspool:
        for number in range(3):
            camspool.put(f"locked/{number}.json", request(at=20 * number))
            await camspool.until(f"locked/{number}", "queued", "listing", "preparing")
        with mounts.read_only(camspool.mirror / "locked"):
            for number in range(3, 6):
                camspool.put(f"{number}.json", request(at=20 * number))
            for number in range(3, 6):
                await _is_whole(camspool, str(number))
            assert len(_names(camspool.drop / "locked")) == 3
        for number in range(3):
            await _is_whole(camspool, f"locked/{number}")
        await _prepared_once_and_clean(camspool, 6)


async def test_a_status_file_that_cannot_be_replaced_holds_up_only_its_own(
    tmp_path: Path, slow: Simulator
) -> None:
    async with daemon(tmp_path, slow) as camspool:
        camspool.put("b.json", request())
        await camspool.until("b", "preparing")
        with mounts.pinned(camspool.mirror / "b.status.json"):
            camspool.put("c.json", request(at=20))
            await _is_whole(camspool, "c")
            assert camspool.status("b")["state"] == "preparing"
            assert (camspool.drop / "b.json").exists()
        await _is_whole(camspool, "b")
        await _prepared_once_and_clean(camspool, 2)


# Permissions


@pytest.mark.parametrize("apart", [False, True], ids=["one file system", "two file systems"])
def test_a_request_that_cannot_be_read_is_answered(tmp_path: Path, sim: Simulator, *, apart: bool) -> None:
    camspool = running(tmp_path, sim)
    with mounts.tmpfs(camspool.drop) if apart else nullcontext():
        camspool.put("b.json", request()).chmod(0)
        with process(tmp_path, sim, wrapper=mounts.WITHOUT_PRIVILEGE):
            camspool.put("c.json", request(at=20))
            _wait_for_state(camspool, "c", "done")
            _wait_for_state(camspool, "b", "rejected")
            assert camspool.status("b")["error"]["code"] == "unreadable"
            # Between file systems it cannot be copied: it stays, and counts as changed once it can be read.
            kept = camspool.drop / "b.json" if apart else camspool.mirror / "b.json"
            wait_for(kept.exists, lambda: logged(tmp_path)[-5:])
            kept.chmod(0o644)
            if not apart:
                kept.rename(camspool.drop / "b.json")
            _wait_for_state(camspool, "b", "done")
    assert times_logged(tmp_path, "request_put_off") == int(apart)


def test_a_folder_of_drop_that_cannot_be_looked_into_cancels_nothing(tmp_path: Path, sim: Simulator) -> None:
    sim.faults.add("prepare_stall", percent=10)
    camspool = running(tmp_path, sim)
    with process(tmp_path, sim, wrapper=mounts.WITHOUT_PRIVILEGE):
        asked = camspool.put("store/b.json", request())
        _wait_for_state(camspool, "store/b", "preparing")
        wait_for(lambda: sim.record.preparations, lambda: "no preparation")
        asked.parent.chmod(0)
        camspool.put("c.json", request(at=20))
        _wait_for_state(camspool, "c", "done")
        time.sleep(2)  # several scans, that find neither the file nor that it is gone
        assert _state(camspool, "store/b") == "preparing"
        asked.parent.chmod(0o755)
        time.sleep(1)
        assert _state(camspool, "store/b") == "preparing"
        asked.unlink()
        _wait_for_state(camspool, "store/b", "cancelled")
    assert times_logged(tmp_path, "folder_unreadable") == 1


def _wait_for_state(camspool: Running, name: str, state: str) -> None:
    wait_for(lambda: _state(camspool, name) == state, lambda: _state(camspool, name))


def _state(camspool: Running, name: str) -> str | None:
    return camspool.status(name)["state"] if (camspool.mirror / f"{name}.status.json").exists() else None
