"""Sizes and rates from what people write."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.core.problems import Unexpected
from camspool.core.quantities import rate, size


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


ANY_OF = "0123456789.,- kKMGTiIBb/"


@given(st.text(ANY_OF, max_size=30) | st.text() | st.text(ANY_OF, min_size=1000, max_size=1000))
def test_any_text_is_a_quantity_or_refused(text: str) -> None:
    for parse in (size, rate):
        try:
            found = parse(text)
        except Unexpected as unexpected:
            assert len(unexpected.expected) < 200  # noqa: PT017 - both outcomes are right, others are not
        else:
            assert found is not None
            assert 0 <= found < 2**63
