"""Downloads that are refused: no video, bad answers, failing disks; and what is said about it."""

import errno
import gzip
import logging
import os
import socket
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from camspool.adapters.download import HttpDownloads
from camspool.adapters.download.answer import HTTPX_ERRORS, Source, check_redirect, classify, place
from camspool.core.errors import (
    AddressRefused,
    CamspoolError,
    ClipTrouble,
    DownloadTrouble,
    StorageTrouble,
)
from camspool.core.ports import DownloadOrder
from camspool.core.values import WaitReason
from support.downloading import (
    ETAG,
    HALF,
    SHA256,
    SIZE,
    VIDEO,
    chunked,
    fetch,
    whole,
)
from support.servers import Exchange, FaultyServer


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / ".clip.mp4.part"


NO_VIDEO: dict[str, tuple[Callable[[Exchange], None], str]] = {
    "html": (
        lambda exchange: exchange.answer(b"<html>maintenance", content_type="text/html; charset=utf-8"),
        r"sent an HTML page in place of a video \(it calls that text/html\)",
    ),
    "json": (lambda exchange: exchange.answer(b'{"error": "busy"}'), "sent JSON in place of a video"),
    "untyped page": (lambda exchange: exchange.answer(b"\n<!DOCTYPE html><html>"), "sent an HTML page"),
    "endless page": (chunked(*[b"<html>" * 1000] * 50), "sent an HTML page"),
    "a page that is called a video": (
        lambda exchange: exchange.answer(b"<html></html>", content_type="video/mp4"),
        r"sent an HTML page in place of a video \(it calls that video/mp4\)",
    ),
    "XML": (lambda exchange: exchange.answer(b"<?xml version='1.0'?><Error/>"), "sent XML"),
    "text": (lambda exchange: exchange.answer(b"Server is busy, try later"), "sent text"),
    "four bytes": (lambda exchange: exchange.answer(b"busy"), "sent text"),
    "zeros": (lambda exchange: exchange.answer(bytes(1000)), "sent zeros"),
    "gzip": (
        lambda exchange: exchange.answer(gzip.compress(VIDEO), content_encoding="gzip"),
        r"sent data compressed with gzip in place of a video \(it calls that coded as gzip\)",
    ),
    "noise": (lambda exchange: exchange.answer(VIDEO[64:]), "sent bytes of an unknown kind"),
    "empty": (lambda exchange: exchange.answer(b""), "sent nothing in place of a video"),
    "absurd length": (
        lambda exchange: exchange.head(content_length=10**18),
        "announces 1,000,000,000,000,000,000",
    ),
}


@pytest.mark.parametrize("name", NO_VIDEO)
async def test_what_is_no_video_is_refused_before_anything_is_written(part: Path, name: str) -> None:
    script, words = NO_VIDEO[name]
    part.write_bytes(b"kept")
    with FaultyServer(script) as server:
        host = server.url("")
        with pytest.raises(DownloadTrouble, match=words) as raised:
            await fetch(server.url(), part)
    assert part.read_bytes() == b"kept"
    assert (raised.value.kind, raised.value.host) == ("no_video", host)
    assert raised.value.reason == WaitReason.DOWNLOAD_INTERRUPTED


async def test_an_endless_body_is_ended(part: Path) -> None:
    adapter = HttpDownloads(largest=HALF)
    with FaultyServer(chunked(VIDEO)) as server, pytest.raises(DownloadTrouble, match="more than"):
        await adapter.fetch(DownloadOrder(server.url(), part), lambda _: None)
    adapter.close()
    assert part.read_bytes() == b""


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, AddressRefused) for status in (401, 403, 404, 410)),
        *((status, ClipTrouble) for status in (204, 206, 304, 400, 418, 429, 500, 502, 503)),
    ],
)
async def test_a_status_means(part: Path, status: int, kind: type[CamspoolError]) -> None:
    script: Callable[[Exchange], None] = lambda exchange: exchange.answer(b"", status, retry_after=120)  # noqa: E731
    with FaultyServer(script) as server:
        host = server.url("")
        with pytest.raises(kind, match=str(status)) as raised:
            await fetch(server.url(), part)
    assert "left alone for 120 s" in str(raised.value)
    if isinstance(raised.value, DownloadTrouble):
        assert (raised.value.host, raised.value.retry_after) == (host, 120)
        assert raised.value.reason == WaitReason.RATE_LIMITED


