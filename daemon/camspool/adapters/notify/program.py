"""Runs a program about which nothing is known: it may hang, fork, print without end, or not exist."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

KEPT_OUTPUT: Final = 2000
"""Bytes of its output that are kept, from the end, where programs print what went wrong."""

_LAST_WORDS_S: Final = 0.5
"""Seconds to wait for its last output: a process that it left running may hold the pipe open."""
_GRACE_S: Final = 2.0
"""Seconds that it has after SIGTERM to tidy up, before it is killed."""
_OBITUARY_S: Final = 1.0
"""Seconds to wait for the end of a killed program; one that hangs on a dead share cannot be killed."""

_OURS: Final = ("CAMSPOOL_", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_")
"""Beginnings of variables that are for the daemon alone: the token, and the way to the service manager."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: its exit code, negative for a signal, None when it ran out of time; and its output."""

    code: int | None
    output: str


def without_ours(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a program that is not part of the daemon."""
    return {name: value for name, value in environ.items() if not name.startswith(_OURS)}


async def run(argv: Sequence[str], environ: Mapping[str, str], limit_s: float, said: bytes = b"") -> Ended:
    """Run a program, without a shell, until it ends or its time is over.

    It has a session of its own, and all processes of that session are killed in the end; those of a program
    that has not ended by itself get SIGTERM first.

    Args:
        argv: the program and its arguments.
        environ: its whole environment.
        limit_s: seconds.
        said: what it reads on its standard input; with nothing that is /dev/null.

    Raises:
        OSError: it cannot be started.
    """
    tail = _Tail()
    with _said(said) as stdin:
        process = await _start(argv, environ, stdin, tail)
    try:
        async with asyncio.timeout(limit_s):
            await process.wait()
    except TimeoutError:
        return Ended(None, tail.text())
    finally:
        await _end(process)
        await tail.complete()
    return Ended(process.returncode, tail.text())


class _Tail(asyncio.Protocol):
    """Reads all of an output, and keeps the end of it."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._complete = asyncio.Event()
        self._pipe: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._pipe = transport

    def data_received(self, data: bytes) -> None:
        self._kept += data
        del self._kept[:-KEPT_OUTPUT]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._complete.set()

    async def complete(self) -> None:
        """Wait for the end of the output, and close our end of the pipe in any case."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._complete.wait()
        self.close()

    def close(self) -> None:
        if self._pipe:
            self._pipe.close()

    def text(self) -> str:
        return self._kept.decode(errors="replace").strip()


async def _start(
    argv: Sequence[str], environ: Mapping[str, str], stdin: int, tail: _Tail
) -> asyncio.subprocess.Process:
    # A pipe of our own: asyncio's would let `wait` wait for whoever else holds it.
    read_end, write_end = os.pipe()
    await asyncio.get_running_loop().connect_read_pipe(lambda: tail, os.fdopen(read_end, "rb", buffering=0))
    try:
        return await asyncio.create_subprocess_exec(
            *argv, env=environ, stdin=stdin, stdout=write_end, stderr=write_end, start_new_session=True
        )
    except BaseException:
        tail.close()
        raise
    finally:
        os.close(write_end)


@contextlib.contextmanager
def _said(data: bytes) -> Iterator[int]:
    """A descriptor from which `data` can be read; it is never on a disk."""
    if not data:
        yield asyncio.subprocess.DEVNULL
        return
    descriptor = os.memfd_create("stdin")
    try:
        os.write(descriptor, data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        await _signal(process, signal.SIGTERM, _GRACE_S)
    await _signal(process, signal.SIGKILL, _OBITUARY_S)


async def _signal(process: asyncio.subprocess.Process, number: signal.Signals, limit_s: float) -> None:
    """Signal whatever is left of its session, and wait at most `limit_s` seconds for the program to end."""
    with contextlib.suppress(
        ProcessLookupError, PermissionError
    ):  # nothing is left of it, or nothing of ours
        os.killpg(process.pid, number)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await process.wait()
