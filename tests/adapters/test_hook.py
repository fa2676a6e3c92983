"""A program of somebody's is run for each MP4, and what becomes of it is logged."""

import json
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from camspool.adapters.notify import Hook
from camspool.core.values import State
from support.notices import a_notice

ENVIRON = {"PATH": os.environ["PATH"]}


def hook(tmp_path: Path, *command: str, timeout: float = 1000.0) -> Hook:
    return Hook(command, timeout, tmp_path / "mirror", ENVIRON)


async def test_its_arguments_are_the_paths_of_mp4_and_status(tmp_path: Path) -> None:
    with capture_logs() as logged:
        await hook(tmp_path, "/bin/sh", "-c", 'printf "%s\\n" "$@"', "name", "$HOME; a").send(
            a_notice(mp4s=2)
        )
    folder = tmp_path / "mirror/store-12"
    assert [line["output"].split("\n") for line in logged] == [
        ["$HOME; a", f"{folder}/evening.00{number}.mp4", f"{folder}/evening.status.json"] for number in (1, 2)
    ]
    assert {(line["event"], line["exit_code"]) for line in logged} == {("hook_done", 0)}


@pytest.mark.parametrize(
    ("command", "timeout", "problem"),
    [
        (("/bin/sh", "-c", "exit 7"), 1000.0, "it ended with 7"),
        (("/bin/sh", "-c", "kill -9 $$"), 1000.0, "it ended with -9"),
        (("/bin/sh", "-c", "sleep 1000"), 0.2, "it was still running after 0.2 seconds"),
        (("/nowhere/at-all",), 1000.0, "/nowhere/at-all: No such file or directory"),
    ],
)
async def test_what_fails_is_logged_and_the_next_is_run(
    tmp_path: Path, command: tuple[str, ...], timeout: float, problem: str
) -> None:
    with capture_logs() as logged:
        await hook(tmp_path, *command, timeout=timeout).send(a_notice(mp4s=2))
    assert [(line["event"], line["log_level"], line["mp4"], line["problem"]) for line in logged] == [
        ("hook_failed", "warning", f"evening.00{number}.mp4", problem) for number in (1, 2)
    ]


def test_it_is_run_where_there_is_footage(tmp_path: Path) -> None:
    wants = {
        state: hook(tmp_path, "x").wants(a_notice(state))
        for state in (State.DONE, State.PARTIAL, State.FAILED)
    }
    assert wants == {State.DONE: True, State.PARTIAL: True, State.FAILED: False}
    assert not hook(tmp_path).wants(a_notice())


def test_what_waits_for_it_is_small_and_all_that_it_needs(tmp_path: Path) -> None:
    notice = a_notice(mp4s=2)
    kept = hook(tmp_path).kept(notice)
    assert (kept.name, kept.mp4s, kept.document) == (notice.name, notice.mp4s, b"")
    assert kept.weight < 512


def test_nothing_of_the_environment_shows(tmp_path: Path) -> None:
    assert json.dumps(ENVIRON["PATH"])[1:-1] not in repr(hook(tmp_path, "x"))
