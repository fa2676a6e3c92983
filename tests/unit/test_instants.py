"""Points in time and intervals from what people write."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from camspool.core.instants import instant, interval, whole_seconds
from camspool.core.problems import Unexpected

PRAGUE = ZoneInfo("Europe/Prague")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("value", "utc"),
    [
        (1589190089, "2020-05-11T09:41:29Z"),
        ("1589190089", "2020-05-11T09:41:29Z"),
        (1589190089.5, "2020-05-11T09:41:29.5Z"),
        ("1589190089.5", "2020-05-11T09:41:29.5Z"),
        ("2020-05-11T09:41:29Z", "2020-05-11T09:41:29Z"),
        ("2020-05-11t09:41:29z", "2020-05-11T09:41:29Z"),
        (" 2020-05-11T09:41:29Z ", "2020-05-11T09:41:29Z"),
        ("2020-05-11T09:41:29.25Z", "2020-05-11T09:41:29.25Z"),
        ("2020-05-11T09:41:29,25Z", "2020-05-11T09:41:29.25Z"),
        ("2020-05-11T09:41:29+02:00", "2020-05-11T07:41:29Z"),
        ("2020-05-11 09:41:29 +0200", "2020-05-11T07:41:29Z"),
        ("20200511T094129Z", "2020-05-11T09:41:29Z"),
        ("2020-W20-1T09:41Z", "2020-05-11T09:41:00Z"),
        ("2020-05-11T24:00Z", "2020-05-12T00:00:00Z"),
        ("2020-05-11 24:00:00", "2020-05-11T22:00:00Z"),
        ("2020-05-11 11:41:29", "2020-05-11T09:41:29Z"),  # no offset: Prague, in summer
        ("2020-01-11 11:41:29", "2020-01-11T10:41:29Z"),  # and in winter
        ("2020-05-11T11:41", "2020-05-11T09:41:00Z"),
        ("2020-05-11", "2020-05-10T22:00:00Z"),
        ("20200511", "2020-05-10T22:00:00Z"),
    ],
)
def test_instants(value: Any, utc: str) -> None:
    assert instant(value, PRAGUE) == at(utc)
    assert instant(value, PRAGUE).tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "Unix seconds or ISO 8601"),
        (None, "Unix seconds or ISO 8601"),
        ([], "Unix seconds or ISO 8601"),
        ("", "Unix seconds or ISO 8601"),
        ("yesterday", "Unix seconds or ISO 8601"),
        ("11.5.2020 09:41", "Unix seconds or ISO 8601"),
        ("2020-05-11T09:41:29 Europe/Prague", "Unix seconds or ISO 8601"),
        ("2020-13-11", "month must be in 1..12"),
        ("2020-05-11T25:00Z", "hour must be in 0..23"),
        ("2020-05-11T24:01Z", "hour must be in 0..23|must be 0 when hour is 24"),
        (1589190089000, "look like milliseconds"),
        ("1589190089000", "look like milliseconds"),
        (1589190089000000, "look like microseconds"),
        (1589190089000000000, "look like nanoseconds"),
        (20200511, "a number is taken as Unix seconds"),
        (-1, "between the years 2000 and 2099"),
        (float("nan"), "between the years 2000 and 2099"),
        (float("inf"), "between the years 2000 and 2099"),
        (10**400, "between the years 2000 and 2099"),
        ("9" * 400, "Unix seconds or ISO 8601"),
        ("1999-12-31T23:59:59Z", "between the years 2000 and 2099"),
        ("2100-01-01T00:00:00Z", "between the years 2000 and 2099"),
        ("0001-01-01T00:00:00+14:00", "between the years 2000 and 2099"),
    ],
)
def test_no_instants(value: Any, expected: str) -> None:
    with pytest.raises(Unexpected, match=expected):
        instant(value, PRAGUE)


def test_a_local_time_that_occurred_twice_begins_early_and_ends_late() -> None:
    assert instant("2020-10-25T02:30", PRAGUE) == at("2020-10-25T00:30Z")
    assert instant("2020-10-25T02:30", PRAGUE, later=True) == at("2020-10-25T01:30Z")
    assert interval("2020-10-25T02:30/2020-10-25T02:30", PRAGUE) == (
        at("2020-10-25T00:30Z"),
        at("2020-10-25T01:30Z"),
    )


def test_an_offset_settles_which_of_the_two_is_meant() -> None:
    assert instant("2020-10-25T02:30+02:00", PRAGUE, later=True) == at("2020-10-25T00:30Z")


@pytest.mark.parametrize("later", [False, True])
def test_a_local_time_that_was_skipped_is_refused(later: bool) -> None:  # noqa: FBT001 - a parameter of the test
    with pytest.raises(Unexpected, match=r"clocks in Europe/Prague were put forward .* add an offset"):
        instant("2020-03-29T02:30", PRAGUE, later=later)
    assert instant("2020-03-29T03:00", PRAGUE, later=later) == at("2020-03-29T01:00Z")


@pytest.mark.parametrize(
    ("value", "start", "end"),
    [
        ("2020-05-11T09:41:29Z/PT10M", "2020-05-11T09:41:29Z", "2020-05-11T09:51:29Z"),
        ("2020-05-11T09:41:29Z/10m", "2020-05-11T09:41:29Z", "2020-05-11T09:51:29Z"),
        ("PT10M/2020-05-11T09:51:29Z", "2020-05-11T09:41:29Z", "2020-05-11T09:51:29Z"),
        ("1589190089/1589190689", "2020-05-11T09:41:29Z", "2020-05-11T09:51:29Z"),
        ("2020-05-11T09:41:29Z/1589190689", "2020-05-11T09:41:29Z", "2020-05-11T09:51:29Z"),
        ("2020-05-11T09:41:29Z / 2020-05-11T09:51:29Z", "2020-05-11T09:41:29Z", "2020-05-11T09:51:29Z"),
        ("2020-05-11T09:41:29Z/09:51:29", "2020-05-11T09:41:29Z", "2020-05-11T09:51:29Z"),
        ("20200511T094129Z/095129", "2020-05-11T09:41:29Z", "2020-05-11T09:51:29Z"),
        ("2020-05-11 11:41/T11:51", "2020-05-11T09:41:00Z", "2020-05-11T09:51:00Z"),
        ("2020-05-11T09:41:29+00:00/2020-05-11T09:51:29", "2020-05-11T09:41:29Z", "2020-05-11T09:51:29Z"),
        ("2020-05-11T09:41:29Z/2020-05-12", "2020-05-11T09:41:29Z", "2020-05-12T00:00:00Z"),
        ("2020-05-11T09:41:29Z/2020-05-11T11:51:29+02:00", "2020-05-11T09:41:29Z", "2020-05-11T09:51:29Z"),
        ("2020-05-11/2020-05-12", "2020-05-10T22:00:00Z", "2020-05-11T22:00:00Z"),
    ],
)
def test_intervals(value: str, start: str, end: str) -> None:
    assert interval(value, PRAGUE) == (at(start), at(end))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "an ISO 8601 interval"),
        (5, "an ISO 8601 interval"),
        ("2020-05-11", "an ISO 8601 interval"),
        ("PT10M/PT10M", "an ISO 8601 interval"),
        ("R5/2020-05-11/PT10M", "an ISO 8601 interval"),
        ("2020-05-11/", "Unix seconds or ISO 8601"),
        ("2020-05-11/P1M", "months and years"),
        ("x/y", "Unix seconds or ISO 8601"),
    ],
)
def test_no_intervals(value: Any, expected: str) -> None:
    with pytest.raises(Unexpected, match=expected):
        interval(value, PRAGUE)


def test_whole_seconds_leave_nothing_out() -> None:
    start, end = at("2020-05-11T09:41:29.9Z"), at("2020-05-11T09:51:29.1Z")
    assert whole_seconds(start, end) == (at("2020-05-11T09:41:29Z"), at("2020-05-11T09:51:30Z"))
    assert whole_seconds(at("2020-05-11T09:41:29Z"), at("2020-05-11T09:51:30Z")) == whole_seconds(start, end)
