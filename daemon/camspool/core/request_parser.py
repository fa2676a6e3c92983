"""From the plain value of a request file to a request, or to all of its problems.

`fields` says what each field may hold; this module says how they go together. It reads no file and no clock:
whether a range is over yet is decided later.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from camspool.core.clip_plan import number_of_asks
from camspool.core.durations import written
from camspool.core.fields import FIELDS, SYNONYMS
from camspool.core.instants import whole_seconds
from camspool.core.problems import Unexpected, nearest_name, rejection, shown, unknown_name, within
from camspool.core.values import Entry, HeightSelector, ParsedRequest, Problem, Take

_FORMS: Final = (("from", "to"), ("from", "duration"), ("range",))
"""The ways to give the time range; a mapping uses exactly one of them."""
_TIMES: Final = ("from", "to", "duration", "range")


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """What the configuration says about requests.

    Args:
        height: the selector of a request that has none, in its normal form.
        longest_s: the longest range, in seconds.
        timezone: where times without an offset are meant.
        clips_per_request: how many clips one file may ask for.
        delay_s: seconds to wait after the end of a range that lies in the future.
    """

    height: HeightSelector
    longest_s: float
    timezone: ZoneInfo
    clips_per_request: int
    delay_s: float = 60.0


def parse(document: Any, rules: RequestSettings, found: Sequence[Problem] = ()) -> ParsedRequest:
    """The request that a file's plain value makes: times in UTC and whole seconds, every default filled in.

    A field that is null counts as not given.

    Args:
        document: the plain value.
        rules: what the configuration says.
        found: problems that are known already; they are reported together with the rest.

    Raises:
        RequestRejected: `invalid`, with every problem of the file.
    """
    problems: list[Problem] = []
    read: list[_Mapping] = []
    entries: list[Entry] = []
    for path, mapping in _mappings(document, problems):
        read.append(_Mapping(path, mapping, rules, problems))
        entries += read[-1].entries()
    problems += _disagreements(read)
    clips = sum(number_of_asks(entry) for entry in entries)
    if clips > rules.clips_per_request:
        problems.append(
            Problem("", clips, f"at most {rules.clips_per_request} clips in one file; use several")
        )
    known = {problem.path for problem in found}
    if problems := [*found, *(problem for problem in problems if problem.path not in known)]:
        raise rejection(problems)
    return ParsedRequest(tuple(entries), validate_only=read[0].validate_only)


def request_schema() -> dict[str, Any]:
    """The JSON Schema of a request file."""
    fields = {
        name: {**field.schema, "description": field.description, "examples": list(field.examples)}
        for name, field in FIELDS.items()
    }
    request = {
        "type": "object",
        "properties": fields,
        "required": ["camera"],
        "oneOf": [
            {"required": list(form), "properties": {name: False for name in _TIMES if name not in form}}
            for form in _FORMS
        ],
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A camspool request file",
        "anyOf": [
            {"$ref": "#/$defs/request"},
            {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/request"}},
        ],
        "$defs": {"request": request},
    }


def _mappings(document: Any, problems: list[Problem]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The mappings of the file with their paths; anything else is a problem."""
    items = [("", document)]
    if isinstance(document, list):
        items = [(within("", index), item) for index, item in enumerate(document)]
    if not items:
        problems.append(Problem("", [], "at least one mapping in the list"))
    for path, item in items:
        if isinstance(item, dict):
            yield path, item
        else:
            problems.append(Problem(path, shown(item), "a mapping with `camera`, `from`, `to` and so on"))


