"""The installed service's reload, its entries in the journal, and its watchdog, under a real systemd."""

import asyncio
import json
from typing import Any

import pytest

from support.running import request
from system.installation import Installation

pytestmark = pytest.mark.timeout(400)  # the first test makes the package and boots the machine


def entries(service: Installation, *matches: str) -> list[dict[str, Any]]:
    return service.machine.journal("SYSLOG_IDENTIFIER=camspool", *matches)


# Reload


def test_a_reload_applies_what_it_can_and_names_what_needs_a_restart(service: Installation) -> None:
    before = service.machine.show("camspool", "MainPID")
    service.configure(limits={"downloading": 2}, folders={"state": "/var/lib/camspool/other"})
    service.machine.run("systemctl", "reload", "camspool")
    # `systemctl reload` has waited for it.
    (entry,) = entries(service, "CAMSPOOL_EVENT=configuration_reloaded")
    assert "limits.downloading" in entry["CAMSPOOL_APPLIED"]
    assert "folders.state" in entry["CAMSPOOL_NEEDS_RESTART"]
    assert service.machine.show("camspool", "MainPID", "ActiveState") == before | {"ActiveState": "active"}


async def test_a_bad_configuration_is_not_taken_over_and_that_is_said_everywhere(
    service: Installation,
) -> None:
    service.configure(limits={"downloading": 0})
    service.machine.run("systemctl", "reload", "camspool")
    (entry,) = entries(service, "CAMSPOOL_EVENT=configuration_not_reloaded")
    assert "limits.downloading" in json.dumps(entry)
    seen = service.seen()
    service.machine.until(
        lambda: [problem["code"] for problem in seen.service()["problems"]] == ["bad_configuration"],
        seen.service,
    )
    service.machine.until(
        lambda: "configuration" in service.machine.show("camspool", "StatusText")["StatusText"],
        lambda: service.machine.show("camspool", "StatusText"),
    )
    service.drop("b.json", request())
    assert (await seen.ended("b"))["state"] == "done"

    service.configure()
    service.machine.run("systemctl", "reload", "camspool")
    service.machine.until(lambda: seen.service()["problems"] == [], seen.service)


async def test_a_running_download_goes_on_over_a_reload(service: Installation) -> None:
    await service.until_downloading("b", rate=800_000)
    service.configure(logging={"level": "debug"})
    service.machine.run("systemctl", "reload", "camspool")
    assert (await service.seen().ended("b", timeout=20))["state"] == "done"
    assert len(service.sim.record.downloads) == 1


def test_reloads_in_a_row_all_end(service: Installation) -> None:
    for rate in (11, 12, 13):
        service.configure(api={"rate": rate})
        service.machine.run("systemctl", "reload", "camspool")
    service.machine.wait_for("camspool", ActiveState="active", SubState="running")
    assert len(entries(service, "CAMSPOOL_EVENT=configuration_reloaded")) == 3


async def test_a_new_token_is_used_after_a_restart(service: Installation) -> None:
    service.sim.tokens.clear()
    service.sim.tokens.add("another")
    try:
        service.drop("b.json", request())
        await service.seen().when("b", lambda status: status["waiting"] is not None)
        service.machine.write("/etc/camspool/token", "another\n", 0o600)
        service.machine.run("systemctl", "restart", "camspool")
        assert (await service.seen().ended("b"))["state"] == "done"
    finally:
        service.sim.tokens.add(service.sim.token)


# Journal


async def test_a_request_is_found_in_the_journal_by_its_name(service: Installation) -> None:
    service.drop("store/pair.json", request(camera=[1, 4]))
    await service.seen().ended("store/pair")
    found = entries(service, "CAMSPOOL_REQUEST=store/pair")
    events = [entry["CAMSPOOL_EVENT"] for entry in found]
    assert events[0] == "request_accepted"
    assert events[-1] == "request_ended"
    done = [entry["CAMSPOOL_CLIP"] for entry in found if entry["CAMSPOOL_EVENT"] == "clip_done"]
    assert sorted(done) == ["001", "002"]
    assert {entry["PRIORITY"] for entry in found} == {"6"}
    assert {entry["_SYSTEMD_UNIT"] for entry in found} == {"camspool.service"}
    assert all("store/pair" in entry["MESSAGE"] and not entry["MESSAGE"].startswith("{") for entry in found)


async def test_trouble_has_a_priority_of_its_own(service: Installation) -> None:
    service.sim.tokens.clear()
    try:
        service.drop("b.json", request())
        await service.seen().when("b", lambda status: status["waiting"] is not None)
        (trouble,) = entries(service, "CAMSPOOL_EVENT=api_trouble")
        assert int(trouble["PRIORITY"]) in {3, 4}
    finally:
        service.sim.tokens.add(service.sim.token)
    assert service.sim.token not in service.machine.run("journalctl", "--no-pager", "--output=json")


# Watchdog


async def test_the_watchdog_leaves_it_alone_while_it_works(service: Installation) -> None:
    service.drop_in("watchdog", "[Service]\nWatchdogSec=3s\n")
    service.machine.run("systemctl", "restart", "camspool")
    await service.until_downloading("b")
    await asyncio.sleep(7)
    assert service.restarts() == 0
