"""How soon a dropped file is accepted: one while four downloads run, and ten thousand at once."""

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from bench.comparators import script
from bench.daemon import Daemon, big_clip, world
from bench.measuring import percentile, rss_mib
from bench.report import Row
from bench.webserver import nginx
from camspool.simulator import Settings, Simulator

ONE_BY_ONE = 200
AT_ONCE = 10_000
SCRIPTED = 200
BIG_BYTES = 1_000_000_000


def latency(folder: Path) -> Iterator[Row]:
    """From the rename into drop/ to the status file, while four downloads run as fast as they can."""
    with nginx(folder / "nginx") as server, Simulator(world(), Settings(prepare_cloud=0)) as sim:
        big_clip(sim, server.root / "big.mp4", BIG_BYTES)
        url = server.url("http", "big.mp4")
        with script(folder, sim) as (drop, mirror):
            theirs = [_script_latency(folder, drop, mirror, number) for number in range(ONE_BY_ONE // 4)]
        sim.faults.add("field_value", times=None, operation="recording", key="download_url", value=url)
        with Daemon(folder, sim) as daemon:
            for number in range(40):  # more than will be done meanwhile, of a camera of their own
                daemon.put(f"big-{number}.json", daemon.request(priority=5, metadata={"n": number}))
            time.sleep(3)
            ours = []
            for number in range(ONE_BY_ONE):
                begun = daemon.put(f"{number}.json", daemon.request(priority=-5, metadata={"n": number}))
                ours.append((daemon.wait_for_status(str(number)) - begun) * 1000)
                time.sleep(0.03)
            if len(daemon.filed()) >= 40:
                raise RuntimeError("the downloads were over before the measurement was")
    median, last = statistics.median(ours), percentile(ours, 99)
    yield Row(
        "from dropped to `queued`, while four downloads run",
        "median < 20 ms, p99 < 100 ms",
        f"median {median:.1f} ms, p99 {last:.1f} ms",
        median < 20 and last < 100,
        f"shell script, nothing else running: median {statistics.median(theirs):.1f} ms",
        f"{median / statistics.median(theirs):.2f}",
    )


def ten_thousand(folder: Path) -> Iterator[Row]:
    """10,000 files renamed into drop/ as fast as that goes."""
    with Simulator(world(), Settings(prepare_cloud=0, cache=folder / "cache")) as sim:
        with script(folder, sim) as (drop, mirror):
            theirs = _script_accepts(folder, drop, mirror)
        with Daemon(folder, sim) as daemon:
            begun = daemon.put("alone.json", daemon.request())
            daemon.wait_for_states("done", 1, 30)
            alone = time.monotonic() - begun
            for number in range(AT_ONCE):
                daemon.prepare(f"{number}.json", daemon.request())
            begun = time.monotonic()
            for number in range(AT_ONCE):
                daemon.rename(f"{number}.json")
            first = accepted = 0.0
            while not (first and accepted):
                now = time.monotonic() - begun
                if now > 180:
                    raise TimeoutError(f"{daemon.accepted()} accepted, {len(daemon.filed())} done")
                first = first or (now if daemon.count(".mp4") > 1 else 0.0)
                accepted = accepted or (now if daemon.accepted() > AT_ONCE else 0.0)
                time.sleep(0.2)
            resident = rss_mib(daemon.pid) * 1.048576
    rate, their_rate = AT_ONCE / accepted, 1 / theirs
    yield Row(
        f"{AT_ONCE:,} requests dropped at once: all accepted",
        "within 15 s",
        f"{accepted:.1f} s",
        accepted < 15,
        f"shell script: {their_rate:.0f} a second (of {SCRIPTED} at once)",
        f"{rate / their_rate:.1f} times as many a second",
    )
    yield Row("the same: resident memory", "< 200 MB", f"{resident:.0f} MB", resident < 200)
    yield Row(
        "the same: the first one done",
        "no later than alone + 5 s",
        f"{first:.1f} s",
        first <= alone + 5,
        f"alone {alone:.1f} s",
        f"{first / alone:.1f}",
    )


def _script_latency(folder: Path, drop: Path, mirror: Path, number: int) -> float:
    new = folder / "script.json"
    new.write_text(json.dumps(Daemon.request()))
    status = mirror / f"{number}.status.json"
    begun = time.monotonic()
    new.rename(drop / f"{number}.json")
    while not status.exists():
        time.sleep(0.001)
    took = time.monotonic() - begun
    time.sleep(0.2)  # let it fetch in peace
    return took * 1000


def _script_accepts(folder: Path, drop: Path, mirror: Path) -> float:
    """Seconds that the script needs to accept one of many requests."""
    for number in range(SCRIPTED):
        (folder / f"many-{number}.json").write_text(json.dumps(Daemon.request()))
    begun = time.monotonic()
    for number in range(SCRIPTED):
        (folder / f"many-{number}.json").rename(drop / f"many-{number}.json")
    while len(list(mirror.glob("*.status.json"))) < SCRIPTED:
        time.sleep(0.05)
    return (time.monotonic() - begun) / SCRIPTED
