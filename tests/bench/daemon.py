"""The daemon as a process of its own, configured as a benchmark wants it, and what it is to fetch."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from camspool.simulator import Node, Simulator, Stretch, World

START = 1_600_000_000


def world() -> World:
    """A camera with an hour of footage that costs nothing to make."""
    return World((Node(1, "Gate", stretches=(Stretch(START, START + 3600, heights=(64,)),)),))


def big_clip(sim: Simulator, path: Path, size: int) -> None:
    """Write the clip of `Daemon.request` to `path`, made `size` bytes long by a box that players skip."""
    recording = sim.portal.list_recordings(sim.portal.world.nodes[0], START, START + 2)[0]
    clip = sim.clip_bytes(recording.recording_id, 64)
    with path.open("wb") as file:
        file.write(clip + b"\0\0\0\1free" + (size - len(clip)).to_bytes(8, "big"))
        file.truncate(size)


class Daemon:
    """A daemon that runs while its block lasts.

    Args:
        folder: where its three folders, its configuration and its log are.
        sim: the server.
        changes: of the configuration, section by section.
    """

    def __init__(self, folder: Path, sim: Simulator, **changes: dict[str, Any]) -> None:
        self.drop, self.mirror = folder / "drop", folder / "mirror"
        self._new = folder / "new"
        values: dict[str, Any] = {
            "folders": {name: str(folder / name) for name in ("drop", "mirror", "state")},
            "cleanup": {"min_free": 0},
            "logging": {"level": "warning"},
            "requests": {"grace": 0},
            **changes,
        }
        values["api"] = {"endpoint": sim.url, "token_file": str(folder / "token"), **changes.get("api", {})}
        (folder / "token").write_text(sim.token)
        self._configuration = folder / "config.json"
        self._configuration.write_text(json.dumps(values))
        self._log = folder / "daemon.log"
        self.ready_after_s = 0.0

    def __enter__(self) -> Self:
        self._new.mkdir(exist_ok=True)
        listening = self._new.with_name("notify")
        command = (sys.executable, "-m", "camspool", "run", "-c", str(self._configuration))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, self._log.open("ab") as log:
            manager.bind(str(listening))
            manager.settimeout(120)
            begun = time.monotonic()
            environment = {**os.environ, "NOTIFY_SOCKET": str(listening)}
            self._process = subprocess.Popen(command, env=environment, stderr=log)
            while b"READY=1" not in manager.recv(4096):
                pass
            self.ready_after_s = time.monotonic() - begun
        listening.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    @staticmethod
    def request(camera: int = 1, **fields: Any) -> dict[str, Any]:
        return {"camera": camera, "from": START, "duration": 2, **fields}

    def put(self, file: str, content: dict[str, Any]) -> float:
        """Drop a request by a rename; the time of that."""
        self.prepare(file, content)
        return self.rename(file)

    def prepare(self, file: str, content: dict[str, Any]) -> None:
        """Write a request beside the drop folder."""
        (self._new / file).write_text(json.dumps(content))

    def rename(self, file: str) -> float:
        """Drop what was written beside it; the time of that."""
        begun = time.monotonic()
        (self._new / file).rename(self.drop / file)
        return begun

    def accepted(self) -> int:
        """How many requests have a status file."""
        return self.count(".status.json")

    def count(self, suffix: str) -> int:
        """How many names in the mirror end so; cheaply, for it is asked often and on the same cores."""
        with os.scandir(self.mirror) as entries:
            return sum(entry.name.endswith(suffix) and entry.name[0] not in "._" for entry in entries)

    def wait_for_status(self, name: str, timeout: float = 30) -> float:
        """The time at which a request's status file is there."""
        path = self.mirror / f"{name}.status.json"
        end = time.monotonic() + timeout
        while not path.exists():
            if time.monotonic() > end:
                raise TimeoutError(name)
            time.sleep(0.001)
        return time.monotonic()

    def wait_for_states(self, state: str, count: int, timeout: float) -> None:
        """Return once so many requests are in a final state, and are filed away."""
        end = time.monotonic() + timeout
        while len(self.filed()) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.filed())} of {count} have ended; see {self._log}")
            time.sleep(0.2)
        for path in self.filed():
            found = json.loads(path.with_suffix(".status.json").read_text())
            if found["state"] != state:
                raise RuntimeError(f"{path}: {found['state']}: {found['error']}")

    def filed(self) -> list[Path]:
        """The request files that have been moved into the mirror."""
        return [path for path in self.mirror.glob("[!_]*.json") if not path.name.endswith(".status.json")]
