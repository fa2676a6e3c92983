"""What OPERATE.md tells an administrator to type, on a machine with the service installed."""

import pytest

from support.documented import example
from support.running import request
from system.installation import MIRROR, Installation

ARCHIVE = "/srv/archive"
METRICS = "/var/lib/prometheus/node-exporter"
HEALTH = "http://127.0.0.1:9745/healthz"

pytestmark = pytest.mark.timeout(400)  # the first test makes the package and boots the machine


def type_in(service: Installation, section: str, number: int = 0, *, typed: str = "") -> str:
    """Run the commands of a section, as an administrator who is root already."""
    service.machine.write("/usr/local/bin/sudo", '#!/bin/sh\nexec "$@"\n', 0o755)
    script = example("OPERATE.md", section, "sh", number)
    return service.machine.run("sh", "-ec", script.replace("sudo ", "/usr/local/bin/sudo "), typed=typed)


async def test_all_that_tells_how_it_is_can_be_asked(service: Installation) -> None:
    service.drop("store-12/evening.json", request())
    await service.seen().ended("store-12/evening")
    service.drop("bad.json", request("Nobody"))
    await service.seen().ended("bad")
    said = type_in(service, "Monitoring")
    assert "active (running)" in said
    assert "1 MP4 of" in said
    assert said.count("request_ended") >= 3, "of two requests, and again of the first"


async def test_notifications_get_out_of_the_sandbox(service: Installation) -> None:
    machine = service.machine
    machine.write("/usr/local/bin/archive", f'#!/bin/sh\ncp "$1" "$2" {ARCHIVE}\n', 0o755)
    machine.run("install", "-d", "-g", "camspool", "-m", "2770", ARCHIVE, METRICS)
    service.configure(
        hooks={"done": ["/usr/local/bin/archive"]},
        metrics={"listen": 9745, "file": f"{METRICS}/camspool.prom"},
    )
    service.drop_in("notifications", example("OPERATE.md", "Notifications", "ini"))
    machine.run("systemctl", "restart", "camspool")
    service.drop("b.json", request())
    await service.seen().ended("b")
    machine.until(
        lambda: machine.succeeds("cmp", f"{MIRROR}/b.mp4", f"{ARCHIVE}/b.mp4"),
        lambda: f"the MP4 is in the archive: {machine.tail()}",
    )
    machine.until(lambda: machine.path(f"{METRICS}/camspool.prom").exists(), machine.tail)
    assert (
        machine.run("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", HEALTH)
        == "200"
    )


async def test_a_new_token_is_used(service: Installation) -> None:
    before = service.machine.show("camspool", "MainPID")
    service.machine.write("/etc/camspool/token", "withdrawn\n", 0o600)
    said = type_in(service, "A new token", typed=f"{service.sim.token}\n")
    assert "token" in said
    assert service.machine.show("camspool", "MainPID") != before
    service.drop("b.json", request())
    assert (await service.seen().ended("b"))["state"] == "done"


async def test_what_was_backed_up_can_be_restored(service: Installation) -> None:
    service.drop("shop/b.json", request())
    await service.seen().ended("shop/b")
    service.drop("late.json", request() | {"from": "2099-01-01T00:00:00Z"})
    await service.seen().until("late", "scheduled")
    type_in(service, "Backup")
    service.stop()
    service.machine.run(
        "sh", "-ec", "rm -rf /var/lib/camspool/* /etc/camspool/* /srv/camspool/drop /srv/camspool/mirror"
    )
    said = type_in(service, "Backup", 1)
    assert "1 MP4 of" in said
    service.machine.wait_for("camspool", ActiveState="active")
    service.drop("c.json", request(at=20))
    assert (await service.seen().ended("c"))["state"] == "done"
    assert service.seen().status("late")["state"] == "scheduled"
    assert service.machine.run("stat", "--format=%a %U %G", MIRROR) == "2770 camspool camspool\n"
