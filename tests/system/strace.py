"""strace as an instrument: which system calls a daemon makes, to kill it at one of them, to let some fail."""

import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_CALL = re.compile(r"^(\d+) +(\w+)\(")  # ids of fewer than five digits are padded


def require() -> None:
    """Fail where strace is missing: a test that is skipped proves nothing."""
    assert shutil.which("strace"), "strace is missing (Debian: apt-get install strace)"


def recording(calls: Iterable[str], log: Path) -> list[str]:
    """What to put before a command so that its `calls` are written to `log`, with the paths behind them."""
    require()
    return ["strace", "-f", "-qq", "-y", "-o", str(log), "-e", "trace=" + ",".join(calls)]


def killing(call: str, number: int, log: Path, path: Path | None = None) -> list[str]:
    """What to put before a command so that it is killed instead of its `call` number `number`.

    The call is not carried out any more. Each thread is counted for itself.

    Args:
        call: the name of the system call.
        number: from 1.
        log: gets the calls up to that one.
        path: count only calls on this file.
    """
    only = ["-P", str(path)] if path else []
    return [*recording([call], log), *only, "-e", f"inject={call}:signal=KILL:when={number}"]


def failing_once(call: str, number: int, error: str, log: Path) -> list[str]:
    """What to put before a command so that its `call` number `number` fails with `error`, and no other."""
    return [*recording([call], log), "-e", f"inject={call}:error={error}:when={number}"]


@contextmanager
def failing(
    pid: int, calls: Iterable[str], error: str, log: Path, path: Path | None = None
) -> Iterator[None]:
    """Let system calls of a running process fail while the block runs.

    Args:
        pid: the process.
        calls: their names.
        error: what they fail with, such as ENOSPC.
        log: gets the calls that have failed.
        path: let only calls on this file or in this folder fail.
    """
    only = ["-P", str(path)] if path else []
    inject = f"inject={','.join(calls)}:error={error}"
    command = [*recording(calls, log), *only, "-e", inject, "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
        try:
            _wait_until_attached(tracer, pid)
            yield
        finally:
            tracer.terminate()  # it lets go of the process, which runs on


def _wait_until_attached(tracer: "subprocess.Popen[bytes]", pid: int) -> None:
    threads = Path(f"/proc/{pid}/task")
    while any(_tracer_of(thread) != tracer.pid for thread in threads.iterdir()):
        assert tracer.poll() is None, "strace could not attach to the daemon"
        time.sleep(0.005)


def _tracer_of(thread: Path) -> int:
    try:
        status = (thread / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(status.partition("TracerPid:")[2].split()[0])


def calls(log: Path) -> Counter[tuple[str, str]]:
    """How often each thread made each call, by thread and call."""
    found = (_CALL.match(line) for line in log.read_text().splitlines())
    return Counter((match[1], match[2]) for match in found if match)


def most(log: Path) -> dict[str, int]:
    """For each call, how often the thread made it that made it most."""
    counts: dict[str, int] = {}
    for (_, call), count in calls(log).items():
        counts[call] = max(count, counts.get(call, 0))
    return counts


def injected(log: Path) -> int:
    """How many calls were made to fail."""
    return sum("(INJECTED)" in line for line in log.read_text().splitlines())
