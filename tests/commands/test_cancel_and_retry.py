"""`camspool cancel` and `camspool retry`, without a daemon and beside one."""

import asyncio
import errno
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from camspool.adapters.spool import durable, move_back
from camspool.cli import main
from camspool.config.excerpts import request_settings
from camspool.core import request_parser
from camspool.core.errors import NameTaken
from camspool.core.status_document import RequestRecord
from camspool.core.values import ErrorCode, State
from commands.test_status import House, house  # noqa: F401
from support.builders import a_clip, a_failure, a_file, an_entry
from support.running import Running, daemon, request, simulator

CAMSPOOL = (sys.executable, "-m", "camspool")


def run(house: House, command: str, *names: str) -> Result:  # noqa: F811
    return CliRunner().invoke(main, [command, "-c", str(house.config), *names])


def filed(house: House, name: str, state: State, **changes: Any) -> Path:  # noqa: F811
    """A request that has ended, its file beside its status."""
    path = house.mirror / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    house.save(name, a_clip(state), **changes)
    return path


# Cancel


@pytest.mark.parametrize("argument", ["a/evening", "a/evening.json", "{drop}/a/evening.json"])
def test_cancelling_deletes_the_file(house: House, argument: str) -> None:  # noqa: F811
    house.outstanding("a/evening", a_clip(State.QUEUED))
    house.service()
    ended = run(house, "cancel", argument.format(drop=house.drop))
    file = house.drop / "a/evening.json"
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout == f"a/evening: cancelled, {file} is deleted\n"
    assert not file.exists()


def test_without_a_daemon_the_status_follows_later(house: House) -> None:  # noqa: F811
    house.outstanding("evening", a_clip(State.QUEUED))
    assert "its status will say so once the daemon runs" in run(house, "cancel", "evening").stdout


def test_a_file_that_was_not_accepted_yet_can_be_cancelled(house: House) -> None:  # noqa: F811
    house.put("new.json")
    ended = run(house, "cancel", "new")
    assert ended.exit_code == 0
    assert not (house.drop / "new.json").exists()


def test_a_request_under_another_number_is_cancelled_by_its_own_name(house: House) -> None:  # noqa: F811
    filed(house, "night", State.DONE)
    house.put("night.json")
    record = RequestRecord(file="night.json", sha256="b" * 64, entries=(an_entry(),))
    house.save("night~2", a_clip(State.QUEUED), request=record)
    ended = run(house, "cancel", "night~2")
    assert ended.stdout.startswith("night~2: cancelled")
    assert not (house.drop / "night.json").exists()
    assert (house.mirror / "night.json").exists()


def test_what_cannot_be_cancelled_is_named_and_the_others_are(house: House) -> None:  # noqa: F811
    filed(house, "old", State.DONE)
    house.outstanding("evening", a_clip(State.QUEUED))
    house.save("just-gone", a_clip(State.QUEUED))
    ended = run(house, "cancel", "old", "evning", "just-gone", "evening")
    assert ended.exit_code == 1
    assert ended.stderr.splitlines() == [
        "old has already ended (done): there is nothing to cancel.",
        f"No request is called evning, in the drop folder or in {house.mirror}. Did you mean evening?",
        f"just-gone has no file in {house.drop} any more: it is ending just now, or was cancelled.",
    ]
    assert ended.stdout.startswith("evening: cancelled")


def test_nothing_outside_of_drop_is_deleted(house: House, tmp_path: Path) -> None:  # noqa: F811
    outside = tmp_path / "outside.json"
    outside.write_text("{}")
    (house.drop / "link.json").symlink_to(outside)
    for argument in ("../outside.json", str(outside), "link"):
        assert run(house, "cancel", argument).exit_code == 1
    assert outside.exists()


# Retry


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.REMOVED])
@pytest.mark.parametrize("argument", ["store-12/evening", "{mirror}/store-12/evening.json"])
def test_retrying_moves_the_file_back(house: House, state: State, argument: str) -> None:  # noqa: F811
    filed(house, "store-12/evening", state)
    house.service()
    ended = run(house, "retry", argument.format(mirror=house.mirror))
    back = house.drop / "store-12/evening.json"
    assert (ended.exit_code, ended.stdout, ended.stderr) == (0, f"{back}\n", "")
    assert back.read_text() == "{}"
    assert not (house.mirror / "store-12/evening.json").exists()


def test_it_says_when_no_daemon_will_take_it_up(house: House) -> None:  # noqa: F811
    filed(house, "evening", State.FAILED)
    assert "No daemon has written its service file here" in run(house, "retry", "evening").stderr


