"""Output that several commands share, on a terminal and in a pipe."""

from typing import Final

from rich.console import Console

from camspool.core.naming import printable

_WIDE: Final = 160
"""Columns where there is no terminal to ask."""


def standard_output() -> Console:
    """The console: as wide as the terminal; where there is none, wide and without colours."""
    found = Console()
    return found if found.is_terminal else Console(width=_WIDE)


def terminal_safe(text: str) -> str:
    """The text without control characters, which a file's name or a server's answer may contain."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in printable(text))


def counted(count: int, noun: str) -> str:
    """`1 MP4`, `2,000 MP4s`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
