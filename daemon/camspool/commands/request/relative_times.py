"""Points in time in a person's words: `today 08:00`, `monday 5pm`, `2h ago`, `now`, or as in a request file.

The grammar, one rule a line; letter case and white space do not matter:

    moment    now | duration ago | -duration | [day] [at] clock | clock day | day | as in a request file
    day       today, yesterday, tomorrow, monday (the latest one, today included), last monday (before today),
              3 days ago (with a clock), or a date: 2026-03-01
    clock     8:00, 08:00:30, 18.00, 8am, 8:30 p.m., noon, midnight; 24:00 is the end of the day
    range     moment - clock | clock - clock (with "to", "until" or a dash of any kind)

Only what has one meaning is accepted. Pure. Which of two local times is meant when clocks go back, and that
some do not exist, is decided by `core/instants.py`, as for files.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from camspool.core import iso8601
from camspool.core.durations import duration
from camspool.core.instants import INSTANT, instant
from camspool.core.iso8601 import NoTimeStamp
from camspool.core.problems import Unexpected

_LONGEST: Final = 100
"""Characters that are looked at; no moment has half as many."""
OVERNIGHT: Final = timedelta(hours=12)
"""The longest range whose end, a time alone before that of its beginning, is taken to be on the next day."""

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT: Final = {"tues": 1, "thur": 3, "thurs": 3, "weds": 2}
_NEAR: Final = {"today": 0, "yesterday": 1, "tomorrow": -1}
_NAMED: Final = {"noon": timedelta(hours=12), "midnight": timedelta()}

_CLOCK_24: Final = re.compile(r"(\d{1,2})[:.](\d\d)(?::(\d\d))?", re.ASCII)
_CLOCK_12: Final = re.compile(r"(\d{1,2})(?:[:.](\d\d)(?::(\d\d))?)? ?([ap])\.?m\.?", re.ASCII)
_AGO: Final = re.compile(r"(?:- ?(?P<minus>\d.*)|(?P<ago>.+) ago)", re.ASCII)
_DAYS_AGO: Final = re.compile(r"(\d{1,3}|a) days? ago", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d\d?-\d\d?", re.ASCII)
_CLOCK_FIRST: Final = re.compile(r"(?P<clock>\S+(?: [ap]\.?m\.?)?),? (?P<day>[a-z ]+)")
_DAY_FIRST: Final = re.compile(
    r"(?P<day>(?:on )?(?:last |the )?[a-z]+|\d+ days? ago|a day ago|\d{4}-\d\d?-\d\d?)"
    r"(?:,? (?:at )?(?P<clock>[^ ]+(?: [ap]\.?m\.?)?))?",
    re.ASCII,
)
_UNTIL: Final = re.compile(r"(.*\S)(?: (?:to|until|till|through) | ?- ?)(\S.*)")
_HOUR_ALONE: Final = re.compile(r"(?:.* )?(\d|1[0-2])", re.ASCII)
_DASHES: Final = re.compile(r"[\u2010-\u2015\u2212]")


@dataclass(frozen=True, slots=True)
class Begin:
    """The beginning of a range: in UTC, and as it was written."""

    at: datetime
    text: str


def samples(zone: ZoneInfo) -> str:
    """What to expect where no time was understood."""
    return (
        'a time such as "today 8:00", "yesterday 17:30", "monday 9am", "2h ago", "now", "2026-03-01 14:05" '
        f'(year-month-day, in {zone.key}), "2026-03-01T13:05Z" (UTC) or Unix seconds'
    )


def moment(
    text: str, now: datetime, zone: ZoneInfo, *, begin: Begin | None = None, later: bool = False
) -> datetime:
    """The UTC time that `text` means.

    A time alone is of today; as the end of a range, of the day on which it begins, with the offset that the
    beginning was written with, or of the next day where that makes a short range.

    Args:
        text: what the person wrote.
        now: the time now, aware.
        zone: where local times are meant.
        begin: for the end of a range: its beginning.
        later: as for `core/instants.py`; always of the end of a range.

    Raises:
        Unexpected: it means no time, more than one, or one that clocks skipped.
    """
    words = _words(text)
    later = later or begin is not None
    if words == "now":
        return now
    if (seconds := _seconds_ago(words)) is not None:
        return now - timedelta(seconds=seconds)
    today = now.astimezone(zone).date()
    reading = None if _stamp(words) else _reading(words, today)
    if reading is None:
        return _as_in_a_file(text, zone, begin, later=later)
    day, clock = reading
    if day is None and begin is not None:
        return _end_at(clock, begin, zone)
    return _local(day or today, clock, zone, later=later)


def as_range(text: str) -> tuple[str, str] | None:
    """The two moments of `yesterday 18:00-19:00`; None if it is no such range. The second is a time alone."""
    found = _UNTIL.fullmatch(_words(text))
    if not found or _clock(found[2]) is None:
        return None
    return found[1], found[2]


def _words(text: str) -> str:
    """Lower case, one space for any white space; nothing of a text that is too long."""
    return _DASHES.sub("-", " ".join(text.lower().split())) if len(text) <= _LONGEST else ""


def _seconds_ago(words: str) -> float | None:
    found = _AGO.fullmatch(words)
    if not found:
        return None
    length = found["minus"] or found["ago"]
    for article in ("a ", "an "):
        if length.startswith(article):
            length = f"1 {length.removeprefix(article)}"
    try:
        return duration(length)
    except Unexpected as unexpected:
        if not length[0].isdecimal():
            return None
        raise Unexpected(f"{unexpected.expected}, ago") from None


def _reading(words: str, today: date) -> tuple[date | None, timedelta] | None:
    """The day, if one is named, and the time since its midnight; None if the words are others."""
    if (clock := _clock(words)) is not None:
        return None, clock
    for pattern in (_DAY_FIRST, _CLOCK_FIRST):
        found = pattern.fullmatch(words)
        day = _day(found["day"], today) if found else None
        clock = _clock(found["clock"]) if found and found["clock"] else None
        if found and day is not None and (clock is not None or found["clock"] is None):
            return day, clock or timedelta()
    return None


def _day(words: str, today: date) -> date | None:
    if words in _NEAR:
        return today - timedelta(days=_NEAR[words])
    if ago := _DAYS_AGO.fullmatch(words):
        return today - timedelta(days=1 if ago[1] == "a" else int(ago[1]))
    if _DATE.fullmatch(words):
        try:
            return iso8601.read(words).day
        except NoTimeStamp:
            return None
    plain = words.removeprefix("on ").removeprefix("the ")
    number = _weekday(plain.removeprefix("last "))
    if number is None:
        return None
    back = (today.weekday() - number) % 7
    return today - timedelta(days=back or (7 if plain.startswith("last ") else 0))


def _weekday(word: str) -> int | None:
    for number, name in enumerate(_WEEKDAYS):
        if word in {name, name[:3]}:
            return number
    return _SHORT.get(word)


def _clock(words: str) -> timedelta | None:
    """The time since midnight; None if it is no time of the day."""
    if words in _NAMED:
        return _NAMED[words]
    if found := _CLOCK_12.fullmatch(words):
        hour = int(found[1])
        return _since_midnight(hour % 12 + (12 if found[4] == "p" else 0), found) if 1 <= hour <= 12 else None
    if found := _CLOCK_24.fullmatch(words):
        return _since_midnight(int(found[1]), found)
    return None


def _since_midnight(hour: int, found: re.Match[str]) -> timedelta | None:
    minute, second = int(found[2] or 0), int(found[3] or 0)
    clock = timedelta(hours=hour, minutes=minute, seconds=second)
    return clock if minute < 60 and second < 60 and clock <= timedelta(days=1) else None


def _end_at(clock: timedelta, begin: Begin, zone: ZoneInfo) -> datetime:
    """A time alone as the end of a range."""
    start = _stamp(begin.text)
    written_with_offset = start is not None and start.offset is not None
    if start and written_with_offset:
        midnight = iso8601.TimeStamp(start.day, timedelta(), start.offset).moment
        ends = [midnight + clock + timedelta(days=days) for days in (0, 1)]
    else:
        day = begin.at.astimezone(zone).date()
        ends = [_local(day + timedelta(days=days), clock, zone, later=True) for days in (0, 1)]
    same_day, next_day = ends
    if same_day > begin.at:
        return same_day
    if next_day - begin.at <= OVERNIGHT:
        return next_day
    whole = next_day.isoformat() if written_with_offset else f"{next_day.astimezone(zone):%Y-%m-%d %H:%M}"
    raise Unexpected(f'an end after the beginning; for the next day write "{whole}"')


def _local(day: date, clock: timedelta, zone: ZoneInfo, *, later: bool) -> datetime:
    at = datetime(day.year, day.month, day.day) + clock  # noqa: DTZ001  in `zone`, which `instant` adds
    return instant(at.isoformat(), zone, later=later)


def _as_in_a_file(text: str, zone: ZoneInfo, begin: Begin | None, *, later: bool) -> datetime:
    start, end = _stamp(begin.text) if begin else None, _stamp(text)
    if start and end and start.offset is not None and end.offset is None:
        text = iso8601.read_end(text, start).moment.isoformat()
    try:
        return instant(text, zone, later=later)
    except Unexpected as unexpected:
        raise Unexpected(unexpected.expected.replace(INSTANT, samples(zone)) + _hint(text)) from None


def _hint(text: str) -> str:
    """What an hour alone would have to be, which could be in the morning or in the evening."""
    found = _HOUR_ALONE.fullmatch(_words(text))
    return f"; write {found[1]}:00, or {found[1]}am or {found[1]}pm" if found else ""


def _stamp(text: str) -> iso8601.TimeStamp | None:
    try:
        return iso8601.read(text)
    except NoTimeStamp:
        return None
