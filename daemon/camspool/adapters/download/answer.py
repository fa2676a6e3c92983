"""Judges what a server answered to a GET: usable, to be resumed, expired, no video. Reads headers, no bodies.

No text made here holds more of a URL than its host and its file's name: the rest may be a signature.
"""

import re

import httpx

from camspool.core.errors import BadVideo, CamspoolError, ClipTrouble, RecordingExpired
from camspool.core.values import WaitReason

MOST_REDIRECTS = 5
OPENING = 8  # bytes that show whether a body is an MP4

_EXPIRED = (401, 403, 404, 410)
_TEXT_TYPES = ("text/html", "application/xhtml+xml", "application/json", "application/problem+json")
_FIRST_BOXES = (b"ftyp", b"styp", b"free", b"skip", b"wide", b"moov", b"mdat", b"uuid")
_FILE_NAME = re.compile(r"[\w~+-][\w.~+-]{0,60}\.\w{1,5}", re.ASCII)
_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e]{1,200}"')
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})")


def interrupted(message: str) -> ClipTrouble:
    """Trouble with a download that may pass."""
    return ClipTrouble(WaitReason.DOWNLOAD_INTERRUPTED, message)


def place(url: httpx.URL) -> str:
    """A URL as it may be shown: scheme, host, and the last part of the path where that is a file's name."""
    name = url.path.rpartition("/")[2]
    shown = name if _FILE_NAME.fullmatch(name) else ""  # all else may be a key as well
    return f"{url.scheme}://{url.netloc.decode('ascii')}/…/{shown}"


def parse_url(text: str) -> httpx.URL:
    """The URL, when it is one for a download; ClipTrouble else."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        raise interrupted("the server's download URL is no URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise interrupted(f"the server's download URL begins with {url.scheme!r}, not with http or https")
    return url


def check_redirect(before: httpx.URL, after: httpx.URL) -> None:
    """Refuse a redirect from https to anything else, and to what is not HTTP."""
    if after.scheme not in ("http", "https") or not after.host:
        raise interrupted(f"{place(before)} redirects to {after.scheme!r}, which is not http or https")
    if before.scheme == "https" and after.scheme == "http":
        raise interrupted(f"{place(before)} redirects from https to http ({place(after)}): refused")


def check_status(response: httpx.Response) -> None:
    """Raise what a status other than 200 means; a part that nobody asked for (206) is no use either."""
    where, status = place(response.url), response.status_code
    if status == 200:
        return
    if status in _EXPIRED:
        raise RecordingExpired(f"{where} answered {status}: the download URL is no longer good")
    retry_after = response.headers.get("retry-after", "")[:40]
    wait = f", and asks to wait: {retry_after}" if retry_after else ""
    raise interrupted(f"{where} answered {status}{wait}")


def check_content(response: httpx.Response, largest: int) -> None:
    """Refuse what cannot be an MP4 as it is, before any of it is read."""
    where, headers = place(response.url), response.headers
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", ""):
        raise interrupted(f"{where} sends the video coded as {coding[:40]!r}, though asked not to")
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if kind in _TEXT_TYPES:
        raise BadVideo(f"{where} sent {kind} instead of an MP4: a page or message, not the recording")
    announced = announced_bytes(response)
    if announced is not None and announced > largest:
        raise BadVideo(f"{where} announces {announced:,} bytes; more than {largest:,} are not fetched")


def check_opening(opening: bytes, where: str) -> None:
    """Refuse a body whose first bytes are not those of an MP4."""
    if not opening:
        raise BadVideo(f"{where} sent an empty file")
    if opening[4:OPENING] not in _FIRST_BOXES:
        raise BadVideo(f"{where} sent something that begins with {opening[:16]!r}: not an MP4")


def check_length(received: int, total: int | None, where: str) -> None:
    """Refuse a body that ended properly, but not where its beginning said."""
    if total is not None and received != total:
        raise interrupted(f"{where} sent {received:,} of {total:,} bytes and ended there")


def announced_bytes(response: httpx.Response) -> int | None:
    """Content-Length, if there is one. That it is one number has been checked by h11."""
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


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
    first, last, whole = map(int, found.groups())
    right = first == start and last == whole - 1 >= first and total in (None, whole)
    return whole if right and announced_bytes(response) in (None, whole - start) else None


def classify(error: Exception, where: str, timeout: float) -> CamspoolError:
    """What an httpx error means for the clip; `timeout` is the seconds without a byte, for the message.

    Only what the network says is quoted: texts about a URL or an answer may hold the signature.
    """
    texts: tuple[tuple[type[Exception], str], ...] = (
        (httpx.ConnectTimeout, f"no connection to {where} in time"),
        (httpx.TimeoutException, f"not a byte to or from {where} for {timeout:g} s"),
        (httpx.ConnectError, f"no connection to {where}: {error}"),
        (httpx.NetworkError, f"the connection to {where} broke: {error}"),
        (httpx.ProxyError, f"the proxy refuses to connect to {where}"),
        (httpx.RemoteProtocolError, f"{where} broke off its answer, or answered what is not HTTP"),
    )
    other = f"the download from {where} failed ({type(error).__name__})"
    return interrupted(next((text for kind, text in texts if isinstance(error, kind)), other))


HTTPX_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict)
"""All that httpx raises of its own; `HTTPError` and these three are the roots of its tree."""
