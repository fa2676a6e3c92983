"""Every fault of the simulator's downloads does what its name says, once, to the download that it matches."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from camspool.simulator import CATALOGUE, Node, Settings, Simulator, Stretch, World
from simulator.test_api import Client

PADDED = (Stretch(0, heights=(64, 96), padding=30_000),)
TWO = World((Node(7, "Gate", stretches=PADDED), Node(8, "Door", stretches=PADDED)))


@pytest.fixture(name="client")
def _client(tmp_path: Path) -> Iterator[Client]:
    settings = Settings(prepare_cloud=0, prepare_local=0, cache=tmp_path)
    with Simulator(TWO, settings) as sim, Client(sim) as client:
        yield client


DOWNLOAD_FAULTS: list[tuple[str, dict[str, Any], Callable[[httpx.Response, bytes], bool]]] = [
    ("download_status", {}, lambda answer, _: answer.status_code == 503),
    *(
        ("download_status", {"status": status}, lambda answer, _, status=status: answer.status_code == status)
        for status in (403, 404, 410, 416, 500)
    ),
    ("download_status", {"retry_after": 3}, lambda answer, _: answer.headers["retry-after"] == "3"),
    ("download_expired", {}, lambda answer, _: answer.status_code == 410),
    ("download_html", {}, lambda answer, _: answer.status_code == 200 and b"<html>" in answer.content),
    ("download_cut", {"framing": "close"}, lambda answer, whole: answer.content == whole[:1000]),
    (
        "download_unframed",
        {},
        lambda answer, whole: answer.content == whole and "content-length" not in answer.headers,
    ),
    ("download_unframed", {"framing": "close"}, lambda answer, whole: answer.content == whole),
    ("download_wrong_length", {"by": -100}, lambda answer, whole: answer.content == whole[:-100]),
    (
        "download_etag_weak",
        {},
        lambda answer, whole: answer.headers["etag"].startswith("W/") and answer.content == whole,
    ),
    ("download_etag_none", {}, lambda answer, _: not {"etag", "last-modified"} & set(answer.headers)),
    (
        "download_gzip",
        {},
        lambda answer, whole: answer.headers["content-encoding"] == "gzip" and answer.content == whole,
    ),
    (
        "download_not_video",
        {},
        lambda answer, whole: len(answer.content) == len(whole) and b"ftyp" not in answer.content[:16],
    ),
    ("download_other_height", {"height": 128}, lambda answer, _: _measured(answer.content) == (128, 10)),
    ("download_other_duration", {"seconds": 4}, lambda answer, _: _measured(answer.content) == (64, 4)),
    (
        "download_date_only",
        {},
        lambda answer, _: "etag" not in answer.headers and "last-modified" in answer.headers,
    ),
    (
        "download_calls_it",
        {"coding": "none"},
        lambda answer, whole: (
            answer.headers["content-type"].startswith("text/html")
            and answer.headers["content-encoding"] == "none"
            and answer.content == whole
        ),
    ),
    ("download_gap", {}, lambda answer, _: _pictures_at(answer.content) == [0, 3, 4, 5, 6, 7, 8, 9]),
    (
        "download_trailing_bytes",
        {"size": 7},
        lambda answer, whole: answer.content == whole + bytes(7),
    ),
    (
        "download_trailing_bytes",
        {"fill": "noise"},
        lambda answer, whole: answer.content.startswith(whole) and len(answer.content) == len(whole) + 512,
    ),
    (
        "download_truncated",
        {},
        lambda answer, whole: len(answer.content) < len(whole) and whole.startswith(answer.content),
    ),
    ("download_flipped_byte", {}, lambda answer, whole: _changed_bytes(answer.content, whole) == 1),
    ("download_flipped_byte", {"at": 17}, lambda answer, whole: answer.content[17] == whole[17] ^ 0xFF),
    (
        "download_slow",
        {"rate": 300_000},
        lambda answer, whole: answer.content == whole and answer.elapsed.total_seconds() > 0.1,
    ),
    (
        "download_redirect",
        {},
        lambda answer, _: answer.status_code == 302 and "hops=0" in answer.headers["location"],
    ),
    (
        "download_redirect",
        {"host": "localhost"},
        lambda answer, _: "//localhost:" in answer.headers["location"],
    ),
    (
        "download_redirect",
        {"location": "file:///x"},
        lambda answer, _: answer.headers["location"] == "file:///x",
    ),
]


def _measured(video: bytes) -> tuple[int, float]:
    with av.open(io.BytesIO(video), "r") as container:
        assert container.duration is not None
        return container.streams.video[0].height, container.duration / av.time_base


def _pictures_at(video: bytes) -> list[float]:
    with av.open(io.BytesIO(video), "r") as container:
        return [picture.time for picture in container.decode(video=0) if picture.time is not None]


def _changed_bytes(one: bytes, other: bytes) -> int:
    assert len(one) == len(other)
    return sum(a != b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("name", "parameters", "seen"), DOWNLOAD_FAULTS)
def test_a_fault_of_a_download(
    client: Client, name: str, parameters: dict[str, Any], seen: Callable[[httpx.Response, bytes], bool]
) -> None:
    recording_id, url = client.prepared()
    whole = client.sim.clip_bytes(recording_id)
    client.sim.faults.add(name, **parameters)
    assert seen(client.public.get(url), whole)
    again = client.public.get(url)
    assert again.content == whole if name != "download_expired" else again.status_code == 410
    assert [download.fault for download in client.sim.record.downloads] == [name, None]


BROKEN_CONNECTIONS: list[tuple[str, dict[str, Any], type[httpx.HTTPError], int]] = [
    ("download_hang", {}, httpx.ReadTimeout, 0),
    ("download_reset", {}, httpx.ReadError, 0),
    ("download_cut", {"how": "fin"}, httpx.RemoteProtocolError, 1000),
    ("download_cut", {"how": "reset"}, httpx.ReadError, 1000),
    ("download_cut", {"how": "stall"}, httpx.ReadTimeout, 1000),
    ("download_cut", {"framing": "chunked"}, httpx.RemoteProtocolError, 1000),
    ("download_cut", {"framing": "close", "how": "reset"}, httpx.ReadError, 1000),
    ("download_cut", {"at": 20_000}, httpx.RemoteProtocolError, 20_000),
    ("download_wrong_length", {"by": 100}, httpx.RemoteProtocolError, -1),
]


@pytest.mark.parametrize(("name", "parameters", "error", "received"), BROKEN_CONNECTIONS)
def test_a_download_that_breaks_off(
    client: Client, name: str, parameters: dict[str, Any], error: type[httpx.HTTPError], received: int
) -> None:
    recording_id, url = client.prepared()
    whole = client.sim.clip_bytes(recording_id)
    client.sim.faults.add(name, **parameters)
    got = b""
    with pytest.raises(error), client.public.stream("GET", url, timeout=0.1) as answer:  # noqa: PT012  it breaks while read
        for chunk in answer.iter_raw():
            got += chunk
    assert got == (whole if received < 0 else whole[:received])
    assert client.public.get(url).content == whole


def test_a_range_can_be_ignored(client: Client) -> None:
    recording_id, url = client.prepared()
    client.sim.faults.add("download_ignores_range")
    answer = client.public.get(url, headers={"Range": "bytes=100-"})
    assert (answer.status_code, answer.content) == (200, client.sim.clip_bytes(recording_id))


def test_another_range_than_asked_can_come(client: Client) -> None:
    recording_id, url = client.prepared()
    whole = client.sim.clip_bytes(recording_id)
    client.sim.faults.add("download_wrong_range", shift=-40)
    answer = client.public.get(url, headers={"Range": "bytes=100-"})
    assert (answer.status_code, answer.content) == (206, whole[60:])
    assert answer.headers["content-range"] == f"bytes 60-{len(whole) - 1}/{len(whole)}"


def test_the_etag_can_change_between_attempts(client: Client) -> None:
    _, url = client.prepared()
    client.sim.faults.add("download_etag_changes", times=2)
    assert len({client.public.head(url).headers["etag"] for _ in range(3)}) == 3


def test_a_changed_etag_does_not_resume(client: Client) -> None:
    _, url = client.prepared()
    client.sim.faults.add("download_etag_changes")
    changed = client.public.head(url).headers["etag"]
    assert client.public.get(url, headers={"Range": "bytes=5-", "If-Range": changed}).status_code == 200


@pytest.mark.parametrize("hops", [1, 3])
def test_redirects_lead_to_the_file_in_the_end(client: Client, hops: int) -> None:
    recording_id, url = client.prepared()
    client.sim.faults.add("download_redirect", hops=hops, status=307)
    answer = client.public.get(url, follow_redirects=True)
    assert len(answer.history) == hops
    assert answer.history[0].status_code == 307
    assert answer.content == client.sim.clip_bytes(recording_id)


def test_a_flipped_byte_is_found_only_by_decoding(client: Client) -> None:
    _, url = client.prepared()
    client.sim.faults.add("download_flipped_byte")
    video = client.public.get(url).content
    assert _measured(video) == (64, 10)
    with av.open(io.BytesIO(video), "r") as container, pytest.raises(av.error.InvalidDataError):
        list(container.decode(video=0))


def test_a_fault_of_a_download_strikes_only_what_it_matches(client: Client) -> None:
    (_, gate), (_, door) = client.prepared(7), client.prepared(8)
    client.sim.faults.add("download_status", node_id=8, times=None)
    assert client.public.get(gate).status_code == 200
    assert client.public.get(door).status_code == 503


def test_an_expired_url_uses_no_fault_up(client: Client) -> None:
    _, url = client.prepared()
    client.sim.faults.add("download_status")
    client.sim.clock.advance(25 * 3600)
    assert client.public.get(url).status_code == 410
    assert len(client.sim.faults.waiting()) == 1


def test_each_fault_of_downloads_is_tried_here() -> None:
    alone = {"download_ignores_range", "download_wrong_range", "download_etag_changes"}
    tried = {row[0] for row in DOWNLOAD_FAULTS} | {row[0] for row in BROKEN_CONNECTIONS} | alone
    assert tried == {name for name, kind in CATALOGUE.items() if kind.stage == "download"}
