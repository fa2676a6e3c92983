"""Prints the overview, on a terminal of any width or in a pipe.

Text from files is put into a `Text` without control characters, so that rich does not interpret markup in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from camspool.commands.status import phrases
from camspool.commands.status.snapshot import Outstanding, View
from camspool.commands.terminal import terminal_safe
from camspool.core.status_document import Status
from camspool.core.values import State

_NARROW: Final = 120
"""Columns below which each request gets lines of its own instead of a row."""
_BAR: Final = 14
_STYLES: Final = {
    State.DONE: "green",
    State.VALIDATED: "green",
    State.PARTIAL: "yellow",
    State.REJECTED: "red",
    State.FAILED: "red",
    State.CANCELLED: "dim",
}


def safe(text: str, style: str = "") -> Text:
    """Text from a file, safe to print."""
    return Text(terminal_safe(text), style)


def styled(state: State) -> Text:
    """A state in its colour."""
    return Text(state, _STYLES.get(state, "cyan"))


def bar(status: Status) -> ProgressBar:
    """How far a request is."""
    return ProgressBar(100, min(max(status.progress.percent, 0), 100), width=_BAR)


class Board:
    """The overview, as wide as the console."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Called by rich: the daemon, what is outstanding, what has ended."""
        view, wide, fill = self._view, options.max_width >= _NARROW, console.is_terminal
        yield from daemon(view)
        if view.drop_trouble:
            yield safe(view.drop_trouble, "bold red")
        yield Text()
        count, zone = len(view.outstanding), f"; times are in {view.zone.key}"
        yield Text(f"Outstanding: {count:,}{zone}" if count else f"Nothing is outstanding{zone}", "bold")
        if count:
            yield _listing([_row(view, each) for each in view.outstanding], wide=wide, fill=fill)
        if view.finished:
            yield Text("\nThe latest that have ended", "bold")
            ended = [Outstanding(status.request.file, status) for status in view.finished]
            yield _listing([_row(view, each) for each in ended], wide=wide, fill=fill)


def daemon(view: View) -> Iterator[Text]:
    """Whether the daemon works, and its problems."""
    works = phrases.is_running(view.service, view.at)
    ailing = works and view.service is not None and bool(view.service.problems)
    style = "bold yellow" if ailing else "green" if works else "bold red"
    yield Text(phrases.daemon(view.service, view.at, view.zone), style)
    if works and view.service:
        for problem in phrases.problems(view.service, view.at, view.zone):
            yield safe(f"  {problem}", "bold yellow")


@dataclass(frozen=True, slots=True)
class _Row:
    state: Text
    name: Text
    progress: tuple[ProgressBar, Text] | None = None
    camera: Text = field(default_factory=Text)
    span: Text = field(default_factory=Text)
    news: Text = field(default_factory=lambda: Text(phrases.NOT_TAKEN_IN))


def _row(view: View, outstanding: Outstanding) -> _Row:
    status = outstanding.status
    if status is None:
        return _Row(Text("new", "dim"), safe(outstanding.file, "bold"))
    state, name = styled(status.state), safe(status.name, "bold")
    try:
        return _row_of(view, status, state, name)
    except (ArithmeticError, ValueError) as error:  # somebody may have edited it; the others are still shown
        return _Row(state, name, news=safe(f"cannot be shown: {error}", "red"))


def _row_of(view: View, status: Status, state: Text, name: Text) -> _Row:
    span = phrases.span(status)
    percent = Text(f"{status.progress.percent:.0f} %")
    return _Row(
        state,
        name,
        None if status.state.final else (bar(status), percent),
        safe(phrases.cameras(status)),
        Text(phrases.time_range(*span, view.zone)) if span else Text(),
        safe(phrases.news(status, view.at, view.zone)),
    )


def _listing(rows: Sequence[_Row], *, wide: bool, fill: bool) -> Table:
    return _in_columns(rows, fill=fill) if wide else _in_lines(rows)


def _in_columns(rows: Sequence[_Row], *, fill: bool) -> Table:
    moves = any(row.progress for row in rows)
    progress = (Column("progress", width=_BAR), Column("", justify="right", no_wrap=True)) if moves else ()
    table = Table(
        Column("state", no_wrap=True),
        *progress,
        Column("request", overflow="fold", ratio=3),
        Column("camera", overflow="ellipsis", no_wrap=True, max_width=20),
        Column("range", no_wrap=True),
        Column("", overflow="fold", ratio=5),
        box=None,
        pad_edge=False,
        header_style="dim",
        expand=fill,
    )
    for row in rows:
        far = (row.progress or (Text(), Text())) if moves else ()
        table.add_row(row.state, *far, row.name, row.camera, row.span, row.news)
    return table


def _in_lines(rows: Sequence[_Row]) -> Table:
    table = Table(
        Column(no_wrap=True), Column(overflow="fold", ratio=1), box=None, show_header=False, pad_edge=False
    )
    for row in rows:
        table.add_row(row.state, row.name)
        if what := [text for text in (row.camera, row.span) if text.plain]:
            table.add_row("", Text(", ").join(what))
        table.add_row("", _with_bar(row) if row.progress else row.news)
    return table


def _with_bar(row: _Row) -> Table:
    grid = Table.grid(
        Column(width=_BAR), Column(no_wrap=True), Column(overflow="fold", ratio=1), padding=(0, 1)
    )
    grid.add_row(*(row.progress or ()), row.news)
    return grid
