"""Which day and which hour a moment belongs to, where the people are. Pure.

The hours of a day count from its first instant, so that days with 23 or 25 hours need no special care.
"""

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

Hour = str
"""`2026-03-01-09`: the tenth hour of that day; it begins at 9 o'clock unless clocks were changed before."""


def hour_of(at: float, zone: ZoneInfo) -> Hour:
    """The hour of a Unix time."""
    day = _date(int(at), zone)
    return f"{day}-{max(0, int(at) - begins(day, zone)) // 3600:02d}"


def hours_between(start: float, end: float, zone: ZoneInfo) -> list[Hour]:
    """All hours that a range touches."""
    moments = (*range(int(start), int(end), 3600), int(end))
    return list(dict.fromkeys(hour_of(at, zone) for at in moments))


def day_of(hour: Hour) -> str:
    """The day of an hour, `2026-03-01`."""
    return hour[:10]


@lru_cache(maxsize=256)
def begins(day: str, zone: ZoneInfo) -> int:
    """The Unix time at which a day begins."""
    midnight = datetime.combine(datetime.fromisoformat(day), time.min)
    return _timestamp(midnight, zone)


@lru_cache(maxsize=256)
def length_s(day: str, zone: ZoneInfo) -> int:
    """How long a day is, in seconds: clocks may be changed on it."""
    try:
        next_day = (datetime.fromisoformat(day) + timedelta(days=1)).date().isoformat()
    except OverflowError:  # the last of all days
        return 86_400
    return begins(next_day, zone) - begins(day, zone)


def _date(at: int, zone: ZoneInfo) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    try:
        return moment.astimezone(zone).date().isoformat()
    except OverflowError:  # in the first or the last hours of all dates
        return moment.date().isoformat()


def _timestamp(local: datetime, zone: ZoneInfo) -> int:
    try:
        return int(local.replace(tzinfo=zone).timestamp())
    except (OverflowError, ValueError):
        return int(local.replace(tzinfo=UTC).timestamp())
