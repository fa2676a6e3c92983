"""Whatever a request file or an answer of the API holds, it is answered, and its status can be read back.

The files and servers of `test_hostile.py` are examples; here the values are constructed, all kinds of them.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from camspool.adapters.documents import read_with_problems
from camspool.adapters.survilla import answers, client
from camspool.config.settings import Settings
from camspool.core import document
from camspool.core.cameras import CameraIndex
from camspool.core.errors import CamspoolError, RequestRejected, ServiceTrouble
from camspool.core.fields import FIELDS
from camspool.core.overview import begin, end, first_clips, refresh
from camspool.core.ports import AskProgress, ListCameras, ListRecordings, PrepareRecording, Question
from camspool.core.request_parser import RequestSettings, parse
from camspool.core.status_document import (
    LARGEST_CLIP,
    LARGEST_REQUEST,
    LARGEST_STATUS,
    MOST_CLIPS,
    Clip,
    Failure,
    RequestRecord,
    Status,
    Waiting,
)
from camspool.core.values import LONGEST_REQUEST, Camera, ErrorCode, Listed, Preparation, State, WaitReason
from support.builders import NOW, a_clip, a_recording, a_status, a_wait

RULES: Final = RequestSettings(
    height="best", longest_s=86400, timezone=ZoneInfo("Europe/Prague"), clips_per_request=50, delay_s=60
)
EVERY_STEP: Final[tuple[Question, ...]] = (
    ListCameras(),
    ListRecordings(1, 0, 10),
    PrepareRecording("x", 1),
    AskProgress("x"),
)

ODD = ["\ud83d", "\x00", "\x9b31m", "\u202e", "\u2028", "null", "NaN", "-1", "1e999", "../../x", "<b>"]
RUNS = ["x", "\u017e", "\ud83d", "2020-05-11T", "9", "\x1b", "\U0001f600"]
texts = st.one_of(
    st.text(st.characters()),  # halves of surrogate pairs too
    st.sampled_from(ODD),
    st.sampled_from(RUNS).map(lambda run: run * 60_000),
)
numbers = st.integers() | st.floats() | st.sampled_from([10**12, -(10**400), 1e308, 2**63, 0, -0.0])
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
mappings = st.dictionaries(st.sampled_from(list(FIELDS)) | texts, values, max_size=5)
SLOW: Final = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None
)


def answered(data: bytes, suffix: str, rules: RequestSettings = RULES) -> Status:
    """The status that answers a file, as `triage` makes it."""
    record = RequestRecord(file=f"a{suffix}", sha256="0" * 64)
    try:
        plain, problems = read_with_problems(data, suffix)
        parsed = parse(plain, rules, problems)
    except RequestRejected as rejected:
        error = Failure(
            code=rejected.code,
            message=rejected.message,
            hint=rejected.hint,
            at=NOW,
            problems=rejected.problems,
        )
        return end(replace(begin("a", record, NOW), error=error), State.REJECTED, NOW)
    status = begin("a", replace(record, entries=parsed.entries), NOW)
    return refresh(status, first_clips(parsed.entries, NOW, 60), NOW)


def assert_kept(status: Status) -> None:
    data = document.dump(status)
    assert document.load(data) == status
    assert len(data) <= LARGEST_STATUS


GOOD: Final = {"camera": 1, "from": 1589190089, "duration": 60}


@SLOW
@given(mappings | st.lists(mappings, max_size=3) | values)
def test_any_json_is_answered(value: Any) -> None:
    assert_kept(answered(json.dumps(value).encode(), ".json"))


@settings(SLOW, max_examples=15)  # PyYAML takes its time to write long texts
@given(mappings | st.lists(mappings, max_size=3))
def test_any_yaml_is_answered(value: Any) -> None:
    assert_kept(answered(yaml.safe_dump(value, allow_unicode=True).encode(errors="replace"), ".yaml"))


@SLOW
@given(st.dictionaries(texts, values, max_size=4), st.sampled_from(list(FIELDS)), values)
def test_any_value_in_one_field_of_a_good_request_is_answered(metadata: Any, field: str, value: Any) -> None:
    status = answered(json.dumps({**GOOD, "metadata": metadata, field: value}).encode(), ".json")
    assert_kept(status)


nodes = st.fixed_dictionaries(
    {},
    optional={
        "node_id": values,
        "parent_node_id": values,
        "type": st.sampled_from(["camera", "videoChannel"]) | values,
        "name": values,
        "external_id": values,
    },
)
recordings = st.fixed_dictionaries(
    {},
    optional={
        "recording_id": st.just("abc") | values,
        "duration": st.integers(0, 100) | values,
        "outputs": st.lists(st.fixed_dictionaries({"height": values}), max_size=3) | values,
    },
)
progresses = st.fixed_dictionaries({}, optional={"progress": values, "download_url": values})
listings = st.fixed_dictionaries({"recordings": st.lists(recordings, max_size=3)})
data = st.fixed_dictionaries(
    {}, optional={"q0": st.one_of(values, st.lists(nodes, max_size=3), listings, progresses)}
)
errors = st.fixed_dictionaries(
    {},
    optional={
        "message": values,
        "path": st.lists(st.just("q0") | values, max_size=3) | values,
        "locations": values,
        "extensions": st.fixed_dictionaries({}, optional={"code": values, "category": values}) | values,
    },
)
replies = st.fixed_dictionaries(
    {}, optional={"data": data | values, "errors": st.lists(errors | values, max_size=3) | values}
)


@SLOW
@given(replies | values, st.sampled_from(EVERY_STEP))
def test_any_answer_of_the_api_is_understood_or_is_trouble_and_can_be_kept(
    body: Any, question: Question
) -> None:
    reply = answers.take_apart(client._decoded(json.dumps(body).encode()), "secret")
    if reply is None:
        return
    try:
        (answer,) = answers.read([question], reply, "https://portal.example/api/graphql.php")
    except ServiceTrouble as trouble:
        answer = trouble
    assert_kept(a_status(of_answer(answer)))


def of_answer(answer: Any) -> Clip:
    """A clip that has all of an answer in it that would ever be written."""
    match answer:
        case CamspoolError() as error:
            failure = Failure(code=ErrorCode.GAVE_UP, message=str(error), hint="", at=NOW)
            return a_clip(waiting=a_wait(message=str(error)), error=failure)
        case Preparation():
            assert answer.percent is None or 0 <= answer.percent <= 100
            return a_clip()
        case bool():
            return a_clip()
        case tuple() if answer and isinstance(answer[0], Camera):
            CameraIndex(answer).find("x")
            return a_clip(camera_name=answer[0].name, node_id=answer[0].node_id)
        case tuple() if answer and isinstance(answer[0], Listed):
            found = answer[0]
            return a_clip(recording=a_recording(id=found.recording_id, heights=found.heights))
    return a_clip()


# --- Sizes


def test_the_clip_with_the_longest_texts_fits() -> None:
    wide = "\U0001f600"
    message = wide * 500
    failure = Failure(code=ErrorCode.CAMERA_AMBIGUOUS, message=message, hint=message, at=NOW)
    clip = a_clip(
        State.DONE,
        camera=wide * 255,
        camera_name=wide * 255,
        recording=a_recording(id=wide * 200, heights=tuple(range(9_000, 9_032))),
        waiting=Waiting(reason=WaitReason.RECORDING_NOT_YET_THERE, message=message, until=NOW),
        error=failure,
    )
    alone, without = (len(document.dump(a_status(*clips))) for clips in ((clip,), ()))
    assert alone - without < LARGEST_CLIP


@pytest.mark.parametrize(
    "metadata",
    [
        b"[" * 17 + b"0," * 30_000 + b"0" + b"]" * 17,
        b'"' + b"\\u0000" * 10_000 + b'"',
        b'"' + "\U0001f600".encode() * 15_000 + b'"',
        b"{" + b",".join(b'"%d":0' % number for number in range(6_000)) + b"}",
    ],
)
def test_the_metadata_that_grow_most_fit(metadata: bytes) -> None:
    status = answered(json.dumps(GOOD).encode()[:-1] + b', "metadata": {"a": ' + metadata + b"}}", ".json")
    assert status.state is State.QUEUED
    assert len(document.dump(status)) < LARGEST_REQUEST
    assert_kept(status)


def test_the_metadata_that_grow_most_by_aliases_fit() -> None:
    lines = ["m0: &m0 [" + "0," * 4_000 + "]", *(f"m{n}: *m0" for n in range(1, 14))]
    text = "camera: 1\nfrom: 1589190089\nduration: 60\nmetadata:\n  " + "\n  ".join(lines)
    status = answered(text.encode(), ".yaml")
    assert len(document.dump(status)) < LARGEST_REQUEST
    assert_kept(status)


def test_the_file_with_the_most_problems_fits() -> None:
    key = "\U0001f600" * 60
    deep = '{"%s":' % key * 10 + "NaN" + "}" * 10  # noqa: UP031 - braces
    data = ("[" + ",".join([deep] * (LONGEST_REQUEST // len(deep.encode()))) + "]").encode()
    status = answered(data, ".json")
    assert status.error is not None
    assert len(document.dump(status)) < LARGEST_REQUEST
    assert_kept(status)


def test_no_setting_allows_more_clips_than_can_be_read_back() -> None:
    Settings.model_validate({"limits": {"clips_per_request": MOST_CLIPS}})
    with pytest.raises(ValueError, match="a whole number from 1 to 5000"):
        Settings.model_validate({"limits": {"clips_per_request": MOST_CLIPS + 1}})


def test_the_request_with_the_most_clips_can_be_read_back() -> None:
    rules = replace(RULES, clips_per_request=MOST_CLIPS)
    span = {"camera": "\U0001f600" * 255, "from": 1589190089, "duration": MOST_CLIPS, "split": 1}
    status = answered(json.dumps(span, ensure_ascii=False).encode(), ".json", rules)
    assert len(status.clips) == MOST_CLIPS
    named = tuple(replace(clip, camera_name="\U0001f600" * 255) for clip in status.clips)
    assert_kept(refresh(status, named, datetime(2020, 5, 12, tzinfo=UTC)))
    assert (
        Settings.model_validate({"limits": {"clips_per_request": MOST_CLIPS}}).limits.clips_per_request
        == MOST_CLIPS
    )
