"""A bandwidth limit by the time of day: what may be written, and what holds when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from camspool.config.excerpts import download_settings
from camspool.config.settings import Settings
from camspool.core.problems import Unexpected
from camspool.core.timetable import limit, rate_at
from support.fake_clock import FakeClock

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def at(value: Any, clock: str) -> float | None:
    hours, minutes = clock.split(":")
    return rate_at(limit(value), DAY + timedelta(hours=int(hours), minutes=int(minutes)))


@pytest.mark.parametrize(
    ("value", "clock", "expected"),
    [
        (None, "12:00", None),
        ("2MB/s", "03:00", 2e6),
        ({}, "12:00", None),
        ({"08:00-18:00": "2MB/s"}, "07:59", None),
        ({"08:00-18:00": "2MB/s"}, "08:00", 2e6),
        ({"08:00-18:00": "2MB/s"}, "17:59", 2e6),
        ({"08:00-18:00": "2MB/s"}, "18:00", None),
        ({"22:00 - 06:30": 1000}, "23:59", 1000),
        ({"22:00 - 06:30": 1000}, "00:00", 1000),
        ({"22:00 - 06:30": 1000}, "06:29", 1000),
        ({"22:00 - 06:30": 1000}, "06:30", None),
        ({"22:00 - 06:30": 1000}, "21:59", None),
        ({"22:00-00:00": 1000}, "23:59", 1000),
        ({"22:00-00:00": 1000}, "00:00", None),
        ({"22:00-24:00": 1000}, "23:59", 1000),
        ({"22:00-24:00": 1000}, "00:00", None),
        ({"00:00-24:00": 1000}, "12:00", 1000),
        ({"08:00-12:00": 1000, "12:00-18:00": "4KB/s"}, "11:59", 1000),
        ({"08:00-12:00": 1000, "12:00-18:00": "4KB/s"}, "12:00", 4000),
        ({"08:00-18:00": None}, "12:00", None),
    ],
)
def test_the_rate_at(value: Any, clock: str, expected: float | None) -> None:
    assert at(value, clock) == expected


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        ({"8-18": "2MB/s"}, ".8-18", "a span of the day such as"),
        ({"08:00-25:00": "2MB/s"}, ".08:00-25:00", "a span of the day such as"),
        ({"24:00-08:00": "2MB/s"}, ".24:00-08:00", "a span of the day such as"),
        ({8: "2MB/s"}, ".8", "a span of the day such as"),
        ({"08:00-08:00": "2MB/s"}, ".08:00-08:00", "all day is 00:00-24:00"),
        ({"08:00-18:00": "fast"}, ".08:00-18:00", "a rate such as 2MB/s"),
        ({"08:00-18:00": 0}, ".08:00-18:00", "a rate such as 2MB/s"),
        ({"08:00-18:00": 1, "17:00-19:00": 2}, ".17:00-19:00", "does not overlap `08:00-18:00`"),
        ({"08:00-18:00": 1, "20:00-09:00": 2}, ".20:00-09:00", "does not overlap `08:00-18:00`"),
        ({"22:00-06:00": 1, "23:00-05:00": 2}, ".23:00-05:00", "does not overlap `22:00-06:00`"),
        ({"00:00-24:00": 1, "05:00-06:00": 2}, ".05:00-06:00", "does not overlap `00:00-24:00`"),
        ({"05:00-06:00": 1, "00:00-24:00": 2}, ".00:00-24:00", "does not overlap `05:00-06:00`"),
    ],
)
def test_what_is_wrong_with_a_timetable(value: Any, path: str, words: str) -> None:
    with pytest.raises(Unexpected) as raised:
        limit(value)
    [problem] = raised.value.inner
    assert problem.path == path
    assert words in problem.expected


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(Unexpected) as raised:
        limit({"x": 1, "08:00-18:00": "fast", "10:00-11:00": 1, "10:30-12:00": 1})
    assert [problem.path for problem in raised.value.inner] == [".x", ".08:00-18:00", ".10:30-12:00"]


def test_the_time_is_that_of_the_configured_zone() -> None:
    clock = FakeClock(datetime(2026, 7, 1, 7, 30, tzinfo=UTC))  # 09:30 in Prague
    values = {"timezone": "Europe/Prague", "download": {"rate": {"09:00-10:00": "1MB/s"}}}
    rate = download_settings(Settings.model_validate(values), clock.now).rate
    assert rate() == 1e6
    clock.jump(1800)
    assert rate() is None
    clock.jump(-7200)
    assert rate() is None


def test_very_many_spans_and_very_long_names_are_refused_in_few_words() -> None:
    with pytest.raises(Unexpected, match="at most 96 spans"):
        limit({f"span {number}": 1 for number in range(5000)})
    with pytest.raises(Unexpected) as caught:
        limit({"x" * 60_000: 1})
    assert all(len(problem.sentence) < 300 for problem in caught.value.inner)
