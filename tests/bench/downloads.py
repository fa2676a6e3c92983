"""How fast a download is, and what it costs, against curl and aria2c.

The others neither hash nor fsync. What they write is synced by `sync`, within their time, so that all of them
end with a file that a power cut leaves alone; the hashing is ours alone.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.daemon import Daemon, big_clip, world
from bench.measuring import Cost, rss_mib, run
from bench.report import Row, ratio
from bench.webserver import nginx
from camspool.simulator import Settings, Simulator
from support.servers import CERTIFICATE

GIB = 1 << 30
LARGE_ROUNDS = 5
MANY_ROUNDS = 3
MANY, MANY_BYTES = 200, 5_000_000
HUGE_BYTES = 4_000_000_000

Fetch = Callable[[list[str], Path], Cost]


def large(folder: Path) -> Iterator[Row]:
    """One file of 1 GiB."""
    with nginx(folder / "nginx") as server:
        _write(server.root / "large.mp4", GIB)
        for scheme in ("http", "https"):
            urls = [server.url(scheme, "large.mp4")]
            costs = _in_turn((_ours, _curl, _aria2c), urls, folder, LARGE_ROUNDS)
            yield from _rows(f"one download of 1 GiB, {scheme}", costs, GIB, "curl", dearest=1.5)


def many(folder: Path) -> Iterator[Row]:
    """Many files of a few megabytes, four at a time."""
    with nginx(folder / "nginx") as server:
        _write(server.root / "clip.mp4", MANY_BYTES)
        for number in range(MANY):
            (server.root / f"{number}.mp4").symlink_to("clip.mp4")
        for scheme in ("http", "https"):
            urls = [server.url(scheme, f"{number}.mp4") for number in range(MANY)]
            costs = _in_turn((_ours, _curl, _aria2c), urls, folder, MANY_ROUNDS)
            what = f"{MANY} downloads of 5 MB, four at a time, {scheme}"
            yield from _rows(what, costs, MANY * MANY_BYTES, "curl --parallel")


def memory(folder: Path) -> Iterator[Row]:
    """The whole daemon, from four request files to four verified MP4s of 4 GB."""
    with nginx(folder / "nginx") as server, Simulator(world(), Settings(prepare_cloud=0)) as sim:
        big_clip(sim, server.root / "huge.mp4", HUGE_BYTES)
        sim.faults.add(
            "field_value",
            times=None,
            operation="recording",
            key="download_url",
            value=server.url("http", "huge.mp4"),
        )
        with Daemon(folder, sim, api={"poll": {"fastest": "200ms", "slowest": "1s"}}) as daemon:
            begun = time.monotonic()
            for number in range(4):
                daemon.put(f"{number}.json", daemon.request())
            daemon.wait_for_states("done", 4, 600)
            took, resident = time.monotonic() - begun, rss_mib(daemon.pid)
    yield Row(
        "resident memory with four downloads of 4 GB at once",
        "< 100 MB",
        f"{resident * 1.048576:.0f} MB ({16_000 / took:.0f} MB/s in all)",
        resident * 1.048576 < 100,
    )


def _rows(
    what: str, costs: dict[str, list[Cost]], size: int, curl: str, dearest: float | None = None
) -> Iterator[Row]:
    """Throughput and CPU; `dearest` is the goal for the latter, as a multiple of curl's."""
    ours, theirs, others = costs["_ours"], costs["_curl"], costs["_aria2c"]

    def speed(of: list[Cost]) -> str:
        return f"{size / 1e6 / statistics.median(cost.wall_s for cost in of):.0f} MB/s"

    def per_gb(of: list[Cost]) -> str:
        return f"{statistics.median(cost.cpu_s for cost in of) / size * 1e9:.2f} s"

    faster = ratio([cost.wall_s for cost in theirs], [cost.wall_s for cost in ours])
    aria = ratio([cost.wall_s for cost in others], [cost.wall_s for cost in ours])
    yield Row(
        f"{what}: throughput",
        f">= 1.0 x {curl}",
        speed(ours),
        faster >= 1,
        f"{curl} {speed(theirs)}, aria2c {speed(others)}",
        f"{faster:.2f} x {curl}, {aria:.2f} x aria2c",
    )
    dearer = ratio([cost.cpu_s for cost in ours], [cost.cpu_s for cost in theirs])
    yield Row(
        f"{what}: CPU per GB, with SHA-256",
        f"<= {dearest} x {curl}, which does not hash" if dearest else "-",
        per_gb(ours),
        dearer <= dearest if dearest else None,
        f"{curl} {per_gb(theirs)}, aria2c {per_gb(others)}",
        f"{dearer:.2f} x {curl}",
    )


def _in_turn(fetches: tuple[Fetch, ...], urls: list[str], folder: Path, rounds: int) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {fetch.__name__: [] for fetch in fetches}
    for _ in range(rounds):
        for fetch in fetches:
            target = folder / "fetched"
            target.mkdir()
            costs[fetch.__name__].append(fetch(urls, target))
            shutil.rmtree(target)
    return costs


def _ours(urls: list[str], target: Path) -> Cost:
    done = subprocess.run(
        (sys.executable, "-m", "bench.fetch", target),
        env={**os.environ, "URLS": " ".join(urls)},
        stdout=subprocess.PIPE,
        check=True,
    )
    wall_s, cpu_s = json.loads(done.stdout)
    return Cost(wall_s, cpu_s, 0)


def _curl(urls: list[str], target: Path) -> Cost:
    options = target / "curl.txt"
    options.write_text("".join(f'url = "{url}"\noutput = "{target}/{n}"\n' for n, url in enumerate(urls)))
    at_once = ("--parallel", "--parallel-max", "4") if len(urls) > 1 else ()
    return _synced(target, "curl", "-s", "--cacert", CERTIFICATE, *at_once, "-K", options)


def _aria2c(urls: list[str], target: Path) -> Cost:
    listed = target / "aria2.txt"
    listed.write_text("\n".join(urls))
    options = ("-q", "--no-conf", "-j4", "-x1", "-s1", "--file-allocation=none")
    return _synced(target, "aria2c", *options, f"--ca-certificate={CERTIFICATE}", "-d", target, "-i", listed)


def _synced(target: Path, *command: str | Path) -> Cost:
    cost = run(*command)
    sync = run("sync", *target.iterdir())
    return Cost(cost.wall_s + sync.wall_s, cost.cpu_s + sync.cpu_s, cost.rss_mib)


def _write(path: Path, size: int) -> None:
    block = os.urandom(1 << 20)
    with path.open("wb") as file:
        file.write(b"\0\0\0\x08ftyp")
        while file.tell() < size:
            file.write(block[: size - file.tell()])
