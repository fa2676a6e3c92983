"""Reports the daemon's state to the service manager: ready, reloading, stopping, alive, a status line.

Without a service manager nothing happens. When to report what is decided in `service`.
"""

import os
import re
import socket
import time
from collections.abc import Mapping
from typing import Final

import sdnotify
import structlog

log = structlog.get_logger()

_LONGEST_STATUS: Final = 200  # characters; `systemctl status` shows one line
# The socket is shared by all services and may be full for a moment at boot. A lost READY=1 would be a failed
# start, so waiting a little is right; waiting for ever, in the event loop, is not.
_LONGEST_WAIT_S: Final = 0.1
_MICROSECONDS: Final = re.compile(r"[0-9]{1,20}")  # an unsigned number of 64 bits


class ServiceManager:
    """A connection to the manager named by `NOTIFY_SOCKET`, if any.

    sdnotify 0.3.2 finds and opens the socket. Its `notify` is not used: it hides every error, blocks without
    limit, and encodes Latin-1, so that one camera's name could drop a message. No method raises or blocks;
    a failure is logged once, until a message gets through again.
    """

    def __init__(self) -> None:
        self._failing = False
        self._owes_ready = False
        self._socket: socket.socket | None = None
        if os.environ.get("NOTIFY_SOCKET"):
            self._connect()

    def ready(self) -> None:
        """The start, or a reload, is complete."""
        self._owes_ready = not self._send("READY=1")

    def reloading(self) -> None:
        """A reload has begun; `ready` must follow."""
        # Type=notify-reload takes the message for an old one when it carries no time.
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1_000}")

    def stopping(self) -> None:
        """The shutdown has begun."""
        self._send("STOPPING=1")

    def watchdog(self) -> None:
        """Everything has made progress since the last call."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Show `text` in `systemctl status`, as one line of at most 200 characters."""
        # Without it the manager would wait for ever, so it is said again until it has come through.
        ready = "READY=1\n" if self._owes_ready else ""
        if self._send(f"{ready}STATUS={_one_line(text)}"):
            self._owes_ready = False

    def close(self) -> None:
        """Hang up; what is sent afterwards goes nowhere."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> None:
        try:
            self._socket = sdnotify.SystemdNotifier(debug=True).socket
        except OSError as error:
            self._report(error)
            return
        self._socket.settimeout(_LONGEST_WAIT_S)

    def _send(self, message: str) -> bool:
        if self._socket is None:
            return False
        try:
            self._socket.send(message.encode())
        except OSError as error:
            self._report(error)
            return False
        self._failing = False
        return True

    def _report(self, error: OSError) -> None:
        if not self._failing:
            self._failing = True
            log.warning("service_manager_unreachable", error=str(error))


def watchdog_interval(environ: Mapping[str, str], pid: int) -> float | None:
    """How often to call `watchdog`: twice in the manager's time limit, as sd_watchdog_enabled(3) advises.

    Args:
        environ: the process's environment; `WATCHDOG_USEC` is the limit in microseconds.
        pid: the process's own id; another one in `WATCHDOG_PID` means that the watchdog is not for us.

    Returns:
        Seconds, or None where no watchdog waits.
    """
    limit = environ.get("WATCHDOG_USEC", "")
    meant_for = environ.get("WATCHDOG_PID") or str(pid)
    if meant_for != str(pid) or not _MICROSECONDS.fullmatch(limit) or int(limit) == 0:
        return None
    return int(limit) / 2 / 1_000_000


def _one_line(text: str) -> str:
    line = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return line if len(line) <= _LONGEST_STATUS else line[: _LONGEST_STATUS - 3] + "..."
