"""Exact moments: killed at each system call that changes a file, and every such call failing for a while."""

import itertools
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from camspool.simulator import Simulator
from support.running import Running, request, simulator
from system import strace
from system.aftermath import problems, wait_until_all_ended
from system.daemon_process import logged, process, running, times_logged, wait_for

ONE_WORKER = (sys.executable, str(Path(__file__).with_name("one_worker.py")))
DURABLE = ("fsync", "renameat", "renameat2", "mkdir", "mkdirat", "unlinkat", "utimensat")
"""All calls by which files change, but for writes to files that have no name of their own yet."""

TROUBLED_S = 2.0
"""How long system calls fail before all is well again."""

WORKERS = 4
"""The kill points are dealt out to so many tests, which can run side by side."""

EVERY = int(os.environ.get("CAMSPOOL_TEST_EVERY", "3"))
"""One call in so many is made to fail; 1 lets each of them fail once."""

ERRORS = ("ENOSPC", "EDQUOT", "EIO")

CRASHES = ("file_crashed", "clip_crashed", "request_crashed", "service_crashed")

pytestmark = pytest.mark.timeout(600)  # of a busy machine


@pytest.fixture
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.getbasetemp() / "clips") as running:
        yield running


def drop_pair(camspool: Running) -> dict[str, str]:
    """Two clips in a folder of its own: everything that the daemon does to files happens on the way."""
    camspool.put("store/pair.json", [request(1, height=64), request("Fat", height=64)])
    return {"store/pair": "done"}


def test_calls_are_counted_however_long_the_id_of_the_process(tmp_path: Path) -> None:
    log = tmp_path / "strace.log"
    log.write_text("7     fsync(3)  = 0\n12345 fsync(3)  = 0\n12345 fsync(3)  = 0\n")
    assert strace.most(log) == {"fsync": 2}
    assert sum(strace.calls(log).values()) == 3


def is_filed(camspool: Running, name: str) -> bool:
    path = camspool.mirror / f"{name}.status.json"
    return path.exists() and camspool.status(name)["request"]["filed_as"] is not None


def measured(folder: Path, sim: Simulator) -> dict[str, int]:
    """How often the busiest thread makes each call, from the first start to the filed request."""
    folder.mkdir()
    log, camspool = folder / "strace.log", running(folder, sim)
    drop_pair(camspool)
    wrapper = strace.recording(DURABLE, log)
    with process(folder, sim, wrapper=wrapper, command=ONE_WORKER):
        wait_for(lambda: is_filed(camspool, "store/pair"), lambda: logged(folder)[-5:])
    return strace.most(log)


