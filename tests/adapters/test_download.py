"""Downloads that come about: whole, resumed, started over, paced, cancelled."""

import asyncio
import errno
import os
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from camspool.adapters.download import COURTESY, DownloadSettings, HttpDownloads, body
from camspool.adapters.download import part as part_module
from camspool.adapters.download.pace import Meter
from camspool.core.errors import ClipTrouble
from camspool.core.ports import Downloaded, DownloadOrder, DownloadProgress
from camspool.core.values import WaitReason
from support.downloading import (
    ETAG,
    HALF,
    SHA256,
    SIZE,
    VIDEO,
    chunked,
    cut,
    downloads,
    fetch,
    in_turn,
    reset,
    stall,
    until,
    whole,
)
from support.servers import Exchange, FaultyServer


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / ".clip.mp4.part"


@pytest.fixture(params=["by httpx", "past httpx"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of reading a body; the video is a short one, whose body is left to httpx otherwise."""
    if request.param == "past httpx":
        monkeypatch.setattr(body, "LONG", 1)


both_ways = pytest.mark.usefixtures("way")


@both_ways
async def test_a_download_is_byte_identical_and_hashed(part: Path) -> None:
    with FaultyServer(whole) as server:
        done, reports = await fetch(server.url(), part)
    assert done == Downloaded(SIZE, SHA256)
    assert part.read_bytes() == VIDEO
    assert reports[0] == DownloadProgress(0, SIZE, None, ETAG)


async def test_nothing_is_sent_that_could_identify_us(
    part: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    def script(exchange: Exchange) -> None:
        if exchange.request.target.startswith("/first"):
            exchange.answer(b"", 302, location="/second/clip.mp4", set_cookie="id=1")
        else:
            whole(exchange)

    with FaultyServer(script) as server:
        await fetch(server.url("/first?sig=1").replace("//", "//user:word@"), part)
    assert [request.target for request in server.requests] == ["/first?sig=1", "/second/clip.mp4"]
    for request in server.requests:
        assert not {"authorization", "cookie", "referer", "range"} & set(request.headers)
        assert request.headers["accept-encoding"] == "identity"


async def test_the_connection_is_used_again(tmp_path: Path) -> None:
    with FaultyServer(whole) as server:
        async with downloads() as adapter:
            for name in ("a", "b", "c"):
                await adapter.fetch(DownloadOrder(server.url(), tmp_path / name), lambda _: None)
    assert (len(server.requests), server.connections) == (3, 1)


@pytest.mark.parametrize("hang_up", [Exchange.close, Exchange.reset])
async def test_a_kept_connection_that_the_server_has_just_ended_is_replaced_at_once(
    tmp_path: Path, hang_up: Callable[[Exchange], None]
) -> None:
    with FaultyServer(in_turn(whole, hang_up, whole)) as server:
        async with downloads() as adapter:
            for name in ("a", "b"):
                done = await adapter.fetch(DownloadOrder(server.url(), tmp_path / name), lambda _: None)
    assert done == Downloaded(SIZE, SHA256)
    assert (len(server.requests), server.connections) == (3, 2)


async def test_a_new_connection_that_ends_without_an_answer_is_an_interruption(tmp_path: Path) -> None:
    with FaultyServer(in_turn(whole, Exchange.close, Exchange.close)) as server:
        async with downloads() as adapter:
            await adapter.fetch(DownloadOrder(server.url(), tmp_path / "a"), lambda _: None)
            with pytest.raises(ClipTrouble, match="broke off its answer"):
                await adapter.fetch(DownloadOrder(server.url(), tmp_path / "b"), lambda _: None)
    assert len(server.requests) == 3


@both_ways
@pytest.mark.parametrize(
    "fault", [cut, reset, stall, chunked(VIDEO[:HALF], end=b"8\r\n" + VIDEO[HALF : HALF + 3])]
)
async def test_an_interrupted_download_is_resumed_where_it_ended(
    part: Path, fault: Callable[[Exchange], None]
) -> None:
    with FaultyServer(in_turn(fault, whole)) as server:
        with pytest.raises(ClipTrouble) as raised:
            await fetch(server.url(), part, timeout=0.3)
        assert raised.value.reason == WaitReason.DOWNLOAD_INTERRUPTED
        kept = part.stat().st_size
        assert kept >= HALF
        assert part.read_bytes() == VIDEO[:kept]
        done, reports = await fetch(server.url(), part, ETAG, None)
    assert done == Downloaded(SIZE, SHA256)
    assert part.read_bytes() == VIDEO
    assert reports[0] == DownloadProgress(kept, SIZE, None, ETAG)
    assert server.requests[1].headers["range"] == f"bytes={kept}-"
    assert server.requests[1].headers["if-range"] == ETAG


@both_ways
async def test_a_stall_is_reported_in_seconds(part: Path) -> None:
    with FaultyServer(stall) as server, pytest.raises(ClipTrouble, match=r"not a byte .* for 0\.2 s"):
        await fetch(server.url(), part, timeout=0.2)


@both_ways
async def test_what_cannot_be_resumed_takes_no_room(part: Path) -> None:
    def weak(exchange: Exchange) -> None:
        exchange.head(content_length=SIZE, etag=f"W/{ETAG}")
        exchange.send(VIDEO[:HALF])
        exchange.close()

    with FaultyServer(weak) as server, pytest.raises(ClipTrouble):
        await fetch(server.url(), part)
    assert part.read_bytes() == b""


@both_ways
@pytest.mark.parametrize(
    ("status", "head"),
    [(203, {}), (206, {"content_range": f"bytes 0-{SIZE - 1}/{SIZE}"})],
    ids=["passed on by a proxy", "the whole as a range"],
)
async def test_a_whole_file_is_taken_with_whichever_status_it_comes(
    part: Path, status: int, head: dict[str, str]
) -> None:
    with FaultyServer(lambda exchange: exchange.answer(VIDEO, status, **head)) as server:
        done, _ = await fetch(server.url(), part)
    assert done == Downloaded(SIZE, SHA256)
    assert part.read_bytes() == VIDEO


@both_ways
@pytest.mark.parametrize(
    "content_range",
    ["", f"bytes 0-{HALF - 1}/{SIZE}", f"bytes 1-{SIZE}/{SIZE + 1}", "bytes */5", "bytes 0-8/*"],
)
async def test_a_part_that_nobody_asked_for_is_not_taken(part: Path, content_range: str) -> None:
    def script(exchange: Exchange) -> None:
        exchange.answer(VIDEO[:HALF], 206, content_range=content_range)

    with FaultyServer(script) as server, pytest.raises(ClipTrouble, match="answered 206"):
        await fetch(server.url(), part)
    assert not part.read_bytes()


def ranged(content_range: str, body: bytes = VIDEO[HALF:], etag: str = ETAG) -> Callable[[Exchange], None]:
    """A server whose answer to a range is odd, and to no range is right."""

    def answer(exchange: Exchange) -> None:
        if "range" in exchange.request.headers:
            exchange.answer(body, 206, content_range=content_range, etag=etag)
        else:
            whole(exchange)

    return answer


def ranged_chunked(content_range: str, body: bytes) -> Callable[[Exchange], None]:
    """The same without a length, which would give the oddity away."""

    def answer(exchange: Exchange) -> None:
        if "range" not in exchange.request.headers:
            return whole(exchange)
        exchange.head(206, transfer_encoding="chunked", content_range=content_range, etag=ETAG)
        return exchange.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))

    return answer


def not_satisfiable(exchange: Exchange) -> None:
    if "range" in exchange.request.headers:
        exchange.answer(b"", 416, content_range=f"bytes */{SIZE}")
    else:
        whole(exchange)


RIGHT = f"bytes {HALF}-{SIZE - 1}/{SIZE}"
NO_RESUME: dict[str, Callable[[Exchange], None]] = {
    "ignores the range": lambda exchange: exchange.answer(VIDEO, etag=ETAG),
    "another version": lambda exchange: exchange.rest(VIDEO, '"version-2"'),
    "ignores If-Range": ranged(RIGHT, b"x" * HALF, '"version-2"'),
    "no longer strong": ranged(RIGHT, b"x" * HALF, f"W/{ETAG}"),
    "another beginning": ranged(f"bytes {HALF + 1}-{SIZE - 1}/{SIZE}", VIDEO[HALF + 1 :]),
    "another total": ranged(f"bytes {HALF}-{SIZE}/{SIZE + 1}", VIDEO[HALF:] + b"x"),
    "only a piece": ranged(f"bytes {HALF}-{HALF + 9}/{SIZE}", VIDEO[HALF : HALF + 10]),
    "unknown total": ranged(f"bytes {HALF}-{SIZE - 1}/*"),
    "negative range": ranged(f"bytes -{HALF}-{SIZE - 1}/{SIZE}"),
    "two ranges": ranged(f"{RIGHT}\r\ncontent-range: bytes 0-1/{SIZE}"),
    "no range named": ranged(""),
    "another length": ranged(RIGHT, VIDEO[HALF:] + b"x"),
    "another beginning, no length": ranged_chunked(f"bytes 0-{SIZE - 1}/{SIZE}", VIDEO[:HALF]),
    "only a piece, no length": ranged_chunked(f"bytes {HALF}-{HALF + 9}/{SIZE}", VIDEO[HALF : HALF + 10]),
    "416": not_satisfiable,
}


async def test_a_rest_that_ends_properly_and_too_early_is_no_whole_file(part: Path) -> None:
    part.write_bytes(VIDEO[:HALF])
    with (
        FaultyServer(ranged_chunked(RIGHT, VIDEO[HALF:-1])) as server,
        pytest.raises(ClipTrouble, match=f"{SIZE - 1:,} of {SIZE:,} bytes"),
    ):
        await fetch(server.url(), part, ETAG, SIZE)


@both_ways
@pytest.mark.parametrize("name", NO_RESUME)
async def test_a_part_is_never_joined_with_what_does_not_fit(part: Path, name: str) -> None:
    part.write_bytes(VIDEO[:HALF])
    with FaultyServer(NO_RESUME[name]) as server:
        done, _ = await fetch(server.url(), part, ETAG, SIZE)
    assert done == Downloaded(SIZE, SHA256)
    assert part.read_bytes() == VIDEO


@pytest.mark.parametrize(
    ("found", "etag", "total"),
    [
        pytest.param(b"x" * HALF, None, SIZE, id="no validator"),
        pytest.param(b"x" * HALF, f"W/{ETAG}", SIZE, id="weak validator"),
        pytest.param(b"x" * HALF, "version\r\nX-Evil: 1", SIZE, id="odd validator"),
        pytest.param(b"x" * (SIZE + 1), ETAG, SIZE, id="longer than the whole"),
    ],
)
async def test_without_a_good_validator_it_starts_over(
    part: Path, found: bytes, etag: str | None, total: int
) -> None:
    part.write_bytes(found)
    with FaultyServer(whole) as server:
        done, _ = await fetch(server.url(), part, etag, total)
    assert done == Downloaded(SIZE, SHA256)
    assert part.read_bytes() == VIDEO
    assert "range" not in server.requests[0].headers


async def test_a_complete_part_needs_no_request(part: Path) -> None:
    part.write_bytes(VIDEO)
    with FaultyServer(whole) as server:
        done, _ = await fetch(server.url(), part, ETAG, SIZE)
    assert done == Downloaded(SIZE, SHA256)
    assert not server.requests


async def test_a_chunked_answer_is_complete_when_it_ends_properly(part: Path) -> None:
    with FaultyServer(chunked(VIDEO[:7], VIDEO[7:HALF], VIDEO[HALF:])) as server:
        done, reports = await fetch(server.url(), part)
    assert done == Downloaded(SIZE, SHA256)
    assert reports[0].total_bytes is None


@both_ways
async def test_cancelling_ends_a_stalled_download_and_a_resume_asks_for_the_rest_only(part: Path) -> None:
    with FaultyServer(in_turn(stall, whole)) as server:
        task = asyncio.create_task(fetch(server.url(), part, timeout=60))
        await until(lambda: part.exists() and part.stat().st_size == HALF)
        begun = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - begun < 1
        await until(lambda: not any(thread.name == "download" for thread in threading.enumerate()))
        done, _ = await fetch(server.url(), part, ETAG, SIZE)
    assert done == Downloaded(SIZE, SHA256)
    assert part.read_bytes() == VIDEO
    assert server.requests[1].headers["range"] == f"bytes={HALF}-"


@pytest.mark.parametrize(
    "script", [Exchange.stall, lambda exchange: exchange.send(b"HTTP/1.1 200 OK\r\nx: ")]
)
async def test_cancelling_before_the_answer_does_not_wait_for_it(
    part: Path, script: Callable[[Exchange], None]
) -> None:
    part.write_bytes(b"kept")
    with FaultyServer(script) as server:
        task = asyncio.create_task(fetch(server.url(), part, timeout=60))
        await until(lambda: server.requests)
        begun = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - begun < 1
        await until(lambda: not any(thread.name == "download" for thread in threading.enumerate()))
    assert part.read_bytes() == b"kept"


@both_ways
async def test_cancelling_ends_a_wait_for_the_rate(part: Path) -> None:
    with FaultyServer(whole) as server:
        async with downloads(rate=1000) as adapter:
            task = asyncio.create_task(adapter.fetch(DownloadOrder(server.url(), part), lambda _: None))
            await until(lambda: part.exists() and part.stat().st_size)
            begun = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert time.monotonic() - begun < 1


@both_ways
async def test_cancelling_waits_for_the_last_write_and_tells_no_more_progress(part: Path) -> None:
    reached, released = threading.Event(), threading.Event()

    def clock() -> float:
        """Time flies, and at the second report the worker is held up."""
        if threading.current_thread().name == "download" and part.stat().st_size:
            reached.set()
            released.wait(5)
        return time.monotonic() * 1e6

    adapter = HttpDownloads(monotonic=clock)
    reports: list[DownloadProgress] = []
    with FaultyServer(stall) as server:
        task = asyncio.create_task(adapter.fetch(DownloadOrder(server.url(), part), reports.append))
        await until(reached.is_set)
        task.cancel()
        await asyncio.sleep(0.05)
        assert not task.done()
        released.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    adapter.close()
    assert [report.bytes for report in reports] == [0]


@both_ways
async def test_a_write_may_take_less_than_it_was_given(part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:1000]))
    with FaultyServer(whole) as server:
        done, _ = await fetch(server.url(), part)
    assert done == Downloaded(SIZE, SHA256)
    assert part.read_bytes() == VIDEO


async def test_progress_is_noted_while_there_is_any(part: Path) -> None:
    with FaultyServer(stall) as server:
        async with downloads(60) as adapter:
            task = asyncio.create_task(adapter.fetch(DownloadOrder(server.url(), part), lambda _: None))
            await until(lambda: part.exists() and part.stat().st_size == HALF)
            stalled_at = adapter.progressed_at()
            await asyncio.sleep(0.05)
            assert adapter.progressed_at() == stalled_at
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert adapter.progressed_at() > stalled_at, "nothing to do is no standstill"


async def test_downloads_give_way_to_all_else(part: Path) -> None:
    with FaultyServer(stall) as server:
        async with downloads(60) as adapter:
            task = asyncio.create_task(adapter.fetch(DownloadOrder(server.url(), part), lambda _: None))
            await until(lambda: part.exists() and part.stat().st_size == HALF)
            (thread,) = (thread for thread in threading.enumerate() if thread.name == "download")
            own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
            assert os.getpriority(os.PRIO_PROCESS, thread.native_id or 0) == min(19, own + COURTESY)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


async def test_a_wait_for_the_rate_is_no_standstill(part: Path) -> None:
    with FaultyServer(whole) as server:
        async with downloads(rate=1) as adapter:
            task = asyncio.create_task(adapter.fetch(DownloadOrder(server.url(), part), lambda _: None))
            await until(lambda: part.exists() and part.stat().st_size)
            size, before = part.stat().st_size, adapter.progressed_at()
            await until(lambda: adapter.progressed_at() > before)
            assert part.stat().st_size == size < SIZE
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


async def test_a_part_is_on_its_way_to_the_disk_as_it_grows(
    part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, written = os.posix_fadvise, []

    def advise(descriptor: int, start: int, length: int, advice: int) -> None:
        written.append((start, start + length, advice))
        real(descriptor, start, length, advice)

    monkeypatch.setattr(os, "posix_fadvise", advise)
    monkeypatch.setattr(part_module, "_WRITE_OUT_EVERY", SIZE // 4)
    with FaultyServer(whole) as server:
        await fetch(server.url(), part)
    starts, ends, advices = zip(*written, strict=True)
    assert starts == (0, *ends[:-1])
    assert ends[-1] > SIZE * 3 // 4
    assert set(advices) == {os.POSIX_FADV_DONTNEED}


@pytest.mark.parametrize("call", ["nice", "posix_fadvise"])
async def test_a_kernel_that_lacks_what_only_helps_others_is_no_obstacle(
    part: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(*_: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(os, call, lacking)
    monkeypatch.setattr(part_module, "_WRITE_OUT_EVERY", SIZE // 4)
    with FaultyServer(whole) as server:
        done, _ = await asyncio.wait_for(fetch(server.url(), part), 20)
    assert done == Downloaded(SIZE, SHA256)


async def test_memory_does_not_depend_on_the_size(part: Path) -> None:
    block = VIDEO[:65536]

    def script(exchange: Exchange) -> None:
        exchange.head(content_length=len(block) * 3200)
        for _ in range(3200):
            exchange.send(block)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with FaultyServer(script) as server:
        done, _ = await fetch(server.url(), part)
    assert done.bytes == len(block) * 3200
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10  # KiB


async def test_another_timeout_holds_for_the_next_download(tmp_path: Path) -> None:
    with FaultyServer(in_turn(whole, stall)) as server:
        settings = DownloadSettings(timeout=60)
        async with downloads(settings=lambda: settings) as adapter:
            await adapter.fetch(DownloadOrder(server.url(), tmp_path / "a"), lambda _: None)
            settings = DownloadSettings(timeout=0.2)
            with pytest.raises(ClipTrouble, match=r"for 0\.2 s"):
                await adapter.fetch(DownloadOrder(server.url(), tmp_path / "b"), lambda _: None)
    assert server.connections == 2


async def test_another_timeout_holds_after_a_download_that_it_came_upon(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def held_up(exchange: Exchange) -> None:
        begun.set()
        go_on.wait(5)
        whole(exchange)

    with FaultyServer(in_turn(held_up, stall)) as server:
        settings = DownloadSettings(timeout=60)
        async with downloads(settings=lambda: settings) as adapter:
            task = asyncio.create_task(
                adapter.fetch(DownloadOrder(server.url(), tmp_path / "a"), lambda _: None)
            )
            await until(begun.is_set)
            settings = DownloadSettings(timeout=0.2)
            go_on.set()
            assert (await task).sha256 == SHA256
            with pytest.raises(ClipTrouble, match=r"for 0\.2 s"):
                await adapter.fetch(DownloadOrder(server.url(), tmp_path / "b"), lambda _: None)


async def test_lifting_the_rate_lets_a_running_download_go_on(part: Path) -> None:
    with FaultyServer(whole) as server:
        settings = DownloadSettings(rate=lambda: 1000)
        async with downloads(settings=lambda: settings) as adapter:
            task = asyncio.create_task(adapter.fetch(DownloadOrder(server.url(), part), lambda _: None))
            await until(lambda: part.exists() and part.stat().st_size)
            settings = DownloadSettings()
            assert (await asyncio.wait_for(task, 5)).sha256 == SHA256


@both_ways
async def test_a_rate_holds_for_all_together(tmp_path: Path) -> None:
    begun = time.monotonic()
    with FaultyServer(whole) as server:
        async with downloads(rate=SIZE * 8) as adapter:
            orders = [DownloadOrder(server.url(), tmp_path / str(number)) for number in range(4)]
            await asyncio.gather(*(adapter.fetch(order, lambda _: None) for order in orders))
    assert (
        time.monotonic() - begun >= 0.3
    )  # of half a second: what was not used just before may be made up for


def test_the_speed_is_that_of_late() -> None:
    now = 0.0
    meter = Meter(1000, lambda: now)
    assert not meter.due()
    for second in range(1, 21):
        now = float(second)
        assert meter.due()
        speed = meter.speed(1000 + second * 100)
        assert speed == 100
        assert not meter.due()
    now = 30.0
    assert meter.speed(3000 + 7000) == pytest.approx(7000 / 10, rel=0.15)


@both_ways
async def test_progress_comes_once_a_second_at_most(part: Path) -> None:
    ticks = iter(range(10_000))
    adapter = HttpDownloads(monotonic=lambda: next(ticks) / 10)
    reports: list[DownloadProgress] = []

    def script(exchange: Exchange) -> None:
        exchange.head(content_length=SIZE)
        for at in range(0, SIZE, 5000):
            exchange.send(VIDEO[at : at + 5000])
            time.sleep(0.001)

    with FaultyServer(script) as server:
        await adapter.fetch(DownloadOrder(server.url(), part), reports.append)
    adapter.close()
    assert len(reports) <= next(ticks) / 10 + 1
    assert len(reports) > 1
    assert all(report.bytes_per_s for report in reports[1:])
    assert [report.bytes for report in reports] == sorted(report.bytes for report in reports)
