"""Tells whether the rest of a file, fetched later, belongs to the part on disk (RFC 9110, 13.1.5)."""

import re
from dataclasses import dataclass
from typing import Final

import httpx

from camspool.adapters.download.answer import announced_bytes, content_coding
from camspool.core.http_dates import read_http_date

STRONG_AFTER_S: Final = 2.0
"""Seconds by which an answer must be younger than its Last-Modified for that to count as a strong validator.

RFC 9110 (8.8.2.2) asks for one second: within the same one the file may have changed again. One more, since
both dates are cut to whole seconds and may come from two clocks.
"""

_STRONG_ETAG: Final = re.compile(r'"[\x21\x23-\x7e]{1,200}"')
_DATE: Final = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII)
"""The one form in which dates may be sent (RFC 9110, 5.6.7)."""
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Validator:
    """What equal bytes have in common: a strong ETag, or a strong Last-Modified, or nothing known."""

    etag: str | None = None
    last_modified: str | None = None

    def __bool__(self) -> bool:
        return self.condition is not None

    @property
    def condition(self) -> str | None:
        """The value of If-Range that asks for the rest of these bytes."""
        return self.etag or self.last_modified


def usable(etag: str | None, last_modified: str | None) -> Validator:
    """A validator as it was remembered: only what can be one, since a status file may have been edited."""
    if etag is not None:
        return Validator(etag) if _STRONG_ETAG.fullmatch(etag) else Validator()
    return Validator(None, last_modified if last_modified and _DATE.fullmatch(last_modified) else None)


def validator_of(response: httpx.Response) -> Validator:
    """The strong validator of an answer.

    A date counts only where there is no ETag at all: with a weak one the server says that bytes may differ.
    """
    etag = response.headers.get("etag")
    if etag is not None:
        return usable(etag, None)
    modified = usable(None, response.headers.get("last-modified")).last_modified
    changed, answered = read_http_date(modified), read_http_date(response.headers.get("date"))
    if changed is None or answered is None or (answered - changed).total_seconds() < STRONG_AFTER_S:
        return Validator()
    return Validator(None, modified)


def resumed_total(
    response: httpx.Response, start: int, validator: Validator, total: int | None
) -> int | None:
    """The file's length, when the answer is all the rest of the same file from byte `start`; else None.

    Servers have answered 206 with another range or another version, and peers have appended that.
    """
    found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    if response.status_code != 206 or not found or not _is_same(response, validator):
        return None
    if content_coding(response):  # of the whole, its first bytes tell whether that is true; here nothing does
        return None
    first, last, whole = map(int, found.groups())
    right = first == start and last == whole - 1 >= first and total in (None, whole)
    return whole if right and announced_bytes(response) in (None, whole - start) else None


def _is_same(response: httpx.Response, validator: Validator) -> bool:
    """Whether the answer is of the version that was asked for; of a date that need not be strong any more."""
    named = Validator(response.headers.get("etag"), response.headers.get("last-modified"))
    return named.etag == validator.etag and (
        validator.etag is not None or named.last_modified == validator.last_modified
    )
