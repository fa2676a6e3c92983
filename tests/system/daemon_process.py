"""A daemon as a process of its own, that can be traced, killed and started again.

The other way to run one, inside the test's own event loop, is in `running.py`.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from camspool.simulator import Simulator
from support.running import Running, environment, write_config

COMMAND = (sys.executable, "-m", "camspool", "run")


@contextmanager
def process(
    folder: Path,
    sim: Simulator,
    *,
    wrapper: Sequence[str] = (),
    command: Sequence[str] = COMMAND,
    **changes: Any,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a daemon in `folder`, killed at the end of the block if it still runs.

    Args:
        folder: gets the configuration, the log and, unless `changes` say otherwise, the three folders.
        sim: the server.
        wrapper: what goes before the command, such as strace and its arguments.
        command: another way to start the daemon; the configuration is added as `-c FILE`.
        changes: of the configuration, section by section.
    """
    changes.setdefault("logging", {"format": "json"})
    arguments = [*wrapper, *command, "-c", str(write_config(folder, sim, **changes))]
    log = (folder / "daemon.log").open("ab")
    with log, subprocess.Popen(arguments, env=environment(), stderr=log, start_new_session=True) as running:
        try:
            yield running
        finally:
            kill(running)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill -9, with whatever was started around or by it; nothing happens when it has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def running(folder: Path, sim: Simulator) -> Running:
    """What a person with the share sees of the daemon in `folder`."""
    return Running(folder / "drop", folder / "mirror", sim)


def wait_for(happened: Callable[[], object], what: Callable[[], object], timeout: float = 30.0) -> None:
    """Return as soon as `happened` is true; after `timeout` seconds say `what` was found instead."""
    end = time.monotonic() + timeout
    while not happened():
        assert time.monotonic() < end, f"not in {timeout:g} s: {what()}"
        time.sleep(0.02)


def logged(folder: Path) -> list[dict[str, Any]]:
    """The lines of the daemon's log, over all its runs."""
    path = folder / "daemon.log"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def times_logged(folder: Path, *events: str) -> int:
    """How often any of the events is in the log."""
    return sum(line.get("event") in events for line in logged(folder))
