"""How parsers report a problem: where, what was found, what was expected; for requests and configuration.

It knows nothing of fields or files: only paths, values and sentences.
"""

import json
import reprlib
from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, Final

from camspool.core.errors import RequestRejected
from camspool.core.values import ErrorCode, Problem

_LONGEST_VALUE: Final = 80
_LONGEST_NAME: Final = 60
_MOST_PROBLEMS: Final = 100
_HINT: Final = (
    "Correct the file and put it into drop/ again; `camspool schema request` describes every field."
)


class Unexpected(ValueError):
    """A value is not what it should be.

    Args:
        expected: what it should have been, worded to follow "found X, expected".
        inner: problems inside the value, their paths relative to it; none if it is wrong as a whole.
    """

    def __init__(self, expected: str, inner: tuple[Problem, ...] = ()) -> None:
        super().__init__(expected)
        self.expected = expected
        self.inner = inner

    def problems(self, path: str, value: Any) -> tuple[Problem, ...]:
        """What to report when `value` at `path` was the one that did not fit."""
        if self.inner:
            return tuple(replace(problem, path=path + problem.path) for problem in self.inner)
        return (Problem(path, shown(value), self.expected),)


def within(path: str, key: str | int) -> str:
    """The path of an item: `[1].camera`, `metadata.case`; a key that is too long is shortened."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    name = _shortened(key, _LONGEST_NAME)
    return f"{path}.{name}" if path else name


def shown(value: Any) -> Any:
    """`value` if it is short and can be written as JSON, else a short text that stands for it."""
    try:
        if len(json.dumps(value, allow_nan=False, ensure_ascii=False).encode()) <= _LONGEST_VALUE:
            return value
        text = value if isinstance(value, str) else reprlib.repr(value)
    except (TypeError, ValueError, RecursionError):
        text = value if isinstance(value, str) else f"a {type(value).__name__} that cannot be shown"
    return _shortened(text, _LONGEST_VALUE)


def unknown_name(name: str, known: Iterable[str]) -> str:
    """What to expect instead of an unknown key: the nearest known one, or all of them where none is near."""
    names = tuple(known)
    if near := nearest_name(name, names):
        return f"a known field; did you mean `{near}`?"
    return "a known field: " + ", ".join(f"`{each}`" for each in names)


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name that is spelled most like `name`, if any is near."""
    return next(iter(get_close_matches(name[:_LONGEST_NAME].lower(), tuple(known), n=1)), None)


def rejection(problems: Iterable[Problem]) -> RequestRejected:
    """The error for a request file with these problems; very many are cut short, and the message says so."""
    every = tuple(problems)
    kept = every[:_MOST_PROBLEMS]
    message = "; ".join(problem.sentence for problem in kept)
    if len(every) > len(kept):
        message += f"; and {len(every) - len(kept)} more problems"
    return RequestRejected(ErrorCode.INVALID, message, _HINT, kept)


def _shortened(text: str, longest: int) -> str:
    start = text[: longest + 1].encode("utf-8", "backslashreplace").decode()
    return start if len(start) <= longest else start[: longest - 3] + "..."
