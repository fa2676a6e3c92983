"""A bandwidth limit by the time of day: what people write, and which rate holds when.

Times are local; the caller knows in which zone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from camspool.core.problems import Unexpected, shown, within
from camspool.core.quantities import rate
from camspool.core.values import Problem

SPAN: Final = 'a span of the day such as "08:00-18:00" or "22:00-06:00"'
_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d) ?- ?(?:([01]\d|2[0-3]):([0-5]\d)|24:00)", re.ASCII)
_DAY: Final = 24 * 60
_MOST_SPANS: Final = 96
"""One for each quarter of an hour; each is compared with all others."""


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes of the day from `begins` up to `ends`, which is before `begins` when midnight lies between."""

    begins: int
    ends: int
    bytes_per_s: float | None

    def holds(self, minute: int) -> bool:
        """Whether the minute is in it."""
        if self.begins < self.ends:
            return self.begins <= minute < self.ends
        return minute >= self.begins or minute < self.ends


@dataclass(frozen=True, slots=True)
class Timetable:
    """Spans that do not overlap."""

    spans: tuple[Span, ...]

    def at(self, local: datetime) -> float | None:
        """Bytes per second at a local time; None for no limit, as outside all spans."""
        minute = local.hour * 60 + local.minute
        return next((span.bytes_per_s for span in self.spans if span.holds(minute)), None)


Limit = Timetable | float | None
"""By the time of day, the same at all times, or none."""


def limit(value: Any) -> Limit:
    """The limit of `2MB/s`, of `{"08:00-18:00": 2MB/s}`, or of null.

    Raises:
        Unexpected: it is something else; the text has all problems of a timetable.
    """
    return _timetable(value) if isinstance(value, Mapping) else rate(value)


def rate_at(limit: Limit, local: datetime) -> float | None:
    """Bytes per second that a limit allows at a local time; None for no limit."""
    return limit.at(local) if isinstance(limit, Timetable) else limit


def _timetable(value: Mapping[Any, Any]) -> Timetable:
    if len(value) > _MOST_SPANS:
        raise Unexpected(f"at most {_MOST_SPANS} spans of the day")
    spans: dict[str, Span] = {}
    problems: list[Problem] = []
    for name, allowed in value.items():
        try:
            spans[name] = _span(name, allowed)
        except Unexpected as unexpected:
            wrong = allowed if _is_span(name) else name
            problems.append(Problem(_path(name), shown(wrong), unexpected.expected))
    problems += _overlaps(spans)
    if problems:
        raise Unexpected(SPAN, tuple(problems))
    return Timetable(tuple(spans.values()))


def _path(name: Any) -> str:
    return "." + within("", str(name))


def _is_span(name: Any) -> bool:
    return isinstance(name, str) and _SPAN.fullmatch(name) is not None


def _span(name: Any, allowed: Any) -> Span:
    found = _SPAN.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        raise Unexpected(SPAN)
    begins = int(found[1]) * 60 + int(found[2])
    ends = int(found[3]) * 60 + int(found[4]) if found[3] else _DAY
    if begins == ends:
        raise Unexpected("a span that does not end when it begins; all day is 00:00-24:00")
    return Span(begins, ends, rate(allowed))


def _overlaps(spans: Mapping[str, Span]) -> list[Problem]:
    names = list(spans)
    return [
        Problem(_path(later), later, f"a span that does not overlap `{earlier}`")
        for number, later in enumerate(names)
        for earlier in names[:number]
        if spans[earlier].holds(spans[later].begins) or spans[later].holds(spans[earlier].begins)
    ]
