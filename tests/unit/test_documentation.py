"""What the documents say about the code is true: log events, tests. Examples: test_documented_examples.py."""

import ast
import re
from pathlib import Path

from camspool.core.lifecycle import TABLE

ROOT = Path(__file__).parents[2]


def events_in_code() -> set[str]:
    """Every literal that is logged as an event, and the names made of a clip's states."""
    found = {f"clip_{state}" for row in TABLE.values() for state in row.values()}
    for module in (ROOT / "daemon/camspool").rglob("*.py"):
        if "simulator" in module.parts:
            continue
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and re.match(
                r"(log|structlog\.get_logger\(\))\.", ast.unparse(node.func)
            ):
                found |= {
                    word.value
                    for word in ast.walk(node.args[0])
                    if isinstance(word, ast.Constant)
                    and isinstance(word.value, str)
                    and re.fullmatch(r"[a-z]+(_[a-z]+)+|watching", word.value)
                }
    return found - {"clip_scheduled"}  # a request begins so; no clip is moved there


def test_every_log_event_is_in_the_table() -> None:
    section = (ROOT / "ARCHITECTURE.md").read_text().split("## Log events")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = {event for row in rows for event in re.findall(r"`([a-z_]+)`", row)}
    assert named - {"library_message"} == events_in_code()


def test_every_test_that_is_said_to_show_something_exists() -> None:
    architecture = (ROOT / "ARCHITECTURE.md").read_text()
    rows = [
        line.split("|")
        for section in architecture.split("\n## ")
        if "| shown by |" in section
        for line in section.splitlines()
        if line.startswith("|")
    ][2:]
    files = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    tests = {name for text in files.values() for name in re.findall(r"def (test_\w+)", text)}
    named = [re.findall(r"`([^`]+)`", row[3]) for row in rows]
    assert len(named) > 20
    assert all(named), "a row without a test"
    assert {name for names in named for name in names} - files.keys() - tests == set()
