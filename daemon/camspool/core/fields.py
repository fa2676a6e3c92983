"""The fields of a request: for each its parser, its JSON Schema and its purpose, in one table.

A field is described here and nowhere else; how fields go together is the business of `request_parser`.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from camspool.core.durations import DURATION, duration
from camspool.core.instants import INSTANT, INTERVAL, instant, interval
from camspool.core.problems import Unexpected, shown, within
from camspool.core.values import CameraRef, HeightSelector, Problem, Take

HEIGHT: Final = '720 (exactly), "best", "smallest", "<=720" or ">=720"'
_CAMERA: Final = "a node id (a whole number from 1) or an external id or name (text)"
_LARGEST_NODE_ID: Final = 2**31 - 1
"""GraphQL's Int has 32 bits: https://spec.graphql.org/October2021/#sec-Int."""
_LONGEST_NAME: Final = 255
_TALLEST: Final = 4320
_HEIGHT: Final = re.compile(r"([<>]=)? *(\d{1,4})", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PRIORITY: Final = range(-10, 11)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a request.

    `parse` takes the value and the time zone of times without an offset; it raises `Unexpected`.
    """

    parse: Callable[[Any, ZoneInfo], Any]
    schema: dict[str, Any]
    description: str
    examples: tuple[Any, ...]


def camera(value: Any) -> CameraRef | tuple[CameraRef, ...]:
    """A node id, an external id or name, or a list of these without repetitions.

    Raises:
        Unexpected: something else, or a list that is empty or names a camera twice.
    """
    if not isinstance(value, list):
        return _one_camera(value)
    if not value:
        raise Unexpected("at least one camera in the list")
    problems: list[Problem] = []
    found: dict[CameraRef, int] = {}
    for index, item in enumerate(value):
        try:
            first = found.setdefault(_one_camera(item), index)
        except Unexpected as unexpected:
            problems += unexpected.problems(within("", index), item)
        else:
            if first != index:
                problems.append(
                    Problem(within("", index), shown(item), f"each camera only once, see [{first}]")
                )
    if problems:
        raise Unexpected(_CAMERA, tuple(problems))
    return tuple(found)


def height(value: Any) -> HeightSelector:
    """A height selector in its normal form: `"720"` becomes 720, `"<= 720"` becomes `"<=720"`.

    Raises:
        Unexpected: it selects no height from 1 to 4320.
    """
    if value in ("best", "smallest"):
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Unexpected(HEIGHT)
    match = _HEIGHT.fullmatch(value.strip()) if isinstance(value, str) else None
    bound, pixels = (match[1], int(match[2])) if match else (None, value)
    if isinstance(pixels, str) or not 1 <= pixels <= _TALLEST:
        raise Unexpected(HEIGHT)
    return f"{bound}{pixels}" if bound else pixels


def _one_camera(value: Any) -> CameraRef:
    if isinstance(value, str):
        if not value.strip() or len(value) > _LONGEST_NAME or _CONTROL.search(value):
            raise Unexpected(
                f"an external id or name of 1 to {_LONGEST_NAME} characters, none of them a control character"
            )
        return value
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LARGEST_NODE_ID:
        raise Unexpected(_CAMERA)
    return value


def _positive_duration(value: Any) -> float:
    seconds = duration(value)
    if seconds == 0:
        raise Unexpected("a duration of more than nothing")
    return seconds


def _split(value: Any) -> float:
    """The API takes whole seconds, and no part may be longer than was asked: so rounded down."""
    seconds = math.floor(duration(value))
    if seconds < 1:
        raise Unexpected("a duration of at least one second")
    return float(seconds)


def _take(value: Any) -> Take:
    try:
        return Take(value)
    except ValueError:
        raise Unexpected(", ".join(f'"{take}"' for take in Take)) from None


def _priority(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in _PRIORITY:
        raise Unexpected("a whole number from -10 to 10")
    return value


def _metadata(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unexpected("an object (a mapping) with whatever the asking tool needs back")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unexpected("true or false")
    return value


def _of(parse: Callable[[Any], Any]) -> Callable[[Any, ZoneInfo], Any]:
    return lambda value, _: parse(value)


_ONE_CAMERA: Final[list[dict[str, Any]]] = [
    {"type": "integer", "minimum": 1, "maximum": _LARGEST_NODE_ID},
    {"type": "string", "minLength": 1, "maxLength": _LONGEST_NAME},
]
_CAMERAS: Final[dict[str, Any]] = {
    "type": "array",
    "minItems": 1,
    "uniqueItems": True,
    "items": {"anyOf": _ONE_CAMERA},
}
_INSTANT_SCHEMA: Final[dict[str, Any]] = {"type": ["number", "string"]}
_DURATION_SCHEMA: Final[dict[str, Any]] = {
    "type": ["number", "string"],
    "exclusiveMinimum": 0,
    "minLength": 1,
}

SYNONYMS: Final = {
    **dict.fromkeys(("start", "begin", "beginning", "since", "start_time", "time"), "from"),
    **dict.fromkeys(("end", "until", "till", "stop", "end_time"), "to"),
    **dict.fromkeys(("cameras", "camera_id", "camera_ids", "cameraid", "cam"), "camera"),
    **dict.fromkeys(("node_id", "external_id"), "camera"),
    **dict.fromkeys(("length", "seconds", "period"), "duration"),
    **dict.fromkeys(("resolution", "quality", "size"), "height"),
    **dict.fromkeys(("interval", "span"), "range"),
    **dict.fromkeys(("meta", "tags", "labels", "comment", "note"), "metadata"),
    **dict.fromkeys(("prio", "urgency"), "priority"),
    **dict.fromkeys(("dry_run", "check", "validate"), "validate_only"),
}
"""Names that people guess, and the field that they mean."""

FIELDS: Final[dict[str, Field]] = {
    "camera": Field(
        _of(camera),
        {"anyOf": [*_ONE_CAMERA, _CAMERAS]},
        f"Which camera: {_CAMERA}, or a list of these.",
        (62303, "entrance-7", [62303, 62304]),
    ),
    "from": Field(
        instant,
        _INSTANT_SCHEMA,
        f"The beginning: {INSTANT}. Without an offset it is in the configured time zone.",
        (1589190089, "2020-05-11T09:41:29Z", "2020-05-11 11:41:29"),
    ),
    "to": Field(
        lambda value, zone: instant(value, zone, later=True),
        _INSTANT_SCHEMA,
        "The end, written like `from`.",
        (1589190689, "2020-05-11T09:51:29Z", "2020-05-11 11:51:29"),
    ),
    "duration": Field(
        _of(_positive_duration),
        _DURATION_SCHEMA,
        f"Instead of `to`: {DURATION}.",
        (90, "10m", "1h30m", "PT10M"),
    ),
    "range": Field(
        interval,
        {"type": "string", "pattern": "/"},
        f"Instead of `from`, `to` and `duration`: {INTERVAL}.",
        (
            "2020-05-11T09:41:29Z/PT10M",
            "2020-05-11T09:41:29Z/09:51:29",
            "PT10M/2020-05-11T09:51:29Z",
        ),
    ),
    "height": Field(
        _of(height),
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": _TALLEST},
                {"type": "string", "pattern": r"^ *(best|smallest|([<>]=)? *[0-9]{1,4}) *$"},
            ]
        },
        f"Which height in pixels, of those on offer: {HEIGHT}. Default: the configured one.",
        (720, "best", "smallest", "<=720", ">=720"),
    ),
    "split": Field(
        _of(_split),
        _DURATION_SCHEMA,
        f"Fetch a long range as consecutive MP4s of at most this length: {DURATION}.",
        ("15m", 3600),
    ),
    "take": Field(
        _of(_take),
        {"enum": [take.value for take in Take]},
        "When several recordings are listed: `all` of them, the `best` one, or `auto`: find out.",
        ("auto", "all", "best"),
    ),
    "priority": Field(
        _of(_priority),
        {"type": "integer", "minimum": _PRIORITY[0], "maximum": _PRIORITY[-1]},
        "Higher comes first; default 0.",
        (0, 5),
    ),
    "metadata": Field(
        _of(_metadata),
        {"type": "object"},
        "Copied unchanged into the status: case numbers, alarm ids, what the asking tool needs back.",
        ({"case": "2020-117"},),
    ),
    "validate_only": Field(
        _of(_flag),
        {"type": "boolean"},
        "Check the request, answer with state `validated`, fetch nothing.",
        (True,),
    ),
}
