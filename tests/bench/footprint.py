"""What the daemon costs when there is nothing to do, and how soon it is there."""

import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.daemon import Daemon, world
from bench.measuring import cpu_s, rss_mib, run
from bench.report import Row
from camspool.simulator import Settings, Simulator

FINISHED = 100_000
IN_A_FOLDER = 500
OUTSTANDING = 1000
SETTLE_S, IDLE_S = 100.0, 40.0
IMPORT_ROUNDS = 11


def import_time(folder: Path) -> Iterator[Row]:
    """`camspool --help`, against an interpreter that does nothing."""
    program = Path(sys.executable).with_name("camspool")
    ours, bare = [], []
    for _ in range(IMPORT_ROUNDS):
        ours.append(run(program, "--help").wall_s * 1000)
        bare.append(run(sys.executable, "-c", "pass").wall_s * 1000)
    median = statistics.median(ours)
    yield Row(
        "`camspool --help`",
        "< 150 ms",
        f"{median:.0f} ms",
        median < 150,
        f"`python -c pass` {statistics.median(bare):.0f} ms",
        f"{median / statistics.median(bare):.1f}",
    )


def full_mirror(folder: Path) -> Iterator[Row]:
    """A mirror with 100,000 finished requests: idle, and started with 1,000 more outstanding."""
    with Simulator(world(), Settings(prepare_cloud=0, cache=folder / "cache")) as sim:
        with Daemon(folder, sim) as daemon:
            daemon.put("sample.json", daemon.request())
            daemon.wait_for_states("done", 1, 30)
        _fill(daemon.mirror)
    with Simulator(world(), Settings(prepare_cloud=3600, cache=folder / "cache")) as sim:
        with Daemon(folder, sim) as daemon:
            time.sleep(SETTLE_S)  # once, the whole mirror is looked through, unhurriedly
            before = cpu_s(daemon.pid)
            time.sleep(IDLE_S)
            share = (cpu_s(daemon.pid) - before) / IDLE_S * 100
            resident = rss_mib(daemon.pid, most=False) * 1.048576
            for number in range(OUTSTANDING):
                daemon.put(f"{number}.json", daemon.request())
            while daemon.accepted() < OUTSTANDING:
                time.sleep(0.1)
        with Daemon(folder, sim) as daemon:
            ready = daemon.ready_after_s
    yield Row(
        f"idle, {FINISHED:,} finished requests in the mirror: CPU",
        "< 0.2 % of a core",
        f"{share:.2f} %",
        share < 0.2,
    )
    yield Row("the same: resident memory", "< 60 MB", f"{resident:.0f} MB", resident < 60)
    yield Row(
        f"start with {FINISHED:,} finished and {OUTSTANDING:,} outstanding requests: READY",
        "within 3 s",
        f"{ready:.1f} s",
        ready < 3,
    )


def _fill(mirror: Path) -> None:
    """Finished requests as the daemon left the sample, with tiny files instead of MP4s."""
    status = (mirror / "sample.status.json").read_text()
    for number in range(FINISHED):
        folder = mirror / f"shop-{number // IN_A_FOLDER}"
        if number % IN_A_FOLDER == 0:
            folder.mkdir()
        name = f"evening-{number}"
        (folder / f"{name}.json").write_text(json.dumps(Daemon.request()))
        (folder / f"{name}.mp4").write_bytes(b"footage")
        (folder / f"{name}.status.json").write_text(status.replace("sample", f"{folder.name}/{name}"))
