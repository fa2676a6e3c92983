"""What people do at every moment of a request's life: it is deleted, edited, or dropped once more."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from camspool.core import document
from camspool.core.errors import StorageTrouble
from camspool.core.status_document import Status
from camspool.core.values import WaitReason
from support.model_daemon import FailingSpool, ModelDaemon, write_whole
from support.model_server import GATE
from support.virtual_time import START

LONG_AGO = 1_580_000_000
SOON = START.timestamp() + 60
MOMENTS = ["scheduled", "queued", "listing", "preparing", "downloading", "verifying"]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[ModelDaemon]:
    """A daemon that runs, and has a single slot for each lane."""
    # The clean-up, which would tidy up behind the others, is far away.
    cleanup = {"every": "1h", "min_free": 0}
    model = ModelDaemon(tmp_path, limits={"preparing": 1, "downloading": 1}, cleanup=cleanup)
    model.start()
    model.loop.let_pass(1)
    yield model
    model.close()


def put(daemon: ModelDaemon, start: float, name: str = "a") -> None:
    request: dict[str, Any] = {"camera": GATE, "from": start, "duration": 100}
    write_whole(daemon.drop / f"{name}.json", json.dumps(request).encode())


def status_of(daemon: ModelDaemon, name: str = "a") -> Status | None:
    path = daemon.mirror / f"{name}.status.json"
    return document.load(path.read_bytes()) if path.exists() else None


def until(daemon: ModelDaemon, state: str) -> None:
    def reached() -> bool:
        status = status_of(daemon)
        return status is not None and status.state == state

    daemon.loop.until(reached, 100)


def bring_to(daemon: ModelDaemon, moment: str) -> float:
    """Have the request `a` in the state, and keep it there; returns the beginning of its range."""
    if moment == "queued":  # behind another, that has the only slot
        daemon.server.go_down()
        put(daemon, LONG_AGO + 5000, "before")
        daemon.loop.let_pass(15)
    start = SOON if moment == "scheduled" else LONG_AGO
    put(daemon, start)
    until(daemon, moment)
    daemon.server.go_down()
    return start


def go_on(daemon: ModelDaemon) -> None:
    """Let what was done be noticed, and the server answer again."""
    daemon.loop.let_pass(15)
    daemon.server.come_back()
    daemon.loop.let_pass(200)
    daemon.check_alive()


def hidden(daemon: ModelDaemon) -> list[str]:
    return [path.name for path in daemon.mirror.rglob(".*") if path.name != ".camspool"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_deleted_at_any_state_it_is_cancelled(daemon: ModelDaemon, moment: str) -> None:
    bring_to(daemon, moment)
    (daemon.drop / "a.json").unlink()
    go_on(daemon)
    status = status_of(daemon)
    assert status
    # What is verified by the time that the deletion is noticed is done.
    assert status.state == ("done" if moment == "verifying" else "cancelled")
    assert (daemon.mirror / "a.mp4").exists() == (status.state == "done")
    assert daemon.server.calls["download"] == (moment in {"queued", "downloading", "verifying"})
    assert hidden(daemon) == []


@pytest.mark.parametrize("moment", MOMENTS)
def test_edited_at_any_state_it_starts_over(daemon: ModelDaemon, moment: str) -> None:
    bring_to(daemon, moment)
    put(daemon, LONG_AGO + 1000)
    go_on(daemon)
    found = [status for name in ("a", "a~2") if (status := status_of(daemon, name))]
    # What is verified by the time that the edit is noticed keeps its name.
    assert len(found) == (2 if moment == "verifying" else 1)
    assert {status.state for status in found} == {"done"}
    assert found[-1].clips[0].start.timestamp() == LONG_AGO + 1000
    mp4s = {path.name for path in daemon.mirror.glob("a*.mp4")}
    assert mp4s == {status.clips[0].file.name for status in found if status.clips[0].file}
    assert hidden(daemon) == []


@pytest.mark.parametrize("moment", MOMENTS)
def test_dropped_once_more_at_any_state_it_is_no_new_work(daemon: ModelDaemon, moment: str) -> None:
    put(daemon, bring_to(daemon, moment))
    go_on(daemon)
    status = status_of(daemon)
    assert status
    assert (status.state, status.request.filed_as) == ("done", "a.json")
    requests = 2 if moment == "queued" else 1
    assert daemon.server.calls["prepare"] == daemon.server.calls["download"] == requests
    assert status_of(daemon, "a~2") is None


@pytest.mark.parametrize("accesses", range(8))
def test_killed_at_any_access_to_the_folders_done_means_an_mp4(daemon: ModelDaemon, accesses: int) -> None:
    put(daemon, LONG_AGO)
    until(daemon, "verifying")
    daemon.disk.accesses_left = accesses
    daemon.loop.let_pass(15)
    status = status_of(daemon)
    assert status
    assert (daemon.mirror / "a.mp4").exists() >= (status.state == "done")
    assert (daemon.drop / "a.json").exists() or status.state == "done"
    daemon.check_alive()
    daemon.start()
    go_on(daemon)
    status = status_of(daemon)
    assert status
    assert (status.state, status.request.filed_as) == ("done", "a.json")
    assert daemon.server.calls["download"] == 1


def test_killed_while_the_preparation_is_asked_for_it_is_asked_for_once(daemon: ModelDaemon) -> None:
    put(daemon, LONG_AGO)
    recordings = daemon.server.recordings
    daemon.loop.until(lambda: any(each.height for each in recordings.values()), 100)
    daemon.kill()  # before the answer could be noted
    daemon.start()
    go_on(daemon)
    status = status_of(daemon)
    assert status
    assert (status.state, daemon.server.calls["prepare"]) == ("done", 1)


@pytest.mark.parametrize("pause", [10.0, 60.0], ids=["", "after the watcher has missed the file"])
def test_a_move_that_is_made_and_then_reported_as_failed_is_noted(
    daemon: ModelDaemon, monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    assert daemon.service
    cell = daemon.service._parts.settings
    cell.current = cell.current.model_copy(
        update={"watch": cell.current.watch.model_copy(update={"poll": pause})}
    )
    real, made = FailingSpool.file_away, []

    def fails_afterwards(*arguments: Any, **options: Any) -> str | None:
        made.append(real(*arguments, **options))
        if len(made) == 1:  # as when the fsync fails that follows the rename
            raise StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, "as asked")
        return made[-1]

    monkeypatch.setattr(FailingSpool, "file_away", fails_afterwards)
    put(daemon, LONG_AGO)
    go_on(daemon)
    status = status_of(daemon)
    assert status
    assert (made, status.request.filed_as) == (["a.json", None], "a.json")


def test_a_deletion_that_is_reported_late_does_not_cancel_what_was_dropped_since(daemon: ModelDaemon) -> None:
    bring_to(daemon, "preparing")
    assert daemon.service
    telling = daemon.loop.create_task(daemon.service._parts.pipeline.intake.gone("a.json"))
    daemon.loop.until(telling.done, 5)
    go_on(daemon)
    status = status_of(daemon)
    assert status
    assert status.state == "done"


def test_dropped_again_while_its_cancellation_could_not_be_saved_it_is_fetched(
    daemon: ModelDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failing = FailingSpool.save_status, [True]

    def save(self: FailingSpool, status: Status, **options: Any) -> None:
        if status.state == "cancelled" and failing[0]:
            raise StorageTrouble(WaitReason.DISK_FULL, "as asked")
        real(self, status, **options)

    monkeypatch.setattr(FailingSpool, "save_status", save)
    bring_to(daemon, "preparing")
    (daemon.drop / "a.json").unlink()
    daemon.loop.let_pass(25)
    put(daemon, LONG_AGO)
    daemon.loop.let_pass(25)
    failing[0] = False
    go_on(daemon)
    status = status_of(daemon)
    assert status
    assert status.state == "done"
