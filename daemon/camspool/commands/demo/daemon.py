"""Runs the daemon in a separate process, as a service manager would."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from camspool.commands.demo.folder import DemoFolder
from camspool.core.health import ServiceState

STOPS_WITHIN_S: Final = 12.0
"""The daemon promises ten seconds."""
_LOOK_EVERY_S: Final = 0.05
# Variables that would lead our daemon elsewhere: a real portal and its token, a service manager, a proxy.
_FOREIGN: Final = ("CAMSPOOL_", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_")


class DaemonTrouble(Exception):
    """The daemon does not work; the text describes the symptoms."""


class Daemon:
    """`camspool run` in a demo's folder, while the context lasts.

    It runs in its own session, so that Ctrl-C in the terminal reaches only the demo, which then stops it.
    """

    def __init__(self, folder: DemoFolder) -> None:
        self._folder = folder
        self._started_at = datetime.now(UTC)
        with folder.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "camspool", "run", "-c", folder.config],
                cwd=folder.path,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def process_id(self) -> int:
        return self._process.pid

    def check(self) -> None:
        """Raise DaemonTrouble when the process has ended."""
        if (code := self._process.poll()) is not None:
            raise DaemonTrouble(f"The daemon ended by itself ({_in_words(code)}).")

    def wait_until_ready(self, deadline: float) -> None:
        """Wait until the daemon reports that it is running, at most until `deadline` on the monotonic clock.

        Raises:
            DaemonTrouble: it has ended, or takes too long.
        """
        while not self._is_ready():
            self.check()
            if time.monotonic() >= deadline:
                raise DaemonTrouble("The daemon runs, but does not become ready.")
            time.sleep(_LOOK_EVERY_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            raise DaemonTrouble(f"The daemon did not stop within {STOPS_WITHIN_S:g} seconds.") from None
        finally:
            self._process.kill()  # even after a second Ctrl-C; harmless if the process has ended

    def _is_ready(self) -> bool:
        service = self._folder.service()
        working = (ServiceState.OK, ServiceState.DEGRADED)
        return service is not None and service.started_at >= self._started_at and service.state in working


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN) and not name.lower().endswith("_proxy")
    }


def _in_words(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
