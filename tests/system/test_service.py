"""The installed service under a real systemd: start, trouble, restarts, stop, its sandbox, other folders."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.running import request
from system.installation import DROP, MIRROR, STATE, Installation

EXAMPLES = "/usr/share/doc/camspool/examples"
PROBE = ("/usr/bin/python3", "/usr/local/lib/probe.py", f"{STATE}/probed")

pytestmark = pytest.mark.timeout(400)  # the first test makes the package and boots the machine


# Start


async def test_it_is_ready_after_the_first_scan_and_says_what_it_waits_for(service: Installation) -> None:
    service.stop()
    marker = service.machine.path(f"{DROP}/.camspool")
    taken_away = marker.rename(marker.with_name(".away"))
    service.drop("a.json", request())
    service.machine.run("systemctl", "start", "--no-block", "camspool")
    service.machine.until(
        lambda: f"{DROP} has no marker" in service.machine.show("camspool", "StatusText")["StatusText"],
        lambda: f"STATUS= tells of the marker: {service.machine.tail()}",
    )
    await asyncio.sleep(1.5)  # longer than three rescans
    assert service.machine.show("camspool", "ActiveState") == {"ActiveState": "activating"}
    assert (service.machine.path(f"{DROP}/a.json")).exists()
    taken_away.rename(marker)
    service.machine.wait_for("camspool", ActiveState="active")
    assert (await service.seen().ended("a"))["state"] == "done"


def test_without_a_token_it_does_not_start(service: Installation) -> None:
    service.stop()
    service.machine.path("/etc/camspool/token").unlink()
    assert "Assertion failed" in service.machine.run("systemctl", "start", "camspool", check=False)


def test_a_bad_configuration_ends_it_with_78_and_it_is_not_restarted(service: Installation) -> None:
    service.configure(limits={"downloading": 0})
    assert not service.machine.succeeds("systemctl", "restart", "camspool")
    service.machine.wait_for("camspool", ActiveState="failed", Result="exit-code", ExecMainStatus="78")
    assert service.restarts() == 0
    said = [entry["MESSAGE"] for entry in service.machine.journal("SYSLOG_IDENTIFIER=camspool")]
    assert any("limits.downloading" in str(line) for line in said)


def test_an_installation_does_not_wait_for_a_share_that_is_away(service: Installation, package: Path) -> None:
    service.stop()
    marker = service.machine.path(f"{DROP}/.camspool")
    taken_away = marker.rename(marker.with_name(".away"))
    service.install(package)
    service.machine.wait_for("camspool", ActiveState="activating")
    taken_away.rename(marker)
    service.machine.wait_for("camspool", ActiveState="active")


# The people around it


async def test_a_request_of_somebody_else_in_the_group_ends_done(service: Installation) -> None:
    service.drop("shop/case-7/b.json", request())
    status = await service.seen().ended("shop/case-7/b")
    assert status["state"] == "done"
    folder, mp4 = f"{MIRROR}/shop/case-7", f"{MIRROR}/shop/case-7/b.mp4"
    service.machine.as_user("alice", f"cat {folder}/* {MIRROR}/_service.json > /dev/null; test -s {mp4}")
    with pytest.raises(AssertionError, match="Permission denied"):
        service.machine.as_user("bob", f"cat {mp4}")


async def test_somebody_in_the_group_can_move_a_request_back(service: Installation) -> None:
    service.drop("b.json", request())
    await service.seen().ended("b")
    service.machine.as_user("alice", f"rm {MIRROR}/b.mp4; mv {MIRROR}/b.json {DROP}/")
    seen = service.seen()
    assert (await seen.when("b", lambda _: seen.published() == ["b.mp4"]))["clips"]
    assert (await seen.ended("b"))["state"] == "done"


# Restarts


async def test_killed_it_is_restarted_and_goes_on(service: Installation) -> None:
    await service.until_downloading("b")
    service.machine.run("systemctl", "kill", "--signal=KILL", "--kill-whom=main", "camspool")
    service.machine.wait_for("camspool", NRestarts="1", ActiveState="active")
    await service.until_resumed("b")


async def test_stopped_during_a_download_it_ends_cleanly_and_goes_on_after_the_start(
    service: Installation,
) -> None:
    await service.until_downloading("b")
    service.stop()
    assert "camspool.service: Deactivated successfully." in service.said_of_it()
    assert service.seen().service()["state"] == "stopped"
    service.start()
    await service.until_resumed("b")


async def test_what_stands_still_is_restarted_by_the_watchdog(service: Installation) -> None:
    service.drop_in("watchdog", "[Service]\nWatchdogSec=3s\n")
    service.machine.run("systemctl", "restart", "camspool")
    service.machine.run("systemctl", "kill", "--signal=STOP", "--kill-whom=main", "camspool")
    service.machine.wait_for("camspool", NRestarts="1", ActiveState="active")
    assert any("Watchdog timeout" in line for line in service.said_of_it())
    service.drop("b.json", request())
    assert (await service.seen().ended("b"))["state"] == "done"


# The sandbox


def test_the_sandbox_refuses_what_the_job_does_not_need(service: Installation) -> None:
    machine = service.machine
    machine.write(PROBE[1], Path(__file__).with_name("probe.py").read_text())
    machine.run("install", "-d", "-m", "777", "/srv/elsewhere")
    machine.as_user("alice", "chmod 755 ~; mkdir -p ~/shared; touch ~/shared/letter /tmp/somebody")
    machine.run("runuser", "-u", "camspool", "--", *PROBE)
    free = _probed(service)
    assert {name for name, outcome in free.items() if outcome != "allowed"} == set(), "permissions refuse it"

    unit = machine.path("/usr/lib/systemd/system/camspool.service").read_text()
    unit = re.sub("(?m)^(Type|Restart|RestartPrevent|Watchdog|ExecStart)[a-zA-Z]*=.*$", "", unit)
    run = f"[Service]\nType=oneshot\nExecStart={' '.join(PROBE)}\n"
    machine.write("/run/systemd/system/probe.service", unit.replace("[Service]", run))
    service.stop()
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "probe")
    confined = _probed(service)
    needed = {
        "write to drop/",
        "rename from drop/ to mirror/",
        "write to the state folder",
        "give way to others",
    }
    assert {name for name, outcome in confined.items() if outcome == "allowed"} == needed, confined
    assert confined.keys() == free.keys()


def _probed(service: Installation) -> dict[str, str]:
    """What the probe has just found."""
    found = service.machine.path(PROBE[-1])
    outcomes: dict[str, str] = json.loads(found.read_text())
    found.unlink()
    return outcomes


# Other folders


NAS, FOOTAGE = "/mnt/nas/requests", "/mnt/footage"
NAS_IS_UP = "/mnt/nas-is-up"
MOUNTS = ("mnt-nas-requests.mount", "mnt-footage.mount")


@pytest.fixture
def on_two_mounts(service: Installation) -> Iterator[Installation]:
    """The folders of the example, on mounts that systemd knows; stopped."""
    machine = service.machine
    service.stop()
    for folder, mount in zip((NAS, FOOTAGE), MOUNTS, strict=True):
        machine.run("install", "-d", "-m", "2770", "-g", "camspool", f"{folder}.disk")
        text = f"[Mount]\nWhat={folder}.disk\nWhere={folder}\nType=none\nOptions=bind\n"
        machine.write(f"/run/systemd/system/{mount}", f"[Unit]\nAssertPathExists={NAS_IS_UP}\n{text}")
    machine.run("touch", NAS_IS_UP)
    service.drop_in("folders", machine.path(f"{EXAMPLES}/folders.conf").read_text())
    service.configure(folders={"drop": NAS, "mirror": FOOTAGE})
    yield service
    service.stop()
    machine.run("systemctl", "stop", *MOUNTS)
    machine.run("sh", "-ec", "rm -r /mnt/*; rm /run/systemd/system/mnt-*.mount; systemctl daemon-reload")


async def test_the_example_for_folders_on_two_mounts_works(on_two_mounts: Installation) -> None:
    service = on_two_mounts
    service.start()
    service.drop("b.json", request(), to=NAS)
    seen = service.seen(NAS, FOOTAGE)
    assert (await seen.ended("b"))["state"] == "done"
    service.machine.until((seen.mirror / "b.json").exists, service.machine.tail)  # copied, not renamed
    assert {path.name for path in seen.mirror.iterdir()} >= {"b.mp4", "b.status.json"}
    assert service.machine.succeeds("mountpoint", NAS)


@pytest.mark.parametrize("in_its_place", ["an empty folder", "nothing"])
async def test_a_share_that_comes_later_than_the_machine_is_waited_for(
    on_two_mounts: Installation, in_its_place: str
) -> None:
    service, machine = on_two_mounts, on_two_mounts.machine
    service.start()
    service.stop()
    machine.run("systemctl", "stop", *MOUNTS)
    machine.run("rm", NAS_IS_UP)
    if in_its_place == "nothing":
        machine.run("rmdir", NAS, FOOTAGE)
    machine.run("systemctl", "start", "--no-block", "camspool")
    machine.wait_for("camspool", ActiveState="activating", SubState="start")
    machine.until(lambda: "/mnt/" in machine.show("camspool", "StatusText")["StatusText"], machine.tail)
    assert service.restarts() == 0
    machine.run("touch", NAS_IS_UP)
    machine.run("systemctl", "start", *MOUNTS)
    machine.wait_for("camspool", ActiveState="active")
    service.drop("b.json", request(), to=NAS)
    assert (await service.seen(NAS, FOOTAGE).ended("b"))["state"] == "done"


async def test_the_example_for_a_nas_with_a_group_of_its_own_works(service: Installation) -> None:
    service.stop()
    example = service.machine.path(f"{EXAMPLES}/nas-group.conf").read_text()
    service.machine.run("groupadd", "--force", "nas")
    service.machine.run("usermod", "-aG", "nas", "bob")
    try:
        for command in re.findall("(?m)^#     (ch.*)$", example):
            service.machine.run(*command.split())
        service.drop_in("nas-group", example)
        service.start()
        service.drop("new/b.json", request(), user="bob")
        assert (await service.seen().ended("new/b"))["state"] == "done"
        service.machine.as_user("bob", f"cat {MIRROR}/new/* > /dev/null; mv {MIRROR}/new/b.json {DROP}/new/")
    finally:
        service.machine.run("chgrp", "camspool", DROP, MIRROR)


async def test_a_share_that_goes_and_comes_back_is_waited_for(service: Installation) -> None:
    """By `mount` and `umount` behind systemd's back: the sandbox has to see both."""
    service.stop()
    service.machine.run("mount", "-t", "tmpfs", "-o", "mode=2770,gid=camspool", "share", DROP)
    service.machine.run("mkdir", "-p", "/mnt/share")
    service.machine.run("mount", "--bind", DROP, "/mnt/share")
    service.machine.path(f"{STATE}/folders.json").unlink()  # the first use of this share
    service.start()
    seen = service.seen()

    def problems() -> list[Any]:
        return [problem["code"] for problem in seen.service()["problems"]]

    try:
        service.machine.run("umount", "--lazy", DROP)
        service.machine.until(lambda: problems() == ["folder_unavailable"], problems)
        service.machine.run("mount", "--bind", "/mnt/share", DROP)
        service.machine.until(lambda: problems() == [], problems)
        service.drop("b.json", request())
        assert (await seen.ended("b"))["state"] == "done"
    finally:
        service.stop()
        service.machine.run("umount", "--lazy", DROP, "/mnt/share")
