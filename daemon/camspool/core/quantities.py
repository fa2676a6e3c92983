"""Durations, sizes and rates from what people write; the same for requests and for the configuration.

Every parser raises `Unexpected`, whose text says what would have been right.
"""

import re
from typing import Any, Final

from camspool.core.problems import Unexpected

DURATION: Final = 'a duration such as 90 (seconds), "1.5s", "10m", "1h30m" or "PT10M"'
SIZE: Final = "a size such as 500MB, 5GB or 5GiB, or a number of bytes"
RATE: Final = "a rate such as 2MB/s, or null for no limit"

LONGEST_TEXT: Final = 100
"""Characters that are looked at; no quantity has half as many."""
LONGEST_S: Final = 36500 * 86400.0
"""A hundred years: longer ones are slips of the keyboard, and overflow dates."""
_LARGEST_BYTES: Final = 2**62

_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_NUMBER: Final = r"(\d+(?:[.,]\d+)?)"
_PLAIN: Final = re.compile(_NUMBER, re.ASCII)
_PART: Final = re.compile(_NUMBER + r" ?(ms|[smhd]) ?", re.ASCII)
_PARTS: Final = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)
_ISO: Final = re.compile(
    rf"P(?=.*\d[WDHMS]$)(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?",
    re.ASCII,
)
_ISO_SECONDS: Final = (7 * 86400, 86400, 3600, 60, 1)
_ISO_CALENDAR: Final = re.compile(r"P[^T]*[YM]")

_SIZE: Final = re.compile(_NUMBER + r" ?(?:([kmgt])(i)?)?b?", re.ASCII | re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def duration(value: Any) -> float:
    """Seconds of `90`, `1.5`, `"90"`, `"500ms"`, `"10m"`, `"1h30m"`, `"PT10M"`; zero or more.

    Raises:
        Unexpected: it is none of these, it counts in months or years, or it is longer than a hundred years.
    """
    seconds = _duration_of_text(value.strip()) if isinstance(value, str) else _number(value, DURATION)
    if not 0 <= seconds <= LONGEST_S:
        raise Unexpected("a duration between 0 and 36500d")
    return float(seconds)


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


def written(seconds: float) -> str:
    """A duration as one would write it: `24h`, `1h30m`, `0.5s`."""
    if seconds < 1 or seconds != int(seconds):
        return f"{seconds:g}s"
    hours, rest = divmod(int(seconds), 3600)
    minutes, last = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (last, "s"))
    return "".join(f"{amount}{unit}" for amount, unit in parts if amount)


def _number(value: Any, expected: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unexpected(expected)
    return value


def _decimal(text: str) -> float:
    return float(text.replace(",", "."))


def _duration_of_text(text: str) -> float:
    if len(text) > LONGEST_TEXT:
        raise Unexpected(DURATION)
    if _PLAIN.fullmatch(text):
        return _decimal(text)
    if _PARTS.fullmatch(text):
        return _sum_of_parts(_PART.findall(text))
    if iso := _ISO.fullmatch(text):
        return sum(
            _decimal(amount or "0") * unit for amount, unit in zip(iso.groups(), _ISO_SECONDS, strict=True)
        )
    if _ISO_CALENDAR.match(text):
        raise Unexpected("days, hours, minutes or seconds: months and years have no fixed length")
    raise Unexpected(DURATION)


def _sum_of_parts(parts: list[tuple[str, str]]) -> float:
    """Seconds; each unit may stand once, larger ones first: `10m10m` is rather a slip than twenty minutes."""
    units = [_SECONDS[unit] for _, unit in parts]
    if units != sorted(set(units), reverse=True):
        raise Unexpected(f"{DURATION}: each unit once, the larger ones first")
    return sum(_decimal(amount) * unit for (amount, _), unit in zip(parts, units, strict=True))


def _size_of_text(text: str) -> float:
    match = _SIZE.fullmatch(text) if len(text) <= LONGEST_TEXT else None
    if not match:
        raise Unexpected(SIZE)
    amount, prefix, binary = match.groups()
    base: float = 1024 if binary else 1000
    return _decimal(amount) * base ** _POWERS[(prefix or "").lower()]
