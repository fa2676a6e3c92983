"""What can go wrong between us and the server, as `ServiceTrouble` in words for people. Pure.

Texts name the host, the status and a cleaned excerpt; never the token, never the query of a URL.
"""

import socket
import ssl
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import httpx

from camspool.core.errors import ServiceTrouble
from camspool.core.http_dates import read_retry_after
from camspool.core.text import one_line, without_markup, without_queries
from camspool.core.values import WaitReason

_READ: Final = 4000
"""Characters of a server's text that are looked at; what is shown of it is much shorter."""

ON_THE_WAY: Final = (
    httpx.HTTPError,
    httpx.StreamError,
    httpx.InvalidURL,
    httpx.CookieConflict,
    TimeoutError,
)
"""All that a call by httpx under a time limit can raise."""

_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)
_OURS_TO_CORRECT: Final = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


class PerhapsCarriedOut(ServiceTrouble):
    """The call failed as a whole, but only after the server may have acted on it."""


def excerpt(text: str, secret: str = "", longest: int = 200) -> str:
    """A server's text for people: one line, no markup, no queries of URLs, no `secret`, cut at `longest`."""
    text, rest = text[:_READ], text[_READ:]
    text = text.replace("\\/", "/")  # as PHP writes slashes in JSON
    if secret:
        text = text.replace(secret, "[token]")
        text = text[: -len(secret)] if rest else text  # its beginning may stand before the cut
    return one_line(without_queries(without_markup(text), "[...]"), longest)


def on_the_way(error: Exception, host: str, timeout: float) -> ServiceTrouble:
    """The trouble that an exception of ON_THE_WAY means.

    `timeout` is in seconds. `PerhapsCarriedOut` unless it is certain that the request never left.
    """
    message = f"{host}: {_in_words(error, timeout)}"
    kind = ServiceTrouble if isinstance(error, _NEVER_SENT) else PerhapsCarriedOut
    away = isinstance(error, (httpx.TransportError, TimeoutError)) and not isinstance(error, _OURS_TO_CORRECT)
    return kind(WaitReason.API_UNREACHABLE if away else WaitReason.API_ERROR, message)


def _in_words(error: Exception, timeout: float) -> str:
    if isinstance(error, httpx.ConnectError):
        return _connecting_in_words(error)
    for kinds, words in _WORDS:
        if isinstance(error, kinds):
            return words.format(timeout=timeout)
    return f"the call failed ({type(error).__name__})"


_WORDS: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...]] = (
    (httpx.ConnectTimeout, "no connection within {timeout:g} s; check the network and the firewall"),
    (httpx.PoolTimeout, "no free connection within {timeout:g} s; earlier calls are still under way"),
    ((httpx.TimeoutException, TimeoutError), "no answer within {timeout:g} s"),
    (httpx.RemoteProtocolError, "the server broke off, or does not speak HTTP"),
    (httpx.NetworkError, "the connection broke off"),
    (httpx.ProxyError, "the proxy refused; check the proxy settings of the environment"),
    ((httpx.UnsupportedProtocol, httpx.InvalidURL), "api.endpoint is no http(s) address"),
    (httpx.LocalProtocolError, "the request cannot be written as HTTP; check api.endpoint and the token"),
    (httpx.DecodingError, "the answer's compression is broken"),
)


def _connecting_in_words(error: Exception) -> str:
    for cause in _causes(error):
        match cause:
            case socket.gaierror():
                return "the name cannot be resolved; check api.endpoint and the DNS"
            case ssl.SSLCertVerificationError():
                return f"the certificate is not trusted ({excerpt(cause.verify_message)})"
            case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "HTTP_REQUEST" | "RECORD_LAYER_FAILURE"):
                return "the server answers without TLS; is http:// meant in api.endpoint?"
            case ssl.SSLError():
                return f"no TLS connection ({excerpt(cause.reason or 'unknown reason')})"
            case ConnectionRefusedError():
                return "connection refused; nothing listens there"
    return "no connection; check the network and the firewall"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The exception, and everything it was raised from: asyncio groups the attempts on several addresses."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _causes(member)
        error = error.__cause__ or error.__context__


def of_status(response: httpx.Response, body: bytes, secret: str, now: datetime) -> ServiceTrouble:
    """The trouble that an answer means which is no GraphQL answer, whatever its status."""
    host = response.request.url.host
    if response.has_redirect_location:
        target = _host_of(response.headers["location"]) or host
        return ServiceTrouble(
            WaitReason.API_ERROR,
            f"{host}: HTTP {response.status_code} redirects to {excerpt(target, secret)}, which is not "
            "followed: the token must not travel; put the final address into api.endpoint",
        )
    content_type = excerpt(response.headers.get("content-type", "no content type"), secret, 60)
    said = excerpt(body[: 4 * _READ].decode("utf-8", "replace"), secret) or "nothing"
    message = f"{host}: HTTP {response.status_code} ({content_type}), saying: {said}"
    retry_after = read_retry_after(response.headers.get("retry-after"), now)
    reason = _STATUS_REASONS.get(response.status_code, WaitReason.API_ERROR)
    if reason is WaitReason.UNAUTHORISED:
        message += "; make a new token in the portal's API section and write it to api.token_file"
    refused = 400 <= response.status_code < 500
    return (ServiceTrouble if refused else PerhapsCarriedOut)(reason, message, retry_after)


_STATUS_REASONS: Final = {
    401: WaitReason.UNAUTHORISED,
    403: WaitReason.UNAUTHORISED,
    429: WaitReason.RATE_LIMITED,
}


def _host_of(address: str) -> str | None:
    try:
        return httpx.URL(address).host
    except httpx.InvalidURL:
        return None