class _Mapping:
    """One mapping of the file: keeps what could be parsed, and reports what could not."""

    def __init__(
        self, path: str, mapping: dict[str, Any], rules: RequestSettings, problems: list[Problem]
    ) -> None:
        self.path = path
        self._given = {
            name: value for name, value in mapping.items() if value is not None or name not in FIELDS
        }
        self._rules = rules
        self._problems = problems
        self._parsed: dict[str, Any] = {}
        self._meant: set[str] = set()
        for name, value in self._given.items():
            self._read(name, value)

    @property
    def validate_only(self) -> bool:
        return bool(self._parsed.get("validate_only", False))

    def entries(self) -> tuple[Entry, ...]:
        """The one entry; none when its camera or its range could not be read."""
        if "camera" not in self._given and "camera" not in self._meant:
            self._report("camera", None, "a camera: its node id, external id or name")
        span = self._span() if self._one_form() else None
        if span is None or "camera" not in self._parsed:
            return ()
        start, end = span
        parsed = self._parsed
        entry = Entry(
            camera=parsed["camera"],
            start=start,
            end=end,
            height=parsed.get("height", self._rules.height),
            take=parsed.get("take", Take.AUTO),
            split_s=parsed.get("split"),
            priority=parsed.get("priority", 0),
            metadata=parsed.get("metadata", {}),
        )
        return (entry,)

    def _report(self, name: str, value: Any, expected: str) -> None:
        self._problems.append(Problem(within(self.path, name), shown(value), expected))

    def _read(self, name: str, value: Any) -> None:
        if name not in FIELDS:
            self._report_unknown(name, value)
            return
        try:
            self._parsed[name] = FIELDS[name].parse(value, self._rules.timezone)
        except Unexpected as unexpected:
            self._problems += unexpected.problems(within(self.path, name), value)

    def _report_unknown(self, name: str, value: Any) -> None:
        """Report a name that is no field; what it probably means is not reported as missing too."""
        meant = SYNONYMS.get(name.lower().replace("-", "_")) or nearest_name(name, FIELDS)
        if meant is None:
            self._report(name, value, unknown_name(name, FIELDS))
            return
        self._meant.add(meant)
        self._report(name, value, f"a known field; did you mean `{meant}`?")

    def _one_form(self) -> bool:
        """Whether the time range is given in one of the possible ways; reports it otherwise."""
        given = [name for name in _TIMES if name in self._given]
        if tuple(given) in _FORMS:
            return True
        if self._meant & set(_TIMES):
            return False  # reported under the name that was written
        if "range" in given:
            self._report("range", self._given["range"], "`range` alone, without `from`, `to` and `duration`")
        elif "to" in given and "duration" in given:
            self._report("duration", self._given["duration"], "either `to` or `duration`, not both")
        elif "from" in given:
            self._report("to", None, "an end: `to`, or `duration` instead")
        else:
            self._report("from", None, "a beginning: `from` with `to` or `duration`, or `range` instead")
        return False

    def _span(self) -> tuple[datetime, datetime] | None:
        """The range in whole seconds; reports one that is empty or too long."""
        exact = self._exact()
        if exact is None:
            return None
        start, end = exact
        last = next(name for name in ("range", "duration", "to") if name in self._given)
        longest = self._rules.longest_s
        if end <= start:
            self._report(last, self._given[last], "an end after the beginning")
        elif (end - start).total_seconds() > longest:
            self._report(
                last, self._given[last], f"a range of at most {written(longest)}; use several requests"
            )
        else:
            return whole_seconds(start, end)
        return None

    def _exact(self) -> tuple[datetime, datetime] | None:
        match self._parsed:
            case {"range": (start, end)} | {"from": start, "to": end}:
                return start, end
            case {"from": start, "duration": seconds}:
                return start, start + timedelta(seconds=seconds)
        return None


def _disagreements(read: list[_Mapping]) -> list[Problem]:
    """`validate_only` holds for the whole file, which is either checked or fetched."""
    expected = "`true`, as in the other mappings of the list: a file is either checked or fetched"
    without = [mapping for mapping in read if not mapping.validate_only]
    if len(without) == len(read):
        return []
    return [Problem(within(mapping.path, "validate_only"), False, expected) for mapping in without]
