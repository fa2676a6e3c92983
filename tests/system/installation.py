"""camspool as a service on a machine of its own, with a server in that machine's network.

Also alice, who is in the group and drops requests, and bob, who is not.
"""

import json
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from camspool.simulator import Simulator
from support.running import QUICK, Running, request, simulator
from system.machine import Machine, booted

DROP: Final = "/srv/camspool/drop"
MIRROR: Final = "/srv/camspool/mirror"
STATE: Final = "/var/lib/camspool"
CONFIG: Final = "/etc/camspool/config.yaml"
TOKEN: Final = "/etc/camspool/token"  # noqa: S105 - its place
_DROP_INS: Final = "/etc/systemd/system/camspool.service.d"


class Installation:
    """The service, and what an administrator does with it."""

    def __init__(self, machine: Machine, sim: Simulator) -> None:
        self.machine = machine
        self.sim = sim

    def install(self, package: Path) -> None:
        """Install the package, or upgrade to it."""
        shutil.copy(package, self.machine.path("/usr/src"))
        self.machine.run("dpkg", "--install", f"/usr/src/{package.name}")

    def prepare(self) -> None:
        """The token and a configuration."""
        self.machine.write(TOKEN, f"{self.sim.token}\n", 0o600)
        self.configure()

    def configure(self, **changes: Any) -> None:
        """Write the configuration file."""
        self.machine.write(CONFIG, self.configuration(**changes))

    def configuration(self, **changes: Any) -> str:
        """A configuration that is quick, with `changes` merged into it section by section."""
        values: dict[str, Any] = json.loads(json.dumps(QUICK))
        values["api"]["endpoint"] = self.sim.url
        for section, settings in changes.items():
            values[section] = values.get(section, {}) | settings
        return json.dumps(values)

    def drop_in(self, name: str, content: str) -> None:
        """Add a drop-in to the unit."""
        self.machine.write(f"{_DROP_INS}/{name}.conf", content)
        self.machine.run("systemctl", "daemon-reload")

    def start(self, timeout: float = 20.0) -> None:
        """Start it, and wait until it is ready."""
        self.machine.run("systemctl", "start", "--no-block", "camspool")
        self.machine.wait_for("camspool", timeout, ActiveState="active")

    def stop(self) -> None:
        """Stop it."""
        self.machine.run("systemctl", "stop", "camspool")

    def seen(self, drop: str = DROP, mirror: str = MIRROR) -> Running:
        """What a person with the share sees."""
        return Running(self.machine.path(drop), self.machine.path(mirror), self.sim)

    def drop(self, file: str, request: dict[str, Any], *, user: str = "alice", to: str = DROP) -> None:
        """Drop a request as somebody who has not thought about the umask; folders are made."""
        path = shlex.quote(f"{to}/{file}")
        put = f'mkdir -p "$(dirname {path})"; printf %s {shlex.quote(json.dumps(request))} > {path}.tmp'
        self.machine.as_user(user, f"{put}; mv {path}.tmp {path}")

    async def until_downloading(self, name: str, rate: int = 200_000) -> None:
        """A request of alice's is being downloaded: 3 MB, at `rate` bytes per second unless it is resumed."""
        self.sim.faults.add("download_slow", rate=rate)
        self.drop(f"{name}.json", request("Fat"))
        await self.seen().when(name, lambda status: status["clips"][0]["download"]["bytes"] > 0)
        self.sim.faults.clear()

    async def until_resumed(self, name: str) -> None:
        """It has ended, its download was resumed, and nothing was prepared twice."""
        status = await self.seen().ended(name, timeout=20)
        assert status["state"] == "done"
        assert self.sim.record.operations()["recordingPrepare"] == 1
        assert self.sim.record.downloads[-1].range_start
        mp4 = self.machine.path(f"{MIRROR}/{name}.mp4")
        assert mp4.read_bytes() == self.seen().server_bytes(status["clips"][0])

    def said_of_it(self) -> list[str]:
        """What systemd has noted about the service."""
        return [str(entry["MESSAGE"]) for entry in self.machine.journal("UNIT=camspool.service")]

    def restarts(self) -> int:
        """How often systemd has started it anew by itself."""
        return int(self.machine.show("camspool", "NRestarts")["NRestarts"])

    def forget(self) -> None:
        """As it was after `prepare`, and running: whatever a test did to it and its folders."""
        self.sim.faults.clear()
        self.stop()
        self.machine.run("sh", "-ec", f"rm -rf {_DROP_INS} {STATE}; find {DROP} {MIRROR} -mindepth 1 -delete")
        self.sim.record.clear()
        self.prepare()
        self.machine.run("sh", "-ec", "systemctl daemon-reload; systemctl reset-failed")
        self.machine.run("sh", "-ec", "journalctl --rotate; journalctl --vacuum-time=1us")
        self.start()


@contextmanager
def bare(cache: Path) -> Iterator[Installation]:
    """A machine with people on it, and a server; the package is still to be installed."""
    with booted() as machine:
        with machine.network():
            sim = simulator(cache)
        for user in ("alice", "bob"):
            machine.run("useradd", "--create-home", "--shell=/bin/sh", user)
        with sim:
            yield Installation(machine, sim)


@contextmanager
def installed(package: Path, cache: Path) -> Iterator[Installation]:
    """The same with the package, a configuration and a token; the service has not been started."""
    with bare(cache) as installation:
        installation.install(package)
        installation.machine.run("usermod", "-aG", "camspool", "alice")
        installation.prepare()
        yield installation
