"""Durations from what people write."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.core.durations import LONGEST_S, duration, looks_like_duration, written
from camspool.core.problems import Unexpected


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
        ("10min", 600),
        ("10 minutes", 600),
        ("1 minute", 60),
        ("1 day", 86400),
        ("1w", 604800),
        ("2 weeks", 1209600),
        ("2h30", 9000),
        ("2H30", 9000),
        ("5m30", 330),
        ("00:10:00", 600),
        ("1:30:00.5", 5400.5),
        ("36:00:00", 129600),
        ("1 hour, 30 minutes", 5400),
        ("1 hour and 30 minutes", 5400),
        ("1 Hour  30 Min", 5400),
        ("90 SEC", 90),
        ("250 milliseconds", 0.25),
        ("pt10m", 600),
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
        ("10M", 'this one is written "10m"'),
        ("10 minuts", 'did you mean "10 minutes"'),
        ("1 houre", 'did you mean "1 hour"'),
        ("10:00", "write 10m00s or 10h00m"),
        ("1h5", "a duration such as"),
        ("1h75", "a duration such as"),
        ("10 xyz", "a duration such as"),
        ("1 month", "months and years have no fixed length"),
        ("2y", "months and years have no fixed length"),
        ("00:60:00", "a duration such as"),
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
        ("9" * 99, "between 0 and 36500d"),
        ("9" * 400, "a duration such as"),
        ("10m10m", "each unit once"),
        ("30m1h", "the larger ones first"),
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


UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
ISO_UNITS = {"W": 604800.0, "D": 86400.0, "H": 3600.0, "M": 60.0, "S": 1.0}
AMOUNTS = st.integers(0, 500).map(str) | st.decimals(0, 500, places=3).map(str)
ANY_OF = "0123456789.,:- PTWDHMSYsmhdwinutesorday"


@given(st.dictionaries(st.sampled_from(list(UNITS)), AMOUNTS, min_size=1), st.sampled_from(["", " "]))
def test_every_duration_of_units(parts: dict[str, str], space: str) -> None:
    named = [(parts[unit], unit) for unit in UNITS if unit in parts]
    text = space.join(f"{amount}{space}{unit}" for amount, unit in named)
    assert duration(text) == pytest.approx(sum(float(amount) * UNITS[unit] for amount, unit in named))


@given(st.dictionaries(st.sampled_from(list(ISO_UNITS)), AMOUNTS, min_size=1))
def test_every_duration_of_iso_8601(parts: dict[str, str]) -> None:
    date, time = (
        "".join(f"{parts[unit]}{unit}" for unit in units if unit in parts) for units in ("WD", "HMS")
    )
    seconds = sum(float(amount) * ISO_UNITS[unit] for unit, amount in parts.items())
    assert duration(f"P{date}" + (f"T{time}" if time else "")) == pytest.approx(seconds)


@given(st.text(ANY_OF, max_size=30) | st.text() | st.text(ANY_OF, min_size=1000, max_size=1000))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        found = duration(text)
    except Unexpected as unexpected:
        assert len(unexpected.expected) < 200  # noqa: PT017 - both outcomes are right, others are not
    else:
        assert 0 <= found <= LONGEST_S


@given(st.integers(0, 999), st.integers(0, 59), st.integers(0, 59))
def test_every_clock(hours: int, minutes: int, seconds: int) -> None:
    total = hours * 3600 + minutes * 60 + seconds
    assert duration(f"{hours}:{minutes:02}:{seconds:02}") == total
    assert duration(f"{hours}h{minutes:02}") == total - seconds


NAMES = {
    604800: ("w", "week", "weeks"),
    86400: ("d", "day", "days"),
    3600: ("h", "hr", "hour", "hours"),
    60: ("min", "mins", "minute", "minutes"),
    1: ("s", "sec", "second", "seconds"),
}


@given(st.data())
def test_every_name_of_a_unit(data: st.DataObject) -> None:
    units = data.draw(st.lists(st.sampled_from(sorted(NAMES)), min_size=1, unique=True).map(sorted))[::-1]
    amounts = [data.draw(st.integers(0, 99)) for _ in units]
    names = [data.draw(st.sampled_from(NAMES[unit])) for unit in units]
    casing = data.draw(st.sampled_from([str.lower, str.title]))
    space, between = data.draw(st.sampled_from([("", " "), (" ", " "), (" ", ", "), (" ", " and ")]))
    text = between.join(f"{amount}{space}{casing(name)}" for amount, name in zip(amounts, names, strict=True))
    assert duration(text) == sum(amount * unit for amount, unit in zip(amounts, units, strict=True))
    assert looks_like_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "2020-05-11T09:41:29Z",
        "09:51",
        "0951Z",
        "2020w201",
        "20200511t0941",
        "1589190089",
        "5 pm",
        "11 May 2020",
        "",
    ],
)
def test_what_is_rather_a_point_in_time(text: str) -> None:
    assert not looks_like_duration(text)
