"""Points in time and intervals from what people write: Unix seconds and ISO 8601, with or without an offset.

Every parser raises `Unexpected`. Results are exact; `whole_seconds` makes of them what the API can be asked.
How a time stamp may be written is the business of `iso8601`; what a local time means is decided here.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from camspool.core import iso8601
from camspool.core.durations import duration, looks_like_duration
from camspool.core.iso8601 import NoTimeStamp, TimeStamp
from camspool.core.problems import Unexpected

INSTANT: Final = 'Unix seconds or ISO 8601 such as "2020-05-11T09:41:29Z"'
INTERVAL: Final = (
    'an ISO 8601 interval such as "2020-05-11T09:41:29Z/PT10M", "2020-05-11T09:41:29Z/2020-05-11T09:51:29Z" '
    'or "PT10M/2020-05-11T09:51:29Z"'
)
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2099

_YEARS: Final = f"a time between the years {FIRST_YEAR} and {LAST_YEAR}"
_UNIX: Final = re.compile(r"[0-9]{9,11}(?:\.[0-9]+)?")
"""Nine digits or more: eight are a date, `20200511`, and as Unix seconds would be in the year 1970."""
_FINER: Final = {3: "milliseconds", 6: "microseconds", 9: "nanoseconds"}
"""Powers of ten by which other programs divide a second."""


def instant(value: Any, zone: ZoneInfo, *, later: bool = False) -> datetime:
    """The UTC time that `value` means.

    Args:
        value: Unix seconds (a number, or its digits as text) or ISO 8601; a date alone is its midnight.
        zone: where a time without an offset is meant.
        later: which one of the two to take when the clocks went back and the local time occurred twice. A
            beginning takes the earlier, an end the later, so that nothing is missed.

    Raises:
        Unexpected: it is no such time, it is outside 2000..2099, or clocks skipped it.
    """
    if isinstance(value, str):
        return _of_text(value.strip(), zone, later=later)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unexpected(INSTANT)
    return _of_unix(value)


def interval(value: Any, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Beginning and end, in UTC, of `start/end`, `start/duration` or `duration/end`.

    An end may leave out the date, and its offset when the start has one: both are then the start's.

    Raises:
        Unexpected: it is no such interval, or one of its parts is no such time.
    """
    if not isinstance(value, str) or len(value) > 2 * iso8601.LONGEST:
        raise Unexpected(INTERVAL)
    parts = [part.strip() for part in value.split("/")]
    if len(parts) != 2 or all(map(looks_like_duration, parts)):
        raise Unexpected(INTERVAL)
    first, second = parts
    if looks_like_duration(first):
        end = instant(second, zone, later=True)
        return end - timedelta(seconds=duration(first)), end
    start = instant(first, zone)
    if looks_like_duration(second):
        return start, start + timedelta(seconds=duration(second))
    if _is_unix(first) or _is_unix(second):
        return start, instant(second, zone, later=True)
    try:
        stamp = iso8601.read_end(second, iso8601.read(first))
    except NoTimeStamp as error:
        raise _no_time_stamp(second, error) from None
    return start, _in_utc(stamp, zone, later=True)


def whole_seconds(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The range widened to whole seconds, since the API takes no fractions, and nothing may be left out."""
    widened = end.replace(microsecond=0)
    return start.replace(microsecond=0), widened if widened == end else widened + timedelta(seconds=1)


def _is_unix(text: str) -> bool:
    return len(text) <= iso8601.LONGEST and _UNIX.fullmatch(text) is not None


def _of_text(text: str, zone: ZoneInfo, *, later: bool) -> datetime:
    if _is_unix(text):
        return _of_unix(float(text))
    try:
        stamp = iso8601.read(text)
    except NoTimeStamp as error:
        raise _no_time_stamp(text, error) from None
    return _in_utc(stamp, zone, later=later)


def _no_time_stamp(text: str, error: NoTimeStamp) -> Unexpected:
    """What to say of a text that is no time stamp: which part cannot be, or how it is written."""
    if error.reason:
        return Unexpected(f"{INSTANT} ({error.reason})")
    if written := iso8601.spelling(text):
        return Unexpected(f'{INSTANT}; this one is written "{written}"')
    if zone := iso8601.zone_named(text):
        return Unexpected(f"{INSTANT}; in place of {zone} an offset such as +01:00")
    if _is_unix(digits := text.lstrip("@+")):
        return Unexpected(f"{INSTANT}; this one is written {digits}")
    if text.isdecimal() and text.isascii() and len(text) < iso8601.LONGEST and (finer := _finer(int(text))):
        return Unexpected(_seconds_not(finer))
    return Unexpected(INSTANT)


def _of_unix(seconds: float) -> datetime:
    if _in_years(seconds):
        return datetime.fromtimestamp(seconds, UTC)
    if finer := _finer(seconds):
        raise Unexpected(_seconds_not(finer))
    expected = _YEARS + "; a number is taken as Unix seconds"
    written = _date_of(seconds)
    raise Unexpected(expected + (f', and a date is text: "{written}"' if written else ""))


def _date_of(number: float) -> str | None:
    """The date that is meant by 20200511, or the time by 20200511094129, if any is."""
    if not 10**7 <= number < 10**14 or number != int(number):
        return None
    text = str(int(number))
    try:
        return iso8601.read(text).day.isoformat()
    except NoTimeStamp:
        return iso8601.spelling(text)


def _in_years(number: float, power: int = 0) -> bool:
    """True when `number`, in seconds divided by ten to the `power`, is a time of these years."""
    unit = int(10**power)
    return _unix(FIRST_YEAR) * unit <= number < _unix(LAST_YEAR + 1) * unit


def _unix(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())


def _finer(number: float) -> str | None:
    """The unit in which a number is a time of these years; None for seconds too."""
    return next((unit for power, unit in _FINER.items() if _in_years(number, power)), None)


def _seconds_not(finer: str) -> str:
    power = next(power for power, unit in _FINER.items() if unit == finer)
    return f"Unix seconds; these look like {finer} (divide by {10**power})"


def _in_utc(stamp: TimeStamp, zone: ZoneInfo, *, later: bool) -> datetime:
    if not FIRST_YEAR <= stamp.day.year <= LAST_YEAR:
        raise Unexpected(_YEARS)
    moment = stamp.moment
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    result = moment.replace(tzinfo=zone, fold=int(later)).astimezone(UTC)
    if result.astimezone(zone).replace(tzinfo=None) != moment:
        raise Unexpected(
            f"a time that exists: clocks in {zone.key} were put forward and skipped it; "
            "add an offset such as Z or +01:00"
        )
    return result