KEY = "a1b2c3d4e5"
SOURCE = Source("http://host:80")
BROKEN: dict[str, Callable[[Exchange], None]] = {
    "gzip": lambda exchange: exchange.answer(gzip.compress(VIDEO), content_encoding="gzip"),
    "no HTTP": lambda exchange: exchange.send(b"SSH-2.0-OpenSSH\r\n\r\n"),
    "no answer": lambda exchange: exchange.close(),
    "silence": lambda exchange: exchange.stall(),
    "negative length": lambda exchange: exchange.head(content_length=-5),
    "two lengths": lambda exchange: exchange.head(content_length="5\r\ncontent-length: 6"),
    "endless head": lambda exchange: exchange.send(b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 100_000),
    "redirect loop": lambda exchange: exchange.answer(b"", 302, location="/again.mp4?sig=" + KEY),
    "redirect to a file": lambda exchange: exchange.answer(
        b"", 302, location="file:///etc/passwd?sig=" + KEY
    ),
    "redirect to nonsense": lambda exchange: exchange.answer(b"", 302, location="http://[" + KEY),
    "chunk too long": chunked(VIDEO, end=b"zzzz\r\n"),
    "refused": lambda exchange: exchange.answer(b"", 302, location="http://127.0.0.1:1/a.mp4?sig=" + KEY),
    "unknown host": lambda exchange: exchange.answer(b"", 302, location="http://no.invalid/a.mp4?sig=" + KEY),
    "expired": lambda exchange: exchange.answer(b"", 403),
    "page": lambda exchange: exchange.answer(b"<html>", content_type="text/html"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_no_trouble_tells_the_signature(
    part: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with FaultyServer(BROKEN[name]) as server, pytest.raises(CamspoolError) as raised:
        await fetch(server.url(f"/key-{KEY}/clip.mp4?sig={KEY}"), part, timeout=0.3)
    texts = "".join(traceback.format_exception(raised.value)) + repr(raised.value) + caplog.text
    assert KEY not in texts
    assert raised.value.__context__ is None
    assert raised.value.__cause__ is None
    assert "127.0.0.1" in texts


@pytest.mark.parametrize(
    "url", ["ftp://host/a.mp4?sig=" + KEY, "/a.mp4", f"http://host:port{KEY}/", "http:///" + KEY, ""]
)
async def test_what_is_no_url_for_a_download_is_trouble(part: Path, url: str) -> None:
    with pytest.raises(ClipTrouble) as raised:
        await fetch(url, part)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [("http", "https", True), ("https", "https", True), ("http", "http", True), ("https", "http", False)],
)
def test_a_redirect_never_leaves_https(before: str, after: str, *, allowed: bool) -> None:
    urls = httpx.URL(f"{before}://a/b.mp4?x=1"), httpx.URL(f"{after}://c/d.mp4?x=1")
    if allowed:
        check_redirect(*urls, SOURCE)
    else:
        with pytest.raises(ClipTrouble, match="from https to http"):
            check_redirect(*urls, SOURCE)


async def test_five_redirects_are_followed(part: Path) -> None:
    def script(exchange: Exchange) -> None:
        step = int(exchange.request.target[1:])
        if step < 5:
            exchange.answer(b"", 307, location=f"/{step + 1}")
        else:
            whole(exchange)

    part.write_bytes(VIDEO[:HALF])
    with FaultyServer(script) as server:
        done, _ = await fetch(server.url("/0"), part, ETAG, SIZE)
    assert done.sha256 == SHA256
    assert server.requests[-1].headers["range"] == f"bytes={HALF}-"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:word@host:8443/a/b/clip.mp4?x=1#y", "https://host:8443/…/clip.mp4"),
        ("http://host/3f2a9c77d0aa4e", "http://host/…/"),
        ("http://host/a%0ab.mp4", "http://host/…/"),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    assert place(httpx.URL(url)) == shown


def httpx_errors(root: type[BaseException]) -> Iterator[type[BaseException]]:
    for kind in root.__subclasses__():
        if kind.__module__.startswith("httpx"):
            yield kind
        yield from httpx_errors(kind)


def test_every_httpx_error_is_known() -> None:
    kinds = {kind for kind in httpx_errors(Exception) if kind.__name__ in httpx.__all__}
    assert len(kinds) > 25
    for kind in kinds:
        assert issubclass(kind, HTTPX_ERRORS), kind
        error = kind.__new__(kind)
        error.args = ("http://host/?sig=" + KEY,)
        if not isinstance(error, httpx.NetworkError):
            assert isinstance(error, Exception)
            assert KEY not in str(classify(error, "http://host", 1, SOURCE)), kind


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, WaitReason.DISK_FULL),
        (errno.EDQUOT, WaitReason.DISK_FULL),
        (errno.EIO, WaitReason.FOLDER_UNAVAILABLE),
        (errno.EROFS, WaitReason.FOLDER_UNAVAILABLE),
        (errno.EFBIG, WaitReason.FOLDER_UNAVAILABLE),
    ],
)
async def test_a_write_that_fails_is_a_matter_of_storage(
    part: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: WaitReason
) -> None:
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        if Path(f"/proc/self/fd/{descriptor}").readlink() == part and os.fstat(descriptor).st_size:
            raise OSError(number, os.strerror(number))
        return real(descriptor, data[:1000])

    monkeypatch.setattr(os, "write", write)
    with FaultyServer(whole) as server, pytest.raises(StorageTrouble, match=str(part)) as raised:
        await fetch(server.url(), part)
    assert raised.value.reason == reason
    # On a full disk the end is given back, so that status files can be written.
    assert part.read_bytes() == (b"" if reason is WaitReason.DISK_FULL else VIDEO[:1000])


