"""Points in time in a person's words: `today 08:00`, `monday 17:30`, `08:10`, `now`, or as in a request file.

Pure. Which of two local times is meant when clocks go back, and that some do not exist, is decided by
`core/instants.py`, as for files.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from camspool.core.instants import instant
from camspool.core.problems import Unexpected

MOMENT: Final = (
    'a time such as "today 08:00", "yesterday 17:30", "monday 9:00", "08:10", "now", '
    '"2026-03-01 14:05", "2026-03-01T13:05:00Z" or Unix seconds'
)
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME: Final = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?", re.ASCII)
_WORDS: Final = re.compile(r"(?:(?P<day>[a-z]+)(?:,? +|$))?(?P<time>[\d:]+)?")


def moment(
    text: str, now: datetime, zone: ZoneInfo, *, begins_at: datetime | None = None, later: bool = False
) -> datetime:
    """The UTC time that `text` means.

    A weekday is its latest one, today included. A time alone is of today; as the end of a range, of the day
    on which it begins, or of the next one where it would lie before the beginning.

    Args:
        text: what the person wrote.
        now: the time now, aware.
        zone: where local times are meant.
        begins_at: for the end of a range: its beginning, in UTC.
        later: as for `core/instants.py`; always of the end of a range.

    Raises:
        Unexpected: it means no time, or one that clocks skipped.
    """
    words = " ".join(text.lower().split())
    later = later or begins_at is not None
    if words == "now":
        return now
    day, at = _day_and_time(words, now.astimezone(zone).date())
    if at is None:
        return _plain(text, zone, later=later)
    if day is None and begins_at is not None:
        return _end_at(at, begins_at, zone)
    return _local(day or now.astimezone(zone).date(), at, zone, later=later)


def _day_and_time(words: str, today: date) -> tuple[date | None, time | None]:
    """The day that is named, if any, and the time (of a day alone: midnight); none: these are other words."""
    found = _WORDS.fullmatch(words)
    if not found or not words:
        return None, None
    day = _day(found["day"], today) if found["day"] else None
    if found["day"] and day is None:
        return None, None
    if found["time"] is None:
        return day, time()
    return day, _time(found["time"])


def _day(word: str, today: date) -> date | None:
    near: Mapping[str, int] = {"today": 0, "yesterday": 1, "tomorrow": -1}
    if word in near:
        return today - timedelta(days=near[word])
    for number, name in enumerate(_WEEKDAYS):
        if word in {name, name[:3]}:
            return today - timedelta(days=(today.weekday() - number) % 7)
    return None


def _time(text: str) -> time | None:
    found = _TIME.fullmatch(text)
    if not found:
        return None
    try:
        hour, minute, second = (int(part or 0) for part in found.groups())
        return time(hour, minute, second)
    except ValueError:
        return None


def _end_at(at: time, begins_at: datetime, zone: ZoneInfo) -> datetime:
    day = begins_at.astimezone(zone).date()
    end = _local(day, at, zone, later=True)
    return end if end > begins_at else _local(day + timedelta(days=1), at, zone, later=True)


def _local(day: date, at: time, zone: ZoneInfo, *, later: bool) -> datetime:
    return instant(datetime.combine(day, at).isoformat(), zone, later=later)


def _plain(text: str, zone: ZoneInfo, *, later: bool) -> datetime:
    try:
        return instant(text, zone, later=later)
    except Unexpected as unexpected:
        if unexpected.expected.startswith("Unix seconds or ISO"):
            raise Unexpected(MOMENT) from None
        raise
