"""Names of our own for files that are not finished, or out of the way for a moment."""

import os
import re
import secrets
from typing import Final

_TEMPORARY: Final = re.compile(r"\.camspool-([0-9a-f]{8})-[0-9a-f]{16}\.tmp")
_ASIDE: Final = ".camspool-{}.{}"
_SET_ASIDE: Final = re.compile(r"\.camspool-([0-9a-f]{8})\.(.+)", re.DOTALL)
_THIS_RUN: Final = secrets.token_hex(4)
"""Tells this process's temporary files, which may be being written, from what an earlier one has left."""


def temporary_name() -> str:
    """A new name for a file that is not finished; `is_left_over` knows it again."""
    return f".camspool-{_THIS_RUN}-{secrets.token_hex(8)}.tmp"


def is_left_over(name: str) -> bool:
    """True when `temporary_name` made it in an earlier run."""
    match = _TEMPORARY.fullmatch(name)
    return match is not None and match[1] != _THIS_RUN


def aside_name(name: str, longest: int = 255) -> str:
    """The name under which `name` is out of everybody's way for a moment; of an overlong one, its end.

    Args:
        name: what the file is called.
        longest: bytes that its file system allows for one name.
    """
    room = longest - len(_ASIDE.format(_THIS_RUN, ""))
    return _ASIDE.format(_THIS_RUN, os.fsdecode(os.fsencode(name)[-room:]))


def set_aside_as(name: str) -> str | None:
    """What the file is really called, when an earlier run has set it aside and then ended; else None."""
    match = _SET_ASIDE.fullmatch(name)
    return match[2] if match and match[1] != _THIS_RUN else None
