"""Kill -9 anywhere: a daemon that is killed again and again still brings every request to its right end."""

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from camspool.simulator import Node, Settings, Simulator, Stretch, World
from support.running import START, Running, request
from system.aftermath import problems, statuses, wait_until_all_ended
from system.daemon_process import kill, logged, process, running, times_logged, wait_for

KILLS = int(os.environ.get("CAMSPOOL_TEST_KILLS", "50"))
LIFE_S = 1.4
"""How much longer than it takes to start a daemon lives at most."""
RATE = 1_000_000
"""Bytes per second of each download: the fat clips outlive most daemons."""


def world() -> World:
    heights = (64, 96, 128)
    hour = Stretch(start=START, end=START + 3600, heights=heights, padding=200_000)
    fat = Stretch(start=START, end=START + 3600, heights=heights, padding=3_000_000)
    pieces = tuple(Stretch(start=START + at, end=START + at + 10, heights=heights) for at in (0, 20, 40))
    copies = (
        Stretch(start=START, end=START + 50, heights=(64,)),
        Stretch(start=START, end=START + 60, heights=heights, storage="local"),
    )
    return World(
        (
            Node(1, "Gate", external_id="gate", stretches=(hour,)),
            Node(2, "Yard", stretches=pieces),
            Node(3, "Aisle", external_id="aisle", stretches=copies),
            Node(4, "Twin", stretches=(hour,)),
            Node(5, "Twin", stretches=(hour,)),
            Node(6, "Blind"),
            Node(7, "Fat", external_id="fat", stretches=(fat,)),
        )
    )


@pytest.fixture
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    cache = tmp_path_factory.getbasetemp() / "clips"
    settings = Settings(prepare_cloud=0.2, prepare_local=0.3, throttle=RATE, cache=cache)
    with Simulator(world(), settings) as running:
        yield running


@dataclass(frozen=True)
class Case:
    """A file to drop, and how its request must end under which name."""

    file: str
    content: Any
    state: str = "done"
    name: str | None = None

    @property
    def request(self) -> str:
        return self.name or self.file.rpartition(".")[0]


def cases() -> list[Case]:
    """Some forty requests of all kinds. No two ask for the same footage, so that each shows in the record."""
    yaml = "camera: {}\nrange: 2020-09-13T12:5{}:00Z/PT8S\nheight: 96\npriority: {}\n"
    pair = [request("gate", at=1200, height=64), request("fat", at=1200, height=64)]
    return [
        *(Case(f"gate-{n}.json", request("Gate", at=20 * n, priority=n - 5)) for n in range(10)),
        *(Case(f"fat/{n}.json", request(7, at=20 * n, height=64 + 32 * (n % 3))) for n in range(8)),
        *(Case(f"day-{n}.yaml", yaml.format(("gate", 7)[n % 2], n + 2, n)) for n in range(2)),
        *(
            Case(f"split/{n}.json", request(1, at=400 + 100 * n, seconds=25, split="10s", height=64))
            for n in range(3)
        ),
        *(Case(f"two-{n}.json", request([1, 7], at=800 + 40 * n, height="smallest")) for n in range(3)),
        *(
            Case(f"yard-{height}.json", request("Yard", seconds=50, height=height), "partial")
            for height in (64, 96)
        ),
        Case("pair.json", pair),
        Case("copies.json", request("aisle", seconds=60, take="all", height=64)),
        Case("half.json", [request(1, at=1400), request("Blind", at=1400)], "partial"),
        Case("twin.json", request("Twin"), "failed"),
        Case("nobody.json", request("Nobody"), "failed"),
        Case("blind.json", request("Blind"), "failed"),
        Case("high.json", request(1, height=1080), "failed"),
        Case("asked.json", request(1, validate_only=True), "validated"),
        Case("broken.json", '{"camera": 1', "rejected"),
        Case("wrong.yaml", "camera: 1\nfrom: yesterday\n", "rejected"),
        Case("_mine/b.json", "{}", "rejected", "_mine.rejected/b.json"),
        Case("later.json", {"camera": 1, "from": int(time.time()), "duration": "1h"}, "cancelled"),
    ]


