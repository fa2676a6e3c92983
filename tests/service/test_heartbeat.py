"""The service file is written at changes, and else once a heartbeat; it says when it will be written next."""

import itertools
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from camspool.core import health
from camspool.core.health import SERVICE_FILE, ServiceState, ServiceStatus
from support.model_daemon import FailingSpool, ModelDaemon, write_whole
from support.model_server import GATE


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[ServiceStatus]:
    """Every service file that is written."""
    files: list[ServiceStatus] = []
    real = FailingSpool.save_document

    def save_document(self: FailingSpool, path: str, data: bytes, *, durable: bool = True) -> None:
        if path == SERVICE_FILE:
            files.append(health.load(data))
        else:
            real(self, path, data, durable=durable)

    monkeypatch.setattr(FailingSpool, "save_document", save_document)
    return files


@pytest.fixture(params=[15, 600])
def heartbeat(request: pytest.FixtureRequest) -> float:
    seconds: float = request.param
    return seconds


@pytest.fixture
def model(tmp_path: Path, heartbeat: float) -> Iterator[ModelDaemon]:
    model = ModelDaemon(tmp_path, mirror={"heartbeat": heartbeat})
    model.start()
    model.loop.let_pass(30)
    yield model
    model.close()


def test_an_idle_daemon_writes_once_a_heartbeat_and_always_in_time(
    model: ModelDaemon, written: list[ServiceStatus], heartbeat: float
) -> None:
    model.loop.let_pass(2 * heartbeat)
    written.clear()
    model.loop.let_pass(10 * heartbeat)
    assert 9 <= len(written) <= 10
    for earlier, later in itertools.pairwise(written):
        assert earlier.next_update_by
        assert later.updated_at < earlier.next_update_by
        assert health.is_running(earlier, later.updated_at)


def test_a_change_is_written_at_once(
    model: ModelDaemon, written: list[ServiceStatus], heartbeat: float
) -> None:
    model.loop.let_pass(heartbeat / 2)
    written.clear()
    request: dict[str, Any] = {"camera": GATE, "from": 1_580_000_000, "duration": 100}
    write_whole(model.drop / "a.json", json.dumps(request).encode())
    model.loop.let_pass(14)
    assert any(status.queue for status in written)
    model.server.go_down()
    model.loop.let_pass(60)
    model.stop()
    assert written[-1].state is ServiceState.STOPPED
    assert written[-1].next_update_by is None


def test_a_daemon_that_has_not_written_in_time_is_down() -> None:
    data = json.dumps(
        {
            "version": "0", "state": "ok", "started_at": "2026-03-01T12:00:00Z",
            "updated_at": "2026-03-01T12:00:00Z", "next_update_by": "2026-03-01T12:10:45Z",
            "watching": {"mode": "polling", "file_system": "nfs", "last_scan_at": None},
            "api": {"last_success_at": None, "calls_last_hour": 0},
            "disk": {"free_bytes": None, "min_free_bytes": None},
        }
    )  # fmt: skip
    status = health.load(data.encode())
    begun = datetime.fromisoformat("2026-03-01T12:00:00Z")
    assert health.is_running(status, begun + timedelta(minutes=10))
    assert not health.is_running(status, begun + timedelta(minutes=11))
    of_earlier_version = health.load(data.replace('"2026-03-01T12:10:45Z"', "null").encode())
    assert health.is_running(of_earlier_version, begun + timedelta(seconds=59))
    assert not health.is_running(of_earlier_version, begun + timedelta(minutes=2))


@pytest.mark.parametrize("heartbeat", [3600], indirect=True)
def test_an_idle_daemon_touches_nothing_between_its_heartbeats(model: ModelDaemon, heartbeat: float) -> None:
    request: dict[str, Any] = {"camera": GATE, "from": 1_580_000_000, "duration": 100}
    write_whole(model.drop / "a.json", json.dumps(request).encode())
    model.loop.let_pass(200)
    assert (model.mirror / "a.mp4").exists()
    before = all_times(model.folder)
    model.loop.let_pass(heartbeat - 300)
    assert all_times(model.folder) == before


def all_times(folder: Path) -> dict[str, tuple[int, int]]:
    """The times of change of all files and folders."""
    return {
        str(path): (path.lstat().st_mtime_ns, path.lstat().st_ctime_ns)
        for path in (folder, *folder.rglob("*"))
    }
