"""When to try again, and when to ask again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.core.backoff import after, backoff, in_step, poll_interval
from support.builders import NOW, later


@pytest.mark.parametrize(
    ("tries", "expected"), [(1, 5), (2, 10), (3, 20), (7, 320), (8, 600), (9, 600), (10**9, 600)]
)
def test_the_wait_doubles_up_to_a_bound(tries: int, expected: float) -> None:
    assert backoff(tries, first=5, longest=600, jitter=1) == expected
    assert backoff(tries, first=5, longest=600, jitter=0) == expected * 0.75


def test_the_first_wait_is_bounded_too() -> None:
    assert backoff(1, first=60, longest=10, jitter=1) == 10


@given(st.integers(1, 10**6), st.floats(0.001, 1e6), st.floats(0.001, 1e6), st.floats(0, 1))
def test_a_wait_is_never_longer_than_the_longest_nor_nothing(
    tries: int, first: float, longest: float, jitter: float
) -> None:
    pause = backoff(tries, first, longest, jitter)
    assert min(first, longest) * 0.75 <= pause <= longest
    assert pause <= backoff(tries + 1, first, longest, jitter)


@pytest.mark.parametrize(
    ("elapsed", "gained", "percent", "expected"),
    [
        (1, 5, 5, 19 * 0.6),  # a poor estimate: a part of it
        (10, 50, 50, 6),
        (3, 60, 60, 2),  # a part would leave too little
        (16, 80, 80, 4),  # a good one: all of it
        (20, 10, 60, 30),  # begun before a restart: 80 s more, 48 of them
        (1000, 25, 25, 30),
        (10, 95, 95, 1),
        (0, 0, 0, 1),
        (0, 0, 50, 1),
        (40, 0, 0, 24),  # nothing is known: taken to be half-way
        (600, 0, 0, 30),
        (400, 99, 99, 20),  # nearly there, for a long time
        (100, 100, 100, 5),
        (100, 130, 130, 5),  # no server should say so
        (100, -20, 30, 30),
    ],
)
def test_a_preparation_is_asked_about_by_what_it_still_needs(
    elapsed: float, gained: float, percent: float, expected: float
) -> None:
    assert poll_interval(elapsed, gained, percent, fastest=1, slowest=30) == pytest.approx(expected)


@pytest.mark.parametrize("needed", [2.0, 5.0, 20.0, 60.0, 600.0])
def test_a_steady_preparation_is_noticed_soon_and_by_few_questions(needed: float) -> None:
    at, asked = 1.0, 1
    while at < needed:
        percent = int(100 * at / needed)
        at += poll_interval(at, percent, percent, fastest=1, slowest=30)
        asked += 1
    assert at - needed <= max(0.5, needed / 20)
    assert asked <= (6 if needed < 100 else 25)


@given(st.floats(0, 1e6), st.floats(0.01, 1e3), st.floats(0.01, 10))
def test_those_who_wait_wake_in_step(now: float, pause: float, step: float) -> None:
    longer = in_step(now, pause, step)
    assert pause - 1e-6 <= longer <= pause + step + 1e-6
    assert (now + longer) / step == pytest.approx(round((now + longer) / step), abs=1e-3)


@pytest.mark.parametrize("seconds", [1e12, float("inf"), 1e300])
def test_no_time_is_after_the_end_of_time(seconds: float) -> None:
    assert after(NOW, seconds) == datetime.max.replace(tzinfo=UTC)


def test_after_counts_seconds() -> None:
    assert after(NOW, 90.5) == NOW + timedelta(seconds=90.5)
    assert after(NOW, -60) == later(-60)
