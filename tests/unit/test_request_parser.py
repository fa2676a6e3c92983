"""From the plain value of a request file to entries and clips, or to all that is wrong with it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.adapters.documents import read_with_problems
from camspool.core.clip_plan import number_of_asks
from camspool.core.errors import RequestRejected
from camspool.core.fields import FIELDS
from camspool.core.request_parser import RequestSettings, parse, request_schema
from camspool.core.values import Entry, ErrorCode, ParsedRequest, Take

RULES = RequestSettings(
    height="best", longest_s=86400, timezone=ZoneInfo("Europe/Prague"), clips_per_request=100
)
START = datetime(2020, 5, 11, 9, 41, 29, tzinfo=UTC)
END = datetime(2020, 5, 11, 9, 51, 29, tzinfo=UTC)
WHEN = {"from": 1589190089, "to": 1589190689}


def entry(**fields: Any) -> Entry:
    """The one entry of a request for camera 1, ten minutes, and these fields."""
    (found,) = parse({"camera": 1, **WHEN, **fields}, RULES).entries
    return found


def problems(document: Any) -> dict[str, str]:
    """Path -> what was expected; the rejection's other parts are checked on the way."""
    with pytest.raises(RequestRejected) as caught:
        parse(document, RULES)
    error = caught.value
    assert error.code is ErrorCode.INVALID
    assert "camspool schema request" in error.hint
    assert error.message == "; ".join(problem.sentence for problem in error.problems)
    json.dumps([problem.value for problem in error.problems], allow_nan=False)
    assert len({problem.path for problem in error.problems}) == len(error.problems)
    return {problem.path: problem.expected for problem in error.problems}


def test_the_least_that_a_request_needs() -> None:
    assert parse({"camera": 62303, **WHEN}, RULES) == ParsedRequest(
        (Entry(camera=62303, start=START, end=END),), False
    )


def test_every_field_is_taken_over() -> None:
    document = {
        "camera": [62303, "gate"],
        "from": "2020-05-11 11:41:29",
        "duration": "10m",
        "height": "<= 720",
        "split": "4m",
        "take": "all",
        "priority": -10,
        "metadata": {"case": [1, {"deep": None}]},
        "validate_only": True,
    }
    assert parse(document, RULES) == ParsedRequest(
        (
            Entry(
                camera=(62303, "gate"),
                start=START,
                end=END,
                height="<=720",
                take=Take.ALL,
                split_s=240.0,
                priority=-10,
                metadata={"case": [1, {"deep": None}]},
            ),
        ),
        validate_only=True,
    )


def test_null_counts_as_not_given() -> None:
    nothing: dict[str, None] = dict.fromkeys(set(FIELDS) - {"camera", "from", "to"})
    assert entry(**nothing) == entry()


def test_the_configured_height_is_the_default() -> None:
    rules = RequestSettings(height="<=720", longest_s=86400, timezone=RULES.timezone, clips_per_request=1)
    assert parse({"camera": 1, **WHEN}, rules).entries[0].height == "<=720"


@pytest.mark.parametrize(
    "when",
    [
        {"from": 1589190089, "to": "1589190689"},
        {"from": "2020-05-11T09:41:29Z", "duration": 600},
        {"from": "2020-05-11T11:41:29", "to": "2020-05-11T09:51:29Z"},
        {"range": "2020-05-11T09:41:29Z/PT10M"},
        {"range": "PT10M/2020-05-11T09:51:29Z"},
        {"from": 1589190089.9, "to": 1589190688.1},  # whole seconds, so that nothing is left out
        {"from": 1589190089.9, "duration": 598.5},
    ],
)
def test_ways_to_say_when(when: dict[str, Any]) -> None:
    (found,) = parse({"camera": 1, **when}, RULES).entries
    assert (found.start, found.end) == (START, END)


def test_parts_are_whole_seconds_and_no_longer_than_asked() -> None:
    assert entry(split="59.9s").split_s == 59.0


