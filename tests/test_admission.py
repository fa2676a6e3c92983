"""Requests whose file is where nobody noted it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from camspool.simulator import Simulator
from running import daemon, request, simulator


@pytest.fixture
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.getbasetemp() / "clips") as running:
        yield running


@pytest.mark.parametrize("file", ["a/b.json", "notes.txt"])
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
    assert again["request"]["filed_as"] == file
