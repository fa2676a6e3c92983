"""The little HTTP server answers what it knows, refuses the rest, and hangs up on everybody."""

import asyncio
from http import HTTPStatus

import pytest

from camspool.adapters.endpoint import Endpoint, Page


async def exchange(sent: bytes) -> bytes:
    endpoint = Endpoint({"/page": lambda: Page(HTTPStatus.OK, "text/plain", b"hello")})
    server = await endpoint.open("127.0.0.1", 0)
    try:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(sent)
        if not sent.endswith(b"\r\n\r\n"):
            writer.write_eof()
        received = await reader.read()
        writer.close()
        return received
    finally:
        server.close()


async def test_a_page() -> None:
    head, _, body = (await exchange(b"GET /page?x=1 HTTP/1.1\r\nHost: x\r\n\r\n")).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK"
    assert {"Content-Type: text/plain", "Content-Length: 5", "Connection: close"} <= set(lines)
    assert body == b"hello"


async def test_its_head_alone() -> None:
    answer = await exchange(b"HEAD /page HTTP/1.1\r\n\r\n")
    assert b"Content-Length: 5" in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"GET /page/../etc HTTP/1.1\r\n\r\n", 404),
        (b"POST /page HTTP/1.1\r\n\r\n", 405),
        (b"GET\r\n\r\n", 400),
        (b"\xff\xfe \r\n\r\n", 400),
        (b"GET /page HTTP/1.1\r\nHost", 400),
        (b"", 400),
    ],
)
async def test_all_else_is_refused(sent: bytes, status: int) -> None:
    assert (await exchange(sent)).startswith(f"HTTP/1.1 {status} ".encode())


async def test_a_head_without_end_is_refused() -> None:
    endpoint = Endpoint({})
    server = await endpoint.open("127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    with pytest.raises(ConnectionError):  # hung up on, with more on its way
        await flood(writer)
    writer.close()
    server.close()


async def flood(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()