@dataclass
class Resumption:
    """Compares what was on disk at each kill with what was then asked of the server."""

    camspool: Running
    resumed: int = 0
    restarted: list[str] = field(default_factory=list)
    _saved: dict[str, int] = field(default_factory=dict)
    _seen: int = 0

    def look(self) -> None:
        """Look at what the daemon that was just killed has asked for, and at what it has left."""
        downloads = list(self.camspool.sim.record.downloads)
        for download in downloads[self._seen :]:
            saved = self._saved.pop(download.recording_id or "", None)
            if saved is not None and download.range_start != saved:
                self.restarted.append(f"{saved} bytes were there, asked from {download.range_start}")
            elif saved is not None:
                self.resumed += 1
        self._seen = len(downloads)
        self._saved = dict(self._resumable())

    def _resumable(self) -> Iterator[tuple[str, int]]:
        """Recording id and bytes of each part file that a status tells how to go on with."""
        for name, status in statuses(self.camspool).items():
            stem, folder = Path(name).name, (self.camspool.mirror / name).parent
            for number, clip in enumerate(status["clips"], start=1):
                piece = f"-{clip['piece']}" if clip.get("piece") else ""
                part = folder / f".{stem}.{clip.get('ask', number):03d}{piece}.mp4.part"
                if clip["state"] == "downloading" and clip["download"].get("etag") and part.exists():
                    yield clip["recording"]["id"], part.stat().st_size


def seed() -> int:
    """Of the moments: `CAMSPOOL_TEST_SEED=...` repeats them, as far as the machine keeps step."""
    return int(os.environ.get("CAMSPOOL_TEST_SEED") or random.SystemRandom().randrange(1 << 32))


def time_to_start(folder: Path, sim: Simulator) -> float:
    """In seconds, on this machine as busy as it is now."""
    began = time.monotonic()
    with process(folder, sim):
        wait_for(lambda: times_logged(folder, "service_ready"), lambda: logged(folder)[-5:])
        return time.monotonic() - began


@pytest.mark.timeout(600)
def test_killed_at_random_moments_it_loses_nothing_and_fetches_nothing_twice(
    tmp_path: Path, sim: Simulator
) -> None:
    chosen = seed()
    print(f"CAMSPOOL_TEST_SEED={chosen}")  # noqa: T201  shown when the test fails
    moments = random.Random(chosen)  # noqa: S311  reproducible, not secret
    camspool = running(tmp_path, sim)
    waiting = cases()
    moments.shuffle(waiting)
    expected = {case.request: case.state for case in waiting}
    resumption = Resumption(camspool)
    longest = time_to_start(tmp_path, sim) + LIFE_S
    for number in range(KILLS):
        with process(tmp_path, sim) as daemon:
            life, into_it = moments.uniform(0.2, longest), moments.random()
            time.sleep(life * into_it)
            for case in waiting[number::KILLS]:
                camspool.put(case.file, case.content)
            time.sleep(life * (1 - into_it))
            kill(daemon)
        if number == KILLS - 5:
            (camspool.drop / "later.json").unlink()
        time.sleep(0.05)  # the server hears of the last calls
        resumption.look()
    ready = times_logged(tmp_path, "service_ready")
    with process(tmp_path, sim) as daemon:
        wait_until_all_ended(camspool, expected)
        resumption.look()
        wait_for(lambda: times_logged(tmp_path, "service_ready") > ready, lambda: logged(tmp_path)[-9:])
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0
    assert problems(camspool, expected) == []
    assert resumption.restarted == []
    assert resumption.resumed > 5, "the kills came too late or too early to prove anything"
    assert camspool.service()["state"] == "stopped"
    print(json.dumps({"kills": KILLS, "requests": len(expected), "resumed": resumption.resumed}))  # noqa: T201
