"""Judges a server's answer to a GET: usable, refused, no video. Reads header fields and the first bytes.

No text made here contains more of an address than its host and file name, since the rest may be a signature,
nor any byte of an answer: that may come from a place only our network can reach, at an address somebody else
has chosen.
"""

import re
from dataclasses import dataclass
from datetime import datetime

import httpx

from camspool.adapters.download.opening import describe, is_mp4
from camspool.core.errors import AddressRefused, CamspoolError, DownloadTrouble
from camspool.core.http_dates import read_http_date, read_retry_after
from camspool.core.values import DownloadFault, WaitReason

MOST_REDIRECTS = 5

_FROM_THE_BEGINNING = re.compile(r"bytes 0-(\d{1,19})/(\d{1,19})", re.ASCII)
_ABOUT_THE_ADDRESS = (401, 403, 404, 410)
_FILE_NAME = re.compile(r"[\w~+-][\w.~+-]{0,60}\.\w{1,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a download comes from: `host` as `core.web_address.origin` gives it."""

    host: str

    def trouble(
        self, fault: DownloadFault, message: str, retry_after: float | None = None
    ) -> DownloadTrouble:
        """Trouble of this host that may pass."""
        limited = fault is DownloadFault.RATE_LIMITED
        reason = WaitReason.RATE_LIMITED if limited else WaitReason.DOWNLOAD_INTERRUPTED
        return DownloadTrouble(reason, message, host=self.host, kind=fault, retry_after=retry_after)


def place(url: httpx.URL) -> str:
    """A URL as it may be shown: scheme, host, and the last part of the path where that is a file's name."""
    name = url.path.rpartition("/")[2]
    shown = name if _FILE_NAME.fullmatch(name) else ""  # all else may be a key as well
    return f"{url.scheme}://{url.netloc.decode('ascii')}/…/{shown}"


def parse_url(text: str, source: Source) -> httpx.URL:
    """The URL, when it is one for a download.

    Raises:
        DownloadTrouble: `bad_address`.
    """
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        raise source.trouble(DownloadFault.BAD_ADDRESS, "the server's download address is no URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        message = f"the server's download address begins with {url.scheme!r}, not with http or https"
        raise source.trouble(DownloadFault.BAD_ADDRESS, message)
    return url


def check_redirect(before: httpx.URL, after: httpx.URL, source: Source) -> None:
    """Refuse a redirect from https to anything else, and to what is not HTTP."""
    if after.scheme not in ("http", "https") or not after.host:
        message = f"{place(before)} redirects to {after.scheme!r}, which is not http or https"
        raise source.trouble(DownloadFault.BAD_ADDRESS, message)
    if before.scheme == "https" and after.scheme == "http":
        message = f"{place(before)} redirects from https to http ({place(after)}): refused"
        raise source.trouble(DownloadFault.BAD_ADDRESS, message)


def check_status(response: httpx.Response, source: Source, now: datetime) -> None:
    """Raise what a status means that does not come with the whole file.

    A proxy that passes an answer on may make 203 of 200 (RFC 9110, 15.3.4), and some scripts answer every
    request with 206: whether the bytes are a whole MP4 is found out from them. Only a real part that nobody
    asked for is of no use.

    Args:
        response: the answer.
        source: where the download comes from.
        now: what a date in Retry-After is compared with where the answer itself has no date.
    """
    status = response.status_code
    if status in (200, 203) or (status == 206 and _is_all(response)):
        return
    message, retry_after = f"{place(response.url)} answered {status}", _retry_after(response, now)
    if retry_after is not None:
        message += f" and asks to be left alone for {retry_after:.0f} s"
    if status in _ABOUT_THE_ADDRESS:
        raise AddressRefused(message)
    raise source.trouble(_fault(status, retry_after), message, retry_after)


def _is_all(response: httpx.Response) -> bool:
    """Whether the range that an answer has is the whole file."""
    found = _FROM_THE_BEGINNING.fullmatch(response.headers.get("content-range", ""))
    return found is not None and int(found[1]) == int(found[2]) - 1


def _fault(status: int, retry_after: float | None) -> DownloadFault:
    if status == 429 or retry_after is not None:
        return DownloadFault.RATE_LIMITED
    return DownloadFault.SERVER_ERROR if status >= 500 else DownloadFault.UNEXPECTED_STATUS


def _retry_after(response: httpx.Response, now: datetime) -> float | None:
    """By the server's own clock where it says what that shows: ours may be wrong."""
    its_now = read_http_date(response.headers.get("date")) or now
    return read_retry_after(response.headers.get("retry-after"), its_now)


def check_length_announced(response: httpx.Response, largest: int, source: Source) -> None:
    """Refuse a body longer than `largest` bytes before any of it is read."""
    announced = announced_bytes(response)
    if announced is not None and announced > largest:
        message = (
            f"{place(response.url)} announces {announced:,} bytes; more than {largest:,} are not fetched"
        )
        raise source.trouble(DownloadFault.NO_VIDEO, message)


def check_opening(opening: bytes, response: httpx.Response, source: Source) -> None:
    """Refuse a body whose first bytes are not those of an MP4, whatever its header fields call it."""
    if not is_mp4(opening):
        message = f"{place(response.url)} sent {describe(opening)} in place of a video{_claimed(response)}"
        raise source.trouble(DownloadFault.NO_VIDEO, message)


def _claimed(response: httpx.Response) -> str:
    """What the answer calls its body; only usual names, so that no text of the answer's own is repeated."""
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    coding = content_coding(response)
    called = [kind] if kind in _USUAL_TYPES else []
    called += [f"coded as {coding}"] if coding in _USUAL_CODINGS else []
    return f" (it calls that {', '.join(called)})" if called else ""


_USUAL_TYPES = (
    "text/html",
    "text/plain",
    "text/xml",
    "application/json",
    "application/octet-stream",
    "application/problem+json",
    "application/xhtml+xml",
    "application/xml",
    "video/mp4",
)
_USUAL_CODINGS = ("gzip", "x-gzip", "deflate", "compress", "br", "zstd")


def content_coding(response: httpx.Response) -> str | None:
    """The name of the coding that the body is said to have; None for names of no coding.

    Servers write `none`, `binary`, `8bit` or nothing there, so only codings that exist are believed.
    """
    names = {name.strip().lower() for name in response.headers.get("content-encoding", "").split(",")}
    return next((name for name in _USUAL_CODINGS if name in names), None)


def check_length(received: int, total: int | None, response: httpx.Response, source: Source) -> None:
    """Refuse a body that ended properly, but not where its beginning said."""
    if total is not None and received != total:
        message = f"{place(response.url)} sent {received:,} of {total:,} bytes and ended there"
        raise source.trouble(DownloadFault.INTERRUPTED, message)


def announced_bytes(response: httpx.Response) -> int | None:
    """Content-Length, if there is one. That it is one number has been checked by h11."""
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


def classify(error: Exception, where: str, timeout: float, source: Source) -> CamspoolError:
    """What an httpx error means for the clip; `timeout` is the seconds without a byte, for the message.

    Only what the network says is quoted: texts about a URL or an answer may hold the signature.
    """
    unreachable, interrupted = DownloadFault.UNREACHABLE, DownloadFault.INTERRUPTED
    meanings: tuple[tuple[type[Exception], DownloadFault, str], ...] = (
        (httpx.ConnectTimeout, unreachable, f"no connection to {where} in time"),
        (httpx.TimeoutException, interrupted, f"not a byte to or from {where} for {timeout:g} s"),
        (httpx.ConnectError, unreachable, f"no connection to {where}: {error}"),
        (httpx.NetworkError, interrupted, f"the connection to {where} broke: {error}"),
        (httpx.ProxyError, unreachable, f"the proxy refuses to connect to {where}"),
        (
            httpx.RemoteProtocolError,
            interrupted,
            f"{where} broke off its answer, or answered what is not HTTP",
        ),
    )
    other = (Exception, interrupted, f"the download from {where} failed ({type(error).__name__})")
    _, fault, message = next((meaning for meaning in meanings if isinstance(error, meaning[0])), other)
    return source.trouble(fault, message)


HTTPX_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict)
"""All that httpx raises of its own; `HTTPError` and these three are the roots of its tree."""
