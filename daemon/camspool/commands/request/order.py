"""From the options as typed to the bytes of a request file, or to every problem with them. Pure."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from camspool.commands.cameras.known import KnownCameras, UnknownCamera
from camspool.commands.request.relative_times import Begin, as_range, moment, samples
from camspool.core import naming, request_parser
from camspool.core.clip_plan import cameras
from camspool.core.durations import duration
from camspool.core.errors import CamspoolError, RequestRejected
from camspool.core.problems import Unexpected
from camspool.core.request_parser import RequestSettings
from camspool.core.values import Entry, Problem

_AROUND_S: Final = 60.0
_LONGEST_STEM: Final = 60
_OPTIONS: Final = {"metadata": "meta"}
"""Fields of a request whose options have other names."""
_NODE_ID: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_SPAN: Final = frozenset({"--from", "--to"})
_TIMES: Final = frozenset({"from", "to"})
_WAYS: Final[Mapping[str, Sequence[str]]] = {
    "--last": ("--last",),
    "--around": ("--around", "--before", "--after"),
    "--from": ("--from", "--to", "--duration"),
}
"""The ways to give a range, each with its options."""
_ATTRIBUTES: Final = {"--from": "begin", "--to": "end"}


class Refused(CamspoolError):
    """The options make no request; `problems` has every reason, each with the option's name as its path."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.sentence for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The options as they were typed."""

    camera: tuple[str, ...] = ()
    begin: str | None = None
    end: str | None = None
    duration: str | None = None
    last: str | None = None
    around: str | None = None
    before: str | None = None
    after: str | None = None
    height: str | None = None
    split: str | None = None
    take: str | None = None
    priority: int | None = None
    meta: tuple[str, ...] = ()
    validate_only: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """The request: the one entry that the daemon will read in `data`, which are the file's bytes."""

    entry: Entry
    data: bytes


def make(order: Order, now: datetime, rules: RequestSettings, known: KnownCameras | None = None) -> Made:
    """The request that the order means.

    Args:
        order: what was typed.
        now: the time now, aware.
        rules: what the configuration says about requests.
        known: the cameras as they were last listed; what a fresh list does not have is refused.

    Raises:
        Refused: with every problem.
    """
    problems: list[Problem] = []
    span = _Span(order, now.replace(microsecond=0), rules, problems).fields()
    document = {
        "camera": [_camera(text) for text in _cameras(order.camera, known, problems)] or None,
        **span,
        "height": order.height,
        "split": order.split,
        "take": order.take,
        "priority": order.priority,
        "metadata": _metadata(order.meta, problems) or None,
        "validate_only": order.validate_only or None,
    }
    document = {name: value for name, value in document.items() if value is not None}
    if document.get("camera") and len(document["camera"]) == 1:
        [document["camera"]] = document["camera"]
    try:
        entry = request_parser.parse(document, rules).entries[0]
    except RequestRejected as rejected:
        raise Refused(_together(order, problems, rejected.problems)) from None
    if problems:
        raise Refused(problems)
    times = {"from": _written(entry.start, rules), "to": _written(entry.end, rules)}
    ordered = {name: times.get(name, value) for name, value in document.items() if name != "duration"}
    return Made(entry, json.dumps(ordered | times, indent=2, ensure_ascii=False).encode() + b"\n")


