"""The status file: everything survives it, its names are the contract's, and nothing hostile gets through."""

import copy
import json
import re
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from camspool.core import document
from camspool.core.status_document import (
    Attempts,
    ClipRuntime,
    Coverage,
    Download,
    Gap,
    HistoryEntry,
    Prepare,
    Progress,
    Remark,
    RequestRecord,
    StartsAt,
    Status,
)
from camspool.core.values import ErrorCode, Problem, RemarkCode, State, WaitReason
from support.builders import (
    NOW,
    START,
    a_clip,
    a_failure,
    a_file,
    a_recording,
    a_status,
    a_wait,
    an_entry,
    later,
)
from support.strategies import plain, statuses

CONTRACT = json.loads("""{
  "schema": "camspool/status/1",
  "name": "store-12/evening",
  "state": "downloading",
  "request": {"file": "store-12/evening.json", "sha256": "...", "entries": [{"camera": 62303,
    "from": "2020-05-11T09:41:29Z", "to": "2020-05-11T09:51:29Z", "height": 720, "take": "auto",
    "split_s": null, "priority": 0, "metadata": {}}]},
  "progress": {"percent": 63.0, "clips_done": 0, "clips_total": 1, "eta_s": 12},
  "clips": [{
    "state": "downloading", "camera": 62303, "camera_name": "ACCC8EE8A9CA",
    "from": "2020-05-11T09:41:29Z", "to": "2020-05-11T09:51:29Z",
    "recording": {"id": "xRMElmAkh3", "duration_s": 598, "heights": [480, 720, 800], "height": 720,
      "listed_at": "2020-05-11T12:00:00Z", "id_expires_at": "2020-05-11T13:00:00Z", "url_expires_at": null},
    "prepare": {"percent": 100},
    "download": {"bytes": 1048576, "total_bytes": 8388608, "bytes_per_s": 4194304},
    "file": null,
    "attempts": {"list": 1, "prepare": 1, "download": 1}, "error": null
  }],
  "coverage": {"requested_s": 600, "delivered_s": 0},
  "waiting": null, "error": null,
  "history": [{"at": "2020-05-11T12:00:00Z", "state": "queued"},
    {"at": "2020-05-11T12:00:00Z", "state": "listing"}],
  "created_at": "2020-05-11T12:00:00Z", "updated_at": "2020-05-11T12:00:00Z", "finished_at": null
}""")
"""The example of the contract, with times for its dots."""


def full_status() -> Status:
    """A status in which nothing is left out."""
    clip = a_clip(
        State.DONE,
        camera_name="ACCC8EE8A9CA",
        node_id=62303,
        piece=1,
        pieces=2,
        recording=a_recording(url_expires_at=later(86400)),
        prepare=Prepare(percent=100.0, requested_at=NOW, accepted=True),
        download=Download(bytes=8, total_bytes=8, bytes_per_s=4, etag='"v1"'),
        attempts=Attempts(list=1, prepare=2, download=3, refused=1, expired=2, bad_video=1),
        file=replace(a_file(), gaps=(Gap(at_s=30.0, length_s=2.5),)),
        starts_at=StartsAt(at=START, estimated=False),
        remarks=(Remark(code=RemarkCode.GAPS, message="2.5 s are missing."),),
        waiting=a_wait(until=later(5)),
        troubled_s=3.5,
        tries=4,
        error=a_failure(),
        runtime=ClipRuntime(url="https://download.example/?signature=secret", sha256="5" * 64),
    )
    problem = Problem("camera", None, "a camera")
    return a_status(
        clip,
        progress=Progress(percent=50.0, clips_done=1, clips_total=2, eta_s=12),
        coverage=Coverage(requested_s=600.0, delivered_s=598.5),
        waiting=a_wait(WaitReason.UNAUTHORISED),
        error=replace(a_failure(ErrorCode.INVALID), problems=(problem,)),
        history=(HistoryEntry(NOW, State.QUEUED),),
        finished_at=NOW,
        repeated_at=NOW,
    )


def contains(whole: Any, part: Any) -> bool:
    """True when every name of `part` is in `whole` with the same value; 598 and 598.0 are one JSON number."""
    if isinstance(part, dict):
        return all(name in whole and contains(whole[name], item) for name, item in part.items())
    if isinstance(part, list):
        return all(contains(one, other) for one, other in zip(whole, part, strict=True))
    return bool(whole == part)


# --- names, types and formats


def test_the_contracts_example_is_what_is_written() -> None:
    status = document.load(json.dumps(CONTRACT).encode())
    written = json.loads(document.dump(status))
    assert contains(written, CONTRACT)


