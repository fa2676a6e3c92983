"""Dates and delays in the header fields of HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.core.http_dates import LONGEST_RETRY_AFTER_S, read_http_date, read_retry_after

NOW = datetime(2020, 5, 11, 9, 41, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("0", 0.0),
        ("120", 120.0),
        ("9" * 400, 3600.0),
        ("Mon, 11 May 2020 09:42:29 GMT", 60.0),
        ("Mon, 11 May 2020 09:42:29 -0000", 60.0),
        ("Mon, 11 May 2020 08:00:00 GMT", 0.0),
        ("Mon, 11 May 2099 08:00:00 GMT", 3600.0),
    ],
)
def test_retry_after(value: str | None, expected: float | None) -> None:
    assert read_retry_after(value, NOW) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 -0000",
        "Sun, 06 Nov 1994 09:49:37 +0100",
    ],
)
def test_every_form_of_an_http_date_is_read(text: str) -> None:
    assert read_http_date(text) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@given(st.text(max_size=100) | st.from_regex(r"\w{3}, \d{1,9} \w{3} \d{1,9} \d+:\d+:\d+ [+-]\d{1,9}"))
def test_no_text_raises(text: str) -> None:
    moment, delay = read_http_date(text), read_retry_after(text, NOW)
    assert moment is None or moment.utcoffset() == timedelta(0)
    assert delay is None or 0 <= delay <= LONGEST_RETRY_AFTER_S
