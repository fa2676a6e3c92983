"""Hostile input in bulk, and faults that never end: answers for all, memory bounded, nobody held up.

The same drops and faults one at a time, without root and in seconds, are in `tests/pipeline/test_hostile.py`.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from camspool.simulator import Simulator
from pipeline.test_hostile import (
    FAULTS,
    GOOD,
    answers,
    assert_answered,
    drop_everything,
    drop_what_is_no_file,
    surprises,
    tree,
    try_faults,
    write,
)
from support.running import request, simulator
from support.servers import Exchange, FaultyServer
from system.daemon_process import process, running, wait_for

MIB = 1 << 20
BOUND = 200 * MIB
"""Bytes of memory that the daemon may have used at its most; it has some 70 MiB when idle."""

SHARES = 2
"""The faults are dealt out to so many tests, which can run side by side."""

pytestmark = pytest.mark.timeout(240)  # of a busy machine


@pytest.fixture
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.getbasetemp() / "clips") as started:
        yield started


def peak_memory(pid: int) -> int:
    """The most bytes that the process has ever had in memory."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


def test_hundreds_of_hostile_files_at_once(tmp_path: Path, sim: Simulator) -> None:
    assert os.geteuid() == 0, "devices can only be made by root"
    camspool = running(tmp_path, sim)
    with process(tmp_path, sim, logging={"format": "console"}) as daemon:
        wait_for((camspool.mirror / "_service.json").exists, lambda: "not started")
        drop_what_is_no_file(camspool.drop, tmp_path / "outside")
        before = tree(tmp_path / "outside")
        expected = drop_everything(camspool.drop, copies=3)
        wait_for(
            lambda: len(answers(camspool.mirror)) == len(expected),
            lambda: f"{len(answers(camspool.mirror))} answers to {len(expected)} files",
            timeout=120,
        )
        assert_answered(camspool, expected)
        assert peak_memory(daemon.pid) < BOUND
        assert daemon.poll() is None
    assert tree(tmp_path / "outside") == before
    dated = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \w+ +[a-z_]+( |$)")
    lines = (tmp_path / "daemon.log").read_bytes().decode().split("\n")[:-1]
    assert [line for line in lines if not dated.match(line) or not line.isprintable()] == []


def test_a_hundred_thousand_ignored_files_hold_nobody_up(tmp_path: Path, sim: Simulator) -> None:
    heap = tmp_path / "drop" / "heap"
    heap.mkdir(parents=True)
    folder = os.open(heap, os.O_PATH)
    for number in range(100_000):
        os.mknod(f".{number}.part", dir_fd=folder)
    os.close(folder)
    camspool = running(tmp_path, sim)
    with process(tmp_path, sim) as daemon:
        wait_for((camspool.mirror / "_service.json").exists, lambda: "not started")
        for name in ("b", "heap/c", "d"):
            camspool.put(f"{name}.json", request(seconds=2))
            wait_for((camspool.mirror / f"{name}.mp4").exists, lambda: name)  # noqa: B023  used at once
        assert peak_memory(daemon.pid) < BOUND


def _lies_about_its_length(exchange: Exchange) -> None:
    exchange.head(content_length=3 * MIB, content_type="video/mp4")
    exchange.send(b"\0\0\0\x18ftypisom\0\0\0\0isommp42")
    while True:
        exchange.send(b"\0" * MIB)


def _announces_too_much(exchange: Exchange) -> None:
    exchange.head(content_length=10**18, content_type="video/mp4")
    while True:
        exchange.send(b"\0" * MIB)


def _endless_page(exchange: Exchange) -> None:
    exchange.head(content_type="video/mp4", connection="close")
    while True:
        exchange.send(b"<html>" * 10_000)


@pytest.mark.parametrize("script", [_lies_about_its_length, _announces_too_much, _endless_page])
def test_an_endless_download_ends(tmp_path: Path, sim: Simulator, script: Callable[[Exchange], None]) -> None:
    camspool = running(tmp_path, sim)
    retry = {"first": "100ms", "longest": "200ms", "give_up_after": "1s"}
    with FaultyServer(script) as server, process(tmp_path, sim, retry=retry) as daemon:
        sim.faults.add(
            "field_value", times=None, operation="recording", key="download_url", value=server.url()
        )
        wait_for((camspool.mirror / "_service.json").exists, lambda: "not started")
        camspool.put("b.json", request())
        wait_for(lambda: answers(camspool.mirror), lambda: "no answer")
        assert camspool.status("b")["error"]["code"] in ("bad_video", "gave_up")
        assert camspool.published() == []
        assert list(camspool.mirror.rglob("*.part")) == []
        assert peak_memory(daemon.pid) < BOUND


def test_giant_answers_of_the_api_are_not_read(tmp_path: Path, sim: Simulator) -> None:
    camspool = running(tmp_path, sim)
    with process(tmp_path, sim, api={"timeout": "10s"}) as daemon:
        wait_for((camspool.mirror / "_service.json").exists, lambda: "not started")
        fault = sim.faults.add("api_huge", times=None, size=100 * 10**6)
        write(camspool.drop, "b.json", GOOD)
        wait_for(lambda: fault.struck > 3, lambda: fault.struck)
        wait_for(lambda: camspool.status("b")["waiting"], lambda: camspool.status("b"))
        waiting = camspool.status("b")["waiting"]
        assert waiting["reason"] == "api_error"
        assert "larger than" in waiting["message"]
        assert peak_memory(daemon.pid) < BOUND
        sim.faults.clear()
        wait_for((camspool.mirror / "b.mp4").exists, lambda: camspool.status("b"))


@pytest.mark.parametrize("share", range(SHARES))
def test_faults_that_never_end_have_their_names(tmp_path_factory: pytest.TempPathFactory, share: int) -> None:
    lies = FAULTS[share::SHARES]
    seen = try_faults(lies, [tmp_path_factory.mktemp("faults") for _ in range(3)], times=None)
    wrong = {str(lie): surprises(lie, found, lie.for_ever) for lie, found in seen.items()}
    assert len(seen) == len(lies)
    assert {lie: found for lie, found in wrong.items() if found} == {}
