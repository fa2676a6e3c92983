"""The demo from beginning to end: start both programs, drop requests, watch, judge, explain, stop."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from rich.console import Console

from camspool.commands.demo.daemon import Daemon, DaemonTrouble
from camspool.commands.demo.examples import EXAMPLES
from camspool.commands.demo.folder import DemoFolder, FolderRefused
from camspool.commands.demo.progress import display
from camspool.commands.demo.render import Screen
from camspool.commands.demo.verdict import differences, look
from camspool.commands.program import INTERRUPTED
from camspool.core.status_document import Waiting
from camspool.core.values import State
from camspool.simulator import Settings, Simulator

TIME_LIMIT_S: Final = 120.0
_THROTTLE: Final = 300_000
"""Bytes per second of a download: the MP4s have some 200 kB, and one wants to see them arrive."""
_LOOK_EVERY_S: Final = 0.1
_WRONG_USAGE: Final = 2


class Demo:
    """`camspool demo`.

    Args:
        directory: a new or empty folder, or an earlier demo's; None for a new one below the working folder.
        stay: keep both programs running afterwards, until Ctrl-C.
    """

    def __init__(self, directory: Path | None, *, stay: bool) -> None:
        self._directory = directory
        self._stay = stay
        self._console = Console()

    def run(self) -> int:
        """Run it.

        Returns:
            The exit code: 0 if everything ended as it should, 1 if not, 2 for an unusable folder, and
            130 after Ctrl-C.
        """
        try:
            folder = DemoFolder.choose(self._directory)
        except FolderRefused as refusal:
            print(refusal, file=sys.stderr)  # noqa: T201 - the command's answer
            return _WRONG_USAGE
        screen = Screen(self._console, folder)
        with _signals_interrupt():
            try:
                code = self._with_portal(folder, screen)
            except KeyboardInterrupt:
                code = INTERRUPTED
        if code == INTERRUPTED:
            screen.stopped()
        return code

    def _with_portal(self, folder: DemoFolder, screen: Screen) -> int:
        with Simulator(settings=Settings(throttle=_THROTTLE)) as portal:
            folder.configure(portal.url, portal.token)
            try:
                with Daemon(folder) as daemon:
                    screen.opening(portal.url, daemon.process_id)
                    return self._with_daemon(folder, screen, daemon)
            except DaemonTrouble as trouble:
                screen.failure([str(trouble)])
                return 1

    def _with_daemon(self, folder: DemoFolder, screen: Screen, daemon: Daemon) -> int:
        began = time.monotonic()
        deadline = began + TIME_LIMIT_S
        daemon.wait_until_ready(deadline)
        self._drop(folder, screen)
        self._watch(folder, daemon, deadline)
        problems = [problem for example in EXAMPLES for problem in differences(folder, look(folder, example))]
        if problems:
            screen.failure(problems)
        else:
            screen.success(time.monotonic() - began)
            screen.results()
        if self._stay:
            self._keep_running(folder, screen, daemon)
        elif not problems:
            screen.how_to_go_on()
        return 1 if problems else 0

    def _drop(self, folder: DemoFolder, screen: Screen) -> None:
        """Drop the examples, except those that an earlier demo in the same folder has left."""
        new = [example for example in EXAMPLES if any(differences(folder, look(folder, example)))]
        screen.dropping(new)
        for example in new:
            if not folder.is_outstanding(example.file):
                folder.put(example.file, example.content)

    def _watch(self, folder: DemoFolder, daemon: Daemon, deadline: float) -> None:
        """Show progress until every request has ended, or time is up."""
        with display(self._console) as progress:
            while True:
                rows = [look(folder, example) for example in EXAMPLES]
                progress.show(rows)
                if all(row.ended for row in rows) or time.monotonic() >= deadline:
                    return
                daemon.check()
                time.sleep(_LOOK_EVERY_S)

    def _keep_running(self, folder: DemoFolder, screen: Screen, daemon: Daemon) -> NoReturn:
        """Print the progress of the user's own requests, until Ctrl-C."""
        screen.staying()
        shown: dict[str, tuple[State, Waiting | None]] = {
            status.name: (status.state, status.waiting) for status in folder.statuses()
        }
        while True:
            for status in folder.statuses():
                news = status.state, status.waiting
                if shown.get(status.name) != news:
                    shown[status.name] = news
                    screen.news(status)
            daemon.check()
            time.sleep(_LOOK_EVERY_S)


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Make `kill`, or closing the terminal, stop the demo as Ctrl-C does: no daemon may be left behind."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number, previous in before.items():
        if previous is not signal.SIG_IGN:  # nohup's wish
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
