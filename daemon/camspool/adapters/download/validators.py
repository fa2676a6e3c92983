"""Tells whether the rest of a file, fetched later, belongs to the part that is on disk already."""

import re

import httpx

from camspool.adapters.download.answer import announced_bytes, content_coding

_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e]{1,200}"')
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})")


def strong_etag(response: httpx.Response) -> str | None:
    """The ETag, when equal ETags mean equal bytes; None for a weak or odd one."""
    etag = response.headers.get("etag", "")
    return etag if _STRONG_ETAG.fullmatch(etag) else None


def is_strong(etag: str | None) -> bool:
    """Whether an ETag may be sent in If-Range."""
    return etag is not None and bool(_STRONG_ETAG.fullmatch(etag))


def resumed_total(response: httpx.Response, start: int, etag: str, total: int | None) -> int | None:
    """The file's length, when the answer is all the rest of the same file from byte `start`; else None.

    Servers have answered 206 with another range or another version, and peers have appended that.
    """
    found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    if response.status_code != 206 or not found or strong_etag(response) != etag:
        return None
    if content_coding(response):  # of the whole, its first bytes tell whether that is true; here nothing does
        return None
    first, last, whole = map(int, found.groups())
    right = first == start and last == whole - 1 >= first and total in (None, whole)
    return whole if right and announced_bytes(response) in (None, whole - start) else None
