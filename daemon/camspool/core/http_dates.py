"""Dates and delays in the header fields of HTTP (RFC 9110, sections 5.6.7, 8.8.2.2 and 10.2.3).

Servers write anything there; what cannot be read counts as absent and never raises.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_RETRY_AFTER_S: Final = 3600.0
"""A server that asks for more is asked again after an hour all the same: it may have been a mistake."""

_LONGEST: Final = 64
"""Characters; the longest of the three forms of an HTTP date has 33."""
_MOST_DIGITS: Final = 12


def read_http_date(text: str | None) -> datetime | None:
    """The moment that an HTTP date names, aware, in UTC; None for anything else."""
    if text is None or len(text) > _LONGEST:
        return None
    try:
        moment = parsedate_to_datetime(text)
        # The zone "-0000" gives a naive time; HTTP dates are always in UTC.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def read_retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After field, from 0 to `LONGEST_RETRY_AFTER_S`.

    Args:
        text: the field's value, seconds or an HTTP date; None when there is no such field.
        now: what a date is compared with, aware.

    Returns:
        None when the field says nothing.
    """
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdecimal():
        seconds = float(text[:_MOST_DIGITS])
    elif (moment := read_http_date(text)) is not None:
        seconds = (moment - now).total_seconds()
    else:
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)
