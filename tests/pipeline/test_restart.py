"""The files are the database: what a stop, a kill or an outage interrupts goes on from them."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from camspool.config import loading
from camspool.service import wiring
from camspool.simulator import Simulator
from support.running import Running, daemon, environment, request, simulator, write_config


@pytest.fixture
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.getbasetemp() / "clips") as running:
        yield running


@contextmanager
def process(folder: Path, sim: Simulator, **variables: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A daemon as a process of its own; killed at the end of the block if it still runs."""
    command = [sys.executable, "-m", "camspool", "run", "-c", str(write_config(folder, sim))]
    log = (folder / "daemon.log").open("ab")
    with log, subprocess.Popen(command, env=environment(**variables), stderr=log) as running:
        try:
            yield running
        finally:
            running.kill()


async def test_a_preparation_is_not_repeated_by_a_restart(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with simulator(tmp_path_factory.getbasetemp() / "clips", prepare_cloud=0.5) as sim:
        async with daemon(tmp_path, sim) as camspool:
            camspool.put("b.json", request())
            await camspool.when("b", lambda status: status["clips"][0]["prepare"]["percent"] > 0)
        async with daemon(tmp_path, sim) as camspool:
            status = await camspool.ended("b")
        assert status["state"] == "done"
        assert sim.record.operations()["recordingPrepare"] == 1
        assert status["clips"][0]["attempts"]["list"] == 1


async def test_a_download_goes_on_where_it_was(tmp_path: Path, sim: Simulator) -> None:
    sim.faults.add("download_slow", rate=1_000_000)
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request("Fat"))
        await camspool.when("b", lambda status: status["clips"][0]["download"]["bytes"] > 500_000)
    assert (tmp_path / "mirror/.b.001.mp4.part").stat().st_size > 500_000
    async with daemon(tmp_path, sim) as camspool:
        status = await camspool.ended("b")
        assert status["state"] == "done"
        assert (camspool.mirror / "b.mp4").read_bytes() == camspool.server_bytes(status["clips"][0])
    assert [download.range_start > 0 for download in sim.record.downloads] == [False, True]
    assert sim.record.operations()["recordingPrepare"] == 1


@pytest.mark.parametrize("moment", ["preparing", "verifying"])  # the others: tests/system/test_kills.py
async def test_killed_at_any_state_it_ends_done(tmp_path: Path, sim: Simulator, moment: str) -> None:
    sim.faults.add("download_slow", rate=3_000_000)
    camspool = Running(tmp_path / "drop", tmp_path / "mirror", sim)
    with process(tmp_path, sim) as running:
        await _ready(camspool)
        camspool.put("b.json", request("Fat"))
        await camspool.when("b", lambda s: moment in [entry["state"] for entry in s["history"]])
        running.kill()
    async with daemon(tmp_path, sim) as camspool:
        status = await camspool.ended("b")
        assert status["state"] == "done"
        assert camspool.published() == ["b.mp4"]
        assert await camspool.leftovers() == []
        assert (camspool.mirror / "b.mp4").read_bytes() == camspool.server_bytes(status["clips"][0])
    assert sim.record.operations()["recordingPrepare"] == 1


async def test_sigterm_ends_it_cleanly_and_keeps_the_part(tmp_path: Path, sim: Simulator) -> None:
    sim.faults.add("download_cut", times=None, at=1_000_000, how="stall")
    camspool = Running(tmp_path / "drop", tmp_path / "mirror", sim)
    with process(tmp_path, sim) as running:
        await _ready(camspool)
        camspool.put("b.json", request("Fat"))
        await camspool.when("b", lambda status: status["clips"][0]["download"]["bytes"] > 0)
        began = time.monotonic()
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
        assert time.monotonic() - began < 10
    assert camspool.service()["state"] == "stopped"
    assert camspool.status("b")["state"] == "downloading"
    assert await camspool.leftovers() == [".b.001.mp4.part"]


async def test_the_service_manager_is_notified(tmp_path: Path, sim: Simulator) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        (tmp_path / "drop").mkdir()
        (tmp_path / "drop/early.json").write_text(json.dumps(request()))
        with process(
            tmp_path, sim, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="400000"
        ) as running:
            messages: list[str] = []
            while "READY=1" not in messages:
                messages += manager.recv(4096).decode().split("\n")
            assert not [line for line in messages if line.startswith("WATCHDOG")]
            while "WATCHDOG=1" not in messages:
                messages += manager.recv(4096).decode().split("\n")
            running.send_signal(signal.SIGTERM)
            assert running.wait(10) == 0
        while "STOPPING=1" not in messages:
            messages += manager.recv(4096).decode().split("\n")
        assert any(line.startswith("STATUS=") for line in messages)


