"""A small read-only HTTP server for monitoring programs."""

import asyncio
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

MOST_AT_ONCE: Final = 32
"""Connections; further ones are closed at once, for want of descriptors that files need too."""
_WAITING: Final = 16
"""Connections that the kernel keeps waiting."""
_LONGEST_HEAD: Final = 16 * 1024
_PATIENCE_S: Final = 10.0
"""Seconds for one request and its response; slower clients are disconnected."""
_HOST: Final = re.compile(r"(?:\[(?P<ipv6>[^\]]*)\]|(?P<host>[^:]*))(?::\d*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page:
    """A response."""

    status: HTTPStatus
    content_type: str
    body: bytes


class Endpoint:
    """Serves pages.

    Args:
        pages: by path; made anew for each request, in the event loop.
    """

    def __init__(self, pages: Mapping[str, Callable[[], Page]]) -> None:
        self._pages = pages
        self._connections = 0
        self._for_this_machine = False

    async def open(self, host: str, port: int) -> asyncio.Server:
        """Listen; close what is returned to stop.

        Raises:
            OSError: this address cannot be had.
        """
        server = await asyncio.start_server(
            self._serve, host, port, limit=_LONGEST_HEAD, backlog=_WAITING, start_serving=False
        )
        self._for_this_machine = all(_is_loopback(each.getsockname()[0]) for each in server.sockets)
        await server.start_serving()
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._connections >= MOST_AT_ONCE:
            writer.transport.abort()
            return
        self._connections += 1
        try:
            async with asyncio.timeout(_PATIENCE_S):
                writer.write(await self._answer(reader))
                await writer.drain()
        except OSError:  # TimeoutError included: the client is gone, or does not read
            return
        finally:
            self._connections -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            line, *fields = head.decode("latin-1").split("\r\n")
            method, target, _ = line.split(" ")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            return _written(_plain(HTTPStatus.BAD_REQUEST))
        if self._for_this_machine and not all(map(_is_this_machine, _hosts(fields))):
            return _written(_plain(HTTPStatus.MISDIRECTED_REQUEST))
        page = self._pages.get(target.partition("?")[0])
        if page is None:
            return _written(_plain(HTTPStatus.NOT_FOUND))
        if method not in {"GET", "HEAD"}:
            return _written(_plain(HTTPStatus.METHOD_NOT_ALLOWED))
        return _written(page(), with_body=method == "GET")


def _hosts(fields: Iterable[str]) -> list[str]:
    """The values of the Host header; none from an old client that omits it."""
    named = (field.partition(":") for field in fields)
    return [value.strip() for name, _, value in named if name.strip().lower() == "host"]


def _is_this_machine(host: str) -> bool:
    """False for a name that somebody else points at this machine: their web pages could read ours."""
    found = _HOST.fullmatch(host)
    name = (found["ipv6"] or found["host"] or "").lower() if found else ""
    return name == "localhost" or _is_loopback(name)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _plain(status: HTTPStatus) -> Page:
    return Page(status, "text/plain; charset=utf-8", f"{status.phrase}\n".encode())


def _written(page: Page, *, with_body: bool = True) -> bytes:
    head = (
        f"HTTP/1.1 {page.status.value} {page.status.phrase}\r\n"
        f"Content-Type: {page.content_type}\r\n"
        f"Content-Length: {len(page.body)}\r\n"
        "Cache-Control: no-store\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + (page.body if with_body else b"")
