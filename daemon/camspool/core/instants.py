"""Points in time and intervals from what people write: Unix seconds and ISO 8601, with or without an offset.

Every parser raises `Unexpected`. Results are exact; `whole_seconds` makes of them what the API can be asked.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from camspool.core.problems import Unexpected
from camspool.core.quantities import duration

INSTANT: Final = 'Unix seconds or ISO 8601 such as "2020-05-11T09:41:29Z"'
INTERVAL: Final = (
    'an ISO 8601 interval such as "2020-05-11T09:41:29Z/PT10M", "2020-05-11T09:41:29Z/2020-05-11T09:51:29Z" '
    'or "PT10M/2020-05-11T09:51:29Z"'
)
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2099

_YEARS: Final = f"a time between the years {FIRST_YEAR} and {LAST_YEAR}"
_UNIX: Final = re.compile(r"\d{9,}(?:\.\d+)?", re.ASCII)
"""Nine digits or more: eight are a date, `20200511`, and as Unix seconds would be in the year 1970."""
_ISO_CHARACTERS: Final = re.compile(r"[\d:.,+TWZ -]+", re.ASCII)
_END_OF_DAY: Final = re.compile(r"[T ]24(?::?00){0,2}(?=$|Z| ?[+-])", re.ASCII)
_TIME_ALONE: Final = re.compile(r"T?(\d\d(?::?\d\d){0,2}(?:[.,]\d+)?(?:Z|[+-]\d\d(?::?\d\d)?)?)", re.ASCII)
_OFFSET: Final = re.compile(r"[T ].*?(Z|[+-]\d\d(?::?\d\d)?)$", re.ASCII)
_DURATION: Final = re.compile(r"P.*|.*[smhd]")


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
        text = value.strip().upper()
        return _of_unix(float(text)) if _UNIX.fullmatch(text) else _in_utc(_of_iso(text), zone, later=later)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unexpected(INSTANT)
    return _of_unix(value)


def interval(value: Any, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Beginning and end, in UTC, of `start/end`, `start/duration` or `duration/end`.

    An end may leave out the date, and its offset when the start has one: both are then the start's.

    Raises:
        Unexpected: it is no such interval, or one of its parts is no such time.
    """
    parts = [part.strip() for part in value.split("/")] if isinstance(value, str) else []
    if len(parts) != 2 or all(_DURATION.fullmatch(part) for part in parts):
        raise Unexpected(INTERVAL)
    first, second = parts
    if _DURATION.fullmatch(first):
        end = instant(second, zone, later=True)
        return end - timedelta(seconds=duration(first)), end
    start = instant(first, zone)
    if _DURATION.fullmatch(second):
        return start, start + timedelta(seconds=duration(second))
    return start, instant(_completed(second.upper(), first.upper()), zone, later=True)


def whole_seconds(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The range widened to whole seconds, which is all that the API takes: nothing asked for is left out."""
    widened = end.replace(microsecond=0)
    return start.replace(microsecond=0), widened if widened == end else widened + timedelta(seconds=1)


def _of_unix(seconds: float) -> datetime:
    if 10**11 <= seconds < 10**17:
        raise Unexpected("Unix seconds; these look like milliseconds (divide by 1000) or finer")
    if not _unix(FIRST_YEAR) <= seconds < _unix(LAST_YEAR + 1):
        raise Unexpected(_YEARS + "; a number is taken as Unix seconds")
    return datetime.fromtimestamp(seconds, UTC)


def _unix(year: int) -> float:
    return datetime(year, 1, 1, tzinfo=UTC).timestamp()


def _of_iso(text: str) -> datetime:
    midnight = _END_OF_DAY.search(text)
    if midnight:
        text = text[: midnight.start()] + "T00:00" + text[midnight.end() :]
    if not _ISO_CHARACTERS.fullmatch(text):
        raise Unexpected(INSTANT)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        telling = re.search("must be (in|0)", str(error))  # `0` is said of what follows the hour 24
        raise Unexpected(f"{INSTANT} ({error})" if telling else INSTANT) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise Unexpected(_YEARS)
    return moment + timedelta(days=1) if midnight else moment


def _in_utc(moment: datetime, zone: ZoneInfo, *, later: bool) -> datetime:
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    result = moment.replace(tzinfo=zone, fold=int(later)).astimezone(UTC)
    if result.astimezone(zone).replace(tzinfo=None) != moment:
        raise Unexpected(
            f"a time that exists: clocks in {zone.key} were put forward and skipped it; "
            "add an offset such as Z or +01:00"
        )
    return result


def _completed(end: str, start: str) -> str:
    """`end` with the date and the offset that ISO 8601 lets an interval's end take from its start."""
    if time := _TIME_ALONE.fullmatch(end):
        end = re.split("[T ]", start, maxsplit=1)[0] + "T" + time[1]
    offset = _OFFSET.search(start)
    if not offset or _OFFSET.search(end) or _UNIX.fullmatch(end):
        return end
    return end + ("" if re.search("[T ]", end) else "T00:00") + offset[1]