async def test_an_unreachable_api_is_waited_for(tmp_path: Path, sim: Simulator) -> None:
    sim.faults.add("api_reset", times=None)
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request())
        camspool.put("c.json", request(at=20))
        for name in ("b", "c"):
            status = await camspool.when(name, lambda status: status["waiting"] is not None)
            assert status["waiting"]["reason"] == "api_unreachable"
        while camspool.service()["state"] != "degraded":
            await asyncio.sleep(0.02)
        assert camspool.service()["problems"][0]["code"] == "api_unreachable"
        sim.faults.clear()
        for name in ("b", "c"):
            status = await camspool.ended(name)
            assert status["state"] == "done"
            assert status["waiting"] is None
            assert status["clips"][0]["attempts"]["list"] == 1
        while camspool.service()["state"] != "ok":
            await asyncio.sleep(0.02)


async def test_a_new_token_is_picked_up(tmp_path: Path, sim: Simulator) -> None:
    (tmp_path / "token").write_text("stale")
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request())
        status = await camspool.when("b", lambda status: status["waiting"] is not None)
        assert status["waiting"]["reason"] == "unauthorised"
        (tmp_path / "token").write_text(sim.token)
        assert (await camspool.ended("b"))["state"] == "done"


async def test_an_expired_id_is_made_anew(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with simulator(tmp_path_factory.getbasetemp() / "clips", expired_recording="error") as sim:
        sim.faults.add("id_expired", operation="recording", times=2)
        async with daemon(tmp_path, sim) as camspool:
            camspool.put("b.json", request())
            status = await camspool.ended("b")
            assert status["state"] == "done"
            assert status["clips"][0]["attempts"]["expired"] == 1


async def test_a_recording_that_is_not_known_yet_is_asked_about_again(tmp_path: Path, sim: Simulator) -> None:
    # Right after the preparation began: it may take a server a moment to know.
    sim.faults.add("field_null", operation="recording", times=3)
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request())
        status = await camspool.ended("b")
        assert (status["state"], status["clips"][0]["attempts"]["expired"]) == ("done", 0)
    assert sim.record.operations()["recordingPrepare"] == 1


async def test_node_ids_need_no_list_of_cameras(tmp_path: Path, sim: Simulator) -> None:
    sim.faults.add("api_status", operation="nodeList", status=403, times=None)
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request(1))
        status = await camspool.ended("b", timeout=20)
        assert (status["state"], status["clips"][0]["camera_name"]) == ("done", None)


@pytest.mark.parametrize(
    ("fault", "parameters", "code"),
    [
        ("prepare_stall", {"percent": 30}, "prepare_stalled"),
        ("download_truncated", {}, "bad_video"),
    ],
)
async def test_what_stays_wrong_ends_with_its_name(
    tmp_path: Path, sim: Simulator, fault: str, parameters: dict[str, Any], code: str
) -> None:
    sim.faults.add(fault, times=None, **parameters)
    async with daemon(tmp_path, sim, retry={"stalled": "500ms"}) as camspool:
        camspool.put("b.json", request("Fat"))
        camspool.put("c.json", request(1, validate_only=True))
        status = await camspool.ended("b")
        assert (status["state"], status["error"]["code"]) == ("failed", code)
        assert status["error"]["hint"]
        assert camspool.published() == []
        assert await camspool.leftovers() == []


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        ("prepare_answer", {}),
        ("id_expired", {"operation": "recording"}),
        ("download_status", {"status": 403}),
        ("field_error", {"operation": "recordingPrepare"}),
        ("field_error", {"operation": "camera", "message": "Access denied"}),
        ("download_html", {}),
    ],
)
async def test_what_may_pass_is_waited_for(
    tmp_path: Path, sim: Simulator, fault: str, parameters: dict[str, Any]
) -> None:
    lasting = sim.faults.add(fault, times=None, **parameters)
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request("Fat"))
        while lasting.struck < 5:
            await asyncio.sleep(0.02)
        assert not camspool.status("b")["finished_at"]
        sim.faults.clear()
        assert (await camspool.ended("b"))["state"] == "done"


