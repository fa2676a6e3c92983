"""Durations, sizes and rates from what people write."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.core.problems import Unexpected
from camspool.core.quantities import duration, rate, size, written


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


UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
ISO_UNITS = {"W": 604800.0, "D": 86400.0, "H": 3600.0, "M": 60.0, "S": 1.0}
AMOUNTS = st.integers(0, 500).map(str) | st.decimals(0, 500, places=3).map(str)
ANY_OF = "0123456789.,- PTWDHMSYsmhdkKMGTiIBb/"


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
def test_any_text_is_a_quantity_or_refused(text: str) -> None:
    for parse in (duration, size, rate):
        try:
            found = parse(text)
        except Unexpected as unexpected:
            assert len(unexpected.expected) < 200  # noqa: PT017 - both outcomes are right, others are not
        else:
            assert found is not None
            assert 0 <= found < 2**63
