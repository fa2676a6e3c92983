"""The simulator's correct downloads: lengths, ranges, validators, pace, and what the record says of them."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from camspool.simulator import Settings, Simulator, World
from simulator.test_api import TINY, Client


@pytest.fixture(name="quick")
def _quick(tmp_path: Path) -> Settings:
    return Settings(prepare_cloud=0, prepare_local=0, cache=tmp_path)


@pytest.fixture(name="client")
def _client(quick: Settings) -> Iterator[Client]:
    with Simulator(TINY, quick) as sim, Client(sim) as client:
        yield client


def _world_of_large_clips(padding: int) -> World:
    stretch = replace(TINY.nodes[0].stretches[0], padding=padding)
    return World((replace(TINY.nodes[0], stretches=(stretch,)),))


def test_a_plain_download_is_the_whole_file(client: Client) -> None:
    recording_id, url = client.prepared()
    answer = client.public.get(url)
    expected = client.sim.clip_bytes(recording_id)
    assert (answer.status_code, answer.content) == (200, expected)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-length"] == str(len(expected))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"].startswith('"')
    (download,) = client.sim.record.downloads
    assert (download.sent, download.complete, download.recording_id) == (len(expected), True, recording_id)


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=100-", 100, None),
        ("bytes=-50", -50, None),
        ("bytes=10-99999999", 10, None),
    ],
)
def test_a_range_is_answered_exactly(client: Client, asked: str, first: int, end: int | None) -> None:
    recording_id, url = client.prepared()
    whole = client.sim.clip_bytes(recording_id)
    answer = client.public.get(url, headers={"Range": asked})
    start, stop, _ = slice(first, end).indices(len(whole))
    assert (answer.status_code, answer.content) == (206, whole[first:end])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(whole)}"
    assert client.sim.record.downloads[-1].range_start == start


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=", "bytes=a-b", "bytes=0-1,5-6", "lines=1-2", "bytes=-0"]
)
def test_a_range_that_means_nothing_is_no_partial_answer(client: Client, asked: str) -> None:
    _, url = client.prepared()
    answer = client.public.get(url, headers={"Range": asked})
    assert answer.status_code in (200, 416)
    assert "/" not in answer.headers.get("content-range", "bytes */1")[:6]


def test_a_range_past_the_end_cannot_be_satisfied(client: Client) -> None:
    recording_id, url = client.prepared()
    size = len(client.sim.clip_bytes(recording_id))
    answer = client.public.get(url, headers={"Range": f"bytes={size}-"})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{size}"


@pytest.mark.parametrize(
    ("validator", "status"), [("etag", 206), ("last-modified", 206), ('"other"', 200), ("W/", 200)]
)
def test_if_range_resumes_only_the_same_version(client: Client, validator: str, status: int) -> None:
    _, url = client.prepared()
    headers = client.public.head(url).headers
    condition = "W/" + headers["etag"] if validator == "W/" else headers.get(validator, validator)
    answer = client.public.get(url, headers={"Range": "bytes=10-", "If-Range": condition})
    assert answer.status_code == status


def test_head_has_the_headers_alone(client: Client) -> None:
    recording_id, url = client.prepared()
    answer = client.public.head(url)
    assert answer.headers["content-length"] == str(len(client.sim.clip_bytes(recording_id)))
    assert not client.sim.record.downloads[-1].complete


def test_only_get_and_head(client: Client) -> None:
    _, url = client.prepared()
    assert client.public.put(url).status_code == 405


def test_two_preparations_have_different_urls_and_etags(client: Client) -> None:
    (_, small), (_, large) = client.prepared(height=64), client.prepared(height=96)
    assert small != large
    assert client.public.head(small).headers["etag"] != client.public.head(large).headers["etag"]


def test_another_height_makes_a_new_url(client: Client) -> None:
    recording_id, url = client.prepared(height=64)
    client.prepare(recording_id, 96)
    client.sim.clip_path(recording_id)
    assert client.public.get(url).status_code == 404


def test_a_connection_serves_several_downloads(client: Client) -> None:
    _, url = client.prepared()
    sources = {
        client.public.get(url).extensions["network_stream"].get_extra_info("client_addr") for _ in range(3)
    }
    assert len(sources) == 1


def test_a_large_file_is_streamed_and_pieces_make_the_whole(quick: Settings) -> None:
    with Simulator(_world_of_large_clips(3_000_000), quick) as sim, Client(sim) as client:
        recording_id, url = client.prepared()
        whole = sim.clip_bytes(recording_id)
        parts = [
            client.public.get(url, headers={"Range": f"bytes={start}-{start + 999_999}"})
            for start in range(0, 4_000_000, 1_000_000)
        ]
    assert len(whole) > 3_000_000
    assert b"".join(part.content for part in parts) == whole


def test_a_throttled_download_takes_its_time(quick: Settings) -> None:
    with (
        Simulator(_world_of_large_clips(40_000), replace(quick, throttle=200_000)) as sim,
        Client(sim) as client,
    ):
        _, url = client.prepared()
        began = time.monotonic()
        client.public.get(url)
        assert 0.15 < time.monotonic() - began < 1


@pytest.mark.parametrize(("size", "throttle"), [(40_000, 100_000), (20_000_000, None)])
def test_a_download_given_up_is_not_complete(quick: Settings, size: int, throttle: int | None) -> None:
    with (
        Simulator(_world_of_large_clips(size), replace(quick, throttle=throttle)) as sim,
        Client(sim) as client,
    ):
        _, url = client.prepared()
        with client.public.stream("GET", url) as answer:
            next(answer.iter_raw())
        for _ in range(500):
            if sim.record.downloads[0].finished_at:
                break
            time.sleep(0.002)
        (download,) = sim.record.downloads
        assert download.finished_at
        assert not download.complete
        assert 0 < download.sent < size


def test_the_record_knows_how_many_ran_at_once(quick: Settings) -> None:
    with (
        Simulator(_world_of_large_clips(40_000), replace(quick, throttle=400_000)) as sim,
        Client(sim) as client,
    ):
        _, url = client.prepared()
        with client.public.stream("GET", url) as first, client.public.stream("GET", url) as second:
            first.read()
            second.read()
        client.public.get(url)
        assert sim.record.most_downloads_at_once() == 2
