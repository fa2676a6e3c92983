"""Hypothesis strategies for statuses: anything that the daemon could ever write."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from camspool.core.status_document import (
    Attempts,
    Clip,
    ClipRuntime,
    Coverage,
    Download,
    Failure,
    Gap,
    HistoryEntry,
    OutputFile,
    Prepare,
    Progress,
    Recording,
    Remark,
    RequestRecord,
    StartsAt,
    Status,
    Waiting,
)
from camspool.core.values import Entry, ErrorCode, Problem, RemarkCode, State, Take, WaitReason

times = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
text = st.text(st.characters(codec="utf-8"), max_size=8)
numbers = st.floats(0, 1e9) | st.integers(0, 10**9).map(float)
sizes = st.integers(0, 2**60)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2),
    max_leaves=4,
)
cameras = st.integers() | text
heights = st.integers(1, 4320)
problems = st.builds(Problem, path=text, value=plain, expected=text)
waits = st.builds(Waiting, reason=st.sampled_from(WaitReason), message=text, until=st.none() | times)
failures = st.builds(
    Failure,
    code=st.sampled_from(ErrorCode),
    message=text,
    hint=text,
    at=times,
    problems=st.lists(problems, max_size=2).map(tuple),
)
entries = st.builds(
    Entry,
    camera=cameras | st.lists(cameras, max_size=2).map(tuple),
    start=times,
    end=times,
    height=heights | st.sampled_from(["best", "smallest", "<=720", ">=720"]),
    take=st.sampled_from(Take),
    split_s=st.none() | numbers,
    priority=st.integers(-10, 10),
    metadata=st.dictionaries(text, plain, max_size=2),
)
recordings = st.builds(
    Recording,
    id=st.none() | text,
    duration_s=numbers,
    heights=st.lists(heights, max_size=3).map(tuple),
    height=heights,
    listed_at=times,
    id_expires_at=st.none() | times,
    url_expires_at=st.none() | times,
)
remarks = st.builds(Remark, code=st.sampled_from(RemarkCode), message=text)
clips = st.builds(
    Clip,
    state=st.sampled_from(State),
    camera=cameras,
    camera_name=st.none() | text,
    node_id=st.none() | st.integers(),
    start=times,
    end=times,
    recording=st.none() | recordings,
    prepare=st.builds(Prepare, percent=numbers, requested_at=st.none() | times, accepted=st.booleans()),
    download=st.builds(
        Download,
        bytes=sizes,
        total_bytes=st.none() | sizes,
        bytes_per_s=st.none() | sizes,
        etag=st.none() | text,
        last_modified=st.none() | text,
    ),
    file=st.none()
    | st.builds(
        OutputFile,
        name=text,
        bytes=sizes,
        sha256=text,
        duration_s=numbers,
        width=heights,
        height=heights,
        codec=text,
        gaps=st.lists(st.builds(Gap, at_s=numbers, length_s=numbers), max_size=2).map(tuple),
    ),
    starts_at=st.none() | st.builds(StartsAt, at=times, estimated=st.booleans()),
    remarks=st.lists(remarks, max_size=2).map(tuple),
    attempts=st.builds(Attempts, list=sizes, prepare=sizes, refused=sizes, expired=sizes),
    waiting=st.none() | waits,
    troubled_s=st.floats(0, 1e6),
    tries=sizes,
    error=st.none() | failures,
    runtime=st.just(ClipRuntime(url="secret")),
)


@st.composite
def statuses(draw: st.DrawFn) -> Status:
    found = draw(st.lists(clips, min_size=1, max_size=3))
    return Status(
        name=draw(text),
        state=draw(st.sampled_from(State)),
        request=RequestRecord(
            file=draw(text),
            sha256=draw(text),
            entries=tuple(draw(entries) for _ in found),
            filed_as=draw(st.none() | text),
            filed_before=draw(st.none() | text),
        ),
        progress=Progress(percent=draw(numbers), eta_s=draw(st.none() | sizes)),
        clips=tuple(replace(clip, ask=place + 1, entry=place) for place, clip in enumerate(found)),
        coverage=draw(st.builds(Coverage, requested_s=numbers, delivered_s=numbers)),
        waiting=draw(st.none() | waits),
        error=draw(st.none() | failures),
        history=tuple(draw(st.lists(st.builds(HistoryEntry, times, st.sampled_from(State)), max_size=3))),
        created_at=draw(times),
        updated_at=draw(times),
        finished_at=draw(st.none() | times),
        repeated_at=draw(st.none() | times),
    )
