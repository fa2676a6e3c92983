"""The service manager's socket, by a real one; the watchdog's interval; the machine's clock."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from camspool.adapters.system_clock import SystemClock
from camspool.adapters.systemd import ServiceManager, watchdog_interval
from camspool.core.ports import Clock


@pytest.fixture(params=["path", "abstract"])
def listener(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """A notify socket of either kind, named in the environment."""
    name = (
        str(tmp_path / "notify") if request.param == "path" else f"@camspool-test-{os.getpid()}-{id(request)}"
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0"))
        listening.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listening


@pytest.fixture
def manager(listener: socket.socket) -> Iterator[ServiceManager]:
    """Connected to `listener`."""
    with contextlib.closing(ServiceManager()) as connected:
        yield connected


def received(listening: socket.socket) -> dict[str, str]:
    """The next message; raises on what systemd would refuse: no UTF-8, or no assignment."""
    lines = listening.recv(65_536).decode().split("\n")
    return dict(line.split("=", 1) for line in lines)


def test_each_message_arrives(listener: socket.socket, manager: ServiceManager) -> None:
    manager.ready()
    assert received(listener) == {"READY": "1"}
    manager.watchdog()
    assert received(listener) == {"WATCHDOG": "1"}
    manager.status("2 downloading, 5 waiting")
    assert received(listener) == {"STATUS": "2 downloading, 5 waiting"}
    manager.stopping()
    assert received(listener) == {"STOPPING": "1"}


def test_a_reload_carries_the_time_that_notify_reload_wants(
    listener: socket.socket, manager: ServiceManager
) -> None:
    earliest = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000
    manager.reloading()
    message = received(listener)
    assert message.keys() == {"RELOADING", "MONOTONIC_USEC"}
    assert earliest <= int(message["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Vchod č. 3 → 80 %", "Vchod č. 3 → 80 %"),
        ("one\nREADY=1\r\n\ttwo ", "one READY=1 two"),
        ("bad \udcff\x1b[31m", "bad ??[31m"),
        ("x" * 200, "x" * 200),
        ("ž" * 201, "ž" * 197 + "..."),
        ("", ""),
    ],
)
def test_a_status_is_one_line_whatever_it_is_made_of(
    listener: socket.socket, manager: ServiceManager, text: str, shown: str
) -> None:
    manager.status(text)
    assert received(listener) == {"STATUS": shown}


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_service_manager_nothing_happens(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if value is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", value)
    with capture_logs() as logged:
        manager = ServiceManager()
        manager.ready()
        manager.status("nobody listens")
        manager.close()
    assert logged == []


def test_a_full_socket_holds_nobody_up_and_is_logged_once_an_outage(
    listener: socket.socket, manager: ServiceManager
) -> None:
    for _ in range(2):
        with capture_logs() as logged:
            fill(manager)
            begun = time.monotonic()
            manager.watchdog()
            manager.ready()
            assert time.monotonic() - begun < 1
        assert [(line["event"], line["log_level"]) for line in logged] == [
            ("service_manager_unreachable", "warning")
        ]
        drain(listener)
        manager.ready()
        assert received(listener) == {"READY": "1"}


def fill(manager: ServiceManager) -> None:
    """Send until the socket takes no more; the kernel allows some ten to a few hundred messages."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        name = os.environ["NOTIFY_SOCKET"]
        other.connect(name.replace("@", "\0"))
        with contextlib.suppress(BlockingIOError):
            while True:
                other.send(b"X=1")
    manager.watchdog()


def drain(listening: socket.socket) -> None:
    listening.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            listening.recv(65_536)
    listening.settimeout(2)


def test_after_close_nothing_is_sent(listener: socket.socket, manager: ServiceManager) -> None:
    manager.close()
    with capture_logs() as logged:
        manager.ready()
    assert logged == []
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.recv(1)


def test_a_listener_that_went_away_is_logged_once(listener: socket.socket, manager: ServiceManager) -> None:
    listener.close()
    with capture_logs() as logged:
        manager.watchdog()
        manager.stopping()
    assert [line["event"] for line in logged] == ["service_manager_unreachable"]


@pytest.mark.filterwarnings(
    "ignore:unclosed:ResourceWarning"
)  # sdnotify forgets the socket that did not connect
def test_a_socket_that_does_not_exist_is_logged_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nowhere"))
    with capture_logs() as logged:
        manager = ServiceManager()
        manager.ready()
        manager.watchdog()
    assert [line["event"] for line in logged] == ["service_manager_unreachable"]


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "42"}, 0.25),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": ""}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "43"}, None),
        ({"WATCHDOG_PID": "42"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "9" * 5000}, None),
        ({"WATCHDOG_USEC": "\u0665"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_called_twice_in_its_time(environ: dict[str, str], interval: float | None) -> None:
    assert watchdog_interval(environ, pid=42) == interval


async def test_the_system_clock_is_the_machines_own() -> None:
    clock: Clock = SystemClock()
    begun = clock.monotonic()
    await clock.sleep(0.01)
    assert 0.01 <= clock.monotonic() - begun < 5
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_readiness_is_said_again_until_it_comes_through(
    listener: socket.socket, manager: ServiceManager
) -> None:
    filled = 0
    with contextlib.suppress(TimeoutError):
        while True:
            manager._socket.send(b"X_FILLER=1")  # type: ignore[union-attr]
            filled += 1
    with capture_logs():
        manager.ready()
    for _ in range(filled):
        received(listener)
    manager.status("nothing to do")
    assert received(listener) == {"READY": "1", "STATUS": "nothing to do"}
    manager.status("nothing to do")
    assert received(listener) == {"STATUS": "nothing to do"}