def test_a_finished_clip_an_error_and_a_wait_have_the_contracts_names() -> None:
    written = json.loads(document.dump(full_status()))
    (clip,) = written["clips"]
    described = ["name", "bytes", "sha256", "duration_s", "width", "height", "codec", "gaps"]
    assert list(clip["file"]) == described
    assert clip["file"]["gaps"] == [{"at_s": 30.0, "length_s": 2.5}]
    assert clip["remarks"] == [{"code": "gaps", "message": "2.5 s are missing."}]
    assert clip["starts_at"] == {"at": "2020-05-11T09:41:29Z", "estimated": False}
    assert {"code", "message", "hint", "at"} <= set(clip["error"])
    assert written["error"]["problems"] == [{"path": "camera", "value": None, "expected": "a camera"}]
    assert list(written["waiting"]) == ["reason", "message", "until"]
    assert (clip["piece"], clip["pieces"]) == (1, 2)
    assert written["repeated_at"] == "2020-05-11T12:00:00Z"


def words(text: str) -> set[str]:
    return set(text.split())


def test_states_codes_and_reasons_are_the_contracts() -> None:
    assert {state.value for state in State} == words(
        "queued scheduled listing preparing downloading verifying done partial failed rejected cancelled"
        " validated removed"
    )
    assert {code.value for code in ErrorCode} == words(
        "syntax invalid too_large not_utf8 unreadable unsupported_type name_taken reserved_name bad_name"
        " internal camera_not_found camera_ambiguous no_recording height_not_offered prepare_refused"
        " prepare_stalled bad_video kept_expiring gave_up"
    )
    assert {reason.value for reason in WaitReason} == words(
        "api_unreachable unauthorised rate_limited api_error download_interrupted disk_full"
        " folder_unavailable recording_not_yet_there"
    )


def test_the_file_is_for_people_too() -> None:
    status = a_status(a_clip(camera="Příjezd"), name="store-12/Příjezd")
    text = document.dump(status).decode()
    assert "Příjezd" in text  # not escaped
    assert text.startswith('{\n  "schema": "camspool/status/1",\n  "name": ')
    assert text.endswith("}\n")


def test_the_url_is_never_written_nor_read() -> None:
    data = document.dump(full_status())
    assert b"secret" not in data
    assert b"runtime" not in data
    hostile = json.loads(data)
    hostile["clips"][0]["runtime"] = {"url": "https://evil.example/", "sha256": "0" * 64}
    assert document.load(json.dumps(hostile).encode()).clips[0].runtime == ClipRuntime()


def test_what_a_later_version_adds_is_passed_over() -> None:
    newer = {**CONTRACT, "novelty": {"a": 1}}
    assert document.load(json.dumps(newer).encode()) == document.load(json.dumps(CONTRACT).encode())


# --- the JSON Schema


def schema_of(schema: dict[str, Any], definition: dict[str, Any]) -> list[dict[str, Any]]:
    """The alternatives that a schema stands for, references resolved."""
    if "$ref" in definition:
        return schema_of(schema, schema["$defs"][definition["$ref"].rpartition("/")[2]])
    if "anyOf" in definition:
        return [found for each in definition["anyOf"] for found in schema_of(schema, each)]
    return [definition]


def undescribed(schema: dict[str, Any], definition: dict[str, Any], value: Any, path: str) -> list[str]:
    """Where in the document the schema has no name for what is written."""
    choices = schema_of(schema, definition)
    if isinstance(value, list):
        items = [choice["items"] for choice in choices if "items" in choice]
        return [found for each in value for item in items for found in undescribed(schema, item, each, path)]
    properties = [choice["properties"] for choice in choices if "properties" in choice]
    if not isinstance(value, dict) or path.endswith("metadata"):
        return []
    if not properties:
        return [path]
    missing = [f"{path}.{name}" for name in value if name not in properties[0]]
    known = [(name, item) for name, item in value.items() if name in properties[0]]
    return missing + [
        found
        for name, item in known
        for found in undescribed(schema, properties[0][name], item, f"{path}.{name}")
    ]


def test_the_schema_names_every_field() -> None:
    schema = document.schema()
    written = json.loads(document.dump(full_status()))
    assert undescribed(schema, schema, written, "") == []
    assert undescribed(schema, schema, {**written, "more": 1}, "") == [".more"]
    text = json.dumps(schema)
    assert "signature" not in text
    assert "memory" not in schema["$defs"]["Clip"]["properties"]
    assert {"from", "to"} <= set(schema["$defs"]["Clip"]["properties"])
    assert "start" not in schema["$defs"]["Clip"]["properties"]


# --- there and back

FEW = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def all_times(value: Any, name: str = "") -> list[str]:
    """Every time of a document, found by the names that times have."""
    if name in {"metadata", "value"}:
        return []
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in all_times(item, key)]
    if isinstance(value, list):
        return [found for item in value for found in all_times(item)]
    is_time = name.endswith("_at") or name in {"at", "from", "to", "until"}
    return [value] if is_time and value is not None else []


@given(statuses())
@FEW
def test_every_status_survives_its_file(status: Status) -> None:
    data = document.dump(status)
    loaded = document.load(data)
    assert loaded == status
    assert document.dump(loaded) == data
    found = all_times(json.loads(data))
    assert len(found) >= 2
    assert all(TIME.fullmatch(each) for each in found)


