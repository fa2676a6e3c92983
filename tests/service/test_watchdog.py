"""The watchdog is fed while every part gets on or waits, and not when one of them is stuck."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from camspool.service import watchdog
from camspool.service.watchdog import FileWork, Sign, Watchdog
from support.fake_clock import FakeClock
from support.running import daemon, simulator

TICK_S = 0.05
"""The watchdog's interval in these tests."""


def test_a_part_that_does_not_get_on_is_named_and_logged_once() -> None:
    clock = FakeClock()
    progress = {"scanner": clock.monotonic(), "downloads": clock.monotonic()}
    signs = {
        "scanner": Sign(lambda: progress["scanner"], lambda: 60.0),
        "downloads": Sign(lambda: progress["downloads"]),
    }
    watched = Watchdog(clock, signs)
    with capture_logs() as logged:
        assert watched.stuck() == []
        progress["scanner"] -= 60
        assert watched.stuck() == watched.stuck() == ["scanner"]
        progress["scanner"] += 60
        assert watched.stuck() == []
    assert [(line["event"], line["part"]) for line in logged] == [
        ("part_stuck", "scanner"),
        ("part_recovered", "scanner"),
    ]


async def test_file_work_gets_on_only_while_threads_get_free() -> None:
    clock, released = FakeClock(), threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    file_work = FileWork(clock)
    blocked = loop.run_in_executor(None, released.wait)
    trying = asyncio.create_task(file_work.try_through())
    await clock.advance(100)
    assert file_work.progressed_at() == clock.monotonic() - 100
    released.set()
    await asyncio.gather(blocked, trying)
    assert file_work.progressed_at() == clock.monotonic()


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The service manager's end of its socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


async def fed(manager: socket.socket, *, within: float) -> bool:
    """Whether the watchdog is fed within so many seconds from now."""
    messages: list[bytes] = []
    deadline = asyncio.get_running_loop().time() + within
    while asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(TICK_S / 5)
        try:
            while True:
                messages.append(manager.recv(4096))
        except BlockingIOError:
            continue
    return b"WATCHDOG=1" in messages


async def test_a_daemon_whose_threads_hang_feeds_no_watchdog(
    tmp_path: Path, manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "STUCK_AFTER_S", 4 * TICK_S)
    environ = {"WATCHDOG_USEC": str(int(2 * TICK_S * 1e6))}
    released = threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(2))
    with simulator(tmp_path / "cache") as sim:
        async with daemon(tmp_path, sim, environ):
            assert await fed(manager, within=10 * TICK_S)
            hanging = [loop.run_in_executor(None, released.wait) for _ in range(2)]
            await fed(manager, within=10 * TICK_S)
            assert not await fed(manager, within=10 * TICK_S)
            released.set()
            await asyncio.gather(*hanging)
            assert await fed(manager, within=10 * TICK_S)
