"""A running daemon tells people and their programs, once, and works on whatever becomes of that."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from camspool.adapters.notify import program
from camspool.adapters.spool import Spool
from camspool.core import notices as rules
from camspool.core.errors import StorageTrouble
from camspool.core.status_document import Status
from camspool.core.values import WaitReason
from camspool.service import notifications
from camspool.simulator import Simulator
from support.running import daemon, request, simulator
from support.servers import Exchange, FaultyServer


@pytest.fixture
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("cache")) as running:
        yield running


async def until(happened: Callable[[], object]) -> None:
    while not happened():  # as long as the test may take
        await asyncio.sleep(0.01)


def thanks(exchange: Exchange) -> None:
    exchange.answer(b"")


def posted(server: FaultyServer) -> list[tuple[str, str]]:
    """Name (of a request) and state of each document that was posted."""
    documents = [json.loads(request.body) for request in server.requests]
    return [(document.get("name", ""), document["state"]) for document in documents]


async def test_each_end_is_posted_once_as_the_status_file_says_it(tmp_path: Path, sim: Simulator) -> None:
    requests: dict[str, Any] = {
        "good": request(metadata={"case": 4711}),
        "bad": request("Nobody"),
        "wrong": {"camera": 1},
        "only-asked": request(validate_only=True),
    }
    with FaultyServer(thanks) as server:
        notify = {"webhook": server.url("/hook")}
        async with daemon(tmp_path, sim, notify=notify) as camspool:
            for name, content in requests.items():
                camspool.put(f"{name}.json", content)
                await camspool.ended(name)
            await until(lambda: len(server.requests) >= 3)
            reported = sorted(posted(server))
            good = next(json.loads(each.body) for each in server.requests if b'"good"' in each.body)
            assert good == camspool.status("good")
        async with daemon(tmp_path, sim, notify=notify) as camspool:
            camspool.put("good.json", requests["good"])  # the same again is no new work
            await camspool.when("good", lambda status: bool(status["repeated_at"]))
            camspool.put("last.json", request())
            await camspool.ended("last")
            await until(lambda: ("last", "done") in posted(server))
        assert reported == [("bad", "failed"), ("good", "done"), ("wrong", "rejected")]
        assert sorted(posted(server)) == [*reported[:2], ("last", "done"), reported[2]]


@pytest.mark.parametrize("moved", [True, False])
async def test_an_end_that_was_not_noted_as_filed_is_notified_at_the_next_start(
    tmp_path: Path, sim: Simulator, *, moved: bool
) -> None:
    async with daemon(tmp_path, sim) as camspool:
        camspool.put("b.json", request())
        status = await camspool.ended("b")
    status["request"]["filed_as"] = None  # a kill came between the end and this line
    (camspool.mirror / "b.status.json").write_text(json.dumps(status))
    if not moved:
        (camspool.mirror / "b.json").rename(camspool.drop / "b.json")
    with FaultyServer(thanks) as server:
        async with daemon(tmp_path, sim, notify={"webhook": server.url("/hook")}):
            await until(lambda: server.requests)
        assert posted(server) == [("b", "done")]


async def test_an_end_is_notified_though_it_can_be_noted_only_later(
    tmp_path: Path, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []
    save = Spool.save_status

    def refuse_once(self: Spool, status: Status, *, durable: bool = True) -> None:
        """No real folder refuses exactly the one write after the move."""
        if status.request.filed_as and not refused:
            refused.append(status.name)
            raise StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, "not now")
        save(self, status, durable=durable)

    monkeypatch.setattr(Spool, "save_status", refuse_once)
    with FaultyServer(thanks) as server:
        async with daemon(tmp_path, sim, notify={"webhook": server.url("/hook")}) as camspool:
            camspool.put("b.json", request())
            await camspool.when("b", lambda status: bool(status["request"]["filed_as"]))
            await until(lambda: server.requests)
        assert (refused, posted(server)) == (["b"], [("b", "done")])


async def test_a_webhook_that_hangs_holds_nothing_up(tmp_path: Path, sim: Simulator) -> None:
    with FaultyServer(Exchange.stall) as server:
        async with daemon(
            tmp_path, sim, notify={"webhook": server.url("/hook"), "timeout": "1h"}
        ) as camspool:
            for number in range(20):
                camspool.put(f"{number}.json", request(at=number))
            for number in range(20):
                assert (await camspool.ended(str(number)))["state"] == "done"
        assert len(server.requests) == 1


async def test_trouble_and_its_end_are_posted(
    tmp_path: Path, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "DEGRADED_FOR_S", 0.0)
    assert rules.DEGRADED_FOR_S > 0
    (tmp_path / "token").write_text("wrong")
    with FaultyServer(thanks) as server:
        async with daemon(tmp_path, sim, notify={"webhook": server.url("/hook")}) as camspool:
            camspool.put("b.json", request())
            await until(lambda: ("", "degraded") in posted(server))
            (tmp_path / "token").write_text(sim.token)
            await until(lambda: ("", "ok") in posted(server))
        assert posted(server).count(("", "degraded")) == posted(server).count(("", "ok")) == 1
        degraded = next(json.loads(each.body) for each in server.requests if b'"degraded"' in each.body)
        assert [problem["code"] for problem in degraded["problems"]] == ["unauthorised"]


async def test_a_program_is_run_for_each_mp4(tmp_path: Path, sim: Simulator) -> None:
    script = "import sys; assert all(open(path, 'rb').read(1) for path in sys.argv[1:]); print(sys.argv[1:])"
    with capture_logs() as logged:
        async with daemon(tmp_path, sim, hooks={"done": [sys.executable, "-c", script]}) as camspool:
            camspool.put("a/b.json", request(split="5s"))
            await camspool.ended("a/b")
            await until(lambda: sum(line["event"] == "hook_done" for line in logged) == 2)
    output = [line["output"] for line in logged if line["event"] == "hook_done"]
    status = str(camspool.mirror / "a/b.status.json")
    assert output == [str([str(camspool.mirror / f"a/b.00{number}.mp4"), status]) for number in (1, 2)]


async def test_a_program_that_hangs_holds_up_neither_work_nor_the_end(
    tmp_path: Path, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_GRACE_S", 0.1)
    started = tmp_path / "started"
    command = ["/bin/sh", "-c", f"echo $$ > {started}; trap '' TERM; sleep 1000; sleep 1000"]
    async with daemon(tmp_path, sim, hooks={"done": command, "timeout": "1h"}) as camspool:
        camspool.put("a.json", request())
        await until(lambda: started.exists() and started.read_text())
        camspool.put("b.json", request())
        assert (await camspool.ended("b"))["state"] == "done"
    assert not Path(f"/proc/{started.read_text().strip()}").exists()
