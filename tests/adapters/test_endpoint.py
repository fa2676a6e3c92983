"""The little HTTP server answers what it knows, refuses the rest, and hangs up on everybody."""

import asyncio
from http import HTTPStatus

import pytest

from camspool.adapters.endpoint import MOST_AT_ONCE, Endpoint, Page


async def exchange(sent: bytes, address: str = "127.0.0.1") -> bytes:
    endpoint = Endpoint({"/page": lambda: Page(HTTPStatus.OK, "text/plain", b"hello")})
    server = await endpoint.open(address, 0)
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
    answer = await exchange(b"GET /page?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
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


async def test_of_too_many_at_once_the_latest_are_hung_up_on() -> None:
    server = await Endpoint({}).open("127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    silent = [await asyncio.open_connection(*address) for _ in range(MOST_AT_ONCE)]
    assert not await answered(address)
    silent[0][1].close()
    while not await answered(address):  # as long as the test may take
        await asyncio.sleep(0.01)
    for _, writer in silent:
        writer.close()
    server.close()


async def answered(address: tuple[str, int]) -> bool:
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        return bool(await reader.read())
    except ConnectionError:
        return False
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (b"", 200),
        (b"Host: localhost", 200),
        (b"host:LOCALHOST:9745", 200),
        (b"Host: 127.0.0.1:9745", 200),
        (b"Host: [::1]:9745", 200),
        (b"Host: rebound.example", 421),
        (b"Host: rebound.example:9745", 421),
        (b"Host: 127.0.0.1.rebound.example", 421),
        (b"Host: 192.0.2.7", 421),
        (b"Host:", 421),
        (b"Host: [", 421),
        (b"Host : rebound.example", 421),
        (b"Host: localhost\r\nHost: rebound.example", 421),
    ],
)
async def test_on_this_machine_alone_only_its_own_names_are_answered(fields: bytes, status: int) -> None:
    answer = await exchange(b"GET /page HTTP/1.1\r\n" + fields + b"\r\n" * (2 if fields else 1))
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


async def test_for_others_any_name_is_good() -> None:
    answer = await exchange(b"GET /page HTTP/1.1\r\nHost: box.example\r\n\r\n", "0.0.0.0")  # noqa: S104
    assert answer.startswith(b"HTTP/1.1 200 ")
