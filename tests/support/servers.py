"""An HTTP server written by hand, byte by byte, so that it can do all that a real one must not do."""

import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

CERTIFICATE = Path(__file__).with_name("certificate.pem")


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent: the request line's target, its headers with lower-case names, its body."""

    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def first_byte(self) -> int:
        """Where the asked range begins; 0 without a range."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        return int(found[1]) if found else 0


@dataclass(slots=True)
class Exchange:
    """One request, and the connection to answer on."""

    request: Request
    connection: socket.socket
    released: threading.Event

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def head(self, status: int = 200, **headers: object) -> None:
        """A status line and headers; `content_length=5` becomes `content-length: 5`."""
        lines = [f"HTTP/1.1 {status} Something", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
        self.send("\r\n".join([*lines, "", ""]).encode())

    def answer(self, body: bytes, status: int = 200, **headers: object) -> None:
        self.head(status, content_length=len(body), **headers)
        self.send(body)

    def rest(self, body: bytes, etag: str) -> None:
        """What an honest server does: the whole, or the rest when the client's version is still the same."""
        start = self.request.first_byte
        if not start or self.request.headers.get("if-range") != etag:
            return self.answer(body, etag=etag)
        whole = f"bytes {start}-{len(body) - 1}/{len(body)}"
        return self.answer(body[start:], 206, etag=etag, content_range=whole)

    def close(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """End the connection with a RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def stall(self) -> None:
        """Say nothing more until the test is over."""
        self.released.wait(30)


@dataclass(slots=True)
class FaultyServer:
    """Answers each request by calling `script`, on 127.0.0.1 and a free port, while its context lasts."""

    script: Callable[[Exchange], None]
    tls: bool = False
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _released: threading.Event = field(default_factory=threading.Event)

    def url(self, target: str = "/clip.mp4?sig=a1b2c3d4e5") -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}{target}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        try:
            with self._encrypted(accepted) if self.tls else accepted as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while request := _read_request(connection):
                    self.requests.append(request)
                    self.script(Exchange(request, connection, self._released))
        except OSError:
            return  # the client has gone or does not trust us, or the script has closed the connection

    def _encrypted(self, accepted: socket.socket) -> ssl.SSLSocket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        return context.wrap_socket(accepted, server_side=True)


def _read_request(connection: socket.socket) -> Request | None:
    received = b""
    while b"\r\n\r\n" not in received:
        data = connection.recv(4096)
        if not data:
            return None
        received += data
    head, _, body = received.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return Request(line.split(" ")[1], headers, body)
