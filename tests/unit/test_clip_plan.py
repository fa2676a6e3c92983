"""From the entries of a request to its clips."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from camspool.core.clip_plan import asks, number_of_asks
from camspool.core.values import Entry, State

START = datetime(2020, 5, 11, 9, 41, 29, tzinfo=UTC)
END = datetime(2020, 5, 11, 9, 51, 29, tzinfo=UTC)


def test_clips_come_in_the_order_entry_camera_time() -> None:
    clips = asks(
        [
            Entry(camera=(7, "gate"), start=START, end=END, split_s=240.0),
            Entry(camera=9, start=START, end=END),
        ]
    )
    assert [(clip.entry, clip.camera, clip.ask, clip.asked_s) for clip in clips] == [
        (0, 7, 1, 240),
        (0, 7, 2, 240),
        (0, 7, 3, 120),
        (0, "gate", 4, 240),
        (0, "gate", 5, 240),
        (0, "gate", 6, 120),
        (1, 9, 7, 600),
    ]
    assert {clip.state for clip in clips} == {State.QUEUED}
    assert (clips[0].start, clips[2].end) == (START, END)
    assert all(before.end == after.start for before, after in pairwise(clips[:3]))


@given(length=st.integers(1, 5000), split=st.none() | st.integers(1, 6000), cameras=st.integers(1, 3))
def test_the_parts_of_a_split_are_the_range(length: int, split: int | None, cameras: int) -> None:
    whole = Entry(
        camera=tuple(range(1, cameras + 1)),
        start=START,
        end=START + timedelta(seconds=length),
        split_s=None if split is None else float(split),
    )
    clips = asks([whole])
    assert len(clips) == number_of_asks(whole)
    assert sum(clip.asked_s for clip in clips) == length * cameras
    assert all(0 < clip.asked_s <= (split or length) for clip in clips)
