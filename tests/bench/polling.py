"""How often the API is asked, and how soon it is noticed that a recording is prepared."""

import asyncio
import statistics
from collections.abc import Iterator
from pathlib import Path

from bench.comparators import naive
from bench.daemon import Daemon, world
from bench.measuring import percentile
from bench.report import Row
from camspool.simulator import Settings, Simulator

PREPARATION_S = 20.0
CLIPS = 1000
NAIVE_CLIPS = 100
LONG_PREPARATION_S = 40.0
FEW = 4
"""Requests of which no download has to wait for another's."""


def calls_per_clip(folder: Path) -> Iterator[Row]:
    """1,000 requests at once, each a while in preparation."""
    settings = Settings(prepare_cloud=PREPARATION_S, cache=folder / "cache")
    with Simulator(world(), settings) as sim:
        asyncio.run(naive(sim, NAIVE_CLIPS))
        theirs = len(sim.record.calls) / NAIVE_CLIPS
        sim.record.clear()
        with Daemon(folder, sim, limits={"preparing": CLIPS}, api={"batch": 50}) as daemon:
            for number in range(CLIPS):
                daemon.prepare(f"{number}.json", daemon.request())
            for number in range(CLIPS):
                daemon.rename(f"{number}.json")
            daemon.wait_for_states("done", CLIPS, 300)
        ours = len(sim.record.calls) / CLIPS
        waits = _waits(sim, PREPARATION_S)
    yield Row(
        f"API calls per clip, {CLIPS:,} requests at once, each {PREPARATION_S:g} s in preparation",
        "<= 0.15",
        f"{ours:.3f}",
        ours <= 0.15,
        f"naive client {theirs:.1f}",
        f"1 / {theirs / ours:.0f}",
    )
    yield Row(
        "the same: from prepared to the first byte",
        "-",
        f"median {statistics.median(waits):.1f} s, p99 {percentile(waits, 99):.1f} s",
        met=None,
    )


def wasted_waiting(folder: Path) -> Iterator[Row]:
    """From the moment at which a recording is prepared to its download, for several preparations."""
    for seconds in (5.0, PREPARATION_S, LONG_PREPARATION_S):
        settings = Settings(prepare_cloud=seconds, cache=folder / "cache")
        with Simulator(world(), settings) as sim:
            asyncio.run(naive(sim, FEW))
            theirs = statistics.median(_waits(sim, seconds))
            sim.record.clear()
            with Daemon(folder, sim) as daemon:
                for number in range(FEW):
                    daemon.put(f"{seconds:g}-{number}.json", daemon.request(metadata={"number": number}))
                daemon.wait_for_states("done", FEW, 120)
                ours = statistics.median(_waits(sim, seconds))
            (daemon.mirror).rename(folder / f"mirror-{seconds:g}")
            (folder / "state").rename(folder / f"state-{seconds:g}")
        bound = min(seconds / 10, 2.0) if seconds <= PREPARATION_S else seconds / 10
        yield Row(
            f"from prepared to the first byte, {seconds:g} s in preparation",
            f"median < {bound:g} s",
            f"{ours:.2f} s",
            ours < bound,
            f"naive client, asking each second: {theirs:.2f} s",
            f"{ours / theirs:.1f}",
        )


def _waits(sim: Simulator, preparation_s: float) -> list[float]:
    """Seconds from each recording's being prepared to the request for its bytes."""
    begun = {event.recording_id: event.at for event in sim.record.preparations if event.accepted}
    return [
        event.at - begun[event.recording_id] - preparation_s
        for event in sim.record.downloads
        if event.recording_id in begun
    ]
