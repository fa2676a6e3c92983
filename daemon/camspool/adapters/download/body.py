"""The body of an answer, piece by piece: through httpx, and past it where that pays.

httpx reads 64 KiB at a time and copies each byte several times. A long body is therefore read from the
connection's socket, which costs half as much. The connection is spent after that, and so a short body is left
to httpx, which keeps the connection for the next one; so is a body that is not simply the bytes on the wire.
"""

import select
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from camspool.adapters.download import answer
from camspool.adapters.download.pace import LARGEST_PIECE

Piece = bytes | memoryview

LONG = 4 << 20
"""Bytes from which on a new connection costs less than httpx does."""


def pieces(response: httpx.Response, timeout: float, most: Callable[[], int]) -> Iterator[Piece]:
    """The body as it comes; broken off, it raises an httpx error.

    A piece stays as it is until the next one is asked for: its room is used again.

    Args:
        response: an answer of whose body nothing has been read.
        timeout: seconds without a byte, after which there is an httpx error.
        most: how many bytes to read next, no more than `LARGEST_PIECE`; httpx itself reads up to 64 KiB.
    """
    body = response.iter_raw()
    connected, length = _socket(response), answer.announced_bytes(response) or 0
    if connected is None or length < LONG:
        yield from body
        return
    # What arrived together with the head, httpx has taken: its first piece is all of that.
    first = next(body)
    yield first
    yield from _past_httpx(connected, length - len(first), timeout, most)


def _socket(response: httpx.Response) -> socket.socket | None:
    """The socket that carries the body's bytes and nothing else up to its end, if there is one."""
    stream = response.extensions.get("network_stream")
    if (
        stream is None
        or response.http_version not in ("HTTP/1.1", "HTTP/1.0")
        or "transfer-encoding" in response.headers
        or isinstance(stream.get_extra_info("ssl_object"), ssl.SSLObject)  # TLS inside a proxy's TLS
    ):
        return None
    connected: Any = stream.get_extra_info("socket")
    return connected if isinstance(connected, socket.socket) else None


def _past_httpx(
    connected: socket.socket, left: int, timeout: float, most: Callable[[], int]
) -> Iterator[memoryview]:
    connected.setblocking(False)
    room = memoryview(bytearray(LARGEST_PIECE))
    while left:
        count = _fill(connected, room[: min(left, most())], timeout)
        left -= count
        yield room[:count]


def _fill(connected: socket.socket, room: memoryview, timeout: float) -> int:
    """Read what is there, and wait only for the first byte; TLS gives but 16 KiB at a time."""
    filled = 0
    while filled < len(room):
        try:
            count = connected.recv_into(room[filled:])
        except (BlockingIOError, ssl.SSLWantReadError):
            if filled:
                break
            _wait(connected, select.POLLIN, timeout)
        except ssl.SSLWantWriteError:  # new keys are agreed on
            _wait(connected, select.POLLOUT, timeout)
        except OSError as error:
            raise httpx.ReadError(str(error)) from None
        else:
            if not count and not filled:
                raise httpx.RemoteProtocolError("the connection was closed before the body's end")
            if not count:
                break
            filled += count
    return filled


def _wait(connected: socket.socket, event: int, timeout: float) -> None:
    waiter = select.poll()
    waiter.register(connected, event)
    if not waiter.poll(timeout * 1000):
        raise httpx.ReadTimeout("not a byte")
