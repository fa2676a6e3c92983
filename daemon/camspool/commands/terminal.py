"""Output that several commands share, on a terminal and in a pipe."""

import os
from typing import Final

from rich.console import Console

from camspool.core.naming import printable

_UNBROKEN: Final = 10_000
"""Columns in a pipe, where each record is one line for grep and its like."""


def standard_output() -> Console:
    """The console: as wide as the terminal or as $COLUMNS says; in a pipe lines are not broken."""
    found = Console()
    has_width = found.is_terminal or os.environ.get("COLUMNS", "").isdecimal()
    return found if has_width else Console(width=_UNBROKEN)


def terminal_safe(text: str) -> str:
    """The text without control characters, which a file's name or a server's answer may contain."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in printable(text))


def counted(count: int, noun: str) -> str:
    """`1 MP4`, `2,000 MP4s`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
