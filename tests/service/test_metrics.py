"""A running daemon's figures, read as Prometheus and a load balancer would."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from camspool.config import loading
from camspool.service import wiring
from camspool.service.health import Health
from camspool.service.metrics import Metrics
from camspool.service.supervision import Supervisor
from camspool.simulator import Simulator
from support.running import daemon, request, simulator, write_config
from unit.test_exposition import read


@pytest.fixture
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("cache")) as running:
        yield running


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


async def get(port: int, path: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://127.0.0.1:{port}{path}")


async def test_figures_over_http_and_in_a_file(tmp_path: Path, sim: Simulator, port: int) -> None:
    file = tmp_path / "camspool.prom"
    async with daemon(tmp_path, sim, metrics={"file": str(file), "listen": port}) as camspool:
        for name, content in {"a": request(), "b": request("Nobody"), "c": {"camera": 1}}.items():
            camspool.put(f"{name}.json", content)
            await camspool.ended(name)
        camspool.put("d.json", request(at=1_000_000_000))
        await camspool.until("d", "scheduled")
        answer = await get(port, "/metrics")
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        found = read(answer.content)
        size = camspool.status("a")["clips"][0]["file"]["bytes"]
    ended = {state: found["camspool_requests_ended_total", frozenset({("state", state)})] for state in STATES}
    assert ended == {"done": 1, "failed": 1, "rejected": 1, "cancelled": 0}
    assert found["camspool_requests", frozenset({("state", "scheduled")})] == 1
    assert found["camspool_requests_waiting", frozenset({("reason", "recording_not_yet_there")})] == 1
    assert found["camspool_mp4_bytes_total", frozenset()] == size
    assert found["camspool_api_calls_total", frozenset({("result", "ok")})] >= 4
    assert found["camspool_step_duration_seconds_count", frozenset({("step", "downloading")})] == 1
    assert found["camspool_disk_free_bytes", frozenset()] > 0
    assert read(file.read_bytes()).keys() >= {("camspool_healthy", frozenset())}
    assert file.stat().st_mode & 0o777 == 0o644


STATES = ("done", "failed", "rejected", "cancelled")


async def test_health_over_http(tmp_path: Path, sim: Simulator, port: int) -> None:
    async with daemon(tmp_path, sim, metrics={"listen": port}) as camspool:
        answer = await get(port, "/healthz")
        assert (answer.status_code, answer.json()["state"]) == (200, "ok")
        (camspool.mirror / ".camspool").unlink()
        while (answer := await get(port, "/healthz")).status_code == 200:
            await asyncio.sleep(0.01)
        assert answer.status_code == 503
        assert [problem["code"] for problem in answer.json()["problems"]] == ["folder_unavailable"]


async def test_a_port_that_is_taken_holds_nothing_up(tmp_path: Path, sim: Simulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, capture_logs() as logged:
        async with daemon(tmp_path, sim, metrics={"listen": taken.getsockname()[1]}) as camspool:
            camspool.put("a.json", request())
            assert (await camspool.ended("a"))["state"] == "done"
    events = [line["event"] for line in logged if line["event"].startswith("metrics_")]
    assert events == ["metrics_not_served"]


@pytest.fixture
async def metrics(tmp_path: Path, sim: Simulator) -> AsyncIterator[Metrics]:
    """Of a daemon that has been built and does nothing."""
    parts = wiring.build(loading.load(write_config(tmp_path, sim), {}), {}, lambda: None)
    yield Metrics(parts, Health(parts, Supervisor(parts.clock, lambda: None)))
    parts.pipeline.downloads.close()
    await parts.api.survilla.aclose()


async def test_the_file_may_change_and_its_trouble_is_reported_once_a_time(
    tmp_path: Path, metrics: Metrics
) -> None:
    good, bad = tmp_path / "good.prom", tmp_path / "nowhere/bad.prom"
    with capture_logs() as logged:
        for file in (None, good, bad, bad, good, bad):
            cell = metrics._parts.settings
            wanted = cell.current.metrics.model_copy(update={"file": file})
            cell.current = cell.current.model_copy(update={"metrics": wanted})
            await metrics.write_metrics()
    assert read(good.read_bytes())
    assert [line["event"] for line in logged] == ["metrics_not_written"] * 2
    assert all(str(bad) in line["problem"] for line in logged)