@pytest.mark.parametrize(
    ("written", "selector"),
    [
        (720, 720),
        ("720", 720),
        (" 720 ", 720),
        ("best", "best"),
        ("smallest", "smallest"),
        ("<=720", "<=720"),
        (" >= 480 ", ">=480"),
        (1, 1),
        (4320, 4320),
    ],
)
def test_heights(written: Any, selector: int | str) -> None:
    assert entry(height=written).height == selector


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("camera", 0, "a node id"),
        ("camera", True, "a node id"),
        ("camera", 62303.0, "a node id"),
        ("camera", 2**31, "a node id"),
        ("camera", {"id": 1}, "a node id"),
        ("camera", "", "an external id or name of 1 to 255 characters"),
        ("camera", "  ", "an external id or name of 1 to 255 characters"),
        ("camera", "a\nb", "an external id or name of 1 to 255 characters"),
        ("camera", "x" * 256, "an external id or name of 1 to 255 characters"),
        ("camera", [], "at least one camera"),
        ("from", True, "Unix seconds or ISO 8601"),
        ("from", 1589190089000, "look like milliseconds"),
        ("to", "tomorrow", "Unix seconds or ISO 8601"),
        ("to", 1589190089, "an end after the beginning"),
        ("to", 1589190089 + 86401, "a range of at most 24h"),
        ("height", True, '720 (exactly), "best"'),
        ("height", 0, '720 (exactly), "best"'),
        ("height", 4321, '720 (exactly), "best"'),
        ("height", 720.0, '720 (exactly), "best"'),
        ("height", "720p", '720 (exactly), "best"'),
        ("height", "<720", '720 (exactly), "best"'),
        ("height", "Best", '720 (exactly), "best"'),
        ("height", "<=0", '720 (exactly), "best"'),
        ("height", [720], '720 (exactly), "best"'),
        ("split", 0, "at least one second"),
        ("split", "500ms", "at least one second"),
        ("split", -5, "a duration between"),
        ("split", "often", "a duration such as"),
        ("take", "first", '"auto", "all", "best"'),
        ("take", ["all"], '"auto", "all", "best"'),
        ("priority", 11, "from -10 to 10"),
        ("priority", 1.0, "from -10 to 10"),
        ("priority", True, "from -10 to 10"),
        ("priority", "high", "from -10 to 10"),
        ("metadata", [], "an object"),
        ("metadata", "case 5", "an object"),
        ("validate_only", "yes", "true or false"),
        ("validate_only", 1, "true or false"),
    ],
)
def test_values_that_do_not_fit(field: str, value: Any, expected: str) -> None:
    found = problems({"camera": 1, **WHEN, field: value})
    assert list(found) == [field]
    assert expected in found[field]


@pytest.mark.parametrize(
    ("fields", "path", "expected"),
    [
        (
            {"from": 1589190089, "to": 1589190689, "duration": 600},
            "duration",
            "either `to` or `duration`, not both",
        ),
        ({"to": 1589190689, "duration": 600}, "duration", "either `to` or `duration`, not both"),
        ({"range": "2020-05-11/P1D", "from": 1589190089}, "range", "`range` alone"),
        ({"range": "2020-05-11/P1D", "duration": 600}, "range", "`range` alone"),
        ({"range": "2020-05-11/2020-05-11"}, "range", "an end after the beginning"),
        ({"range": "2020-05-11/P2D"}, "range", "a range of at most 24h"),
        ({"from": 1589190089, "duration": 0}, "duration", "more than nothing"),
        ({"from": 1589190089, "duration": "25h"}, "duration", "a range of at most 24h"),
        ({"from": 1589190089}, "to", "an end"),
        ({"to": 1589190089}, "from", "a beginning"),
        ({"duration": 600}, "from", "a beginning"),
        ({}, "from", "a beginning"),
        ({"from": None, "to": None}, "from", "a beginning"),
        ({"from": "2020-03-29T02:30", "duration": 60}, "from", "add an offset"),
    ],
)
def test_times_that_do_not_go_together(fields: dict[str, Any], path: str, expected: str) -> None:
    found = problems({"camera": 1, **fields})
    assert list(found) == [path]
    assert expected in found[path]


