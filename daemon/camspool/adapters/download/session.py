"""An httpx client for one download at a time, which another thread can interrupt.

It sends nothing that could identify us: no cookies, no credentials (netrc included), no referer. Proxies and
certificates of the environment (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE) are used, as everywhere.
"""

import logging
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

# At INFO httpx logs every URL with its query, at DEBUG httpcore logs redirects: signatures, both.
_TALKATIVE = ("httpx", "httpcore")


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What all sessions have in common; times in seconds."""

    timeout: float
    connect_timeout: float
    verify: ssl.SSLContext
    user_agent: str


class Session:
    """One client with one connection, which is kept for the next download.

    `reused` says whether the last `send` used a connection that was kept.
    """

    def __init__(self, settings: SessionSettings) -> None:
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        self.settings = settings
        self._socket: socket.socket | None = None
        self.reused = False
        self._client = httpx.Client(
            auth=httpx.Auth(),  # the base class sends nothing, not even what stands in the URL
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={"User-Agent": settings.user_agent, "Accept": "*/*", "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(settings.timeout, connect=settings.connect_timeout),
            verify=settings.verify,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
        )

    def get(self, url: httpx.URL, headers: Mapping[str, str]) -> httpx.Request:
        """A request that `send` takes."""
        return self._client.build_request("GET", url, headers=headers, extensions={"trace": self._notice})

    def send(self, request: httpx.Request) -> httpx.Response:
        """The answer's headers; the body waits, and redirects are not followed."""
        self.reused = True
        return self._client.send(request, stream=True)

    def interrupt(self) -> None:
        """End a read that waits in another thread; before the connection exists this does nothing."""
        connected = self._socket
        if connected is not None:
            with suppress(OSError):  # closed already
                # Not SSLSocket.shutdown, which pulls TLS away from under the reading thread.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _notice(self, event: str, values: Mapping[str, Any]) -> None:
        """The `trace` extension of httpcore: remember the socket of the connection, then that of its TLS."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._socket = values["return_value"].get_extra_info("socket")
            self.reused = False
