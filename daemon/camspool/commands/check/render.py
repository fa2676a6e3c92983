"""The results as a table or as one JSON document, and a line on the terminal while the checks run."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Final

from rich.table import Table
from rich.text import Text

from camspool.commands.check.result import Result, Verdict
from camspool.commands.terminal import counted, standard_output, terminal_safe
from camspool.core.naming import printable

SCHEMA: Final = "camspool/check/1"
_COLOURS: Final = {
    Verdict.OK: "green",
    Verdict.SKIPPED: "dim",
    Verdict.WARNING: "yellow",
    Verdict.WRONG: "bold red",
}


@contextmanager
def looking() -> Iterator[None]:
    """A line on the terminal; not rich's, whose thread would get in the way of `isolated`'s forks."""
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


def write_table(results: Sequence[Result]) -> None:
    """Print a row for each check, the remedy below the finding, and a summary."""
    console = standard_output()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("verdict")
    table.add_column("check", no_wrap=True)
    table.add_column("found", overflow="fold")
    for result in results:
        first, *more = result.found.split("\n")
        table.add_row(
            Text(result.verdict, _COLOURS[result.verdict]), result.check, Text(terminal_safe(first))
        )
        for line in more:
            table.add_row("", "", Text(terminal_safe(line)))
        for line in result.remedy.splitlines():
            table.add_row("", "", Text(f"-> {terminal_safe(line)}", "bold"))
    console.print(table)
    console.print()
    console.print(_sum(results), soft_wrap=True)


def write_json(results: Sequence[Result]) -> None:
    """Print one document."""
    checks = [{name: printable(text) for name, text in asdict(result).items()} for result in results]
    document = {"schema": SCHEMA, "ok": not _counts(results)[Verdict.WRONG], "checks": checks}
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _sum(results: Sequence[Result]) -> Text:
    counts = _counts(results)
    warnings = counted(counts[Verdict.WARNING], "warning")
    skipped = f", {counts[Verdict.SKIPPED]} skipped" if counts[Verdict.SKIPPED] else ""
    if counts[Verdict.WRONG]:
        return Text(
            f"{counts[Verdict.WRONG]} wrong, {warnings}{skipped}: camspool cannot do its work like this.",
            "bold red",
        )
    if counts[Verdict.WARNING]:
        return Text(f"Nothing is wrong; {warnings}{skipped}.", "yellow")
    return Text(f"All is well{skipped}.", "green")


def _counts(results: Sequence[Result]) -> dict[Verdict, int]:
    return {verdict: sum(result.verdict is verdict for result in results) for verdict in Verdict}
