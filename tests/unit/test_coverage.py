"""How much of what was asked for is there, whether that is all of it, and when each piece begins."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.core.coverage import covered, dated, falls_short
from camspool.core.overview import refresh
from camspool.core.status_document import Clip, Coverage, Gap, StartsAt, Status
from camspool.core.values import State
from support.builders import NOW, START, a_clip, a_file, a_recording, a_status


def refreshed(*clips: Clip) -> Status:
    return refresh(a_status(), clips, NOW)


def with_gaps(*lengths: float, duration_s: float = 600) -> Clip:
    gaps = tuple(Gap(at_s=100.0 * number, length_s=length) for number, length in enumerate(lengths))
    return a_clip(State.DONE, file=replace(a_file(duration_s), gaps=gaps))


def test_gaps_are_no_footage() -> None:
    clip = with_gaps(2, 3.5)
    assert covered((clip,)) == Coverage(requested_s=600, delivered_s=594.5)
    assert not falls_short((clip,))
    assert refreshed(clip).state is State.DONE


def test_too_many_gaps_make_it_partial() -> None:
    status = refreshed(with_gaps(2, 5))
    assert (status.state, status.coverage.delivered_s) == (State.PARTIAL, 593)
    assert status.error is not None
    assert "Only 593 of 600 seconds" in status.error.message


def test_a_file_that_is_longer_may_have_gaps() -> None:
    assert refreshed(with_gaps(60, duration_s=660)).state is State.DONE


@pytest.mark.parametrize(("height", "state"), [(704, State.DONE), (703, State.PARTIAL), (1080, State.DONE)])
def test_pictures_clearly_smaller_than_chosen_are_partial(height: int, state: State) -> None:
    status = refreshed(a_clip(State.DONE, file=replace(a_file(), height=height)))
    assert status.state is state
    if status.error is not None:
        assert status.error.message == f"evening.mp4 is {height} lines high, though 720 were chosen."
        assert (status.error.code, bool(status.error.hint)) == ("height_not_offered", True)


def test_a_file_without_times_is_partial_and_says_why() -> None:
    status = refreshed(a_clip(State.DONE, file=a_file(0)))
    assert (status.state, status.coverage.delivered_s) == (State.PARTIAL, 0)
    assert status.error is not None
    assert status.error.message == "It is unknown how much was recorded: evening.mp4 has no usable times."


@given(st.floats(0, 1e5), st.lists(st.floats(0, 1e5), max_size=5))
def test_never_more_is_delivered_than_there_is(duration_s: float, lengths: list[float]) -> None:
    delivered = covered((with_gaps(*lengths, duration_s=duration_s),)).delivered_s
    assert 0 <= delivered <= min(600, duration_s) + 0.001


# When the footage of a clip begins


def piece(number: int, listed_s: float, file_s: float | None = None, ask: int = 1) -> Clip:
    state = State.QUEUED if file_s is None else State.DONE
    file = None if file_s is None else a_file(file_s, f"evening-{number}.mp4")
    recording = a_recording(duration_s=listed_s)
    return a_clip(state, ask=ask, piece=number, pieces=3, recording=recording, file=file)


def begins(*clips: Clip) -> list[tuple[float, bool] | None]:
    return [
        ((each.starts_at.at - START).total_seconds(), each.starts_at.estimated) if each.starts_at else None
        for each in refreshed(*clips).clips
    ]


def test_before_its_listing_nobody_knows() -> None:
    assert begins(a_clip()) == [None]


def test_a_clip_of_its_own_begins_where_it_was_asked_to() -> None:
    assert begins(a_clip(State.DONE)) == [(0, False)]


def test_pieces_begin_where_the_ones_before_end() -> None:
    assert begins(piece(1, 100), piece(2, 200), piece(3, 50)) == [(0, False), (100, True), (300, True)]


def test_what_is_there_says_more_than_what_was_listed() -> None:
    clips = (piece(1, 100, 120.5), piece(2, 200, 0), piece(3, 50))
    assert begins(*clips) == [(0, False), (120.5, True), (320.5, True)]


def test_copies_of_the_same_time_begin_together() -> None:
    assert begins(piece(1, 600), piece(2, 598), piece(3, 600)) == [(0, False), (0, True), (0, True)]


def test_each_ask_counts_by_itself() -> None:
    clips = (piece(1, 100), piece(2, 100), piece(1, 70, ask=2), piece(2, 70, ask=2))
    assert begins(*clips) == [(0, False), (100, True), (0, False), (70, True)]


def test_what_is_known_already_is_left_as_it_is() -> None:
    (clip,) = dated((a_clip(State.DONE),))
    assert clip.starts_at == StartsAt(at=START, estimated=False)
    assert dated((clip,))[0] is clip


def test_absurd_lengths_do_no_harm() -> None:
    clips = tuple(replace(piece(number, 1e300), end=START + timedelta(days=10**6)) for number in (1, 2, 3))
    assert [clip.starts_at is not None for clip in dated(clips)] == [True] * 3
