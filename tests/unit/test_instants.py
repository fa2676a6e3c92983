"""Durations, sizes, rates, points in time and intervals from what people write."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from camspool.core.instants import instant, interval, whole_seconds
from camspool.core.problems import Unexpected
from camspool.core.quantities import duration, rate, size, written

PRAGUE = ZoneInfo("Europe/Prague")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (90, 90),
        (1.5, 1.5),
        (0, 0),
        ("90", 90),
        (" 90 ", 90),
        ("1.5", 1.5),
        ("1.5s", 1.5),
        ("1,5s", 1.5),
        ("500ms", 0.5),
        ("10m", 600),
        ("10 m", 600),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("2d", 172800),
        ("1m500ms", 60.5),
        ("PT10M", 600),
        ("PT1.5S", 1.5),
        ("P1DT2H", 93600),
        ("P1W", 604800),
        ("36500d", 36500 * 86400),
    ],
)
def test_durations(value: Any, seconds: float) -> None:
    assert duration(value) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "a duration such as"),
        (None, "a duration such as"),
        ([90], "a duration such as"),
        ("", "a duration such as"),
        ("ten minutes", "a duration such as"),
        ("10M", "a duration such as"),
        ("10m/s", "a duration such as"),
        ("P", "a duration such as"),
        ("PT", "a duration such as"),
        ("P1DT", "a duration such as"),
        ("-5s", "a duration such as"),
        ("\u0661\u0660s", "a duration such as"),  # digits, but not ours
        ("P1M", "months and years have no fixed length"),
        ("P1Y2D", "months and years have no fixed length"),
        (-1, "between 0 and 36500d"),
        (float("nan"), "between 0 and 36500d"),
        (float("inf"), "between 0 and 36500d"),
        (10**400, "between 0 and 36500d"),
        ("9" * 400, "between 0 and 36500d"),
        ("36501d", "between 0 and 36500d"),
    ],
)
def test_no_durations(value: Any, expected: str) -> None:
    with pytest.raises(Unexpected, match=expected):
        duration(value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(86400, "24h"), (5400, "1h30m"), (90, "1m30s"), (0.5, "0.5s"), (0, "0s"), (60.5, "60.5s")],
)
def test_durations_in_words(seconds: float, text: str) -> None:
    assert written(seconds) == text
    assert duration(text) == seconds


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (0, 0),
        (500, 500),
        ("500", 500),
        ("500B", 500),
        ("5kB", 5000),
        ("1.5 GB", 1_500_000_000),
        ("5gb", 5_000_000_000),
        ("5G", 5_000_000_000),
        ("5GiB", 5 * 1024**3),
        ("1TiB", 1024**4),
    ],
)
def test_sizes(value: Any, amount: int) -> None:
    assert size(value) == amount


@pytest.mark.parametrize(
    "value", [True, None, "", "GB", "5XB", "5 bytes", "-5GB", -5, float("nan"), "9" * 400]
)
def test_no_sizes(value: Any) -> None:
    with pytest.raises(Unexpected, match="a size such as"):
        size(value)


@pytest.mark.parametrize(
    ("value", "per_second"), [(None, None), ("2MB/s", 2e6), ("2MiB", 2 * 1024**2), (1000, 1000.0)]
)
def test_rates(value: Any, per_second: float | None) -> None:
    assert rate(value) == per_second


@pytest.mark.parametrize("value", ["2MB/h", 0, "0", True, "fast"])
def test_no_rates(value: Any) -> None:
    with pytest.raises(Unexpected, match="a rate such as"):
        rate(value)


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
        (1589190089000000, "look like milliseconds"),
        (20200511, "a number is taken as Unix seconds"),
        (-1, "between the years 2000 and 2099"),
        (float("nan"), "between the years 2000 and 2099"),
        (float("inf"), "between the years 2000 and 2099"),
        (10**400, "between the years 2000 and 2099"),
        ("9" * 400, "between the years 2000 and 2099"),
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
