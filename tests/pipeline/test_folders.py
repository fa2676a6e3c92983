"""Folders of real life, with the whole daemon: unknown folders, odd names, forged files, defects."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from camspool.core import naming
from camspool.pipeline.triage import Triage
from camspool.simulator import Simulator
from support.narrow_file_system import a_file_system
from support.running import Running, daemon, request, simulator


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[Simulator]:
    with simulator(tmp_path / "clips") as running:
        yield running


async def filed(camspool: Running, name: str) -> dict[str, Any]:
    """The status of a request once it says where its file is."""
    return await camspool.when(name, lambda status: bool(status["request"]["filed_as"]))


def statuses(camspool: Running) -> dict[str, dict[str, Any]]:
    """By the printable names of their files; those of files that are printed alike in a list."""
    found = {}
    for path in camspool.mirror.rglob("*.status.json"):
        status = json.loads(path.read_bytes())
        found[status["name"]] = status
    return found


async def test_a_slip_in_the_drop_folder_cancels_nothing(tmp_path: Path) -> None:
    with simulator(tmp_path / "clips", prepare_cloud=60) as sim:
        async with daemon(tmp_path, sim) as camspool:
            camspool.put("b.json", request())
            await camspool.until("b", "preparing")
        wrong = {"drop": str(tmp_path / "dorp")}
        folders = {name: str(tmp_path / name) for name in ("mirror", "state")}
        with capture_logs() as logged:
            async with daemon(tmp_path, sim, folders=folders | wrong) as camspool:
                while not (problems := camspool.service()["problems"]):
                    await asyncio.sleep(0.02)
                await asyncio.sleep(0.5)
                assert camspool.status("b")["state"] == "preparing"
                assert [problem["code"] for problem in problems] == ["folder_unavailable"]
                assert "is not the drop folder of the mirror" in problems[0]["message"]
        assert "request_cancelled" not in [line["event"] for line in logged]
        assert not (tmp_path / "dorp").exists()
        async with daemon(tmp_path, sim) as camspool:
            await asyncio.sleep(0.3)
            assert camspool.status("b")["state"] == "preparing"


async def test_names_that_differ_in_bytes_only_are_two_files(tmp_path: Path) -> None:
    with simulator(tmp_path / "clips", prepare_cloud=60) as sim:
        async with daemon(tmp_path, sim) as camspool:
            camspool.put("a%FF.json", request())
            await camspool.until("a%FF", "preparing")
            other = os.fsdecode(b"a\xff.json")
            camspool.put(other, request())
            rejected = await filed(camspool, naming.refused_name(other))
            assert (rejected["error"]["code"], rejected["request"]["file"]) == ("bad_name", "a%FF.json")
            assert (camspool.mirror / rejected["request"]["filed_as"]).exists()
            assert camspool.status("a%FF")["state"] == "preparing"
            assert (camspool.drop / "a%FF.json").exists()
        async with daemon(tmp_path, sim) as camspool:
            await asyncio.sleep(0.5)
            assert camspool.status("a%FF")["state"] in ("listing", "preparing"), "it goes on"
            (camspool.drop / "a%FF.json").unlink()
            await camspool.until("a%FF", "cancelled")


@pytest.mark.usefixtures("quickly_answered")
async def test_nothing_that_was_dropped_looks_like_footage_or_an_answer(
    tmp_path: Path, sim: Simulator
) -> None:
    forged = ["gate.mp4", "GATE.MP4", "x.status.json", "y.STATUS.JSON", "a/gate.mp4", "m.mp4/gate.mp4"]
    forged += ["_service.json", "index.html", "s.status.json/b.json", "v.mp4/b.json", "_page/now.js"]
    async with daemon(tmp_path, sim) as camspool:
        for file in forged:
            camspool.put(file, b"forged")
        camspool.put("good.json", request())
        await camspool.ended("good")
        while left := [
            path for path in camspool.drop.rglob("*") if path.is_file() and path.name != ".camspool"
        ]:
            await asyncio.sleep(0.02)
        assert left == []
        assert camspool.published() == ["good.mp4"]
        for path in camspool.mirror.rglob("*"):
            if path.name.lower().endswith(".status.json"):
                assert path.is_file()
                assert json.loads(path.read_bytes())["schema"] == "camspool/status/1"
        kept = {str(path.relative_to(camspool.mirror)) for path in camspool.mirror.rglob("*.rejected")}
        assert {"gate.mp4.rejected", "x.status.json.rejected", "_service.json.rejected"} <= kept
        assert camspool.status("gate.mp4")["request"]["filed_as"] == "gate.mp4.rejected"
        assert camspool.status("x.status.json")["error"]["code"] == "reserved_name"
        owner = camspool.status("gate.mp4")["request"]["owner"]
        assert owner["uid"] == os.getuid()
        assert camspool.service()["state"] == "ok"


async def test_a_file_that_is_still_on_its_way_is_never_touched(tmp_path: Path, sim: Simulator) -> None:
    names = [
        "evening.json.lftp",
        "evening.json.xyz",
        "a.!sync",
        "b.opdownload",
        "#snapshot/x.json",
        "@Recycle/x.json",
    ]
    async with daemon(tmp_path, sim) as camspool:
        for name in names:
            camspool.put(name, '{"camera": ')
        camspool.put("good.json", request())
        await camspool.ended("good")
        await asyncio.sleep(1)
        assert all((camspool.drop / name).exists() for name in names)
        assert set(statuses(camspool)) == {"good"}
        (camspool.drop / "evening.json.lftp").write_text(json.dumps(request()))
        (camspool.drop / "evening.json.lftp").rename(camspool.drop / "evening.json")
        assert (await camspool.ended("evening"))["state"] == "done"


async def test_what_the_mirror_cannot_hold_is_answered_under_a_name_that_it_can(
    tmp_path: Path, sim: Simulator
) -> None:
    files = ["2026-03-01T18:00:00.json", "store:12/evening.yaml", "a:b.json"]
    for file in files:
        (tmp_path / "drop" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "drop" / file).write_text(json.dumps(request()))
    with a_file_system(tmp_path / "mirror", 22), capture_logs() as logged:
        async with daemon(tmp_path, sim) as camspool:
            while len(found := [each for each in statuses(camspool).values() if each["error"]]) < 3 or any(
                not each["request"]["filed_as"] for each in found
            ):
                await asyncio.sleep(0.02)
            assert {status["error"]["code"] for status in found} == {"bad_name"}
            assert {status["request"]["file"] for status in found} == set(files)
            assert all("Invalid argument" in status["error"]["message"] for status in found)
            for status in found:
                assert ":" not in status["request"]["filed_as"]
                assert (camspool.mirror / status["request"]["filed_as"]).exists()
            camspool.put("good.json", request())
            assert (await camspool.ended("good"))["state"] == "done"
            assert camspool.service()["state"] == "ok"
    assert "request_put_off" not in [line["event"] for line in logged]


async def test_a_file_that_makes_the_examination_fail_is_answered_and_harms_no_other(
    tmp_path: Path, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Triage.examine

    def examine(self: Triage, file: str) -> Any:
        if file == "cursed.json":
            raise RuntimeError("nobody foresaw this")
        return real(self, file)

    monkeypatch.setattr(Triage, "examine", examine)
    with capture_logs() as logged:
        async with daemon(tmp_path, sim) as camspool:
            camspool.put("cursed.json", request())
            camspool.put("good.json", request())
            status = await filed(camspool, "cursed")
            assert (status["state"], status["error"]["code"]) == ("rejected", "internal")
            assert status["request"]["filed_as"] == "cursed.json"
            assert (await camspool.ended("good"))["state"] == "done"
    assert [line["file"] for line in logged if line["event"] == "file_crashed"] == ["cursed.json"]


async def test_a_copy_that_lost_a_conflict_is_refused(tmp_path: Path, sim: Simulator) -> None:
    async with daemon(tmp_path, sim) as camspool:
        for file in (
            "b.sync-conflict-20260301-180000-ABCDEFG.json",
            "b (Anna's conflicted copy 2026-03-01).json",
            "b_conflict-20260301-180000.yaml",
        ):
            camspool.put(file, request())
            status = await filed(camspool, file.rpartition(".")[0])
            assert (status["state"], status["error"]["code"]) == ("rejected", "bad_name")
            assert status["request"]["filed_as"] == file


async def test_a_file_that_makes_the_look_at_it_fail_keeps_no_other_from_being_seen(
    tmp_path: Path, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Triage.parses

    def parses(self: Triage, file: str) -> bool:
        if file == "cursed.json":
            raise RuntimeError("nobody foresaw this")
        return real(self, file)

    monkeypatch.setattr(Triage, "parses", parses)
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("cursed.json", request())
        camspool.put("good.json", request(at=20))
        for name in ("good", "cursed"):  # settled, it is taken in without that look
            assert (await camspool.ended(name))["state"] == "done"
        assert camspool.service()["problems"] == []
