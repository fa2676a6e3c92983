"""What the commands that answer once have in common, on a terminal and where their answer is piped."""

from typing import Final

from rich.console import Console

from camspool.core.naming import printable

_WIDE: Final = 160
"""Columns where nobody's terminal says how many there are."""


def standard_output() -> Console:
    """A terminal as wide as it is, all else wide, without colours."""
    found = Console()
    return found if found.is_terminal else Console(width=_WIDE)


def terminal_safe(text: str) -> str:
    """For a terminal: a file's name, or what a server says, may hold what would control it."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in printable(text))


def counted(count: int, noun: str) -> str:
    """`1 MP4`, `2,000 MP4s`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