def proposed_names(entry: Entry, rules: RequestSettings) -> Iterator[str]:
    """Paths below drop/, of which the first that is free will do: `gate-20260301-140500.json`."""
    first = cameras(entry)[0]
    plain = unicodedata.normalize("NFKD", f"camera-{first}" if isinstance(first, int) else first)
    stem = re.sub(r"[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode().lower()).strip("-")
    stem = f"{stem[:_LONGEST_STEM] or 'camera'}-{entry.start.astimezone(rules.timezone):%Y%m%d-%H%M%S}"
    yield f"{stem}.json"
    for number in range(2, 1_000_000):
        yield f"{stem}-{number}.json"


def file_named(name: str) -> str:
    """The path below drop/ that a person means by a name.

    Raises:
        Refused: no request can have it.
    """
    file = name if naming.is_json(name) else f"{name}.json"
    reason = ""
    if any(part in {"", ".", ".."} or "\0" in part for part in file.split("/")) or file == ".json":
        reason = "a path below the drop folder, such as store-12/evening"
    elif naming.ignored(file):
        reason = "a name that is not ignored: no dot at its beginning, no ~ or .tmp and the like at its end"
    elif refusal := naming.refusal(file):
        reason = f"another name. {refusal.message} {refusal.hint}"
    if reason:
        raise Refused([Problem("--name", name, reason)])
    return file


class _Span:
    """The range, which can be given in one of three ways.

    Args:
        order: what was typed.
        now: the time now.
        settings: what the configuration says about requests.
        problems: where problems are added.
    """

    def __init__(
        self, order: Order, now: datetime, settings: RequestSettings, problems: list[Problem]
    ) -> None:
        self._order = order
        self._now = now
        self._zone = settings.timezone
        self._problems = problems

    def fields(self) -> dict[str, Any]:
        """`from` and `to` or `duration`, as far as they can be understood; the rest is reported."""
        ways = {way: given for way in _WAYS if (given := _given(self._order, way))}
        if len(ways) > 1:
            self._report_several(ways)
        elif not ways:
            expected = "a time: --from with --to or --duration, or --last, or --around"
            self._problems.append(Problem("--from", None, expected))
        elif "--last" in ways:
            return self._last(self._order.last or "")
        elif "--around" in ways:
            return self._around()
        else:
            return self._from()
        return {}

    def _report_several(self, ways: Mapping[str, Sequence[str]]) -> None:
        """Each way has options of its own; only those that were typed are named."""
        first, *_ = ways
        typed = [option for given in ways.values() for option in given]
        expected = f"not all of {', '.join(typed)}" if len(typed) > 2 else f"not both: {' and '.join(typed)}"
        if "--around" in ways and typed[-1] == "--duration":
            expected += "; --before and --after say how long"
        self._problems.append(Problem(typed[0], _value(self._order, ways[first][0]), expected))

    def _last(self, text: str) -> dict[str, Any]:
        seconds = self._seconds("--last", text)
        return {} if seconds is None else self._between(self._now - timedelta(seconds=seconds), self._now)

    def _around(self) -> dict[str, Any]:
        order = self._order
        before, after = (
            _AROUND_S if text is None else self._seconds(option, text)
            for option, text in (("--before", order.before), ("--after", order.after))
        )
        if order.around is None:
            self._problems.append(Problem("--around", None, "the time that --before and --after refer to"))
            return {}
        first = self._moment("--around", order.around)
        if first is None or before is None or after is None:
            return {}
        # The second one where a local time occurs twice, so that nothing is missed.
        last = moment(order.around, self._now, self._zone, later=True)
        return self._between(first - timedelta(seconds=before), last + timedelta(seconds=after))

    def _from(self) -> dict[str, Any]:
        order = _with_range_apart(self._order, self._now, self._zone)
        fields: dict[str, Any] = {"duration": order.duration}
        begin = None
        if order.begin is None:
            self._problems.append(Problem("--from", None, f"a beginning: {samples(self._zone)}"))
        elif start := self._moment("--from", order.begin):
            begin = Begin(start, order.begin)
            fields["from"] = start.isoformat()
        if order.end is not None:
            end = self._moment("--to", order.end, begin)
            fields["to"] = None if end is None else end.isoformat()
        elif order.duration is None:
            self._problems.append(Problem("--to", None, "an end: --to, or --duration instead"))
        return fields

    def _between(self, start: datetime, end: datetime) -> dict[str, Any]:
        return {"from": start.isoformat(), "to": end.isoformat()}

    def _seconds(self, option: str, text: str) -> float | None:
        try:
            return duration(text)
        except Unexpected as unexpected:
            self._problems.append(Problem(option, text, unexpected.expected))
        return None

    def _moment(self, option: str, text: str, begin: Begin | None = None) -> datetime | None:
        try:
            return moment(text, self._now, self._zone, begin=begin)
        except Unexpected as unexpected:
            self._problems.append(Problem(option, text, unexpected.expected))
        return None


def _given(order: Order, way: str) -> list[str]:
    """The options of a way to give the range that were typed."""
    return [option for option in _WAYS[way] if _value(order, option) is not None]


def _value(order: Order, option: str) -> str | None:
    value: str | None = getattr(order, _ATTRIBUTES.get(option, option.removeprefix("--")))
    return value


def _with_range_apart(order: Order, now: datetime, zone: ZoneInfo) -> Order:
    """With the end of a `--from "yesterday 18:00-19:00"` in its place."""
    if order.begin is None or order.end is not None or order.duration is not None:
        return order
    try:
        moment(order.begin, now, zone)
    except Unexpected:
        if apart := as_range(order.begin):
            return replace(order, begin=apart[0], end=apart[1])
    return order


def _cameras(texts: Sequence[str], known: KnownCameras | None, problems: list[Problem]) -> Iterator[str]:
    """Each camera by itself; those that are not known are reported."""
    for text in texts:
        if known is None:
            # A comma with a space may be part of a name.
            yield from text.split(",") if "," in text and ", " not in text else (text,)
            continue
        found = known.look_up(text, _camera(text))
        if not isinstance(found, UnknownCamera):
            yield from found
        elif known.is_fresh:
            problems.append(Problem("--camera", found.text, found.expected))
            yield text
        else:
            yield text


def _camera(text: str) -> int | str:
    return int(text) if _NODE_ID.fullmatch(text) else text


def _metadata(pairs: Sequence[str], problems: list[Problem]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            problems.append(Problem("--meta", pair, "KEY=VALUE, such as case=4711"))
        elif key in found:
            problems.append(Problem("--meta", pair, f"each key only once; {key}={found[key]} was given"))
        found[key] = value
    return found


def _together(order: Order, own: Sequence[Problem], of_the_request: Sequence[Problem]) -> list[Problem]:
    """Each problem once: a time that was not understood is not reported as missing too."""
    said = any(problem.path != "--meta" for problem in own)
    missing = [problem for problem in of_the_request if problem.value is None and problem.path in _TIMES]
    named = [_by_option(order, problem) for problem in of_the_request if not (said and problem in missing)]
    return [*own, *named]


def _by_option(order: Order, problem: Problem) -> Problem:
    """A problem of a request's field as one of the option that was typed for it."""
    field = re.split(r"[.\[]", problem.path)[0]
    option = f"--{_OPTIONS.get(field, field)}".replace("_", "-") if field else ""
    if option in _SPAN and (way := next((way for way in ("--last", "--around") if _given(order, way)), None)):
        return replace(problem, path=way, value=_value(order, way))
    return replace(problem, path=option)


def _written(instant: datetime, rules: RequestSettings) -> str:
    return instant.astimezone(rules.timezone).isoformat()
