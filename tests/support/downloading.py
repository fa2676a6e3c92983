"""What the tests of downloads share: a video, servers good and bad, a call that collects progress."""

import asyncio
import hashlib
import random
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from camspool.adapters.download import DownloadSettings, HttpDownloads
from camspool.core.ports import Downloaded, DownloadOrder, DownloadProgress
from support.servers import CERTIFICATE, Exchange

ETAG = '"version-1"'
SIZE = 300_000
VIDEO = b"\0\0\0\x20ftypisom" + random.Random(3).randbytes(SIZE - 12)  # noqa: S311  the same on every run
SHA256 = hashlib.sha256(VIDEO).hexdigest()
HALF = SIZE // 2


@asynccontextmanager
async def downloads(
    timeout: float = 5.0,
    rate: float | None = None,
    settings: Callable[[], DownloadSettings] | None = None,
) -> AsyncIterator[HttpDownloads]:
    """Downloads by `settings`, or always by the timeout and rate given."""
    given = DownloadSettings(timeout, lambda: rate)
    trusted = ssl.create_default_context(cafile=CERTIFICATE)
    adapter = HttpDownloads(settings or (lambda: given), connect_timeout=2, verify=trusted)
    try:
        yield adapter
    finally:
        adapter.close()


async def fetch(
    url: str, part: Path, etag: str | None = None, total: int | None = None, *, timeout: float = 5.0
) -> tuple[Downloaded, list[DownloadProgress]]:
    reports: list[DownloadProgress] = []
    async with downloads(timeout) as adapter:
        done = await adapter.fetch(DownloadOrder(url, part, etag, total), reports.append)
    return done, reports


def whole(exchange: Exchange) -> None:
    exchange.rest(VIDEO, ETAG)


def cut(exchange: Exchange) -> None:
    exchange.head(content_length=SIZE, etag=ETAG)
    exchange.send(VIDEO[:HALF])
    exchange.close()


def reset(exchange: Exchange) -> None:
    exchange.head(content_length=SIZE, etag=ETAG)
    exchange.send(VIDEO[:HALF])
    time.sleep(0.1)  # a reset would take what is still on its way with it
    exchange.reset()


def stall(exchange: Exchange) -> None:
    exchange.head(content_length=SIZE, etag=ETAG)
    exchange.send(VIDEO[:HALF])
    exchange.stall()


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> Callable[[Exchange], None]:
    def answer(exchange: Exchange) -> None:
        exchange.head(transfer_encoding="chunked", etag=ETAG)
        exchange.send(b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + end)
        exchange.close()

    return answer


def in_turn(*scripts: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    """A server that does the next thing at each request."""
    left = iter(scripts)

    def answer(exchange: Exchange) -> None:
        next(left)(exchange)

    return answer


async def until(condition: Callable[[], object]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError
