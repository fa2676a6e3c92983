"""Sizes and rates from what people write; see `durations` for durations.

Every parser raises `Unexpected`, whose text says what would have been right.
"""

import re
from typing import Any, Final

from camspool.core.problems import Unexpected

SIZE: Final = "a size such as 500MB, 5GB or 5GiB, or a number of bytes"
RATE: Final = "a rate such as 2MB/s, or null for no limit"

LONGEST_TEXT: Final = 100
"""Characters that are looked at; no quantity has half as many."""
_LARGEST_BYTES: Final = 2**62

_NUMBER: Final = r"(\d+(?:[.,]\d+)?)"

_SIZE: Final = re.compile(_NUMBER + r" ?(?:([kmgt])(i)?)?b?", re.ASCII | re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def size(value: Any) -> int:
    """Bytes of `5GB` (powers of 1000), `5GiB` (powers of 1024), or a plain number.

    Raises:
        Unexpected: it is neither, or more than any disk holds.
    """
    amount = _size_of_text(value.strip()) if isinstance(value, str) else _number(value, SIZE)
    if not 0 <= amount <= _LARGEST_BYTES:
        raise Unexpected(SIZE)
    return int(amount)


def rate(value: Any) -> float | None:
    """Bytes per second of `2MB/s` or a plain number; None stands for no limit.

    Raises:
        Unexpected: it is no rate, or zero.
    """
    if value is None:
        return None
    try:
        per_second = size(value.strip().removesuffix("/s") if isinstance(value, str) else value)
    except Unexpected:
        raise Unexpected(RATE) from None
    if per_second == 0:
        raise Unexpected(RATE)
    return float(per_second)


def _number(value: Any, expected: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unexpected(expected)
    return value


def _decimal(text: str) -> float:
    return float(text.replace(",", "."))


def _size_of_text(text: str) -> float:
    match = _SIZE.fullmatch(text) if len(text) <= LONGEST_TEXT else None
    if not match:
        raise Unexpected(SIZE)
    amount, prefix, binary = match.groups()
    base: float = 1024 if binary else 1000
    return _decimal(amount) * base ** _POWERS[(prefix or "").lower()]
