"""The connection beneath HTTP, for faults that a correct HTTP server cannot produce."""

import asyncio
import contextlib
import fcntl
import socket
import struct
import sys
import termios
from typing import cast

from starlette.types import Message, Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_LINGER_RESET = struct.pack("ii", 1, 0)
_MOST_BUFFERED = 1 << 20


class Wires(dict[tuple[str, int], asyncio.Transport]):
    """The open connections by the client's address; `protocol` makes uvicorn keep them up to date."""

    def protocol(self) -> type[H11Protocol]:
        wires = self

        class TrackedProtocol(H11Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                super().connection_made(cast("asyncio.Transport", transport))
                self._peer = cast("tuple[str, int]", tuple(transport.get_extra_info("peername")[:2]))
                wires[self._peer] = cast("asyncio.Transport", transport)

            def connection_lost(self, exc: Exception | None) -> None:
                wires.pop(self._peer, None)
                super().connection_lost(exc)

        return TrackedProtocol

    def of(self, scope: Scope, receive: Receive) -> "Wire":
        return Wire(self.get(tuple(scope["client"])), receive)


class Wire:
    """One connection: write bytes as they are, then end it politely or rudely.

    The client may have left already; then `transport` is None and nothing happens.
    """

    def __init__(self, transport: asyncio.Transport | None, receive: Receive) -> None:
        self._transport = transport
        self._receive = receive

    async def write(self, data: bytes) -> None:
        if self._transport is None:
            return
        self._transport.write(data)
        while self._transport.get_write_buffer_size() > _MOST_BUFFERED:  # noqa: ASYNC110  uvicorn owns the event
            await asyncio.sleep(0.005)

    async def finish(self) -> None:
        """Ends the connection with FIN after everything that was written."""
        if self._transport is not None:
            self._transport.close()
        await self.gone()

    async def reset(self) -> None:
        """Ends the connection with RST, once everything that was written has reached the client."""
        if self._transport is None:
            return
        connection: socket.socket = self._transport.get_extra_info("socket")
        while not self.closed and _unsent(self._transport, connection):  # noqa: ASYNC110  the kernel has no event
            await asyncio.sleep(0.005)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        self._transport.abort()
        await self.gone()

    async def gone(self) -> None:
        """Waits until the client is no longer there."""
        message: Message = {}
        while message.get("type") != "http.disconnect":
            message = await self._receive()

    async def stays(self, seconds: float) -> bool:
        """Waits that long; returns False, at once, if the client leaves."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.gone(), seconds)
            return False
        return True

    @property
    def closed(self) -> bool:
        return self._transport is None or self._transport.is_closing()


def _unsent(transport: asyncio.Transport, connection: socket.socket) -> int:
    """The bytes that the client has not acknowledged yet."""
    pending = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    return transport.get_write_buffer_size() + int.from_bytes(pending, sys.byteorder)
