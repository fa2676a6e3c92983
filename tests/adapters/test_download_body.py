"""The body of a download, read past httpx: however it arrives on the wire, by TLS, through proxies."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from camspool.adapters.download import body
from camspool.core.errors import ClipTrouble
from camspool.core.ports import Downloaded, DownloadOrder
from support.downloading import (
    ETAG,
    HALF,
    SHA256,
    SIZE,
    VIDEO,
    cut,
    downloads,
    fetch,
    in_turn,
    reset,
    stall,
    until,
    whole,
)
from support.servers import CERTIFICATE, Exchange, FaultyServer

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\netag: %b\r\n\r\n" % (SIZE, ETAG.encode())

both_schemes = pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])


@pytest.fixture(autouse=True)
def _everything_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "LONG", 1)


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / ".clip.mp4.part"


def in_segments(*ends: int) -> Callable[[Exchange], None]:
    """A server whose answer arrives in segments that end there, counted from the first byte of its head."""

    def answer(exchange: Exchange) -> None:
        message = HEAD + VIDEO
        for start, end in zip((0, *ends), (*ends, len(message)), strict=True):
            exchange.send(message[start:end])
            time.sleep(0.02)

    return answer


SEGMENTS: dict[str, tuple[int, ...]] = {
    "all at once": (),
    "head by itself": (len(HEAD),),
    "head byte by byte": (1, 2, len(HEAD) - 2, len(HEAD) - 1),
    "within the last line's end": (len(HEAD) - 1,),
    "one byte of the body with the head": (len(HEAD) + 1,),
    "seven bytes, one short of what is judged": (len(HEAD) + 7, len(HEAD) + 8),
    "body byte by byte": tuple(len(HEAD) + number for number in range(10)),
    "as much as httpx reads": (65536, 2 * 65536),
    "a byte more": (65537, 2 * 65536 + 2),
    "one full TLS record, one of a byte": (16384, 16385),
    "last byte by itself": (len(HEAD) + SIZE - 1,),
}


@both_schemes
@pytest.mark.parametrize("name", SEGMENTS)
async def test_every_byte_is_taken_once_however_the_answer_is_cut_up(
    part: Path, name: str, *, tls: bool
) -> None:
    with FaultyServer(in_segments(*SEGMENTS[name]), tls=tls) as server:
        done, _ = await fetch(server.url(), part)
    assert done == Downloaded(SIZE, SHA256)
    assert part.read_bytes() == VIDEO


@both_schemes
@pytest.mark.parametrize("pause", [0, 0.05])
async def test_bytes_after_the_end_belong_to_nothing(tmp_path: Path, pause: float, *, tls: bool) -> None:
    def too_much(exchange: Exchange) -> None:
        exchange.send(HEAD + VIDEO[:HALF])
        time.sleep(pause)
        exchange.send(VIDEO[HALF:] + b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nftyp")

    with FaultyServer(too_much, tls=tls) as server:
        async with downloads() as adapter:
            for name in ("a", "b"):
                done = await adapter.fetch(DownloadOrder(server.url(), tmp_path / name), lambda _: None)
                assert done == Downloaded(SIZE, SHA256)
                assert (tmp_path / name).read_bytes() == VIDEO
    assert server.connections == 2


@pytest.mark.parametrize("fault", [cut, reset, stall])
async def test_over_tls_an_interrupted_download_is_resumed_where_it_ended(
    part: Path, fault: Callable[[Exchange], None]
) -> None:
    with FaultyServer(in_turn(fault, whole), tls=True) as server:
        with pytest.raises(ClipTrouble):
            await fetch(server.url(), part, timeout=0.3)
        assert part.read_bytes() == VIDEO[:HALF]
        done, _ = await fetch(server.url(), part, ETAG, SIZE)
    assert done == Downloaded(SIZE, SHA256)
    assert part.read_bytes() == VIDEO
    assert server.requests[1].headers["range"] == f"bytes={HALF}-"


async def test_over_tls_a_stalled_download_can_be_cancelled(part: Path) -> None:
    with FaultyServer(stall, tls=True) as server:
        task = asyncio.create_task(fetch(server.url(), part, timeout=60))
        await until(lambda: part.exists() and part.stat().st_size == HALF)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)


async def test_a_length_beside_chunks_does_not_count(part: Path) -> None:
    def both(exchange: Exchange) -> None:
        exchange.head(content_length=SIZE, transfer_encoding="chunked")
        exchange.send(b"".join(b"%x\r\n%b\r\n" % (HALF, half) for half in (VIDEO[:HALF], VIDEO[HALF:])))
        exchange.send(b"0\r\n\r\n")

    with FaultyServer(both) as server:
        done, _ = await fetch(server.url(), part)
    assert done == Downloaded(SIZE, SHA256)


async def test_a_byte_now_and_then_is_no_stall(part: Path) -> None:
    def slow(exchange: Exchange) -> None:
        exchange.send(HEAD + VIDEO[:-5])
        for at in range(SIZE - 5, SIZE):
            time.sleep(0.15)
            exchange.send(VIDEO[at : at + 1])

    with FaultyServer(slow) as server:
        done, _ = await fetch(server.url(), part, timeout=0.5)
    assert done == Downloaded(SIZE, SHA256)


async def test_a_body_of_several_pieces_is_hashed_in_order(
    part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "LARGEST_PIECE", 5000)
    with FaultyServer(whole) as server:
        done, _ = await fetch(server.url(), part)
    assert done == Downloaded(SIZE, SHA256)
    assert part.read_bytes() == VIDEO


@pytest.mark.parametrize("tls", [False, True], ids=["http proxy", "https proxy"])
async def test_through_a_proxy_it_is_the_same(
    part: Path, monkeypatch: pytest.MonkeyPatch, *, tls: bool
) -> None:
    """By a proxy that is spoken to by TLS, the download's TLS lies within that: httpx reads all of it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with FaultyServer(whole, tls=True) as server, FaultyServer(tunnel, tls=tls) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url(""))
        done, _ = await fetch(server.url(), part)
    assert len(proxy.requests) == 1
    assert done == Downloaded(SIZE, SHA256)
    assert part.read_bytes() == VIDEO


def tunnel(exchange: Exchange) -> None:
    """A proxy's answer to CONNECT: from now on, what comes in here goes out there."""
    host, port = exchange.request.target.split(":")
    exchange.head()
    with socket.create_connection((host, int(port))) as onward:
        back = threading.Thread(target=_pump, args=(onward, exchange.connection), daemon=True)
        back.start()
        _pump(exchange.connection, onward)
        back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):  # one of the two has gone
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