def test_what_is_of_no_use_is_not_moved(house: House) -> None:  # noqa: F811
    sha256 = hashlib.sha256(b"{}").hexdigest()
    record = RequestRecord(file="done.json", sha256=sha256, entries=(an_entry(),), filed_as="done.json")
    filed(house, "done", State.DONE, request=record)
    house.save("done", a_clip(State.DONE, file=a_file(name="done.mp4")), request=record)
    (house.mirror / "done.mp4").touch()
    record = RequestRecord(file="typo.json", sha256=sha256, entries=(an_entry(),), filed_as="typo.json")
    error = a_failure(ErrorCode.INVALID, message="form: unknown.")
    filed(house, "typo", State.REJECTED, request=record, error=error)
    house.outstanding("evening", a_clip(State.QUEUED))
    ended = run(house, "retry", "done", "typo", "evening", "unknown")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.splitlines()[:3] == [
        "done is done, and its MP4s are there: there is nothing to try again.",
        f"typo would be rejected again: form: unknown. Correct {house.mirror}/typo.json first.",
        "evening is outstanding: the daemon tries again by itself.",
    ]
    (house.mirror / "typo.json").write_text('{"camera": 1}')
    (house.mirror / "done.mp4").unlink()
    assert run(house, "retry", "done", "typo").exit_code == 0


def test_a_request_whose_file_is_gone_is_written_anew(house: House) -> None:  # noqa: F811
    """As after `cancel`, which deletes it."""
    entry = an_entry(camera=(1, "gate"), split_s=900.0, priority=3, metadata={"case": "7"})
    record = RequestRecord(file="evening.json", sha256="0" * 64, entries=(entry, an_entry()))
    house.save("evening", a_clip(State.CANCELLED), request=record)
    assert run(house, "retry", "evening").exit_code == 0
    written = json.loads((house.drop / "evening.json").read_bytes())
    assert request_parser.parse(written, request_settings(house.settings)).entries == (entry, an_entry())


def test_a_file_that_has_the_place_is_never_replaced(house: House) -> None:  # noqa: F811
    filed(house, "evening", State.FAILED)
    (house.drop / "evening.json").write_text("another")
    house.put("evening.json")
    with pytest.raises(NameTaken):
        move_back(house.mirror, "evening.json", house.drop, house.settings.folders.state, "evening.json")
    assert (house.mirror / "evening.json").exists()


@pytest.mark.parametrize("across", [False, True])
def test_between_file_systems_it_is_copied(
    house: House,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    across: bool,  # noqa: FBT001
) -> None:
    path = filed(house, "evening", State.FAILED)
    path.write_text("content")
    rename = durable.rename_new

    def other_mount(source: int, name: str, target: int, new_name: str) -> None:
        if across and not os.path.samestat(os.fstat(source), os.fstat(target)):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, name, target, new_name)

    monkeypatch.setattr(durable, "rename_new", other_mount)
    assert run(house, "retry", "evening").exit_code == 0
    assert (house.drop / "evening.json").read_text() == "content"
    assert sorted(path.name for path in house.mirror.iterdir()) == [".camspool", "evening.status.json"]
    assert sorted(path.name for path in house.drop.iterdir()) == [".camspool", "evening.json"]


async def test_beside_a_daemon(tmp_path: Path) -> None:
    """Cancelled while it waits, tried again when the footage is there."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*CAMSPOOL, arguments[0], "-c", str(tmp_path / "config.json"), *arguments[1:]]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("CAMSPOOL_")}
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=30)

    with simulator(tmp_path / "cache") as sim:
        async with daemon(tmp_path, sim) as running:
            await _cancel_and_retry(running, call)


async def _cancel_and_retry(running: Running, call: Any) -> None:
    later = request("gate") | {"from": "2099-01-01T00:00:00Z"}
    running.put("later.json", later)
    await running.until("later", "scheduled")
    assert (await asyncio.to_thread(call, "cancel", "later")).returncode == 0
    await running.ended("later")
    assert running.status("later")["state"] == "cancelled"
    assert (await asyncio.to_thread(call, "retry", "later")).returncode == 0
    assert (await running.until("later", "scheduled"))["request"]["entries"][0]["from"] == later["from"]
    running.put("bad.json", {"camera": "gate"})
    await running.ended("bad")
    (running.mirror / "bad.json").write_text(json.dumps(request("gate")))
    assert (await asyncio.to_thread(call, "retry", "bad")).returncode == 0
    assert (await running.until("bad", "done"))["clips"][0]["file"]["name"] == "bad.mp4"