async def test_a_failed_fsync_makes_the_part_unusable(part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)
    with FaultyServer(whole) as server, pytest.raises(StorageTrouble, match="Input/output"):
        await fetch(server.url(), part)
    assert not part.exists()


async def test_a_folder_that_is_gone_or_a_link_costs_no_request(part: Path, tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"other's")
    part.symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "pipe")
    with FaultyServer(whole) as server:
        for path in (part, tmp_path / "gone" / "a.part", tmp_path, tmp_path / "pipe"):
            with pytest.raises(StorageTrouble) as raised:
                await fetch(server.url(), path)
            assert raised.value.reason == WaitReason.FOLDER_UNAVAILABLE
            assert "delete" in raised.value.message or not path.is_symlink()
    assert not server.requests
    assert (tmp_path / "target").read_bytes() == b"other's"


async def test_a_hard_link_to_what_is_somebody_elses_is_left_alone(part: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"other's")
    part.hardlink_to(tmp_path / "theirs")
    with FaultyServer(whole) as server:
        await fetch(server.url(), part)
    assert part.read_bytes() == VIDEO
    assert (tmp_path / "theirs").read_bytes() == b"other's"


async def test_the_part_has_the_mode_that_the_umask_leaves(part: Path) -> None:
    before = os.umask(0o027)
    try:
        with FaultyServer(whole) as server:
            await fetch(server.url(), part)
    finally:
        os.umask(before)
    assert part.stat().st_mode & 0o777 == 0o640


async def test_a_server_that_does_not_listen_is_trouble(part: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ClipTrouble, match="refused"):
        await fetch(f"http://127.0.0.1:{port}/clip.mp4", part)