def test_the_hour_that_occurs_twice_is_asked_for_whole() -> None:
    (found,) = parse({"camera": 1, "from": "2020-10-25T02:00", "to": "2020-10-25T02:59:59"}, RULES).entries
    assert found.end - found.start == timedelta(hours=1, minutes=59, seconds=59)


def test_a_day_that_does_not_begin_at_a_whole_second_is_no_longer_than_a_day() -> None:
    (found,) = parse({"camera": 1, "from": 1589190089.5, "duration": "24h"}, RULES).entries
    assert found.end - found.start == timedelta(seconds=86401)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("camra", "did you mean `camera`?"),
        ("Height", "did you mean `height`?"),
        ("durration", "did you mean `duration`?"),
        ("validate-only", "did you mean `validate_only`?"),
        ("zzz", "a known field: `camera`, `from`"),
        ("", "a known field: `camera`, `from`"),
        ("<<", "a known field: `camera`, `from`"),
    ],
)
def test_an_unknown_field_names_the_nearest_known_one(name: str, nearest: str) -> None:
    (expected,) = problems({"camera": 1, **WHEN, name: None}).values()
    assert expected.startswith("a known field")
    assert nearest in expected


def test_a_very_long_field_name_is_shortened() -> None:
    (path,) = problems({"camera": 1, **WHEN, "x" * 60_000: 1})
    assert len(path) == 60


@pytest.mark.parametrize(
    "document", [None, 5, "camera: 1", True, {}, [], [[]], [{"camera": 1, **WHEN}, None]]
)
def test_what_is_no_request_at_all(document: Any) -> None:
    problems(document)


def test_every_problem_of_the_file_is_reported_at_once() -> None:
    found = problems(
        [
            {"camera": [1, "a", 1, True], "from": "x", "duration": "1h"},
            5,
            {"camera": 1, **WHEN, "height": "tall", "heigth": 720, "split": 0},
        ]
    )
    assert list(found) == [
        "[0].camera[2]",
        "[0].camera[3]",
        "[0].from",
        "[1]",
        "[2].height",
        "[2].heigth",
        "[2].split",
    ]
    assert "each camera only once" in found["[0].camera[2]"]


def test_what_no_value_can_be_is_reported_with_the_rest() -> None:
    text = b'{"camera": 1, "camera": NaN, "from": NaN, "duration": NaN, "heigth": 7, "metadata": {"x": NaN}}'
    document, found = read_with_problems(text, ".json")
    with pytest.raises(RequestRejected) as rejected:
        parse(document, RULES, found)
    paths = [problem.path for problem in rejected.value.problems]
    assert sorted(paths) == ["camera", "camera", "duration", "from", "heigth", "metadata.x"]


def test_a_list_of_mappings_is_one_request() -> None:
    found = parse([{"camera": 1, **WHEN}, {"camera": 2, **WHEN, "priority": 3}], RULES)
    assert [(each.camera, each.priority) for each in found.entries] == [(1, 0), (2, 3)]


def test_validate_only_holds_for_the_whole_file() -> None:
    agreed = {"camera": 1, **WHEN, "validate_only": True}
    assert parse([agreed, agreed], RULES).validate_only
    assert list(problems([agreed, {"camera": 2, **WHEN}])) == ["[1].validate_only"]


@pytest.mark.parametrize(
    ("document", "clips"),
    [
        ({"camera": 1, **WHEN, "split": 5}, 120),
        ([{"camera": 1, **WHEN, "split": 6}, {"camera": 1, **WHEN}], 101),
        ({"camera": list(range(1, 102)), **WHEN}, 101),
        ([{"camera": 1, **WHEN}] * 101, 101),
    ],
)
def test_a_file_may_not_ask_for_too_many_clips(document: Any, clips: int) -> None:
    with pytest.raises(RequestRejected, match=f"found {clips}, expected at most 100 clips in one file"):
        parse(document, RULES)


def test_as_many_clips_as_are_allowed() -> None:
    assert number_of_asks(entry(split=6)) == 100


def test_every_example_of_the_schema_is_a_request() -> None:
    schema = request_schema()
    described = schema["$defs"]["request"]["properties"]
    assert list(described) == list(FIELDS)
    for name, field in described.items():
        assert field["description"]
        for example in field["examples"]:
            when = {"range": {}, "duration": {"from": 1589190089}}.get(name, WHEN)
            parse({"camera": 1, **when, name: example}, RULES)
    json.dumps(schema)


@pytest.mark.parametrize("given_names", [{"from", "to"}, {"from", "duration"}, {"range"}])
def test_the_schema_knows_the_ways_to_say_when(given_names: set[str]) -> None:
    forms = request_schema()["$defs"]["request"]["oneOf"]
    fitting = [
        form
        for form in forms
        if set(form["required"]) <= given_names and not given_names & set(form["properties"])
    ]
    assert len(fitting) == 1


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
TIMES = st.sampled_from(
    [
        1589190089,
        "1589190689",
        1.6e9,
        "2020-05-11",
        "2020-10-25 02:30",
        "24:00",
        "T",
        "/",
        "PT10M",
        "P",
        "5/5",
        "Z",
    ]
)
MAPPINGS = st.dictionaries(st.sampled_from([*FIELDS, "zzz"]), JSON_VALUES | TIMES, max_size=6)
REQUEST_TEXT = st.text("0123456789TZPWDHMS/:.+-, ", max_size=30)


@given(MAPPINGS | st.lists(MAPPINGS | JSON_VALUES, max_size=3) | JSON_VALUES)
def test_any_value_is_a_request_or_rejected(document: Any) -> None:
    try:
        parsed = parse(document, RULES)
    except RequestRejected as error:
        values = [(problem.path, problem.value) for problem in error.problems]
        json.dumps(values, allow_nan=False, ensure_ascii=False).encode()
    else:
        assert parsed.entries


@given(start=REQUEST_TEXT, end=REQUEST_TEXT)
def test_any_text_is_a_time_or_rejected(start: str, end: str) -> None:
    for when in ({"from": start, "to": end}, {"from": start, "duration": end}, {"range": f"{start}/{end}"}):
        try:
            (found,) = parse({"camera": 1, **when}, RULES).entries
        except RequestRejected:
            continue
        assert found.start < found.end
        assert found.start.microsecond == found.end.microsecond == 0


@given(
    data=st.binary() | MAPPINGS.map(lambda value: json.dumps(value).encode()),
    suffix=st.sampled_from([".json", ".yml"]),
)
def test_any_bytes_are_a_request_or_rejected(data: bytes, suffix: str) -> None:
    try:
        document, found = read_with_problems(data, suffix)
        parsed = parse(document, RULES, found)
    except RequestRejected as error:
        assert error.message  # noqa: PT017 - both outcomes are right, others are not
    else:
        assert parsed.entries


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"camera": 1, "start": 1589190089, "end": 1589190689}, {"start": "from", "end": "to"}),
        ({"camera": 1, "from": 1589190089, "until": 1589190689}, {"until": "to"}),
        ({"cameras": [1], "from": 1589190089, "duration": 90}, {"cameras": "camera"}),
        (
            {"camera_id": 1, "begin": 1589190089, "length": 90},
            {"camera_id": "camera", "begin": "from", "length": "duration"},
        ),
        ({"Camera-ID": 1, "from": 1589190089, "to": 1589190689}, {"Camera-ID": "camera"}),
        ({"camera": 1, "form": 1589190089, "to": 1589190689}, {"form": "from"}),
    ],
)
def test_a_name_that_is_guessed_is_answered_once(written: dict[str, Any], meant: dict[str, str]) -> None:
    with pytest.raises(RequestRejected) as rejected:
        parse(written, RULES)
    found = {problem.path: problem.expected for problem in rejected.value.problems}
    assert found == {name: f"a known field; did you mean `{field}`?" for name, field in meant.items()}
