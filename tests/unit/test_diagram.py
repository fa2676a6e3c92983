"""The state diagram shows the table, and ARCHITECTURE.md shows the diagram."""

import re
import subprocess
import sys
from pathlib import Path

from camspool.core.diagram import mermaid
from camspool.core.lifecycle import TABLE

ARCHITECTURE = Path(__file__).parents[2] / "ARCHITECTURE.md"
MARKED = re.compile(r"<!-- state diagram: generated -->\n(.*?)\n<!-- end -->", re.DOTALL)
ARROW = re.compile(r"    (\w+) --> (\w+): (.+)")


def test_every_cell_of_the_table_is_in_the_diagram_and_nothing_else() -> None:
    drawn = [match.groups() for line in mermaid().splitlines() if (match := ARROW.fullmatch(line))]
    assert len({(state, target) for state, target, _ in drawn}) == len(drawn)  # one arrow for several events
    assert {(state, target, name) for state, target, names in drawn for name in names.split(", ")} == {
        (state, target, event.__name__) for state, row in TABLE.items() for event, target in row.items()
    }


def test_the_diagram_has_its_beginnings_and_ends() -> None:
    first, *lines = mermaid().splitlines()
    assert first == "stateDiagram-v2"
    rest = {line.strip() for line in lines if not ARROW.fullmatch(line)}
    assert rest == {
        "[*] --> queued",
        "[*] --> scheduled",
        *(f"{state} --> [*]" for state in ("done", "failed", "cancelled", "removed")),
    }


def test_the_module_prints_it_for_pasting() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "camspool.core.diagram"], check=True, capture_output=True, text=True
    )
    assert printed.stdout == f"```mermaid\n{mermaid()}\n```\n"


def test_architecture_shows_the_diagram_as_it_is_now() -> None:
    shown = MARKED.search(ARCHITECTURE.read_text())
    assert shown, "ARCHITECTURE.md has no markers for the state diagram"
    expected = f"```mermaid\n{mermaid()}\n```"
    assert shown[1].strip() == expected, "run `python -m camspool.core.diagram`, and paste what it prints"
