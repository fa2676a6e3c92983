"""The names of requests, completed by the shell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camspool.commands import request_names
from camspool.core.values import State
from commands.test_cancel_and_retry import filed
from commands.test_status import House, house  # noqa: F401
from support.builders import a_clip


def test_names_are_completed(house: House) -> None:  # noqa: F811
    filed(house, "store-12/evening", State.DONE)
    house.outstanding("store-12/entrance", a_clip(State.QUEUED))
    house.outstanding("store-7", a_clip(State.QUEUED))
    assert request_names.known(house.drop, house.mirror, "store-1") == [
        "store-12/entrance",
        "store-12/evening",
    ]
    assert request_names.known(house.drop, house.mirror, "") == [
        "store-12/entrance",
        "store-12/evening",
        "store-7",
    ]
    assert request_names.outstanding(house.drop, "store-12/e") == ["store-12/entrance"]
    assert request_names.outstanding(house.drop, "x") == []


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("camspool status stor", "store-12/evening"),
        ("camspool verify stor", "store-12/evening"),
        ("camspool retry stor", "store-12/evening"),
        ("camspool cancel stor", ""),
    ],
)
def test_a_shell_asks_for_names(house: House, line: str, offered: str) -> None:  # noqa: F811
    filed(house, "store-12/evening", State.DONE)
    environ = {
        "_CAMSPOOL_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": "2",
        "CAMSPOOL_CONFIG": str(house.config),
        "PATH": os.environ["PATH"],
    }
    code = "from camspool.cli import main; main(prog_name='camspool')"
    shown = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip().removeprefix("plain,") == offered
    assert shown.stderr == ""


@settings(max_examples=50)
@given(st.text(alphabet="a/.~_\u00e9\n\x1b", max_size=8))
def test_completion_survives_any_beginning(text: str) -> None:
    assert request_names.known(Path("/nonexistent"), Path("/nonexistent"), text) == []
