"""ISO 8601 dates and times as text: what was written, before anybody asks in which time zone it was meant.

The grammar, one rule a line:

    time stamp   date [("T" | spaces) clock [spaces] [offset]]
    date         2020-05-11, 20200511, 2020-W20-1, 2020W201, 2020-132, 2020132
    clock        09:41, 09:41:29, 09:41:29.25, 09, 0941, 094129.25; 24:00 is the end of the day
    offset       Z, +02:00, +0200, +02; behind an hour alone only Z, since 20-05 would rather be 20:05

That is ISO 8601 for dates with a day, with fractions of seconds only, and in any letter case. As YAML 1.1
(https://yaml.org/type/timestamp.html) and RFC 3339 allow, there may also be spaces in place of the T and
before the offset, single digits (2020-5-1 9:41 +2), and UTC or GMT for Z. Nothing else is guessed at:
`spelling` only says how a time stamp in one of the other usual forms would have to be written.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST: Final = 100
"""Characters that are looked at; no time stamp has half as many."""

_DATE: Final = (
    r"(?:(?P<year>\d{4})-(?P<month>\d\d?)-(?P<day>\d\d?)"
    r"|(?P<year2>\d{4})(?P<month2>\d\d)(?P<day2>\d\d)"
    r"|(?P<year3>\d{4})(?:-W(?P<week>\d\d)-|W(?P<week2>\d\d))(?P<weekday>\d)"
    r"|(?P<year4>\d{4})-?(?P<ordinal>\d{3}))"
)
_CLOCK: Final = (
    r"(?:(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d*))?)?"
    r"|(?P<hour2>\d\d)(?:(?P<minute2>\d\d)(?:(?P<second2>\d\d)(?:[.,](?P<fraction2>\d*))?)?)?)"
)
_OFFSET: Final = (
    r"(?:Z|UTC|GMT|(?P<sign>[+-])(?:(?P<east>\d\d?)(?::(?P<east_minutes>\d\d))?"
    r"|(?P<east2>\d\d)(?P<east_minutes2>\d\d)))"
)
_STAMP: Final = re.compile(rf"{_DATE}(?:[T ]{_CLOCK}(?: ?(?P<offset>{_OFFSET}))?)?", re.ASCII)
_CLOCK_ALONE: Final = re.compile(rf"T?{_CLOCK}(?: ?(?P<offset>{_OFFSET}))?", re.ASCII)

_FURTHEST_EAST: Final = timedelta(hours=14)
_FURTHEST_WEST: Final = timedelta(hours=-12)
"""Where people live: https://data.iana.org/time-zones/theory.html. Anything beyond is a slip."""
_MINUS: Final = str.maketrans({"\u2212": "-", "\u2010": "-", "\u2011": "-"})
"""ISO 8601 would have the true minus sign, and word processors put hyphens of their own."""


