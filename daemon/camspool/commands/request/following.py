"""Follows a request to its end: with a progress bar on a terminal, elsewhere with a line for each change.

It only reads: to stop following changes nothing.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from camspool.adapters.spool import MirrorReader
from camspool.adapters.spool.marker_file import MARKER
from camspool.commands.status import phrases, snapshot
from camspool.commands.status.render import bar, safe, styled
from camspool.core.errors import CamspoolError
from camspool.core.status_document import Status

_EVERY_S: Final = 0.25


class Withdrawn(CamspoolError):
    """The file was not taken in, and is no longer there."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The file that was written below `drop`; `before`: the status of the same content that was there."""

    drop: Path
    file: str
    sha256: str
    before: Status | None


class Following:
    """Follows one request.

    Args:
        mirror: where its status appears.
        dropped: the file.
        zone: where times are shown.
        console: where people look.
    """

    def __init__(self, mirror: MirrorReader, dropped: Dropped, zone: ZoneInfo, console: Console) -> None:
        self._mirror = mirror
        self._dropped = dropped
        self._zone = zone
        self._console = console

    @property
    def file(self) -> str:
        """The request file's path below drop/."""
        return self._dropped.file

    def to_the_end(self) -> Status:
        """Show its progress until it has ended.

        Raises:
            Withdrawn: its file disappeared before it was accepted.
            StorageTrouble: the mirror is not there, or has gone away meanwhile.
        """
        if self._console.is_terminal:
            with Live(console=self._console, auto_refresh=False, transient=True) as live:
                return self._follow(lambda status: live.update(self._line(status), refresh=True))
        printed: list[str] = []
        return self._follow(lambda status: self._print_change(status, printed))

    def _follow(self, show: Callable[[Status | None], None]) -> Status:
        while True:
            self._mirror.check()
            is_gone = self._is_gone()  # asked first: its status comes before it goes
            status = self._status()
            if status and status.state.final:
                return status
            if is_gone and status is None:
                raise Withdrawn(f"{self._dropped.file} was changed or taken away before it was taken in.")
            show(status)
            time.sleep(_EVERY_S)

    def _is_gone(self) -> bool:
        drop = self._dropped.drop
        return os.path.lexists(drop / MARKER) and not os.path.lexists(drop / self._dropped.file)

    def _status(self) -> Status | None:
        """None also while the daemon has not looked at what was dropped again."""
        status = snapshot.status_of(self._mirror, self._dropped.file, self._dropped.sha256)
        return None if status == self._dropped.before else status

    def _line(self, status: Status | None) -> Table:
        line = Table.grid(padding=(0, 1))
        if status is None:
            line.add_row(Text(self._not_taken_in()))
            return line
        news = phrases.news(status, datetime.now(UTC), self._zone)
        line.add_row(styled(status.state), bar(status), f"{status.progress.percent:.0f} %", safe(news))
        return line

    def _print_change(self, status: Status | None, printed: list[str]) -> None:
        now = datetime.now(UTC)
        if status is None:
            line = self._not_taken_in()
        else:
            waits = f": {phrases.waiting(status.waiting, now, self._zone)}" if status.waiting else ""
            line = f"{status.state}{waits}"
        if printed[-1:] != [line]:
            printed.append(line)
            self._console.print(safe(line), soft_wrap=True)

    def _not_taken_in(self) -> str:
        service, now = snapshot.service(self._mirror.root), datetime.now(UTC)
        if phrases.is_running(service, now):
            return f"{phrases.NOT_TAKEN_IN}"
        return f"{phrases.NOT_TAKEN_IN}. {phrases.daemon(service, now, self._zone)}"