@pytest.mark.parametrize("fault", ["download_not_video", "download_html"])
async def test_a_host_that_sends_no_video_is_waited_for(tmp_path: Path, sim: Simulator, fault: str) -> None:
    sim.faults.add(fault, times=4)
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request("Fat"))
        status = await camspool.ended("b")
        assert (status["state"], status["clips"][0]["attempts"]["bad_video"]) == ("done", 0)
    assert sim.record.operations()["recordingPrepare"] == 1


async def test_a_preparation_that_goes_to_and_fro_has_stalled(tmp_path: Path, sim: Simulator) -> None:
    sim.faults.add("prepare_stall", times=None, percent=1)
    async with daemon(tmp_path, sim, retry={"stalled": "500ms"}) as camspool:
        camspool.put("b.json", request())

        async def goes_to_and_fro() -> None:
            while not camspool.published():
                for percent in (40, 20):
                    sim.faults.add(
                        "field_value", times=1, operation="recording", key="progress", value=percent
                    )
                await asyncio.sleep(0.02)

        going = asyncio.create_task(goes_to_and_fro())
        status = await camspool.ended("b")
        going.cancel()
        assert status["error"]["code"] == "prepare_stalled"
        assert "at 40 %" in status["error"]["message"]


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        ("download_cut", {"at": 1_000_000, "how": "reset"}),
        ("download_cut", {"at": 1_000_000, "how": "fin"}),
        ("download_status", {"status": 503}),
        ("download_status", {"status": 410}),
        ("download_html", {}),
        ("api_html", {}),
        ("api_status", {"status": 500}),
        ("field_error", {}),
    ],
)
async def test_what_passes_leaves_no_trace_in_the_mp4(
    tmp_path: Path, sim: Simulator, fault: str, parameters: dict[str, Any]
) -> None:
    sim.faults.add(fault, times=1, **parameters)
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request("Fat"))
        status = await camspool.ended("b")
        assert status["state"] == "done"
        assert (camspool.mirror / "b.mp4").read_bytes() == camspool.server_bytes(status["clips"][0])


async def test_a_mirror_that_is_gone_is_waited_for(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        marker = camspool.mirror / ".camspool"
        camspool.put("b.json", request())
        await camspool.ended("b")
        away = marker.rename(tmp_path / "marker")
        camspool.put("c.json", request(at=20))
        await asyncio.sleep(0.5)
        assert camspool.published() == ["b.mp4"]
        assert (camspool.drop / "c.json").exists()
        away.rename(marker)
        assert (await camspool.ended("c", timeout=20))["state"] == "done"


async def test_a_drop_folder_that_is_gone_is_not_empty(tmp_path: Path, sim: Simulator) -> None:
    sim.faults.add("prepare_stall", percent=10)
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request())
        await camspool.until("b", "preparing")
        camspool.drop.rename(tmp_path / "unmounted")
        camspool.drop.mkdir()
        await asyncio.sleep(1.5)
        assert camspool.status("b")["state"] == "preparing"
        assert [problem["code"] for problem in camspool.service()["problems"]] == ["folder_unavailable"]
        camspool.drop.rmdir()
        (tmp_path / "unmounted").rename(camspool.drop)
        sim.faults.clear()


async def _ready(camspool: Running) -> None:
    while not (camspool.mirror / "_service.json").exists():
        await asyncio.sleep(0.01)


async def test_without_its_drop_folder_it_starts_and_says_so(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim):
        pass
    (tmp_path / "drop").rename(tmp_path / "unmounted")
    (tmp_path / "drop").mkdir()
    async with daemon(tmp_path, sim) as camspool:
        while not camspool.service()["problems"]:
            await asyncio.sleep(0.02)
        assert camspool.service()["state"] == "degraded"
        assert camspool.service()["problems"][0]["code"] == "folder_unavailable"
        camspool.drop.rmdir()
        (tmp_path / "unmounted").rename(camspool.drop)
        camspool.put("b.json", request())
        assert (await camspool.ended("b"))["state"] == "done"
        while camspool.service()["state"] != "ok":
            await asyncio.sleep(0.02)


async def test_only_what_is_still_unended_is_cancelled_as_abandoned(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request())
        done = await camspool.when("b", lambda status: status["request"]["filed_as"] is not None)
    parts = wiring.build(loading.load(write_config(tmp_path, sim), {}), {}, lambda: None)
    parts.folders.spool.open()
    try:
        # The survey saw it unended; by the time its turn comes, it is done and its file has left drop/.
        await parts.pipeline.leftovers.settle("b")
    finally:
        parts.folders.spool.close()
        await parts.api.survilla.aclose()
        parts.pipeline.downloads.close()
    assert camspool.status("b") == done
