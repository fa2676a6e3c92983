"""The discrepancies as a table or as one JSON document, and progress on a terminal."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Final, TextIO

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from camspool.commands.terminal import counted, standard_output, terminal_safe
from camspool.commands.verify.verdicts import HINTS, Discrepancy, Kind, Tally
from camspool.commands.verify.verification import Verification
from camspool.core.errors import StorageTrouble
from camspool.core.naming import printable

SCHEMA: Final = "camspool/verify/1"
_MOST_ROWS: Final = 500


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A line on the terminal with the file that is being read; elsewhere nothing."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("Verifying ...") as line:
        yield lambda path: line.update(
            Text(f"Verifying {terminal_safe(path)}", overflow="ellipsis", no_wrap=True)
        )


def write_table(run: Verification) -> bool:
    """Print the discrepancies and the totals; True if there are none.

    Raises:
        StorageTrouble: as `problems` does, after what was found before has been printed.
    """
    console = standard_output()
    shown: list[Discrepancy] = []
    try:
        with _progress() as on_look:
            for problem in run.problems(on_look):
                if len(shown) < _MOST_ROWS:
                    shown.append(problem)
    finally:
        if shown:
            _print_table(console, shown)
    _print_totals(console, run)
    return not run.tally.problems


def write_json(run: Verification, out: TextIO) -> bool:
    """Write one document, each discrepancy as it is found: it need not fit into memory.

    Returns:
        True if there is no discrepancy. `trouble` in the document says why a run could not be finished.
    """
    out.write(f'{{\n  "schema": {_json(SCHEMA)},\n  "mirror": {_json(str(run.root))},\n  "problems": [')
    trouble, between = None, "\n"
    try:
        for problem in run.problems():
            out.write(f"{between}    {_json({**asdict(problem), 'hint': problem.hint})}")
            between = ",\n"
    except StorageTrouble as error:
        trouble = error.message
    well = not run.tally.problems and trouble is None
    out.write(f'\n  ],\n  "checked": {_json(_checked(run.tally))},\n')
    out.write(f'  "trouble": {_json(trouble)},\n  "ok": {_json(well)}\n}}\n')
    return well


def _checked(tally: Tally) -> dict[str, int]:
    return {name: count for name, count in asdict(tally).items() if name != "problems"}


def _json(value: Any) -> str:
    if isinstance(value, dict):
        value = {name: printable(each) if isinstance(each, str) else each for name, each in value.items()}
    elif isinstance(value, str):
        value = printable(value)
    return json.dumps(value, ensure_ascii=False)


def _print_table(console: Console, problems: list[Discrepancy]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("what", style="red")
    for heading in ("file", "found", "expected"):
        table.add_column(heading, overflow="fold")
    for problem in problems:
        cells = (problem.path, problem.found, problem.expected)
        table.add_row(problem.what, *(Text(terminal_safe(cell)) for cell in cells))
    console.print(table)
    console.print()
    for what in Kind:
        if any(problem.what is what for problem in problems):
            console.print(Text.assemble((what, "bold"), ": ", HINTS[what]), soft_wrap=True)


def _print_totals(console: Console, run: Verification) -> None:
    tally = run.tally
    work = f" ({tally.in_work:,} in work)" if tally.in_work else ""
    looked_at = f"{counted(tally.files, 'MP4')} of {counted(tally.requests, 'request')}{work} in {run.root}"
    total = f"{looked_at}, {decimal(tally.bytes)} read."
    if not tally.problems:
        console.print(Text(f"All as promised: {total}", "green"), soft_wrap=True)
        return
    if tally.problems > _MOST_ROWS:
        console.print(f"... and {tally.problems - _MOST_ROWS:,} more; --json lists all.", highlight=False)
    console.print(
        Text(f"{counted(tally.problems, 'problem')}. Verified: {total}", "bold red"), soft_wrap=True
    )
