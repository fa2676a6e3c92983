"""A daemon that really runs, in the test's own event loop, against a simulator; and what tests ask of it."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camspool.config import loading
from camspool.service.daemon import Service
from camspool.simulator import Node, Settings, Simulator, Stretch, World

QUICK: dict[str, Any] = {
    "api": {"rate": 1000, "timeout": "2s", "poll": {"fastest": "20ms", "slowest": "100ms"}},
    "timezone": "Europe/Prague",
    "watch": {"settle": "100ms", "rescan": "500ms", "poll": "100ms"},
    "retry": {"first": "50ms", "longest": "200ms"},
    "download": {"timeout": "2s"},
    "cleanup": {"min_free": 0},
    "page": {"enabled": False},
}
"""Settings under which nothing waits for longer than a test wants to."""

START = 1_600_000_000
"""Unix time at which the tests' footage begins; see `small_world`."""


def small_world() -> World:
    """Cameras whose clips cost milliseconds to make: some seconds, 64 to 128 pixels high."""
    heights = (64, 96, 128)
    whole = Stretch(start=START, end=START + 3600, heights=heights)
    pieces = tuple(Stretch(start=START + at, end=START + at + 10, heights=heights) for at in (0, 20, 40))
    copies = (
        Stretch(start=START, end=START + 50, heights=(64,)),
        Stretch(start=START, end=START + 60, heights=heights, storage="local"),
    )
    return World(
        (
            Node(1, "Gate", external_id="gate", stretches=(whole,)),
            Node(2, "Yard", stretches=pieces),
            Node(3, "Aisle", external_id="aisle", stretches=copies),
            Node(4, "Twin", stretches=(whole,)),
            Node(5, "Twin", stretches=(whole,)),
            Node(6, "Blind"),
            Node(
                7,
                "Fat",
                stretches=(Stretch(start=START, end=START + 60, heights=heights, padding=3_000_000),),
            ),
        )
    )


def simulator(cache: Path, **settings: Any) -> Simulator:
    """A simulator of `small_world` that prepares at once, unless `settings` say otherwise."""
    quick: dict[str, Any] = {"prepare_cloud": 0, "prepare_local": 0, "cache": cache}
    return Simulator(small_world(), Settings(**quick | settings))


@dataclass(frozen=True)
class Running:
    """A daemon at work: what a person with the share sees of it, and the server behind it."""

    drop: Path
    mirror: Path
    sim: Simulator

    def put(self, file: str, content: Any) -> Path:
        """Drop a file in one piece: a rename, as careful tools do. Mappings and lists are written as JSON."""
        data = content if isinstance(content, bytes) else _as_text(content).encode()
        path = self.drop / file
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_bytes(data)
        temporary.rename(path)
        return path

    def status(self, name: str) -> dict[str, Any]:
        """The status file of a request."""
        status: dict[str, Any] = json.loads((self.mirror / f"{name}.status.json").read_bytes())
        return status

    def service(self) -> dict[str, Any]:
        """The service file."""
        status: dict[str, Any] = json.loads((self.mirror / "_service.json").read_bytes())
        return status

    async def until(self, name: str, *states: str, timeout: float = 30.0) -> dict[str, Any]:
        """The status of a request as soon as it is in one of `states`."""
        return await self.when(name, lambda status: status["state"] in states, timeout=timeout)

    async def when(
        self, name: str, happened: Callable[[dict[str, Any]], bool], *, timeout: float = 30.0
    ) -> dict[str, Any]:
        """The status of a request as soon as `happened` is true of it."""
        end = time.monotonic() + timeout
        status: dict[str, Any] | None = None
        while time.monotonic() < end:
            if (self.mirror / f"{name}.status.json").exists():
                status = self.status(name)
                if happened(status):
                    return status
            await asyncio.sleep(0.01)
        raise AssertionError(f"not in {timeout:g} s: {json.dumps(status, indent=1)}")

    async def ended(self, name: str, timeout: float = 30.0) -> dict[str, Any]:
        """The status of a request once it has ended and its file has been moved to the mirror."""
        return await self.when(name, self._has_ended, timeout=timeout)

    def _has_ended(self, status: dict[str, Any]) -> bool:
        file = self.drop / status["request"]["file"]
        return bool(status["finished_at"]) and not file.exists() and not _is_set_aside(file)

    def server_bytes(self, clip: dict[str, Any]) -> bytes:
        """What the server has for a clip of a status file."""
        return self.sim.clip_bytes(clip["recording"]["id"])

    def published(self) -> list[str]:
        """Every MP4 in the mirror, by its path."""
        return sorted(str(path.relative_to(self.mirror)) for path in self.mirror.rglob("*.mp4"))

    async def leftovers(self) -> list[str]:
        """Hidden files that stay in the mirror, other than its marker: parts and temporary files."""
        for _ in range(100):
            hidden = [path for path in self.mirror.rglob(".*") if path.name != ".camspool"]
            if not hidden:
                break
            await asyncio.sleep(0.02)  # a status may just be being written
        return sorted(str(path.relative_to(self.mirror)) for path in hidden)


def write_config(folder: Path, sim: Simulator, **changes: Any) -> Path:
    """A configuration for a daemon in `folder`; `changes` are merged into `QUICK`, section by section."""
    values: dict[str, Any] = json.loads(json.dumps(QUICK))
    values["folders"] = {name: str(folder / name) for name in ("drop", "mirror", "state")}
    values["api"] |= {"endpoint": sim.url, "token_file": str(folder / "token")}
    for section, settings in changes.items():
        values[section] = {**values.get(section, {}), **settings} if isinstance(settings, dict) else settings
    if not (folder / "token").exists():
        (folder / "token").write_text(sim.token)
    path = folder / "config.json"
    path.write_text(json.dumps(values))
    return path


def _is_set_aside(file: Path) -> bool:
    """Whether it has its hidden name in drop/, as every request has for a moment on its way to the mirror."""
    try:
        names = [path.name for path in file.parent.iterdir()]
    except FileNotFoundError:  # its folder went with it
        return False
    return any(name.startswith(".camspool-") and name.endswith(f".{file.name}") for name in names)


@asynccontextmanager
async def daemon(
    folder: Path, sim: Simulator, environ: Mapping[str, str] | None = None, **changes: Any
) -> AsyncIterator[Running]:
    """Run a daemon in `folder` until the block ends, then stop it cleanly."""
    path = write_config(folder, sim, **changes)
    service = Service(
        loading.load(path, {}), environ or {}, lambda: loading.load(path, {}, may_be_empty=False)
    )
    task = asyncio.create_task(service.run())
    running = Running(folder / "drop", folder / "mirror", sim)
    try:
        while not (running.mirror / "_service.json").exists() and not task.done():
            await asyncio.sleep(0.005)
        yield running
        assert not task.done(), "the daemon ended by itself"
    finally:
        service.stop()
        await asyncio.wait_for(task, 10)


def request(camera: Any = 1, at: int = 0, seconds: int = 10, **fields: Any) -> dict[str, Any]:
    """A request for `seconds` of footage from `at` seconds after `START`."""
    return {"camera": camera, "from": START + at, "duration": seconds, **fields}


def environment(**variables: str) -> dict[str, str]:
    """The environment for a daemon that runs as a process of its own."""
    measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_PROCESS_")}
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **measured, **variables}


def _as_text(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content)
