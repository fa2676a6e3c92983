"""The life of a clip: every state with every event, and the budgets."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from camspool.core import events
from camspool.core.errors import IllegalEvent
from camspool.core.events import Event
from camspool.core.lifecycle import TABLE, advance
from camspool.core.status_document import Attempts, Clip, ClipRuntime, Download, Prepare, Reached, Verdict
from camspool.core.trouble import BAD_VIDEOS, EXPIRED, HALF_AN_HOUR, REFUSED
from camspool.core.values import LISTING, ErrorCode, State, WaitReason
from support.builders import NOW, a_clip, a_file, a_recording, a_wait, later
from support.lifecycle_samples import DAY, SAMPLES, URL

NOT_YET = WaitReason.RECORDING_NOT_YET_THERE
TROUBLES = [reason for reason in WaitReason if reason is not NOT_YET]
CLIP_STATES = [state for state in State if state not in {State.PARTIAL, State.REJECTED, State.VALIDATED}]
OPEN = [state for state in CLIP_STATES if not state.final]

GOES_ON = {
    State.SCHEDULED: {"Due": State.QUEUED},
    State.QUEUED: {"ListingBegan": State.LISTING, "IdStillFresh": State.PREPARING},
    State.LISTING: {
        "ListingBegan": State.LISTING,
        "CameraFound": State.LISTING,
        "Listed": State.PREPARING,
        "HeldUp": State.LISTING,
    },
    State.PREPARING: {
        "PrepareRequested": State.PREPARING,
        "PrepareAccepted": State.PREPARING,
        "PrepareFailed": State.PREPARING,
        "PrepareProgressed": State.PREPARING,
        "PrepareStands": State.PREPARING,
        "Doubted": State.PREPARING,
        "HeldUp": State.PREPARING,
        "Prepared": State.DOWNLOADING,
        "PrepareRefused": State.QUEUED,
        "Expired": State.QUEUED,
    },
    State.DOWNLOADING: {
        "DownloadBegan": State.DOWNLOADING,
        "DownloadProgressed": State.DOWNLOADING,
        "DownloadCompleted": State.VERIFYING,
        "Doubted": State.DOWNLOADING,
        "HeldUp": State.DOWNLOADING,
        "VideoFoundBad": State.QUEUED,
        "Expired": State.QUEUED,
    },
    State.VERIFYING: {
        "Verified": State.VERIFYING,
        "Published": State.DONE,
        "Reopened": State.DOWNLOADING,
        "VideoFoundBad": State.QUEUED,
    },
}
"""What moves a clip on or back. Every open state also waits, fails and can be cancelled."""


def expected_state(state: State, event: Event) -> State | None:
    """Where the event leads by the contract; None where it has no place."""
    name = type(event).__name__
    if state in OPEN:
        always = {"Waits": state, "Failed": State.FAILED, "Cancelled": State.CANCELLED}
        return {**GOES_ON[state], **always}.get(name)
    return State.REMOVED if (state, name) == (State.DONE, "Removed") else None


def one(clip: Clip, event: Event, now: datetime = NOW, give_up_after_s: float = DAY) -> Clip:
    """The clip after an event that makes no further pieces."""
    (after,) = advance(clip, event, now, give_up_after_s)
    return after


def course(clip: Clip, *happenings: Event) -> Clip:
    for event in happenings:
        clip = one(clip, event)
    return clip


def downloading(**changes: Any) -> Clip:
    return a_clip(State.DOWNLOADING, runtime=ClipRuntime(url=URL), **changes)


def test_there_is_a_sample_of_every_event() -> None:
    # By name: a dataclass with slots leaves its first, slotless self behind.
    assert {type(event).__name__ for event in SAMPLES} == {kind.__name__ for kind in Event.__subclasses__()}


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("state", State)
def test_every_state_with_every_event(state: State, event: Event) -> None:
    clip = a_clip(state)
    expected = expected_state(state, event)
    if expected is None:
        with pytest.raises(IllegalEvent, match=f"{state}.*{type(event).__name__}"):
            advance(clip, event, NOW, DAY)
        assert clip == a_clip(state)
    else:
        assert one(clip, event).state is expected


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("state", State)
def test_no_budget_makes_an_illegal_event_legal(state: State, event: Event) -> None:
    spent = Verdict(code=ErrorCode.PREPARE_REFUSED, count=9, since_s=0.0, made_anew=9)
    clip = a_clip(state, verdict=spent, troubled_s=2 * DAY, tries=9)
    if expected_state(state, event) is None:
        with pytest.raises(IllegalEvent):
            advance(clip, event, NOW, DAY)
    else:
        assert one(clip, event).state in {expected_state(state, event), State.FAILED}


def reachable(state: State) -> Iterator[State]:
    seen, ahead = {state}, [state]
    while ahead:
        found = ahead.pop()
        yield found
        new = set(TABLE.get(found, {}).values()) - seen
        seen |= new
        ahead += new


@pytest.mark.parametrize("state", OPEN)
def test_every_end_can_be_reached_from_every_open_state(state: State) -> None:
    assert {State.DONE, State.FAILED, State.CANCELLED} <= set(reachable(state))


def test_the_way_of_an_ordinary_clip() -> None:
    clip = a_clip(State.SCHEDULED, waiting=a_wait(NOT_YET))
    clip = course(clip, events.Due())
    assert (clip.state, clip.waiting) == (State.QUEUED, None)
    clip = course(clip, events.ListingBegan(), events.CameraFound(62303, "ACCC8EE8A9CA"))
    assert (clip.node_id, clip.camera_name) == (62303, "ACCC8EE8A9CA")
    clip = course(clip, events.Listed((a_recording(),)), events.PrepareRequested())
    assert clip.recording == a_recording()
    assert clip.prepare == Prepare(requested_at=NOW)
    clip = course(clip, events.PrepareAccepted(), events.PrepareProgressed(63.0))
    assert clip.prepare == Prepare(percent=63.0, requested_at=NOW, accepted=True)
    clip = course(clip, events.Prepared(URL, later(DAY)))
    assert (clip.prepare.percent, clip.runtime.url) == (100.0, URL)
    assert clip.recording == a_recording(url_expires_at=later(DAY))
    clip = course(clip, events.DownloadBegan(), events.DownloadProgressed(Download(bytes=9, total_bytes=99)))
    assert clip.download == Download(bytes=9, total_bytes=99)
    clip = course(clip, events.DownloadCompleted(99, "5" * 64, later(21600)))
    assert clip.download == Download(bytes=99, total_bytes=99)
    assert clip.runtime.sha256 == "5" * 64
    assert clip.recording == a_recording(url_expires_at=later(21600))
    clip = course(clip, events.Verified(a_file()), events.Published())
    assert (clip.state, clip.file, clip.error) == (State.DONE, a_file(), None)
    assert clip.attempts == Attempts(list=1, prepare=1, download=1)
    removed = course(clip, events.Removed())
    assert removed == replace(clip, state=State.REMOVED)  # the record stays


def test_a_download_may_not_tell_when_its_url_dies() -> None:
    clip = one(downloading(), events.DownloadCompleted(9, "5" * 64, None))
    assert clip.recording
    assert clip.recording.url_expires_at is None


def test_several_recordings_become_pieces() -> None:
    recordings = tuple(a_recording(id=f"r{number}", duration_s=number) for number in (1, 2, 3))
    listing = a_clip(State.LISTING, ask=7, entry=2, node_id=62303, attempts=Attempts(list=1))
    pieces = advance(listing, events.Listed(recordings), NOW, DAY)
    assert [piece.state for piece in pieces] == [State.PREPARING, State.QUEUED, State.QUEUED]
    assert [piece.key for piece in pieces] == ["007", "007-2", "007-3"]
    assert [piece.piece for piece in pieces] == [1, 2, 3]
    assert [piece.recording for piece in pieces] == list(recordings)
    assert {(piece.pieces, piece.entry, piece.node_id) for piece in pieces} == {(3, 2, 62303)}
    assert one(pieces[1], events.IdStillFresh()).state is State.PREPARING


def test_a_piece_that_is_listed_again_stays_the_piece_it_was() -> None:
    piece = a_clip(State.LISTING, piece=2, pieces=3)
    assert one(piece, events.Listed((a_recording(),))).key == "001-2"


BACK: list[tuple[State, Event]] = [
    (State.PREPARING, events.PrepareRefused("no")),
    (State.PREPARING, events.Expired("gone", early=True)),
    (State.DOWNLOADING, events.Expired("gone", early=True)),
    (State.DOWNLOADING, events.VideoFoundBad("HTML", 0)),
    (State.VERIFYING, events.VideoFoundBad("cut", 0)),
]


@pytest.mark.parametrize(("state", "event"), BACK)
def test_on_the_way_back_everything_that_hangs_on_the_old_id_is_forgotten(state: State, event: Event) -> None:
    clip = a_clip(
        state,
        runtime=ClipRuntime(url=URL, refused_url=URL, sha256="5" * 64),
        prepare=Prepare(percent=100.0, requested_at=NOW, accepted=True),
        download=Download(bytes=9, total_bytes=9, etag='"v1"'),
        waiting=a_wait(),
        file=a_file(),
        piece=2,
        pieces=3,
    )
    after = one(clip, event)
    assert after.runtime == ClipRuntime()
    assert (after.prepare, after.download) == (Prepare(), Download())
    assert (after.file, after.waiting) == (None, None)
    assert after.recording == a_recording(id=None)  # its duration tells a piece from the others
    assert (after.piece, after.pieces) == (2, 3)


# --- answers that settle the matter

SETTLING: list[tuple[State, Event, int, ErrorCode]] = [
    (State.PREPARING, events.PrepareRefused("It would not"), REFUSED.times, ErrorCode.PREPARE_REFUSED),
    (State.PREPARING, events.Expired("The id is gone", early=True), EXPIRED.times, ErrorCode.KEPT_EXPIRING),
    (
        State.DOWNLOADING,
        events.Expired("The URL is gone", early=True),
        EXPIRED.times,
        ErrorCode.KEPT_EXPIRING,
    ),
    (State.DOWNLOADING, events.VideoFoundBad("It is cut", HALF_AN_HOUR), BAD_VIDEOS, ErrorCode.BAD_VIDEO),
    (State.VERIFYING, events.VideoFoundBad("It is cut", HALF_AN_HOUR), BAD_VIDEOS, ErrorCode.BAD_VIDEO),
]


def again(clip: Clip, state: State, event: Event, pause: float) -> Clip:
    """The clip once it has got as far again, has met the event again, and has paused if it could."""
    reached = Reached(state=State.VERIFYING)
    clip = one(replace(clip, state=state, recording=a_recording(), reached=reached), event)
    return clip if clip.state.final else one(clip, events.Waits(a_wait(until=later(pause))))


@pytest.mark.parametrize(("state", "event", "times", "code"), SETTLING)
@pytest.mark.parametrize("pause", [1.0, 60.0, 600.0, 1800.0])
def test_an_answer_settles_the_matter_after_so_many_times_and_half_an_hour(
    state: State, event: Event, times: int, code: ErrorCode, pause: float
) -> None:
    clip, happened = a_clip(state), 0
    while not clip.state.final:
        clip = again(clip, state, event, pause)
        happened += 1
    assert happened >= times
    assert (happened - 1) * pause >= HALF_AN_HOUR
    assert happened == times or (happened - 2) * pause < HALF_AN_HOUR, "no later than that"
    assert clip.error
    assert (clip.state, clip.error.code, clip.error.at) == (State.FAILED, code, NOW)
    assert str(getattr(event, "message", "?")) in clip.error.message
    assert f"{happened} times" in clip.error.message
    assert clip.error.hint


def test_different_answers_in_turn_settle_nothing() -> None:
    clip = a_clip(State.PREPARING)
    for _ in range(20):
        for state, event, _times, _code in SETTLING[::2]:
            clip = again(clip, state, event, 600.0)
            assert not clip.state.final
    assert clip.verdict.made_anew == 60


def test_what_has_merely_become_old_settles_nothing() -> None:
    clip = a_clip(State.PREPARING)
    for _ in range(20):
        clip = again(clip, State.PREPARING, events.Expired("an hour old", early=False), 600.0)
    assert (clip.state.final, clip.attempts.expired, clip.verdict.made_anew) == (False, 20, 20)


def test_what_came_before_the_present_trouble_settles_nothing() -> None:
    clip = a_clip(State.PREPARING)
    for _ in range(REFUSED.times - 1):
        clip = one(replace(clip, state=State.PREPARING), events.PrepareRefused("no"))
    clip = one(clip, events.Waits(a_wait(until=later(HALF_AN_HOUR))))
    further = one(replace(clip, state=State.PREPARING), events.PrepareProgressed(10.0))
    assert (further.verdict, further.troubled_s) == (Verdict(), 0)
    assert not one(further, events.PrepareRefused("no")).state.final


def in_trouble(clip: Clip, waited_s: float) -> Clip:
    return replace(clip, troubled_s=waited_s, tries=9, waiting=a_wait())


@pytest.mark.parametrize("reason", TROUBLES)
@pytest.mark.parametrize("state", OPEN)
def test_a_clip_in_trouble_for_too_long_is_given_up(state: State, reason: WaitReason) -> None:
    wait = events.Waits(a_wait(reason, later(600), "The server is down"))
    waits = one(in_trouble(a_clip(state), DAY - 1), wait)
    assert (waits.state, waits.tries, waits.troubled_s) == (state, 10, DAY - 1 + 600)
    assert waits.waiting == wait.waiting
    failed = one(in_trouble(a_clip(state), DAY), wait)
    assert failed.state is State.FAILED
    assert failed.error
    assert failed.error.code is ErrorCode.GAVE_UP
    assert "The server is down" in failed.error.message
    assert failed.waiting is None


def test_the_first_trouble_is_never_the_last() -> None:
    after = one(a_clip(State.LISTING), events.Waits(a_wait(until=later(5))), give_up_after_s=0)
    assert (after.state, after.tries, after.troubled_s) == (State.LISTING, 1, 5)


def test_only_time_waited_because_of_the_trouble_counts() -> None:
    # Between the two failures lies a day in which the daemon was switched off, or the clock jumped.
    clip = one(a_clip(State.LISTING), events.Waits(a_wait(until=later(5))))
    clip = one(clip, events.Waits(a_wait(until=later(2 * DAY + 10))), later(2 * DAY))
    assert (clip.state, clip.troubled_s) == (State.LISTING, 15)


@pytest.mark.parametrize("state", [State.LISTING, State.PREPARING, State.DOWNLOADING])
def test_the_trouble_of_a_host_counts_against_no_clip(state: State) -> None:
    troubled = in_trouble(a_clip(state), DAY)
    waiting = a_wait(until=later(600))
    held = one(troubled, events.HeldUp(waiting, tried=False, until_well_at=LISTING, url=URL))
    assert (held.state, held.tries, held.troubled_s) == (state, troubled.tries, troubled.troubled_s)
    assert (held.waiting, held.runtime.held_by, held.runtime.url) == (waiting, LISTING, URL)
    tried = one(troubled, events.HeldUp(waiting, tried=True))
    assert (tried.tries, tried.troubled_s) == (troubled.tries + 1, troubled.troubled_s)
    assert (tried.waiting, tried.runtime.held_by, tried.runtime.url) == (waiting, None, None)


def at(state: State, percent: float = 0.0, size: int = 0) -> Clip:
    """A clip that has been so far and no further, and is in trouble there."""
    return in_trouble(
        a_clip(
            state,
            prepare=Prepare(percent=percent),
            download=Download(bytes=size),
            reached=Reached(state=state, percent=percent, bytes=size),
        ),
        DAY - 1,
    )


FURTHER: list[tuple[Clip, Event]] = [
    (at(State.LISTING), events.Listed((a_recording(),))),
    (at(State.PREPARING), events.PrepareProgressed(1.0)),
    (at(State.PREPARING, 40), events.PrepareProgressed(40.5)),
    (at(State.PREPARING, 40), events.Prepared(URL, later(DAY))),
    (at(State.DOWNLOADING, 100), events.DownloadProgressed(Download(bytes=1))),
    (at(State.DOWNLOADING, 100, 500), events.DownloadProgressed(Download(bytes=501))),
    (at(State.DOWNLOADING, 100, 500), events.DownloadCompleted(501, "5" * 64, None)),
    (at(State.VERIFYING, 100, 500), events.Published()),
]
NO_FURTHER: list[tuple[Clip, Event]] = [
    (at(State.QUEUED), events.ListingBegan()),
    (at(State.LISTING), events.ListingBegan()),
    (at(State.LISTING), events.CameraFound(62303, None)),
    (at(State.PREPARING), events.PrepareRequested()),
    (at(State.PREPARING), events.PrepareAccepted()),
    (at(State.PREPARING), events.PrepareFailed()),
    (at(State.DOWNLOADING), events.DownloadBegan()),
    (at(State.DOWNLOADING, 100, 500), events.DownloadProgressed(Download(bytes=0, total_bytes=9))),
    (at(State.DOWNLOADING, 100, 500), events.DownloadProgressed(Download(bytes=500, total_bytes=900))),
    (at(State.VERIFYING, 100, 500), events.Verified(a_file())),
    (at(State.VERIFYING, 100, 500), events.Reopened()),
    *[(at(state), event) for state, event in BACK],
]
"""Small successes on the way, and steps back."""


@pytest.mark.parametrize(("clip", "event"), FURTHER)
def test_only_getting_further_than_ever_ends_a_trouble(clip: Clip, event: Event) -> None:
    after = one(clip, event)
    assert (after.troubled_s, after.tries, after.waiting, after.verdict) == (0, 0, None, Verdict())


@pytest.mark.parametrize(("clip", "event"), NO_FURTHER)
def test_a_small_success_on_the_way_does_not_end_a_trouble(clip: Clip, event: Event) -> None:
    after = one(clip, event)
    assert (after.troubled_s, after.tries) == (DAY - 1, 9)


def test_a_clip_that_goes_round_in_circles_is_in_one_trouble_until_it_is_given_up() -> None:
    clip, rounds = a_clip(State.QUEUED), 0
    while not clip.state.final:
        clip = course(
            clip,
            events.ListingBegan(),
            events.Listed((a_recording(),)),
            events.PrepareRequested(),
            events.PrepareAccepted(),
            events.PrepareProgressed(50.0),
            events.Expired("gone", early=True) if rounds % 2 else events.PrepareRefused("no"),
            events.Waits(a_wait(until=later(600))),
        )
        rounds += 1
    assert clip.error
    assert clip.error.code is ErrorCode.GAVE_UP
    assert rounds == 1 + DAY / 600


def test_waiting_for_footage_is_no_trouble_however_long() -> None:
    clip = a_clip(State.LISTING)
    for day in range(30):
        clip = one(clip, events.Waits(a_wait(NOT_YET)), later(day * DAY), give_up_after_s=1)
    assert (clip.state, clip.troubled_s, clip.tries) == (State.LISTING, 0, 0)
    # A listing that answers does not end the trouble before it either.
    after = one(in_trouble(clip, 2 * DAY), events.Waits(a_wait(NOT_YET)))
    assert (after.state, after.troubled_s, after.tries) == (State.LISTING, 2 * DAY, 9)


def interrupted_at(clip: Clip, size: int, now: datetime) -> Clip:
    """A download that begins at its first byte, and breaks after `size`."""
    for event in (
        events.DownloadBegan(),
        events.DownloadProgressed(Download(bytes=0, total_bytes=1000)),
        events.DownloadProgressed(Download(bytes=size, total_bytes=1000)),
        events.Waits(a_wait(WaitReason.DOWNLOAD_INTERRUPTED, now + timedelta(hours=1))),
    ):
        clip = one(clip, event, now)
        if clip.state.final:
            break
    return clip


def test_a_download_that_breaks_and_starts_over_for_ever_is_given_up() -> None:
    clip = downloading()
    for hour in range(25):
        assert clip.state is State.DOWNLOADING
        clip = interrupted_at(clip, 500, later(hour * 3600))
    assert clip.error
    assert clip.error.code is ErrorCode.GAVE_UP


def test_a_download_that_gets_further_each_time_is_not_given_up() -> None:
    clip = downloading()
    for hour in range(100):
        clip = interrupted_at(clip, 500 + hour, later(hour * 3600))
        assert (clip.state, clip.tries) == (State.DOWNLOADING, 1)


def test_what_has_been_reached_outlives_a_restart() -> None:
    reached = Reached(state=State.DOWNLOADING, percent=100, bytes=500)
    saved = in_trouble(downloading(download=Download(), reached=reached), 100)
    restarted = replace(saved, runtime=ClipRuntime())
    same = one(restarted, events.DownloadProgressed(Download(bytes=500, total_bytes=1000)))
    assert same.troubled_s == 100
    assert one(same, events.DownloadProgressed(Download(bytes=501, total_bytes=1000))).troubled_s == 0


def test_a_preparation_that_stands_still_is_known_to_after_a_restart() -> None:
    standing = a_clip(State.PREPARING, prepare=Prepare(percent=40, requested_at=NOW, accepted=True))
    stands = one(standing, events.PrepareStands(a_wait(until=later(60)), 360.0))
    assert (stands.prepare.still_s, stands.troubled_s, stands.tries) == (360.0, 60, 1)
    assert one(stands, events.PrepareProgressed(41.0)).prepare.still_s == 0


def test_doubt_is_about_the_id_or_about_an_address() -> None:
    of_id = one(a_clip(State.PREPARING), events.Doubted(a_wait(until=later(5))))
    assert of_id.recording
    assert (of_id.recording.doubted, of_id.runtime.refused_url) == (True, None)
    of_address = one(downloading(), events.Doubted(a_wait(until=later(5)), URL))
    assert of_address.recording
    assert (of_address.recording.doubted, of_address.runtime.refused_url) == (False, URL)
    assert (of_address.runtime.url, of_address.tries) == (None, 1)
    later_on = one(of_address, events.Doubted(a_wait(until=later(5))))
    assert later_on.runtime.refused_url == URL


# --- what is left behind


def test_a_failure_is_in_the_clip_with_its_hint() -> None:
    failed = one(
        a_clip(State.VERIFYING, file=a_file(), waiting=a_wait()),
        events.Failed(ErrorCode.BAD_VIDEO, "It is cut short.", "Look in the portal."),
    )
    assert failed.error
    assert (failed.error.code, failed.error.message) == (ErrorCode.BAD_VIDEO, "It is cut short.")
    assert (failed.error.hint, failed.error.at) == ("Look in the portal.", NOW)
    assert (failed.file, failed.waiting) == (None, None)


@pytest.mark.parametrize("state", OPEN)
def test_a_cancelled_clip_has_no_file_and_waits_for_nothing(state: State) -> None:
    cancelled = one(a_clip(state, waiting=a_wait(), file=a_file()), events.Cancelled())
    assert (cancelled.state, cancelled.file, cancelled.waiting) == (State.CANCELLED, None, None)
    assert cancelled.error is None


def test_a_download_that_has_to_be_read_again_keeps_its_bytes_and_url() -> None:
    verifying = a_clip(
        State.VERIFYING,
        download=Download(bytes=9, total_bytes=9),
        runtime=ClipRuntime(url=URL, sha256="5" * 64),
        file=a_file(),
    )
    after = one(verifying, events.Reopened())
    assert (after.state, after.file) == (State.DOWNLOADING, None)
    assert (after.runtime.url, after.runtime.sha256) == (URL, None)
    assert after.download == Download(bytes=9, total_bytes=9)


def test_a_url_is_not_shown_by_accident() -> None:
    assert "secret" not in repr(one(a_clip(State.PREPARING), events.Prepared(URL, NOW)))
    assert "secret" not in repr(events.Prepared(URL, NOW))


def test_only_news_without_consequences_is_routine() -> None:
    for event in SAMPLES:
        if event.routine:
            assert all(row.get(type(event), state) is state for state, row in TABLE.items()), event
