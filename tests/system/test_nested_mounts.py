"""Real mounts below drop/ and mirror/: bind mounts and file systems in memory, taken away during work."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from camspool.simulator import Simulator
from support.running import Running, daemon, request, simulator
from system import mounts

pytestmark = pytest.mark.timeout(240)  # of a busy machine


@pytest.fixture(scope="module", autouse=True)
def _own_namespace() -> None:
    mounts.own_namespace()


@pytest.fixture
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """A server that takes its time to prepare, long enough to take something away meanwhile."""
    with simulator(tmp_path_factory.getbasetemp() / "clips", prepare_cloud=1.5) as started:
        yield started


async def until_adopted(camspool: Running, *points: Path) -> None:
    memory = camspool.mirror.parent / "state/folders.json"
    while not {str(point) for point in points} <= json.loads(memory.read_text()).keys():
        await asyncio.sleep(0.02)


async def test_a_bind_mount_below_the_mirror_goes_and_comes_back(tmp_path: Path, slow: Simulator) -> None:
    site = tmp_path / "mirror/site-a"
    (tmp_path / "mirror").mkdir()
    with mounts.share(tmp_path / "disk", site) as share, capture_logs() as lines:
        async with daemon(tmp_path, slow) as camspool:
            await until_adopted(camspool, site)
            assert (tmp_path / "disk/.camspool").exists()
            camspool.put("site-a/evening.json", request())
            camspool.put("here.json", request(at=20))
            await camspool.until("site-a/evening", "preparing")
            share.unmount()
            assert (await camspool.ended("here"))["state"] == "done"
            await asyncio.sleep(2)
            assert list(site.iterdir()) == []
            assert (camspool.drop / "site-a/evening.json").exists()
            (camspool.drop / "site-a/later.json").write_text(json.dumps(request(at=40)))
            await asyncio.sleep(1)
            assert list(site.iterdir()) == []
            [problem] = camspool.service()["problems"]
            assert problem["code"] == "folder_unavailable"
            assert "site-a was a mount of its own" in problem["message"]
            share.mount()
            for name in ("site-a/evening", "site-a/later"):
                assert (await camspool.ended(name, timeout=60))["state"] == "done"
                assert (camspool.mirror / f"{name}.mp4").exists()
            while camspool.service()["problems"]:
                await asyncio.sleep(0.02)
    assert "request_cancelled" not in [line["event"] for line in lines]
    assert (tmp_path / "disk/evening.mp4").exists()


async def test_requests_below_a_drop_mount_that_is_away_are_not_cancelled(
    tmp_path: Path, slow: Simulator
) -> None:
    site = tmp_path / "drop/site-a"
    site.mkdir(parents=True)
    with mounts.share(tmp_path / "disk", site) as share, capture_logs() as lines:
        async with daemon(tmp_path, slow) as camspool:
            await until_adopted(camspool, site)
            camspool.put("site-a/evening.json", request())
            await camspool.until("site-a/evening", "preparing")
            share.unmount()
            await asyncio.sleep(3)
            assert camspool.status("site-a/evening")["state"] != "cancelled"
        async with daemon(tmp_path, slow) as camspool:  # a restart while it is away
            camspool.put("here.json", request(at=20))
            assert (await camspool.ended("here"))["state"] == "done"
            assert camspool.status("site-a/evening")["state"] != "cancelled"
            share.mount()
            assert (await camspool.ended("site-a/evening", timeout=60))["state"] == "done"
    assert "request_cancelled" not in [line["event"] for line in lines]


async def test_a_file_system_in_memory_that_appears_later_is_adopted(tmp_path: Path, slow: Simulator) -> None:
    async with daemon(tmp_path, slow) as camspool:
        with mounts.tmpfs(camspool.mirror / "site-b"):
            await until_adopted(camspool, camspool.mirror / "site-b")
            camspool.put("site-b/evening.json", request())
            assert (await camspool.ended("site-b/evening"))["state"] == "done"
        camspool.put("site-b/again.json", request(at=20))
        await asyncio.sleep(1)
        assert list((camspool.mirror / "site-b").iterdir()) == []


async def test_a_read_only_mount_is_known_without_a_marker(tmp_path: Path, slow: Simulator) -> None:
    site, archive = tmp_path / "mirror/archive", tmp_path / "archive"
    site.mkdir(parents=True)
    archive.mkdir()
    with mounts.share(archive, site) as share, mounts.read_only(site), capture_logs() as lines:
        async with daemon(tmp_path, slow) as camspool:
            await until_adopted(camspool, site)
            camspool.put("here.json", request())
            assert (await camspool.ended("here"))["state"] == "done"
    assert share is not None
    assert "mount_not_marked" in [line["event"] for line in lines]
    assert not (archive / ".camspool").exists()


async def test_a_folder_that_is_only_mounted_on_itself_is_a_folder(tmp_path: Path, slow: Simulator) -> None:
    site = tmp_path / "mirror/site-a"
    site.mkdir(parents=True)
    async with daemon(tmp_path, slow) as camspool:
        with mounts.pinned(site):
            camspool.put("site-a/b.json", request())
            assert (await camspool.ended("site-a/b"))["state"] == "done"
        camspool.put("site-a/c.json", request(at=20))
        assert (await camspool.ended("site-a/c"))["state"] == "done"
        assert not (site / ".camspool").exists()
