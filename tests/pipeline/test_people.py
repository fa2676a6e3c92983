"""What people do to the folders: drop again, edit, delete, move back, put things in the way."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from camspool.simulator import Simulator
from support.running import daemon, request, simulator

SLOW = {"prepare_cloud": 60.0}
"""Nothing gets beyond preparing while a test looks at it."""


@pytest.fixture
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.getbasetemp() / "clips") as running:
        yield running


@pytest.fixture
def slow_sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.getbasetemp() / "clips", **SLOW) as running:
        yield running


async def test_the_same_again_is_no_new_work(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request())
        first = await camspool.ended("b")
        camspool.put("b.json", request())
        again = await camspool.when("b", lambda status: status["repeated_at"] is not None)
        await camspool.when("b", lambda _: not (camspool.drop / "b.json").exists())
        assert again["finished_at"] == first["finished_at"]
        assert len(sim.record.downloads) == 1
        assert camspool.published() == ["b.mp4"]


async def test_moved_back_after_a_failure_it_starts_again(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request("Blind"))
        first = await camspool.ended("b")
        (camspool.mirror / "b.json").rename(camspool.drop / "b.json")
        again = await camspool.when(
            "b", lambda s: s["created_at"] != first["created_at"] and s["finished_at"]
        )
        assert (again["name"], again["state"]) == ("b", "failed")
        await camspool.when("b", lambda s: s["request"]["filed_as"] == "b.json")
        assert (camspool.mirror / "b.json").exists()


async def test_without_its_mp4_it_starts_again_under_its_own_name(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request())
        first = await camspool.ended("b")
        (camspool.mirror / "b.mp4").unlink()
        (camspool.mirror / "b.json").rename(camspool.drop / "b.json")
        await camspool.when(
            "b", lambda s: s["created_at"] != first["created_at"] and s["request"]["filed_as"]
        )
        assert camspool.published() == ["b.mp4"]
        assert len(sim.record.downloads) == 2


async def test_changed_after_it_was_done_it_gets_a_name_of_its_own(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("a/b.json", request())
        await camspool.ended("a/b")
        before = (camspool.mirror / "a/b.mp4").read_bytes()
        camspool.put("a/b.json", request(at=100))
        second = await camspool.ended("a/b~2")
        camspool.put("a/b.json", request(at=200))
        await camspool.ended("a/b~3")
        assert second["request"]["file"] == "a/b.json"
        assert (camspool.mirror / "a/b.mp4").read_bytes() == before
        assert camspool.published() == ["a/b.mp4", "a/b~2.mp4", "a/b~3.mp4"]
        assert (camspool.mirror / "a/b~2.json").exists()


async def test_partial_dropped_again_counts_as_changed(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request("Yard", seconds=50))
        assert (await camspool.ended("b"))["state"] == "partial"
        camspool.put("b.json", request("Yard", seconds=50))
        assert (await camspool.ended("b~2"))["state"] == "partial"


async def test_deleting_the_request_cancels_it(tmp_path: Path, slow_sim: Simulator) -> None:
    async with daemon(tmp_path, slow_sim) as camspool:
        path = camspool.put("b.json", request())
        await camspool.until("b", "preparing")
        path.unlink()
        status = await camspool.until("b", "cancelled")
        assert status["finished_at"]
        assert await camspool.leftovers() == []
        camspool.put("b.json", request(validate_only=True))
        assert (await camspool.ended("b"))["state"] == "validated"


async def test_cancelling_keeps_what_was_published(tmp_path: Path, sim: Simulator) -> None:
    sim.faults.add("prepare_stall", times=None, percent=10, skip=1)
    async with daemon(tmp_path, sim) as camspool:
        path = camspool.put("b.json", [request(1), request("aisle")])
        await camspool.when("b", lambda status: "done" in [clip["state"] for clip in status["clips"]])
        path.unlink()
        status = await camspool.until("b", "cancelled")
        files = {clip["state"]: clip["file"] for clip in status["clips"]}
        assert files["cancelled"] is None
        assert camspool.published() == [files["done"]["name"]]


@pytest.mark.parametrize("meanwhile", ["deleted", "edited"])
async def test_an_mp4_published_just_before_a_kill_stays_named(
    tmp_path: Path, sim: Simulator, meanwhile: str
) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request())
        status = await camspool.ended("b")
    # As a kill leaves it between the MP4's rename and `done`.
    status["state"] = status["clips"][0]["state"] = "verifying"
    status["finished_at"] = status["request"]["filed_as"] = None
    (camspool.mirror / "b.status.json").write_text(json.dumps(status))
    (camspool.mirror / "b.json").unlink()
    (camspool.mirror / ".b.002.mp4.part").touch()
    if meanwhile == "edited":
        camspool.put("b.json", request(at=100))
    async with daemon(tmp_path, sim) as camspool:
        ended = await camspool.when("b", lambda status: bool(status["finished_at"]))
        assert (ended["state"], ended["clips"][0]["file"]["name"]) == ("done", "b.mp4")
        if meanwhile == "edited":
            assert (await camspool.ended("b~2"))["clips"][0]["file"]["name"] == "b~2.mp4"
        assert await camspool.leftovers() == []


async def test_an_edit_that_drops_a_finished_clip_keeps_its_record(tmp_path: Path, sim: Simulator) -> None:
    sim.faults.add("prepare_stall", times=None, percent=10, skip=1)
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", [request(1), request(1, at=50)])
        await camspool.when("b", lambda status: "done" in [clip["state"] for clip in status["clips"]])
        [published] = camspool.published()
        camspool.put("b.json", request("Yard"))
        await camspool.when("b~2", lambda status: status["request"]["file"] == "b.json")
        old = await camspool.until("b", "cancelled")
        assert [clip["file"]["name"] for clip in old["clips"] if clip["file"]] == [published]


async def test_an_edit_takes_over_what_is_finished(tmp_path: Path, sim: Simulator) -> None:
    sim.faults.add("prepare_stall", times=None, percent=10, skip=1)
    async with daemon(tmp_path, sim) as camspool:
        both = [request(1), request(1, at=50)]
        camspool.put("b.json", both)
        first = await camspool.when("b", lambda s: "done" in [clip["state"] for clip in s["clips"]])
        sim.faults.clear()
        camspool.put("b.json", [*both, request(1, at=70)])
        again = await camspool.ended("b")
        assert again["state"] == "done"
        done = next(clip for clip in first["clips"] if clip["state"] == "done")
        assert again["clips"][done["ask"] - 1]["file"] == done["file"]
        assert len(camspool.published()) == 3


@pytest.mark.usefixtures("quickly_answered")
async def test_the_answer_to_a_wrong_file_replaces_no_other(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.txt.json", request())
        await camspool.ended("b.txt")
        camspool.put("b.txt", "hello")
        rejected = await camspool.ended("b.txt~2")
        assert rejected["error"]["code"] == "unsupported_type"
        assert camspool.status("b.txt")["state"] == "done"


async def test_a_numbered_request_is_tried_again_by_moving_it_back(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request())
        await camspool.ended("b")
        camspool.put("b.json", request(at=100))
        await camspool.when("b~2", lambda status: status["request"]["filed_as"] is not None)
        (camspool.mirror / "b~2.json").rename(camspool.drop / "b~2.json")
        await camspool.when("b~2", lambda status: status["repeated_at"] is not None)


async def test_one_moved_back_leaves_its_neighbour_in_work(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        for at, name in ((0, "b"), (100, "b~2")):
            camspool.put("b.json", request(at=at))
            await camspool.ended(name)
        sim.faults.add("api_status", times=None)
        camspool.put("b.json", request(at=200))
        await camspool.until("b~3", "queued", "listing")
        (camspool.mirror / "b~2.json").rename(camspool.drop / "b~2.json")
        await camspool.when("b~2", lambda status: status["repeated_at"] is not None)
        sim.faults.clear()
        assert (await camspool.ended("b~3"))["request"]["file"] == "b.json"


async def test_a_request_filed_where_an_earlier_run_was_is_not_replaced(
    tmp_path: Path, sim: Simulator
) -> None:
    async with daemon(tmp_path, sim) as camspool:
        for at, name in ((0, "b"), (100, "b~2")):
            camspool.put("b.json", request(at=at))
            await camspool.ended(name)
        moved_back = (camspool.mirror / "b~2.json").read_bytes()
        (camspool.mirror / "b~2.mp4").unlink()
        sim.faults.add("api_status", times=None)
        camspool.put("b.json", request(at=200))
        await camspool.until("b~2", "queued", "listing")
        (camspool.mirror / "b~2.json").rename(camspool.drop / "b~2.json")
        assert (await camspool.ended("b~2.json"))["error"]["code"] == "name_taken"
        sim.faults.clear()
        assert (await camspool.ended("b~2"))["state"] == "done"
        kept = [path.read_bytes() for path in camspool.mirror.glob("b~2*.json")]
        assert moved_back in kept


async def test_edited_while_in_work_it_starts_over(tmp_path: Path, slow_sim: Simulator) -> None:
    async with daemon(tmp_path, slow_sim) as camspool:
        camspool.put("b.json", request(height=64))
        await camspool.until("b", "preparing")
        camspool.put("b.json", request(height=96))
        status = await camspool.when("b", lambda s: s["request"]["entries"][0]["height"] == 96)
        await camspool.until("b", "preparing")
        assert status["name"] == "b"
        assert not (camspool.mirror / "b~2.status.json").exists()


async def test_deleted_while_no_daemon_looked(tmp_path: Path, slow_sim: Simulator) -> None:
    async with daemon(tmp_path, slow_sim) as camspool:
        path = camspool.put("b.json", request())
        await camspool.until("b", "preparing")
    path.unlink()
    async with daemon(tmp_path, slow_sim) as camspool:
        assert (await camspool.until("b", "cancelled"))["state"] == "cancelled"


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
async def test_what_is_not_ours_is_never_overwritten(tmp_path: Path, sim: Simulator, kind: str) -> None:
    async with daemon(tmp_path, sim) as camspool:
        foreign = camspool.mirror / "b.mp4"
        match kind:
            case "file":
                foreign.write_bytes(b"somebody's holiday")
            case "folder":
                foreign.mkdir()
            case _:
                foreign.symlink_to("nowhere")
        camspool.put("b.json", request())
        status = await camspool.ended("b")
        assert status["clips"][0]["file"]["name"] == "b~2.mp4"
        assert (camspool.mirror / "b~2.mp4").is_file()
        assert kind != "file" or foreign.read_bytes() == b"somebody's holiday"
        assert kind != "dangling link" or str(foreign.readlink()) == "nowhere"


async def test_a_foreign_status_file_is_left_alone(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        (camspool.mirror / "b.status.json").write_text("my own notes")
        (camspool.mirror / "b.json").write_text("mine too")
        camspool.put("b.json", request())
        await camspool.ended("b~2")
        assert (camspool.mirror / "b.status.json").read_text() == "my own notes"
        assert (camspool.mirror / "b.json").read_text() == "mine too"


async def test_two_requests_that_want_one_mp4_name(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request([1, 4]))
        camspool.put("b.001.json", request(1, at=50))
        both = [await camspool.ended("b"), await camspool.ended("b.001")]
        names = [clip["file"]["name"] for status in both for clip in status["clips"]]
        assert sorted(names) == ["b.001.mp4", "b.001~2.mp4", "b.002.mp4"]
        for status in both:
            for clip in status["clips"]:
                data = (camspool.mirror / clip["file"]["name"]).read_bytes()
                assert data == camspool.server_bytes(clip)
