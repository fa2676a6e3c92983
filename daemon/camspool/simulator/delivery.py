"""Sends one answer to a download, correct or broken as it was planned.

`downloads` decides what a Delivery contains; this module only puts it on the wire.
"""

import email.utils
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Literal

from starlette.types import Send

from camspool.simulator.wire import Wire

CHUNK = 256 * 1024
Framing = Literal["length", "chunked", "close"]


@dataclass(slots=True)
class Delivery:
    """Status, headers and the bytes `start`..`end` of `source`, and the fault, if any, in sending them.

    `announced` overrides Content-Length. After `stop_after` bytes of the body the connection ends as `stop`
    says. `rate` is bytes per second.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    source: Path | bytes = b""
    start: int = 0
    end: int = 0
    framing: Framing = "length"
    announced: int | None = None
    stop_after: int | None = None
    stop: Literal["fin", "reset", "stall"] = "fin"
    rate: int | None = None

    @property
    def length(self) -> int:
        return self.end - self.start

    @property
    def _by_hand(self) -> bool:
        """Whether the HTTP server would refuse to send this, since it does its own counting and framing."""
        return self.framing == "close" or self.announced is not None

    async def send(self, send: Send, wire: Wire, sending: Callable[[int], None], *, body: bool) -> None:
        """Sends everything; `sending` gets the number of bytes that leave next. `body=False` answers HEAD."""
        await self._send_head(send, wire)
        if body:
            await self._send_body(send, wire, sending)
        if self.stop_after is not None and body:
            await self._break_off(wire)
        elif self._by_hand:
            await wire.finish()
        else:
            await send({"type": "http.response.body", "body": b""})

    async def _send_body(self, send: Send, wire: Wire, sending: Callable[[int], None]) -> None:
        by_hand = self._by_hand
        rest = self.length if self.stop_after is None else min(self.length, self.stop_after)
        for chunk in self._chunks(rest):
            if wire.closed or (self.rate and not await wire.stays(len(chunk) / self.rate)):
                return
            sending(len(chunk))
            if by_hand:
                await wire.write(chunk)
            else:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def _send_head(self, send: Send, wire: Wire) -> None:
        headers = dict(self.headers)
        if self.framing == "length":
            headers["Content-Length"] = str(self.length if self.announced is None else self.announced)
        if not self._by_hand:
            encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
            await send({"type": "http.response.start", "status": self.status, "headers": encoded})
            return
        headers |= {"Connection": "close", "Date": email.utils.formatdate(usegmt=True)}
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await wire.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def _chunks(self, rest: int) -> Iterator[bytes]:
        size = CHUNK if self.rate is None else max(1, min(CHUNK, self.rate // 10))
        if isinstance(self.source, bytes):
            for position in range(self.start, self.start + rest, size):
                yield self.source[position : min(position + size, self.start + rest)]
            return
        with self.source.open("rb") as file:
            file.seek(self.start)
            while rest and (chunk := file.read(min(size, rest))):
                rest -= len(chunk)
                yield chunk

    async def _break_off(self, wire: Wire) -> None:
        match self.stop:
            case "fin":
                await wire.finish()
            case "reset":
                await wire.reset()
            case "stall":
                await wire.gone()
