"""Durations from what people write, with one grammar for requests, the configuration and the commands.

The grammar, one rule a line:

    duration     number | parts | clock | ISO 8601
    number       90, 1.5, 1,5: seconds
    parts        number and unit, several times, each unit once and the larger ones first: 10m, 1h30m, 1h 30m,
                 10 minutes, "1 hour, 30 minutes", "1 hour and 30 minutes"; behind hours or minutes, two
                 digits below 60 at the end need no unit: 2h30, 5m30
    unit         ms, s, m, h, d, w and their usual names, in any letter case; but M is no minute
    clock        hours, minutes and seconds: 00:10:00, 1:30:00.5
    ISO 8601     PT10M, P1DT2H, P1W; months and years have no fixed length

Two numbers with a colon, 10:00, could be hours or minutes: they are refused, and both spellings named.
"""

import re
from difflib import get_close_matches
from typing import Any, Final

from camspool.core.problems import Unexpected

DURATION: Final = 'a duration such as 90 (seconds), "1.5s", "10m", "1h30m" or "PT10M"'

LONGEST_S: Final = 36500 * 86400.0
"""A hundred years: longer ones are typing errors, and overflow dates."""
_LONGEST_TEXT: Final = 100
"""Characters that are considered; no duration has half as many."""

_NAMES: Final = {
    0.001: ("ms", "msec", "msecs", "millisecond", "milliseconds"),
    1.0: ("s", "sec", "secs", "second", "seconds"),
    60.0: ("m", "min", "mins", "minute", "minutes"),
    3600.0: ("h", "hr", "hrs", "hour", "hours"),
    86400.0: ("d", "day", "days"),
    604800.0: ("w", "wk", "wks", "week", "weeks"),
}
_SECONDS: Final = {name: seconds for seconds, names in _NAMES.items() for name in names}
_NO_FIXED_LENGTH: Final = frozenset({"mo", "mon", "month", "months", "y", "yr", "yrs", "year", "years"})

_NUMBER: Final = r"(\d+(?:[.,]\d+)?)"
_PLAIN: Final = re.compile(_NUMBER, re.ASCII)
_PART: Final = re.compile(_NUMBER + r" ?([A-Za-z]+)(?: ?,(?= )| and(?= ))? ?", re.ASCII)
_WITHOUT_LAST_UNIT: Final = re.compile(r".*\d ?([hHm]) ?[0-5]\d", re.ASCII)
_CLOCK: Final = re.compile(r"(\d{1,4}):([0-5]\d):([0-5]\d(?:[.,]\d+)?)", re.ASCII)
_HALF_A_CLOCK: Final = re.compile(r"(\d{1,4}):([0-5]\d)", re.ASCII)
_ISO: Final = re.compile(
    rf"P(?=.*\d[WDHMS]$)(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?",
    re.ASCII,
)
_ISO_SECONDS: Final = (604800.0, 86400.0, 3600.0, 60.0, 1.0)
_ISO_CALENDAR: Final = re.compile(r"P[^T]*[YM]")


def duration(value: Any) -> float:
    """Seconds, zero or more, of a number or of a text in the grammar above.

    Raises:
        Unexpected: it is no duration, it counts in months or years, or it is longer than a hundred years.
    """
    if isinstance(value, str):
        seconds: float = _of_text(value)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise Unexpected(DURATION)
    else:
        seconds = value
    if not 0 <= seconds <= LONGEST_S:
        raise Unexpected("a duration between 0 and 36500d")
    return float(seconds)


def written(seconds: float) -> str:
    """A duration as one would write it: `24h`, `1h30m`, `0.5s`."""
    if seconds < 1 or seconds != int(seconds):
        return f"{seconds:g}s"
    hours, rest = divmod(int(seconds), 3600)
    minutes, last = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (last, "s"))
    return "".join(f"{amount}{unit}" for amount, unit in parts if amount)


def looks_like_duration(text: str) -> bool:
    """Whether a duration is meant, right or wrong, rather than a point in time."""
    words = _words(text)
    if not words or words[0] in "Pp":
        return bool(words)
    first = _PART.match(words)
    return first is not None and first[2].upper() not in _OF_TIMES and _parts(words) is not None


_OF_TIMES: Final = frozenset({"Z", "T", "UTC", "GMT", "AM", "PM"})


def _words(text: str) -> str:
    """The text with single spaces for any white space; empty if it is too long."""
    return " ".join(text.split()) if len(text) <= _LONGEST_TEXT else ""


def _of_text(text: str) -> float:
    words = _words(text)
    if _PLAIN.fullmatch(words):
        return _decimal(words)
    if clock := _CLOCK.fullmatch(words):
        return int(clock[1]) * 3600 + int(clock[2]) * 60 + _decimal(clock[3])
    if iso := _ISO.fullmatch(words.upper()):
        return sum(
            _decimal(amount or "0") * unit for amount, unit in zip(iso.groups(), _ISO_SECONDS, strict=True)
        )
    if _ISO_CALENDAR.match(words.upper()):
        raise _no_fixed_length()
    if half := _HALF_A_CLOCK.fullmatch(words):
        raise Unexpected(f"{DURATION}; write {half[1]}m{half[2]}s or {half[1]}h{half[2]}m")
    parts = _parts(words)
    if not parts:
        raise Unexpected(DURATION)
    return _sum(parts)


def _parts(words: str) -> list[tuple[str, str]] | None:
    """The numbers with their units; None for a text that has other things in it."""
    if shortened := _WITHOUT_LAST_UNIT.fullmatch(words):
        words += "s" if shortened[1] == "m" else "m"
    found, position = [], 0
    while position < len(words):
        part = _PART.match(words, position)
        if part is None:
            return None
        found.append((part[1], part[2]))
        position = part.end()
    return found


def _sum(parts: list[tuple[str, str]]) -> float:
    """Seconds; each unit once, larger ones first: `10m10m` is a typing error rather than twenty minutes."""
    units = [_seconds_of(amount, unit) for amount, unit in parts]
    if units != sorted(set(units), reverse=True):
        raise Unexpected(f"{DURATION}: each unit once, the larger ones first")
    return sum(_decimal(amount) * unit for (amount, _), unit in zip(parts, units, strict=True))


def _seconds_of(amount: str, unit: str) -> float:
    name = unit.lower()
    if unit != "M" and (seconds := _SECONDS.get(name)) is not None:
        return seconds
    if unit == "M":
        raise Unexpected(f'{DURATION}; this one is written "{amount}m"')
    if name in _NO_FIXED_LENGTH:
        raise _no_fixed_length()
    raise Unexpected(f'{DURATION}; did you mean "{amount} {near}"?' if (near := _near(name)) else DURATION)


def _near(name: str) -> str | None:
    words = [each for each in _SECONDS if len(each) > 2]
    return next(iter(get_close_matches(name[:20], words, n=1)), None)


def _no_fixed_length() -> Unexpected:
    return Unexpected("weeks, days, hours, minutes or seconds: months and years have no fixed length")


def _decimal(text: str) -> float:
    return float(text.replace(",", "."))
