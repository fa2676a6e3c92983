"""Progress on the screen: a live table on a terminal, plain lines elsewhere (a pipe, a CI log)."""

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.filesize import decimal
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from camspool.commands.demo.verdict import ExampleState
from camspool.core.status_document import Status
from camspool.core.values import State

_STYLES: Final = {
    State.DONE: "bold green",
    State.REJECTED: "bold yellow",
    State.PARTIAL: "bold yellow",
    State.FAILED: "bold red",
}
_DOINGS: Final = {
    State.QUEUED: "waits for its turn",
    State.SCHEDULED: "is not over yet",
    State.LISTING: "asks what there is",
    State.PREPARING: "the portal prepares it",
    State.VERIFYING: "checks the MP4",
}


class Display(AbstractContextManager["Display"], Protocol):
    """Shows the progress of the requests."""

    def show(self, rows: Sequence[ExampleState]) -> None: ...


def display(console: Console) -> Display:
    """The display that suits the console."""
    moves = console.is_terminal and not console.is_dumb_terminal
    return _Moving(console) if moves else _Lines(console)


def styled(state: State) -> Text:
    """A state in its colour."""
    return Text(state, _STYLES.get(state, "cyan"))


class _Moving:
    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False)

    def show(self, rows: Sequence[ExampleState]) -> None:
        self._live.update(_table(rows), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


class _Lines:
    """One line for each change of a request's state."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._shown: dict[str, tuple[State, str]] = {}

    def show(self, rows: Sequence[ExampleState]) -> None:
        for row in rows:
            if row.status is None:
                continue
            waiting = row.status.waiting.message if row.status.waiting else ""
            if self._shown.get(row.example.name) != (row.status.state, waiting):
                self._shown[row.example.name] = row.status.state, waiting
                self._print(row.status)

    def _print(self, status: Status) -> None:
        elapsed = f"{time.monotonic() - self._began:5.1f} s"
        self._console.print(f"  {elapsed}  {status.name}: {status.state} ({doing(status)})", soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


def _table(rows: Sequence[ExampleState]) -> Table:
    columns = (
        Column("request", no_wrap=True),
        Column("state", min_width=11),
        Column("", width=14),
        Column("", justify="right", width=4),
        Column("MP4s", justify="right", no_wrap=True),
        Column("now", no_wrap=True, overflow="ellipsis", ratio=1),
    )
    table = Table(*columns, box=None, expand=True, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for row in rows:
        if row.status is None or (row.outstanding and row.status.state.final):
            table.add_row(row.example.name, Text("dropped", "dim"), "", "", "", _settling(row))
        else:
            table.add_row(*_cells(row.status))
    return table


def _settling(row: ExampleState) -> str:
    return "" if row.example.file.endswith(".json") else "is it complete? (2 s)"


def _cells(status: Status) -> tuple[Text | str | ProgressBar, ...]:
    name, state = status.name, styled(status.state)
    if status.state is State.REJECTED:
        return name, state, "", "", "", doing(status)
    progress = status.progress
    return (
        name,
        state,
        ProgressBar(100, progress.percent, width=14),
        f"{progress.percent:.0f}%",
        f"{progress.clips_done}/{progress.clips_total}",
        doing(status),
    )


def doing(status: Status) -> str:
    """The current activity or the result of a request, in a few words."""
    if status.waiting:
        return status.waiting.message
    if status.state is State.DOWNLOADING:
        return _speed(status) or "the MP4 arrives"
    if status.state is State.REJECTED:
        return "see below" if status.error else ""
    if status.state.final:
        return decimal(sum(clip.file.bytes for clip in status.clips if clip.file))
    return _DOINGS.get(status.state, "")


def _speed(status: Status) -> str:
    running = [clip.download for clip in status.clips if clip.state is State.DOWNLOADING]
    speed = sum(download.bytes_per_s or 0 for download in running)
    if not speed:
        return ""
    eta = status.progress.eta_s
    return f"{decimal(speed)}/s" + (f", {eta} s left" if eta else "")
