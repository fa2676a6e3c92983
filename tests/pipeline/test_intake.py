"""Requests whose file is where nobody noted it."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from camspool.core import naming
from camspool.core.status_document import Status
from camspool.pipeline.triage import Triage
from camspool.simulator import Simulator
from support.running import daemon, request, simulator


@pytest.fixture
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.getbasetemp() / "clips") as running:
        yield running


@pytest.mark.parametrize("file", ["a/b.json", "notes.txt"])
@pytest.mark.usefixtures("quickly_answered")
async def test_a_move_that_was_not_noted_is_noted_at_the_next_start(
    tmp_path: Path, sim: Simulator, file: str
) -> None:
    name = file.removesuffix(".json")
    async with daemon(tmp_path, sim) as camspool:
        camspool.put(file, request(validate_only=True))
        status = await camspool.when(name, lambda status: bool(status["request"]["filed_as"]))
    status["request"]["filed_as"] = None  # a kill came between the move and this line
    (camspool.mirror / f"{name}.status.json").write_text(json.dumps(status))
    async with daemon(tmp_path, sim) as camspool:
        again = await camspool.when(name, lambda status: bool(status["request"]["filed_as"]))
    assert again["request"]["filed_as"] == naming.kept_file(name, file)


async def test_an_edited_file_that_vanishes_before_it_is_read_is_cancelled_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edited_and_gone(_self: Triage, file: str, _status: Status) -> bool:
        (tmp_path / "drop" / file).unlink()
        return True

    monkeypatch.setattr(Triage, "was_edited", edited_and_gone)
    with simulator(tmp_path / "clips", prepare_cloud=60) as sim, capture_logs() as logged:
        async with daemon(tmp_path, sim) as camspool:
            camspool.put("a.json", request())
            await camspool.until("a", "preparing")
            camspool.put("a.json", request(at=5))
            await camspool.until("a", "cancelled")
            while not any(line["event"] == "request_cancelled" for line in logged):
                await asyncio.sleep(0.01)  # it is logged once the parts are gone too
    assert [line["event"] for line in logged].count("request_cancelled") == 1


async def test_what_was_begun_for_another_version_of_the_file_is_cancelled(tmp_path: Path) -> None:
    first, other = request(), request(at=5)
    with simulator(tmp_path / "clips") as sim:
        async with daemon(tmp_path, sim) as camspool:
            camspool.put("a.json", first)
            assert (await camspool.ended("a"))["state"] == "done"
    with simulator(tmp_path / "clips", prepare_cloud=60) as sim:
        async with daemon(tmp_path, sim) as camspool:
            camspool.put("a.json", other)
            await camspool.until("a~2", "preparing")
        camspool.put("a.json", first)  # while no daemon looks
        (camspool.mirror / "a.mp4").unlink()
        async with daemon(tmp_path, sim) as camspool:
            await camspool.until("a~2", "cancelled", timeout=10)
            await camspool.until("a", "preparing")