class NoTimeStamp(ValueError):
    """A text is no time stamp; `reason` says which part of it cannot be, and is empty where nothing fits."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """What was written: a day; the time since its midnight; the offset from UTC.

    `clock` is None for a date alone, `offset` where there is none.
    """

    day: date
    clock: timedelta | None = None
    offset: timedelta | None = None

    @property
    def moment(self) -> datetime:
        """The time, aware if it has an offset; a date alone is its midnight.

        Raises:
            NoTimeStamp: after the year 9999.
        """
        zone = None if self.offset is None else timezone(self.offset)
        try:
            return datetime(self.day.year, self.day.month, self.day.day, tzinfo=zone) + (
                self.clock or timedelta()
            )
        except OverflowError:
            raise NoTimeStamp from None


def read(text: str) -> TimeStamp:
    """The time stamp that `text` is.

    Raises:
        NoTimeStamp: it is none by the grammar above, or has a part that cannot be, such as a 13th month.
    """
    found = _STAMP.fullmatch(_plain(text))
    if not found:
        raise NoTimeStamp
    parts = _Parts(found)
    return TimeStamp(_day(parts), _clock(parts), _offset(parts))


def read_end(text: str, start: TimeStamp) -> TimeStamp:
    """The same for the end of an interval, which may leave out its date, and its offset, if `start` has one.

    ISO 8601-1, 5.5.2.5: what the end lacks is as in the start.

    Raises:
        NoTimeStamp: as above.
    """
    found = _CLOCK_ALONE.fullmatch(_plain(text))
    if found:
        parts = _Parts(found)
        end = TimeStamp(start.day, _clock(parts), _offset(parts))
    else:
        end = read(text)
    return end if end.offset is not None else TimeStamp(end.day, end.clock, start.offset)


def spelling(text: str) -> str | None:
    """How ISO 8601 writes what `text` means by another form; None where that is uncertain.

    Month and day of `5/11/2020` could be either, and a zone's abbreviation (CET, IST) several zones.
    """
    for candidate in _candidates(_plain(text)):
        try:
            return _written(read(candidate).moment)
        except NoTimeStamp:
            continue
    return _of_mail(text)


def zone_named(text: str) -> str | None:
    """The name of a time zone in place of an offset, as in `2020-05-11 11:41 CEST`; else None."""
    found = _ZONE_NAMED.fullmatch(_plain(text))
    try:
        return found[2] if found and read(found[1]).clock is not None else None
    except NoTimeStamp:
        return None


def _plain(text: str) -> str:
    """Upper case, ASCII hyphens, and one space for any white space; nothing of a text that is too long."""
    return " ".join(text.translate(_MINUS).split()).upper() if len(text) <= LONGEST else ""


class _Parts:
    """The groups of a match as numbers, whichever of the alternatives has matched."""

    def __init__(self, found: re.Match[str]) -> None:
        self._groups = found.groupdict()

    def text(self, name: str) -> str | None:
        """The first of `name`, `name2` and on that has matched."""
        named = (self._groups.get(f"{name}{number}") for number in ("", 2, 3, 4))
        return next((text for text in named if text is not None), None)

    def number(self, name: str) -> int | None:
        """The same as a number."""
        text = self.text(name)
        return None if text is None else int(text)


def _day(parts: _Parts) -> date:
    year = parts.number("year") or 0
    try:
        if (ordinal := parts.number("ordinal")) is not None:
            return _of_ordinal(year, ordinal)
        if (week := parts.number("week")) is not None:
            return date.fromisocalendar(year, week, parts.number("weekday") or 0)
        return date(year, parts.number("month") or 0, parts.number("day") or 0)
    except ValueError as error:
        raise NoTimeStamp(_lower(str(error))) from None


def _of_ordinal(year: int, ordinal: int) -> date:
    first = date(year, 1, 1)
    days = (date(year, 12, 31) - first).days + 1
    if not 1 <= ordinal <= days:
        raise ValueError(f"day of the year must be in 1..{days}")
    return first + timedelta(days=ordinal - 1)


def _clock(parts: _Parts) -> timedelta | None:
    hour = parts.number("hour")
    if hour is None:
        return None
    minute, second = parts.number("minute") or 0, parts.number("second") or 0
    microsecond = int((parts.text("fraction") or "")[:6].ljust(6, "0"))
    whole = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=microsecond)
    for value, most, name in ((hour, 24, "hour"), (minute, 59, "minute"), (second, 59, "second")):
        if value > most:
            raise NoTimeStamp(f"{name} must be in 0..{23 if name == 'hour' else most}")
    if whole > timedelta(days=1):
        raise NoTimeStamp("minute, second and fraction must be 0 when hour is 24")
    return whole


def _offset(parts: _Parts) -> timedelta | None:
    if parts.text("offset") is None:
        return None
    if parts.text("sign") and parts.text("minute") is None:
        raise NoTimeStamp("an hour with an offset has minutes, as in 20:05 or 20:00-05:00")
    hours, minutes = parts.number("east") or 0, parts.number("east_minutes") or 0
    if minutes > 59:
        raise NoTimeStamp("minutes of the offset must be in 0..59")
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if parts.text("sign") == "-" else 1)
    if not _FURTHEST_WEST <= offset <= _FURTHEST_EAST:
        raise NoTimeStamp("the offset must be in -12:00..+14:00")
    return offset


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


# --- Other forms

_COMPACT: Final = re.compile(r"(\d{8})(\d{4}|\d{6})", re.ASCII)
_NUMERIC: Final = re.compile(
    r"(?:(?P<year>\d{4})(?P<mark>[/._])(?P<month>\d\d?)(?P=mark)(?P<day>\d\d?)"
    r"|(?P<day2>\d\d?)\. ?(?P<month2>\d\d?)\. ?(?P<year2>\d{4}))(?P<rest>.*)",
    re.ASCII,
)
_DATE_WITH_OFFSET: Final = re.compile(r"(\d{4}-\d\d-\d\d)(Z|\+\d\d:?\d\d)", re.ASCII)
_DATE_WITH_MORE: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T_, ]([\d:., ]+)", re.ASCII)
_TWELVE_HOURS: Final = re.compile(r"(\S+ )(0?[1-9]|1[0-2])((?::\d\d){1,2}) ?([AP])\.?M\.?", re.ASCII)
_ZONE_NAMED: Final = re.compile(r"(.*\d) ?([A-Z][A-Z/_+-]+)", re.ASCII)
_ZONE_IN_BRACKETS: Final = re.compile(r"(.+)\[[^\]]*\]")


def _candidates(text: str) -> Iterator[str]:
    """`text` rewritten in whichever way could make a time stamp of it."""
    if found := _ZONE_IN_BRACKETS.fullmatch(text):
        yield found[1]
    if found := _COMPACT.fullmatch(text):
        yield f"{found[1]}T{found[2]}"
    if found := _NUMERIC.fullmatch(text):
        parts = _Parts(found)
        rest = (found["rest"] or "").lstrip(" ,T_")
        yield f"{parts.text('year')}-{parts.text('month')}-{parts.text('day')}" + (f"T{rest}" if rest else "")
    if found := _DATE_WITH_OFFSET.fullmatch(text):
        yield f"{found[1]}T00:00{found[2]}"
    if found := _DATE_WITH_MORE.fullmatch(text):
        yield f"{found[1]}T" + found[2].lstrip(" ,").replace(".", ":", 2)
    if found := _TWELVE_HOURS.fullmatch(text):
        hour = int(found[2]) % 12 + (12 if found[4] == "P" else 0)
        yield f"{found[1]}{hour:02}{found[3]}"


def _of_mail(text: str) -> str | None:
    """Of `Mon, 11 May 2020 09:41:29 GMT` (RFC 5322), as mail, HTTP and `date -R` write it."""
    if len(text) > LONGEST or not re.search(r"\d\d:\d\d:\d\d ?(?:GMT|UTC|[+-]\d{4})\s*\Z", text):
        return None
    try:
        return _written(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _written(moment: datetime) -> str:
    if moment.tzinfo is not None and not moment.utcoffset():
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    return moment.isoformat()