def kill_points(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Each call, and a few more than were counted, for runs differ."""
    return [(call, number) for call in DURABLE if call in counts for number in range(1, counts[call] + 2)]


@pytest.mark.parametrize("worker", range(WORKERS))
def test_killed_at_each_durable_call_it_goes_on(tmp_path: Path, sim: Simulator, worker: int) -> None:
    points = kill_points(measured(tmp_path / "measured", sim))
    assert len(points) > 60, "a request takes more calls than that: this is not the daemon that was meant"
    wrong, killed = {}, 0
    for call, number in points[worker::WORKERS]:
        sim.record.clear()
        folder = tmp_path / f"{call}-{number}"
        folder.mkdir()
        found, was_killed = kill_and_go_on(folder, sim, strace.killing(call, number, folder / "strace.log"))
        killed += was_killed
        if found:
            wrong[f"{call} {number}"] = found
    print(f"killed at {killed} system calls")  # noqa: T201
    assert wrong == {}
    assert killed > len(points[worker::WORKERS]) / 2


@pytest.mark.parametrize("worker", range(2))
def test_a_call_that_fails_once_is_made_up_for(tmp_path: Path, sim: Simulator, worker: int) -> None:
    points = kill_points(measured(tmp_path / "measured", sim))
    points.remove(("fsync", 1))  # of each thread: it would fail in every download, whose thread is its own
    points = points[worker :: 2 * EVERY]
    wrong, failed = {}, 0
    for (call, number), error in zip(points, itertools.cycle(ERRORS), strict=False):
        sim.record.clear()
        folder = tmp_path / f"{call}-{number}"
        folder.mkdir()
        log = folder / "strace.log"
        found, _ = kill_and_go_on(folder, sim, strace.failing_once(call, number, error, log))
        failed += strace.injected(log)
        if times_logged(folder, *CRASHES):
            found += [str(line) for line in logged(folder) if line["event"] in CRASHES]
        if found:
            wrong[f"{call} {number} {error}"] = found
    print(f"{failed} system calls failed once")  # noqa: T201
    assert wrong == {}
    assert failed > len(points) / 2


def test_killed_where_a_download_is_made_durable(tmp_path: Path, sim: Simulator) -> None:
    part = tmp_path / "mirror/store/.pair.002.mp4.part"
    found, was_killed = kill_and_go_on(
        tmp_path, sim, strace.killing("fsync", 1, tmp_path / "strace.log", path=part)
    )
    assert (found, was_killed) == ([], True)


def kill_and_go_on(folder: Path, sim: Simulator, wrapper: list[str]) -> tuple[list[str], bool]:
    """What is wrong in the end, and whether the daemon was killed at all."""
    camspool = running(folder, sim)
    expected = drop_pair(camspool)
    with process(folder, sim, wrapper=wrapper, command=ONE_WORKER) as daemon:
        wait_for(
            lambda: daemon.poll() is not None or is_filed(camspool, "store/pair"), lambda: logged(folder)[-5:]
        )
        was_killed = daemon.poll() is not None
    ready = times_logged(folder, "service_ready")
    with process(folder, sim) as daemon:
        wait_for(lambda: times_logged(folder, "service_ready") > ready, lambda: logged(folder)[-5:])
        wait_until_all_ended(camspool, expected)
    return problems(camspool, expected), was_killed


@dataclass(frozen=True)
class Trouble:
    """System calls that fail, all of them or those on the mirror's folder, and what is heard of it."""

    calls: tuple[str, ...]
    error: str
    waits: bool = True
    """Whether anything durable depends on the calls; the daemon then says that it waits."""


TROUBLES = [
    Trouble(("fsync",), "EIO"),
    Trouble(("fsync",), "ENOSPC"),
    Trouble(("rename", "renameat", "renameat2"), "ENOSPC"),
    Trouble(("rename", "renameat", "renameat2"), "EIO"),
    Trouble(("renameat2",), "EIO"),
    Trouble(("write", "pwrite64", "writev"), "ENOSPC"),
    Trouble(("write", "pwrite64", "writev", "fsync", "mkdirat", "openat"), "EDQUOT"),
    Trouble(("openat",), "EMFILE"),
    Trouble(("openat",), "EACCES"),
    Trouble(("openat",), "EIO"),
    Trouble(("mkdirat",), "EROFS"),
    Trouble(("fsync", "renameat", "renameat2", "openat", "mkdirat", "unlinkat"), "EROFS"),
    Trouble(("statfs", "fstatfs", "fstat", "newfstatat"), "EIO"),
    Trouble(("read", "pread64"), "EIO", waits=False),
]

WAITS = (
    "storage_trouble",
    "drop_unavailable",
    "request_put_off",
    "clip_waits",
    "status_not_saved",
)
"""The log events that tell of trouble with files."""


@pytest.mark.parametrize(
    "trouble", TROUBLES, ids=lambda trouble: f"{trouble.calls[0]}-{trouble.error}-{len(trouble.calls)}"
)
def test_calls_that_fail_for_a_while_are_waited_out(tmp_path: Path, sim: Simulator, trouble: Trouble) -> None:
    sim.faults.add("download_slow", times=None, rate=2_000_000)
    camspool, log = running(tmp_path, sim), tmp_path / "strace.log"
    with process(tmp_path, sim) as daemon:
        wait_for(lambda: times_logged(tmp_path, "service_ready"), lambda: logged(tmp_path)[-5:])
        camspool.put("early.json", request("Fat", at=10, height=96))
        wait_for(lambda: times_logged(tmp_path, "clip_downloading"), lambda: logged(tmp_path)[-5:])
        with strace.failing(daemon.pid, trouble.calls, trouble.error, log):
            expected = drop_pair(camspool) | {"early": "done", "late": "done"}
            camspool.put("late.json", request(1, at=50))
            time.sleep(TROUBLED_S)
            assert daemon.poll() is None, "the daemon ended"
        wait_until_all_ended(camspool, expected)
    assert problems(camspool, expected) == []
    assert strace.injected(log) > 0
    assert times_logged(tmp_path, *CRASHES) == 0
    assert times_logged(tmp_path, *WAITS) > 0 or not trouble.waits
