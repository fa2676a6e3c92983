"""From a dropped request to a verified MP4: the contract's main job, on real parts."""

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from camspool.simulator import PAGE_FROM, PAGE_NODE, PAGE_TO, Simulator
from camspool.simulator import Settings as SimulatorSettings
from support.running import daemon, request, simulator


@pytest.fixture
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.getbasetemp() / "clips") as running:
        yield running


async def test_the_vendors_own_example(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = SimulatorSettings(prepare_cloud=0, cache=tmp_path_factory.getbasetemp() / "clips")
    with Simulator(settings=settings) as sim:
        async with daemon(tmp_path, sim) as camspool:
            content = {"camera": PAGE_NODE, "from": PAGE_FROM, "to": PAGE_TO, "height": 480}
            camspool.put("store-12/evening.json", content)
            status = await camspool.ended("store-12/evening")
        clip = status["clips"][0]
        mp4 = camspool.mirror / "store-12/evening.mp4"
        assert status["state"] == "done"
        assert status["coverage"] == {"requested_s": 600.0, "delivered_s": 598.0}
        assert mp4.read_bytes() == sim.clip_bytes(clip["recording"]["id"])
        assert clip["file"] == {
            "name": "evening.mp4",
            "bytes": mp4.stat().st_size,
            "sha256": hashlib.sha256(mp4.read_bytes()).hexdigest(),
            "duration_s": 598.0,
            "width": 854,
            "height": 480,
            "codec": "h264",
            "gaps": [],
        }
        assert (clip["remarks"], clip["starts_at"]) == ([], {"at": clip["from"], "estimated": False})
        assert time.time() - 600 < mp4.stat().st_mtime <= time.time()
        assert json.loads((camspool.mirror / "store-12/evening.json").read_text()) == content
        assert not list(camspool.drop.rglob("*.json"))
        assert not sim.record.token_leaked()
        with av.open(str(mp4)) as video:
            assert sum(1 for _ in video.decode(video=0)) > 0


async def test_yaml_by_external_id_in_local_time(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        # START is 2020-09-13 14:26:40 in Prague.
        camspool.put(
            "a/b/morning.YAML", "camera: gate\nrange: 2020-09-13T14:26:40/PT12S\nmetadata: {case: 4711}\n"
        )
        status = await camspool.ended("a/b/morning")
        entry, clip = status["request"]["entries"][0], status["clips"][0]
        assert (status["state"], clip["node_id"], clip["camera_name"]) == ("done", 1, "Gate")
        assert entry["from"] == "2020-09-13T12:26:40Z"
        assert entry["metadata"] == {"case": 4711}
        assert clip["file"]["height"] == 128
        assert (camspool.mirror / "a/b/morning.YAML").exists()


async def test_several_asks_are_numbered_and_pieces_too(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put(
            "tour.json",
            [request("Gate", height="smallest"), request(["Yard", 1], seconds=50, height=64)],
        )
        status = await camspool.ended("tour")
        assert camspool.published() == [
            "tour.001.mp4",
            "tour.002-1.mp4",
            "tour.002-2.mp4",
            "tour.002-3.mp4",
            "tour.003.mp4",
        ]
        assert [clip["state"] for clip in status["clips"]] == ["done"] * 5
        assert [clip.get("piece") for clip in status["clips"]] == [None, 1, 2, 3, None]
        for clip in status["clips"]:
            assert (camspool.mirror / clip["file"]["name"]).read_bytes() == camspool.server_bytes(clip)
        # Three pieces of ten seconds are not fifty: all that could be had is here, and it is less.
        assert status["state"] == "partial"
        assert status["coverage"] == {"requested_s": 110.0, "delivered_s": 90.0}


async def test_a_split_range_becomes_consecutive_clips(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("long.json", request(seconds=25, split="10s", height=64))
        status = await camspool.ended("long")
        assert [clip["file"]["duration_s"] for clip in status["clips"]] == [10.0, 10.0, 5.0]
        assert camspool.published() == ["long.001.mp4", "long.002.mp4", "long.003.mp4"]


@pytest.mark.parametrize(
    ("fields", "heights"),
    [
        ({}, [128]),
        ({"take": "best", "height": 64}, [64]),
        ({"take": "all", "height": 64}, [64, 64]),
        ({"take": "all", "height": "best"}, [64, 128]),
    ],
)
async def test_copies_of_the_same_time_are_alternatives(
    tmp_path: Path, sim: Simulator, fields: dict[str, Any], heights: list[int]
) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("aisle.json", request("aisle", seconds=60, **fields))
        status = await camspool.ended("aisle")
        assert status["state"] == "done"
        assert [clip["file"]["height"] for clip in status["clips"]] == heights


@pytest.mark.parametrize(
    ("content", "code", "word"),
    [
        (request("Twin"), "camera_ambiguous", "4, 5"),
        (request("Nobody"), "camera_not_found", "Nobody"),
        (request(4711), "camera_not_found", "camera"),
        (request("Blind"), "no_recording", "portal"),
        (request(1, height=1080), "height_not_offered", "64, 96, 128"),
    ],
)
async def test_what_cannot_be_had_says_why(
    tmp_path: Path, sim: Simulator, content: dict[str, Any], code: str, word: str
) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("r.json", content)
        status = await camspool.ended("r")
        assert (status["state"], status["error"]["code"]) == ("failed", code)
        assert word in status["error"]["message"] + status["error"]["hint"]
        assert camspool.published() == []


async def test_validate_only_asks_nobody(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("v.json", request("Nobody", validate_only=True))
        status = await camspool.ended("v")
        assert status["state"] == "validated"
        assert status["request"]["entries"][0]["camera"] == "Nobody"
    assert "camera" not in sim.record.operations()


async def test_a_range_in_the_future_waits_for_its_end(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim, requests={"delay": "300ms", "grace": 0}) as camspool:
        now = int(time.time())
        camspool.put("soon.json", {"camera": "Blind", "from": now - 5, "to": now + 3})
        scheduled = await camspool.until("soon", "scheduled")
        assert scheduled["waiting"]["reason"] == "recording_not_yet_there"
        assert "camera" not in sim.record.operations()
        status = await camspool.ended("soon")
        assert [entry["state"] for entry in status["history"]] == ["scheduled", "queued", "listing", "failed"]
        assert time.time() >= now + 3.3


async def test_grace_lists_again_while_footage_may_still_come(tmp_path: Path, sim: Simulator) -> None:
    now = int(time.time())
    async with daemon(tmp_path, sim, requests={"delay": 0, "grace": "3s"}) as camspool:
        camspool.put("late.json", {"camera": "Blind", "from": now - 10, "to": now - 1})
        waiting = await camspool.when("late", lambda status: status["waiting"] is not None)
        assert waiting["waiting"]["reason"] == "recording_not_yet_there"
        status = await camspool.ended("late")
        assert status["error"]["code"] == "no_recording"
        assert status["clips"][0]["attempts"]["list"] > 1


@pytest.mark.parametrize(
    ("file", "content", "name", "code"),
    [
        ("b.json", '{"camera": 1', "b", "syntax"),
        ("b.json", "", "b", None),
        ("b.yaml", "camera: [", "b", "syntax"),
        ("b.json", '{"camera": 0, "from": "yesterday", "hight": 3}', "b", "invalid"),
        ("b.json", b"\xff\xfe\x00", "b", "not_utf8"),
        ("b.json", '{"x": "' + "y" * 70_000 + '"}', "b", "too_large"),
        ("b.txt", "hello", "b.txt", "unsupported_type"),
        ("_x/b.json", "{}", "_x.rejected/b.json", "reserved_name"),
        ("b.status.json", "{}", "b.status.json", "reserved_name"),
    ],
)
@pytest.mark.usefixtures("quickly_answered")
async def test_what_is_no_request_is_answered(
    tmp_path: Path, sim: Simulator, file: str, content: str | bytes, name: str, code: str | None
) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put(file, content)
        if code is None:  # an empty file may still be written to: no answer before a minute is over
            camspool.put("marker.json", request(validate_only=True))
            await camspool.ended("marker")
            assert not (camspool.mirror / f"{name}.status.json").exists()
            return
        status = await camspool.when(name, lambda status: bool(status["request"]["filed_as"]))
        assert (status["state"], status["error"]["code"]) == ("rejected", code)
        assert status["error"]["hint"]
        assert not (camspool.drop / file).exists()
        data = content if isinstance(content, bytes) else content.encode()
        assert (camspool.mirror / status["request"]["filed_as"]).read_bytes() == data


async def test_every_problem_is_reported_at_once(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", [request(hight=720), {"camera": True, "from": "x", "duration": -1}])
        status = await camspool.ended("b")
        paths = {problem["path"] for problem in status["error"]["problems"]}
        assert paths == {"[0].hight", "[1].camera", "[1].from", "[1].duration"}
        assert "height" in status["error"]["message"]


async def test_two_requests_with_one_stem(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request())
        await camspool.until("b", "queued", "listing", "preparing", "downloading", "verifying", "done")
        camspool.put("b.yaml", "camera: 1\nrange: 2020-09-13T14:26:40/PT5S\n")
        second = await camspool.ended("b.yaml")
        assert (second["state"], second["error"]["code"]) == ("rejected", "name_taken")
        assert (await camspool.ended("b"))["state"] == "done"


async def test_many_at_once_share_their_calls(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim, limits={"preparing": 200}, api={"rate": 5}) as camspool:
        for number in range(50):
            camspool.put(f"r{number}.json", request(at=number, height=64))
        for number in range(50):
            assert (await camspool.ended(f"r{number}"))["state"] == "done"
        operations = sim.record.operations()
        assert operations["camera"] >= 50
        assert len(sim.record.calls) < 50
        assert await camspool.leftovers() == []


async def test_ignored_names_are_left_alone(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        names = [".hidden.json", "x.json~", "x.json.tmp", "x.part", "Thumbs.db", "@eaDir/x.json"]
        for name in names:
            camspool.put(name, request())
        (camspool.drop / "link.json").symlink_to(tmp_path / "config.json")
        camspool.put("real.json", request())
        await camspool.ended("real")
        assert all((camspool.drop / name).exists() for name in [*names, "link.json"])
        assert [path.name for path in camspool.mirror.glob("*.status.json")] == ["real.status.json"]