def test_numbers_and_strings_stay_what_they_are() -> None:
    for camera in (62303, "62303", (1, "1"), ("gate",)):
        status = a_status(
            request=RequestRecord(file="b", sha256="", entries=(an_entry(camera=camera, height=720),))
        )
        loaded = document.load(document.dump(replace(status, state=State.VALIDATED)))
        assert repr(loaded.request.entries[0].camera) == repr(camera)
    best = an_entry(height="best", metadata={"n": 1, "x": 1.0, "s": "1", "b": True})
    status = a_status(state=State.VALIDATED, request=RequestRecord(file="b", sha256="", entries=(best,)))
    (loaded_best,) = document.load(document.dump(status)).request.entries
    assert repr(loaded_best.metadata) == repr(best.metadata)
    assert loaded_best.height == "best"


# --- hostile documents


@given(st.binary(max_size=200) | plain.map(lambda value: json.dumps(value).encode()))
@FEW
def test_what_is_no_status_says_so(data: bytes) -> None:
    with pytest.raises(ValidationError):
        document.load(data)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container of a document with each of its keys."""
    if not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [(value, key) for key in keys] + [found for key in keys for found in places(value[key])]


def is_a_time(value: Any) -> bool:
    return isinstance(value, str) and TIME.fullmatch(value) is not None


WRITTEN = json.loads(document.dump(full_status()))
NASTY: st.SearchStrategy[Any] = st.sampled_from([
    None, True, -1, 10**30, 1e308, "", "x", "\ud800", [], {}, [[]], "2020-05-11T09:41:29",
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "done",
])  # fmt: skip


@given(st.data())
@settings(FEW, max_examples=100)
def test_an_edited_status_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    edited = copy.deepcopy(WRITTEN)
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(edited)))
        # A copy: what is drawn is shared, and must not come to hold itself.
        container[key] = copy.deepcopy(data.draw(NASTY | plain))
    raw = json.dumps(edited).encode()
    try:
        loaded = document.load(raw)
    except ValidationError:
        return
    assert isinstance(loaded, Status)
    assert_times_are_aware(loaded)


TIME_PLACES = [place for place, (container, key) in enumerate(places(WRITTEN)) if is_a_time(container[key])]


@pytest.mark.parametrize("place", TIME_PLACES)
def test_a_time_of_no_zone_is_refused_since_it_cannot_be_compared(place: int) -> None:
    edited = copy.deepcopy(WRITTEN)
    container, key = places(edited)[place]
    container[key] = container[key].removesuffix("Z")
    with pytest.raises(ValidationError):
        document.load(json.dumps(edited).encode())


FLOAT_PLACES = [
    place for place, (container, key) in enumerate(places(WRITTEN)) if isinstance(container[key], float)
]


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
@pytest.mark.parametrize("place", FLOAT_PLACES)
def test_a_number_that_is_none_is_refused_since_it_cannot_be_counted_with(place: int, number: str) -> None:
    edited = copy.deepcopy(WRITTEN)
    container, key = places(edited)[place]
    container[key] = "PLACE"
    with pytest.raises(ValidationError):
        document.load(json.dumps(edited).replace('"PLACE"', number).encode())


def assert_times_are_aware(value: Any) -> None:
    if isinstance(value, datetime):
        assert value.tzinfo is not None
    elif isinstance(value, tuple):
        for item in value:
            assert_times_are_aware(item)
    elif is_dataclass(value):
        for field in fields(value):
            assert_times_are_aware(getattr(value, field.name))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        b"null",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe{}",
        b'{"schema": "camspool/service/1", "state": "ok"}',
        b"1" * 10_000,
        b'{"name": "\\ud800"}',
    ],
)
def test_hostile_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValidationError):
        document.load(data)


def edited(**changes: Any) -> bytes:
    """The contract's example with changes to its clip, or (`status`) to the whole."""
    status = copy.deepcopy(CONTRACT)
    status.update(changes.pop("status", {}))
    if status["clips"]:
        status["clips"][0].update(changes)
    return json.dumps(status).encode()


@pytest.mark.parametrize(
    "data",
    [
        edited(state="unheard_of"),
        edited(camera=None),
        edited(**{"from": "yesterday"}),
        edited(entry=1),  # there is but one entry
        edited(entry=-1),
        edited(status={"clips": CONTRACT["clips"] * 2}),  # two clips with one key
        edited(status={"clips": []}),  # outstanding, and nothing to do
        edited(status={"created_at": None}),
        edited(status={"request": {"file": "b.json", "sha256": "", "entries": []}}),
    ],
)
def test_a_status_that_does_not_hold_together_is_none(data: bytes) -> None:
    with pytest.raises(ValidationError):
        document.load(data)


@pytest.mark.parametrize("state", [State.REJECTED, State.VALIDATED, State.CANCELLED])
def test_an_ended_request_needs_no_clips(state: State) -> None:
    status = a_status(state=state)
    assert document.load(document.dump(status)) == status
