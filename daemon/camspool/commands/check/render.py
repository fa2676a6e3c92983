"""What a check says: a table of verdicts, or one JSON document; a line on the terminal while it looks."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Final

from rich.table import Table
from rich.text import Text

from camspool.commands.check.result import Row, Verdict
from camspool.commands.terminal import counted, standard_output, terminal_safe
from camspool.core.naming import printable

SCHEMA: Final = "camspool/check/1"
_COLOURS: Final = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.WRONG: "bold red"}


@contextmanager
def looking() -> Iterator[None]:
    """A word on the terminal; not rich's, whose thread would be in the way of `aside`."""
    if not sys.stderr.isatty():
        yield
        return
    sys.stderr.write("Checking ...")
    sys.stderr.flush()
    try:
        yield
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def write_table(rows: Sequence[Row]) -> None:
    """Print a row for each check, its remedy below what was found, and the sum."""
    console = standard_output()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("verdict")
    table.add_column("check", no_wrap=True)
    table.add_column("found", overflow="fold")
    for row in rows:
        first, *more = row.found.split("\n")
        table.add_row(Text(row.verdict, _COLOURS[row.verdict]), row.check, Text(terminal_safe(first)))
        for line in more:
            table.add_row("", "", Text(terminal_safe(line)))
        for line in row.remedy.splitlines():
            table.add_row("", "", Text(f"-> {terminal_safe(line)}", "bold"))
    console.print(table)
    console.print()
    console.print(_sum(rows), soft_wrap=True)


def write_json(rows: Sequence[Row]) -> None:
    """Print one document."""
    checks = [{name: printable(text) for name, text in asdict(row).items()} for row in rows]
    document = {"schema": SCHEMA, "ok": not _counts(rows)[Verdict.WRONG], "checks": checks}
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _sum(rows: Sequence[Row]) -> Text:
    counts = _counts(rows)
    warnings = counted(counts[Verdict.WARNING], "warning")
    if counts[Verdict.WRONG]:
        return Text(
            f"{counts[Verdict.WRONG]} wrong, {warnings}: camspool cannot do its work like this.", "bold red"
        )
    if counts[Verdict.WARNING]:
        return Text(f"Nothing is wrong; {warnings}.", "yellow")
    return Text("All is well.", "green")


def _counts(rows: Sequence[Row]) -> dict[Verdict, int]:
    return {verdict: sum(row.verdict is verdict for row in rows) for verdict in Verdict}
