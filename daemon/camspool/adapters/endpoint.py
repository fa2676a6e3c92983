"""A little HTTP server for programs that look in now and then. Nothing can be sent to it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

_LONGEST_HEAD: Final = 16 * 1024
_PATIENCE_S: Final = 10.0
"""For one request and its answer; whoever is slower is hung up on."""


@dataclass(frozen=True, slots=True)
class Page:
    """What is answered."""

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

    async def open(self, host: str, port: int) -> asyncio.Server:
        """Listen; close what is returned to stop.

        Raises:
            OSError: this address cannot be had.
        """
        return await asyncio.start_server(self._serve, host, port, limit=_LONGEST_HEAD)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                writer.write(await self._answer(reader))
                await writer.drain()
        except OSError:  # which a TimeoutError is, too: nobody is there, or nobody listens
            return
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            return _written(_plain(HTTPStatus.BAD_REQUEST))
        page = self._pages.get(target.partition("?")[0])
        if page is None:
            return _written(_plain(HTTPStatus.NOT_FOUND))
        if method not in {"GET", "HEAD"}:
            return _written(_plain(HTTPStatus.METHOD_NOT_ALLOWED))
        return _written(page(), with_body=method == "GET")


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
