"""A request as a whole, made from its clips."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.core.coverage import covered
from camspool.core.overview import HISTORY_LIMIT, begin, end, first_clips, overall_state, refresh
from camspool.core.status_document import (
    Clip,
    Coverage,
    Download,
    HistoryEntry,
    Prepare,
    RequestRecord,
    Status,
    Waiting,
)
from camspool.core.values import ErrorCode, State, WaitReason
from support.builders import (
    END,
    NOW,
    START,
    a_clip,
    a_failure,
    a_file,
    a_status,
    a_wait,
    an_entry,
    clips_in,
    later,
)

S = State
CLIP_STATES = [state for state in State if state not in {S.PARTIAL, S.REJECTED, S.VALIDATED}]
RECORD = RequestRecord(file="b.json", sha256="a" * 64, entries=(an_entry(),))


def refreshed(*clips: Clip, before: Status | None = None, now: datetime = NOW) -> Status:
    return refresh(before or a_status(*clips), clips, now)


# --- state


@pytest.mark.parametrize("state", CLIP_STATES)
def test_a_request_with_one_clip_is_in_its_state(state: State) -> None:
    assert overall_state(clips_in(state)) is state


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        # `downloading` while any downloads or is verified, else `preparing`, else `listing`, else `queued`
        ((S.QUEUED, S.DOWNLOADING, S.LISTING, S.PREPARING, S.DONE), S.DOWNLOADING),
        ((S.QUEUED, S.VERIFYING, S.LISTING, S.PREPARING, S.FAILED), S.DOWNLOADING),
        ((S.VERIFYING, S.VERIFYING), S.DOWNLOADING),
        ((S.DONE, S.VERIFYING), S.DOWNLOADING),
        ((S.QUEUED, S.LISTING, S.PREPARING, S.FAILED), S.PREPARING),
        ((S.QUEUED, S.LISTING, S.DONE), S.LISTING),
        ((S.SCHEDULED, S.QUEUED, S.DONE), S.QUEUED),
        ((S.SCHEDULED, S.DONE, S.FAILED), S.SCHEDULED),
        # at the end `done` when all are, `partial` when some are, else `failed`
        ((S.DONE, S.DONE), S.DONE),
        ((S.DONE, S.FAILED), S.PARTIAL),
        ((S.FAILED, S.FAILED), S.FAILED),
        # an end that was made by somebody
        ((S.CANCELLED, S.CANCELLED), S.CANCELLED),
        ((S.DONE, S.FAILED, S.CANCELLED), S.CANCELLED),
        ((S.REMOVED, S.REMOVED), S.REMOVED),
        ((S.REMOVED, S.FAILED), S.REMOVED),
    ],
)
def test_the_state_of_several_clips(states: tuple[State, ...], expected: State) -> None:
    assert overall_state(clips_in(*states)) is expected
    assert overall_state(tuple(reversed(clips_in(*states)))) is expected


@given(st.lists(st.sampled_from(CLIP_STATES), min_size=1, max_size=8))
def test_a_request_has_ended_when_all_its_clips_have(states: list[State]) -> None:
    status = refreshed(*clips_in(*states))
    assert status.state.final == all(state.final for state in states)
    assert (status.finished_at is not None) == status.state.final
    assert (status.state is S.DONE) == (set(states) == {S.DONE})
    assert (status.error is not None) == (status.state in {S.PARTIAL, S.FAILED})


# --- coverage


def piece(number: int, duration_s: float, ask: int = 1, state: State = S.DONE) -> Clip:
    file = a_file(duration_s, f"evening-{number}.mp4") if state in {S.DONE, S.REMOVED} else None
    return a_clip(state, ask=ask, piece=number, pieces=9, file=file)


@pytest.mark.parametrize(
    ("clips", "expected"),
    [
        ((a_clip(),), Coverage(requested_s=600)),
        ((a_clip(S.DONE, file=a_file(598.25)),), Coverage(requested_s=600, delivered_s=598.25)),
        ((piece(1, 200), piece(2, 300.5)), Coverage(requested_s=600, delivered_s=500.5)),
        ((piece(1, 600), piece(2, 600)), Coverage(requested_s=600, delivered_s=600)),  # copies
        ((a_clip(S.DONE, file=a_file(640)),), Coverage(requested_s=600, delivered_s=600)),
        (  # too much of one ask is no footage of another
            (piece(1, 900, ask=1), piece(1, 100, ask=2)),
            Coverage(requested_s=1200, delivered_s=700),
        ),
        ((piece(1, 300, state=S.REMOVED),), Coverage(requested_s=600, delivered_s=300)),  # the record stays
        ((piece(1, 0.1), piece(2, 0.2)), Coverage(requested_s=600, delivered_s=0.3)),
        # verified, but not yet published
        ((a_clip(S.VERIFYING, file=a_file(600)),), Coverage(requested_s=600)),
    ],
)
def test_coverage_counts_each_second_that_was_asked_for_once(
    clips: tuple[Clip, ...], expected: Coverage
) -> None:
    assert covered(clips) == expected
    assert refreshed(*clips).coverage == expected


@pytest.mark.parametrize(
    ("asked_s", "delivered_s", "expected"),
    [(600, 594, S.DONE), (600, 593.9, S.PARTIAL), (100, 95, S.DONE), (100, 94.9, S.PARTIAL)],
)
def test_done_is_within_5_s_and_1_percent_of_what_was_asked(
    asked_s: float, delivered_s: float, expected: State
) -> None:
    clip = a_clip(S.DONE, end=START + (later(asked_s) - NOW), file=a_file(delivered_s))
    assert refreshed(clip).state is expected


def test_a_long_ask_does_not_hide_a_short_one() -> None:
    day = a_clip(S.DONE, ask=1, end=START + (later(86400) - NOW), file=a_file(86400))
    status = refreshed(day, a_clip(S.DONE, ask=2, file=a_file(100)))
    assert status.state is S.PARTIAL


def test_missing_time_is_an_error_that_says_how_much() -> None:
    status = refreshed(piece(1, 250.5), piece(2, 49.5))
    assert status.state is S.PARTIAL
    assert status.error
    assert "300 of 600 seconds" in status.error.message
    assert status.error.hint
    assert status.error.at == NOW


def test_missing_time_is_reported_exactly_however_much_was_asked_for() -> None:
    clips = (a_clip(S.DONE, end=START + (later(9_000_000) - NOW), file=a_file(1_234_567.25)),)
    status = refreshed(*clips)
    assert status.error
    assert "1234567.25 of 9000000 seconds" in status.error.message


def test_a_failed_request_has_the_first_clips_error() -> None:
    stalled = a_failure(ErrorCode.PREPARE_STALLED, "It stood still.")
    clips = (
        a_clip(S.FAILED, ask=1, error=stalled),
        a_clip(S.FAILED, ask=2, error=a_failure(ErrorCode.GAVE_UP)),
    )
    assert refreshed(*clips).error == stalled
    assert refreshed(a_clip(S.DONE, ask=3), *clips).error == stalled


def test_a_request_in_work_has_no_error_though_a_clip_has() -> None:
    assert refreshed(*clips_in(S.FAILED, S.QUEUED)).error is None


# --- progress


@pytest.mark.parametrize(
    ("clip", "percent"),
    [
        (a_clip(), 0),
        (a_clip(S.PREPARING, prepare=Prepare(percent=50)), 25),
        (a_clip(S.DOWNLOADING, prepare=Prepare(percent=100)), 50),
        (
            a_clip(S.DOWNLOADING, prepare=Prepare(percent=100), download=Download(bytes=26, total_bytes=100)),
            63,
        ),
        (
            a_clip(S.DOWNLOADING, prepare=Prepare(percent=100), download=Download(bytes=9, total_bytes=0)),
            50,
        ),
        (
            a_clip(S.DOWNLOADING, prepare=Prepare(percent=100), download=Download(bytes=9, total_bytes=4)),
            100,
        ),
        (a_clip(S.DONE), 100),
        (a_clip(S.FAILED), 100),
    ],
)
def test_preparing_and_downloading_count_half_each(clip: Clip, percent: float) -> None:
    assert refreshed(clip).progress.percent == percent


def test_progress_is_the_mean_of_the_clips() -> None:
    progress = refreshed(*clips_in(S.DONE, S.FAILED, S.QUEUED)).progress
    assert (progress.percent, progress.clips_done, progress.clips_total) == (66.7, 1, 3)


def in_download(size: int, total_bytes: int, bytes_per_s: int) -> Clip:
    download = Download(bytes=size, total_bytes=total_bytes, bytes_per_s=bytes_per_s)
    return a_clip(S.DOWNLOADING, prepare=Prepare(percent=100), download=download)


def test_the_last_download_tells_the_time_by_its_speed() -> None:
    clip = in_download(400, 1000, 50)
    assert refreshed(clip).progress.eta_s == 12
    assert refreshed(a_clip(S.DONE, ask=2), clip).progress.eta_s == 12
    assert refreshed(in_download(1200, 1000, 50)).progress.eta_s == 0


def test_other_work_tells_the_time_by_its_pace_so_far() -> None:
    busy = refreshed(a_clip(S.LISTING))
    quarter = a_clip(S.PREPARING, prepare=Prepare(percent=50))
    assert refreshed(quarter, before=busy, now=later(30)).progress.eta_s == 90
    assert refreshed(quarter, before=busy, now=later(-30)).progress.eta_s == 0  # the clock was set back
    stuck = in_download(0, 100, 0)
    assert refreshed(stuck, before=busy, now=later(30)).progress.eta_s == 30


@pytest.mark.parametrize(
    "clips",
    [
        clips_in(S.QUEUED),
        (a_clip(S.PREPARING, prepare=Prepare(percent=9)),),  # too little is done to tell
        clips_in(S.DONE),
        clips_in(S.FAILED, S.DONE),
    ],
)
def test_nobody_knows_the_time_before_there_is_a_pace_or_after_the_end(clips: tuple[Clip, ...]) -> None:
    busy = refreshed(a_clip(S.LISTING))
    assert refreshed(*clips, before=busy, now=later(30)).progress.eta_s is None


def test_time_in_the_queue_is_no_pace() -> None:
    queued = refreshed(a_clip())
    half = a_clip(S.PREPARING, prepare=Prepare(percent=100))
    first = refreshed(half, before=queued, now=later(1000))
    assert first.progress.eta_s is None
    assert refreshed(half, before=first, now=later(1010)).progress.eta_s == 10


# --- waiting

SOON, LATE = a_wait(until=later(5)), a_wait(until=later(50))
UNAUTHORISED = a_wait(WaitReason.UNAUTHORISED, until=None)


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        ((None,), None),
        ((SOON,), SOON),
        ((LATE, SOON), SOON),
        ((LATE, None), None),  # there is something that can be done
        ((UNAUTHORISED, LATE), LATE),
        ((UNAUTHORISED, UNAUTHORISED), UNAUTHORISED),
    ],
)
def test_a_request_waits_when_nothing_can_be_done_now(
    waits: tuple[Waiting | None, ...], expected: Waiting | None
) -> None:
    clips = tuple(a_clip(S.LISTING, ask=ask, waiting=wait) for ask, wait in enumerate(waits, start=1))
    assert refreshed(*clips).waiting == expected
    assert refreshed(*clips, a_clip(S.DONE, ask=99)).waiting == expected


def test_an_ended_request_waits_for_nothing() -> None:
    status = refresh(a_status(waiting=SOON), clips_in(S.DONE), NOW)
    assert status.waiting is None


# --- history


def test_history_has_every_change_of_state_and_nothing_else() -> None:
    status = refreshed(a_clip())
    status = refreshed(a_clip(S.LISTING), before=status, now=later(1))
    status = refreshed(a_clip(S.LISTING, node_id=5), before=status, now=later(2))
    status = refreshed(a_clip(S.DONE), before=status, now=later(3))
    assert status.history == (
        HistoryEntry(NOW, S.QUEUED),
        HistoryEntry(later(1), S.LISTING),
        HistoryEntry(later(3), S.DONE),
    )
    assert (status.created_at, status.updated_at, status.finished_at) == (NOW, later(3), later(3))


def test_a_long_history_keeps_its_beginning_and_its_end() -> None:
    status = refreshed(a_clip())
    for number in range(1, 1000):
        status = refreshed(a_clip([S.QUEUED, S.LISTING][number % 2]), before=status, now=later(number))
    assert len(status.history) == HISTORY_LIMIT
    assert status.history[0] == HistoryEntry(NOW, S.QUEUED)
    assert [entry.at for entry in status.history[1:]] == [
        later(number) for number in range(1001 - HISTORY_LIMIT, 1000)
    ]


def test_removing_the_footage_changes_the_state_and_keeps_the_record() -> None:
    ended = refreshed(a_clip(S.DONE, ask=1), a_clip(S.FAILED, ask=2))
    clips = (replace(ended.clips[0], state=S.REMOVED), ended.clips[1])
    removed = refreshed(*clips, before=ended, now=later(99))
    assert removed.state is S.REMOVED
    assert removed.finished_at == NOW
    assert (removed.coverage, removed.error, removed.progress) == (
        ended.coverage,
        ended.error,
        ended.progress,
    )
    assert [entry.state for entry in removed.history] == [S.PARTIAL, S.REMOVED]


# --- beginnings and ends


def test_a_request_begins_queued() -> None:
    status = begin("b", RECORD, NOW)
    assert (status.name, status.state, status.request, status.clips) == ("b", S.QUEUED, RECORD, ())
    assert (status.created_at, status.updated_at, status.finished_at) == (NOW, NOW, None)


@pytest.mark.parametrize("state", [S.REJECTED, S.VALIDATED])
def test_a_request_may_end_without_clips(state: State) -> None:
    status = end(begin("b", RECORD, NOW), state, later(1))
    assert (status.state, status.finished_at, status.updated_at) == (state, later(1), later(1))
    assert status.history == (HistoryEntry(later(1), state),)


def after_the_end(seconds: float) -> datetime:
    return END + (later(seconds) - NOW)


@pytest.mark.parametrize("now_s", [-601, -600, -1])
def test_a_range_that_is_not_over_is_scheduled_until_its_end_and_the_delay(now_s: float) -> None:
    (clip,) = first_clips([an_entry()], after_the_end(now_s), delay_s=60)
    assert clip.state is S.SCHEDULED
    assert clip.waiting
    assert clip.waiting.reason is WaitReason.RECORDING_NOT_YET_THERE
    assert clip.waiting.until == after_the_end(60)
    assert refreshed(clip).waiting == clip.waiting


@pytest.mark.parametrize(("now_s", "delay_s"), [(60, 60), (61, 60), (86400, 60), (0, 0)])
def test_a_range_that_is_over_is_queued(now_s: float, delay_s: float) -> None:
    (clip,) = first_clips([an_entry()], after_the_end(now_s), delay_s)
    assert (clip.state, clip.waiting) == (S.QUEUED, None)


def test_the_parts_of_a_range_are_scheduled_one_by_one() -> None:
    clips = first_clips([an_entry(split_s=300.0)], after_the_end(-200), delay_s=60)
    assert [clip.state for clip in clips] == [S.QUEUED, S.SCHEDULED]
    assert refreshed(*clips).state is S.QUEUED


def test_a_range_may_end_at_the_end_of_time() -> None:
    (clip,) = first_clips([an_entry(end=datetime.max.replace(tzinfo=NOW.tzinfo))], NOW, delay_s=60)
    assert clip.state is S.SCHEDULED
