"""Whole MP4s that are not what was listed, by way of HTTP: published, and what is odd is in the status."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from camspool.simulator import Simulator
from support.running import Running, daemon, request, simulator


@pytest.fixture
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.getbasetemp() / "clips") as running:
        yield running


async def ended(camspool: Running, seconds: int = 20) -> dict[str, Any]:
    camspool.put("b.json", request(1, seconds=seconds))
    status = await camspool.ended("b")
    assert status["clips"][0]["attempts"]["bad_video"] == 0
    assert camspool.published() == ["b.mp4"]
    assert await camspool.leftovers() == []
    return status


ODD: dict[str, tuple[str, dict[str, Any], str, list[str], float]] = {
    "shorter": ("download_other_duration", {"seconds": 9}, "partial", ["other_duration"], 9),
    "longer": ("download_other_duration", {"seconds": 30}, "done", ["other_duration"], 20),
    "lower": ("download_other_height", {"height": 64}, "partial", ["other_height"], 20),
    "a little lower": ("download_other_height", {"height": 112}, "done", [], 20),
    "higher": ("download_other_height", {"height": 256}, "done", ["other_height"], 20),
    "two seconds missing": ("download_gap", {"at": 5, "seconds": 2}, "done", ["gaps"], 18),
    "eight seconds missing": ("download_gap", {"at": 5, "seconds": 8}, "partial", ["gaps"], 12),
    "zeros behind it": ("download_trailing_bytes", {}, "done", ["trailing_bytes"], 20),
    "noise behind it": ("download_trailing_bytes", {"fill": "noise"}, "done", ["trailing_bytes"], 20),
    "called a page": ("download_calls_it", {}, "done", [], 20),
    "called uncoded": ("download_calls_it", {"type": "video/mp4", "coding": "none"}, "done", [], 20),
}


@pytest.mark.parametrize("name", ODD)
async def test_what_is_whole_is_delivered(tmp_path: Path, sim: Simulator, name: str) -> None:
    fault, parameters, state, remarks, delivered_s = ODD[name]
    sim.faults.add(fault, times=None, **parameters)
    async with daemon(tmp_path, sim) as camspool:
        status = await ended(camspool)
    (clip,) = status["clips"]
    assert (status["state"], [remark["code"] for remark in clip["remarks"]]) == (state, remarks)
    assert status["coverage"] == {"requested_s": 20, "delivered_s": delivered_s}
    assert clip["attempts"]["download"] == clip["attempts"]["prepare"] == 1
    assert (status["error"] is None) == (state == "done")
    assert all(remark["message"] for remark in clip["remarks"])


async def test_a_gap_says_where_it_is(tmp_path: Path, sim: Simulator) -> None:
    sim.faults.add("download_gap", at=5, seconds=3)
    async with daemon(tmp_path, sim) as camspool:
        status = await ended(camspool)
    file = status["clips"][0]["file"]
    assert (file["duration_s"], file["gaps"]) == (20, [{"at_s": 5, "length_s": 3}])


async def test_a_download_goes_on_by_its_date_after_a_restart(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with simulator(tmp_path_factory.getbasetemp() / "clips", throttle=700_000) as sim:
        sim.faults.add("download_date_only", times=None)
        async with daemon(tmp_path, sim) as camspool:
            camspool.put("b.json", request("Fat"))
            status = await camspool.when("b", lambda s: s["clips"][0]["download"]["bytes"] > 0)
        date = status["clips"][0]["download"]["last_modified"]
        async with daemon(tmp_path, sim) as camspool:
            status = await camspool.ended("b")
            assert (camspool.mirror / "b.mp4").read_bytes() == camspool.server_bytes(status["clips"][0])
        first, second = sim.record.downloads
    assert (status["state"], status["clips"][0]["download"]["etag"]) == ("done", None)
    assert (first.range_start, second.headers["if-range"]) == (0, date)
    assert second.range_start > 0


async def test_pieces_say_when_they_begin(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request("Yard", seconds=50))
        status = await camspool.ended("b")
    first, second, third = (clip["starts_at"] for clip in status["clips"])
    assert first == {"at": status["clips"][0]["from"], "estimated": False}
    assert (second["at"][-4:], second["estimated"]) == (":50Z", True)
    assert (third["at"][-4:], third["estimated"]) == (":00Z", True)
