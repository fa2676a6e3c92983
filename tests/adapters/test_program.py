"""Programs that hang, fork, talk without end or are not there: each comes to its end, and leaves nothing."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from camspool.adapters.notify import program
from camspool.adapters.notify.program import KEPT_OUTPUT, Ended, run, without_ours

LONG = 1000.0
ENVIRON = {"PATH": os.environ["PATH"]}


async def shell(script: str, limit_s: float = LONG) -> Ended:
    return await run(["/bin/sh", "-c", script], ENVIRON, limit_s)


async def test_exit_code_and_both_outputs() -> None:
    assert await shell("echo one; echo two >&2; exit 3") == Ended(3, "one\ntwo")


async def test_there_is_nothing_to_read_or_what_was_given() -> None:
    assert await shell("cat") == Ended(0, "")
    data = b"x" * 300_000
    assert await run(["/usr/bin/env", "wc", "-c"], ENVIRON, LONG, data) == Ended(0, str(len(data)))


async def test_the_environment_is_what_was_given() -> None:
    script = "import os, json; print(json.dumps(dict(os.environ)))"
    ours = {
        "CAMSPOOL_API__TOKEN": "secret",
        "CREDENTIALS_DIRECTORY": "/run/credentials",
        "NOTIFY_SOCKET": "/run/systemd/notify",
        "WATCHDOG_USEC": "60000000",
    }
    ended = await run([sys.executable, "-c", script], without_ours({**ENVIRON, "A": "b", **ours}), LONG)
    environment = json.loads(ended.output)
    assert environment["A"] == "b"
    assert not environment.keys() & ours.keys()


async def test_of_a_flood_the_end_is_kept() -> None:
    ended = await shell("head -c 20000000 /dev/zero | tr '\\0' x; echo end")
    assert ended.code == 0
    assert len(ended.output) == KEPT_OUTPUT - 1  # without the last line's end
    assert ended.output.endswith("xxend")


async def test_bytes_that_are_no_text_are_replaced() -> None:
    assert (await shell("printf 'a\\377b'")).output == "a\N{REPLACEMENT CHARACTER}b"


async def test_whatever_hangs_is_killed_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_GRACE_S", 0.1)
    pids = tmp_path / "pids"
    script = f"trap '' TERM; sleep 1000 & echo $$ $! > {pids}; echo began; wait"
    assert await shell(script, 0.5) == Ended(None, "began")
    await until(lambda: not any(map(is_alive, pids.read_text().split())))


async def test_what_it_leaves_running_is_ended_with_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    assert (await shell(f"sleep 1000 & echo $! > {pid}")).code == 0
    await until(lambda: not is_alive(pid.read_text().strip()))


async def test_what_has_left_its_session_and_holds_its_output_is_not_waited_for(tmp_path: Path) -> None:
    fifo, left = tmp_path / "fifo", tmp_path / "left"
    os.mkfifo(fifo)
    script = f"setsid sh -c 'touch {left}; cat {fifo}' & until [ -e {left} ]; do sleep 0.01; done; echo done"
    assert await shell(script) == Ended(0, "done")
    await until(lambda: let_go(fifo))


async def test_it_does_not_outlive_whoever_waits_for_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    task = asyncio.create_task(shell(f"echo $$ > {pid}; sleep 1000"))
    await until(lambda: pid.exists() and pid.read_text())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not is_alive(pid.read_text().strip())


async def test_it_may_tidy_up_before_it_is_killed(tmp_path: Path) -> None:
    began, tidy = tmp_path / "began", tmp_path / "tidy"
    script = f"trap 'echo tidy > {tidy}; exit' TERM; touch {began}; sleep 1000 & wait"
    task = asyncio.create_task(shell(script))
    await until(began.exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tidy.read_text() == "tidy\n"


async def test_what_cannot_be_started_says_so(tmp_path: Path) -> None:
    (tmp_path / "text").touch()
    for missing in (tmp_path / "missing", tmp_path / "text", tmp_path):
        with pytest.raises(OSError, match=r"No such file|Permission denied"):
            await run([str(missing)], ENVIRON, LONG)


def let_go(fifo: Path) -> bool:
    """Give whoever reads the FIFO its end; False when nobody does yet."""
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def is_alive(pid: str) -> bool:
    """A killed one may still be listed until its parent, which is not us, has looked."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def until(happened: Callable[[], object]) -> None:
    while not happened():  # as long as the test may take
        await asyncio.sleep(0.01)
