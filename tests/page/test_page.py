"""The page as the daemon keeps it: it is complete, catches up, and harms nobody."""

import asyncio
import json
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from camspool.adapters.spool import Foreign
from camspool.commands.targets import EVERYTHING
from camspool.commands.verify.mirror import Mirror
from camspool.commands.verify.verification import Verification
from camspool.core import document
from camspool.core.errors import StorageTrouble
from camspool.core.health import ServiceProblem, ServiceState
from camspool.core.status_document import Progress, Status
from camspool.core.values import State, WaitReason
from camspool.page import activity, script
from camspool.page.page import PageSettings
from camspool.simulator import Simulator
from support.builders import NOW, START, a_clip, a_status
from support.page import HOSTILE, PRAGUE, PageHarness, done, service
from support.running import daemon, request, simulator


async def test_what_is_outstanding_and_the_health_are_on_the_page(harness: PageHarness) -> None:
    problem = ServiceProblem("unauthorised", HOSTILE, NOW)
    at_work = a_status(a_clip(State.DOWNLOADING), state=State.DOWNLOADING, name=HOSTILE.replace("/", ""))
    await harness.turn(at_work, of=service(ServiceState.DEGRADED, problem))
    now = harness.data("now")
    assert (now["count"], now["active"][0]["request"]) == (1, at_work.name)
    assert [row["request"] for row in harness.data("outstanding")] == [at_work.name]
    assert now["counts"] == {"downloading": 1}
    assert now["service"]["problems"] == [{"message": HOSTILE, "since": activity.written(NOW)}]
    assert b"<" not in harness.path("now.js").read_bytes()


async def test_finished_clips_of_a_request_in_work_are_shown_and_its_end_replaces_them(
    harness: PageHarness,
) -> None:
    some = done(state=State.DOWNLOADING, finished_at=None, progress=Progress(clips_done=1, clips_total=2))
    await harness.turn(some)
    assert list(harness.shown()) == ["2020-05-11"]
    assert await harness.shown_after(done()) == {"2020-05-11": ["store-12/evening.mp4"]}


async def test_now_is_rewritten_when_something_has_changed_and_as_a_sign_of_life(
    harness: PageHarness,
) -> None:
    await harness.turn()
    await harness.turn()  # all has been seen by now
    harness.path("now.js").write_bytes(b"")
    await harness.turn()
    assert harness.path("now.js").read_bytes() == b""
    await harness.clock.advance(harness.settings.heartbeat_s)
    await harness.turn()
    assert harness.data("now")["all_seen"]
    assert harness.data("now")["next_s"] == harness.settings.heartbeat_s + harness.settings.every_s
    harness.path("now.js").write_bytes(b"")
    await harness.turn(of=service(ServiceState.STOPPED))
    assert harness.data("now")["service"]["state"] == "stopped"


async def test_what_ended_unseen_is_found_at_the_next_start(harness: PageHarness) -> None:
    await harness.shown_after(done())
    harness.save(done("b"))  # and then the daemon was killed
    harness.another()
    assert await harness.shown_after() == {"2020-05-11": ["store-12/evening.mp4", "b.mp4"]}


async def test_a_start_reads_only_what_was_written_since(harness: PageHarness) -> None:
    """Not the hundred thousand others: what is as old has been seen, or the index says that it was not."""
    await harness.shown_after(done())
    harness.save(done("b"))
    long_ago = (NOW - timedelta(days=2)).timestamp()
    os.utime(harness.mirror / "b.status.json", (long_ago, long_ago))
    harness.another()
    assert await harness.shown_after() == {"2020-05-11": ["store-12/evening.mp4"]}


@pytest.mark.parametrize(
    "lost",
    ["_page", "_page/index.js", "_page/days/2020-05-11-11.js", "_page/lanes/2020-05-11.js", "index.html"],
)
@pytest.mark.parametrize("when", ["running", "stopped"])
async def test_what_a_person_deletes_is_made_again(harness: PageHarness, lost: str, when: str) -> None:
    shown = await harness.shown_after(done(), done("b", START + timedelta(days=1)))
    path = harness.mirror / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in ("store-12/evening", "b"):
        os.utime(harness.mirror / f"{name}.status.json", (0, 0))
    if when == "stopped" or "2020" in lost:  # a day is only missed at a start
        harness.another()
    assert await harness.shown_after() == shown
    assert path.exists()


async def test_somebody_elses_page_is_left_alone(harness: PageHarness) -> None:
    (harness.mirror / "index.html").write_text("<h1>Mine</h1>")
    with capture_logs() as logs:
        await harness.turn()
        await harness.turn()
    assert [line["event"] for line in logs] == ["page_not_written"]
    assert (harness.mirror / "index.html").read_text() == "<h1>Mine</h1>"
    assert not harness.path("").exists()
    (harness.mirror / "index.html").unlink()
    assert await harness.shown_after(done()) != {}


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder"])
async def test_whatever_else_is_called_like_the_page_is_left_alone(harness: PageHarness, kind: str) -> None:
    page, portal = harness.mirror / "index.html", harness.mirror.with_name("portal.html")
    if kind == "folder":
        page.mkdir()
    else:
        page.symlink_to(portal)
    if kind == "link":
        portal.write_bytes(script.MARK)
    with capture_logs() as logs:
        await harness.turn()
        await harness.turn()
    assert [line["event"] for line in logs] == ["page_not_written"]
    assert "is not camspool's" in logs[0]["problem"]
    assert page.is_dir() if kind == "folder" else page.is_symlink()
    assert not harness.path("").exists()


async def test_an_older_page_of_ours_is_replaced(harness: PageHarness) -> None:
    (harness.mirror / "index.html").write_bytes(script.MARK + b"<p>old")
    await harness.turn()
    assert (harness.mirror / "index.html").read_bytes() == script.html()


async def test_switched_off_it_writes_nothing_and_switched_on_it_catches_up(harness: PageHarness) -> None:
    harness.another(enabled=False)
    harness.save(done())
    harness.page.note(done())
    await harness.turn()
    assert sorted(path.name for path in harness.mirror.iterdir()) == [".camspool", "store-12"]
    harness.settings = PageSettings(enabled=True, zone=PRAGUE)
    assert await harness.shown_after() == {"2020-05-11": ["store-12/evening.mp4"]}


async def test_a_mirror_that_is_gone_is_reported_once_and_nothing_is_lost(harness: PageHarness) -> None:
    await harness.shown_after(done())
    harness.mirror.rename(harness.mirror.with_name("away"))
    with capture_logs() as logs:
        harness.page.note(done("b"))
        await harness.turn()
        await harness.turn()
    assert [line["event"] for line in logs] == ["page_not_written"]
    harness.mirror.with_name("away").rename(harness.mirror)
    assert "b.mp4" in (await harness.shown_after())["2020-05-11"]


async def test_a_mirror_that_goes_while_it_is_looked_through_is_looked_through_again(
    harness: PageHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        harness.save(done(name))
    really, broken = harness.spool.load_status, {"b"}

    def load_status(name: str) -> Status | Foreign | None:
        if name in broken:
            broken.remove(name)
            raise StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, "Input/output error")
        return really(name)

    monkeypatch.setattr(harness.spool, "load_status", load_status)  # no folder breaks for a moment at will
    await harness.turn()
    assert not broken
    assert sorted((await harness.shown_after())["2020-05-11"]) == ["a.mp4", "b.mp4", "c.mp4"]


async def test_after_a_defect_the_page_starts_over_from_the_files(
    harness: PageHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.shown_after(done())
    with monkeypatch.context() as patched:
        patched.setattr("camspool.page.hours.Details.changed", None)
        harness.page.note(done("b"))
        with pytest.raises(TypeError):  # which the supervisor of the daemon's tasks sees to
            await harness.turn()
    assert await harness.shown_after() == {"2020-05-11": ["store-12/evening.mp4"]}, "the files alone count"


async def test_many_finished_requests_are_taken_in_a_part_at_a_time(
    harness: PageHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("camspool.page.page.MOST_PENDING", 20)
    monkeypatch.setattr("camspool.page.page.BYTES_PER_S_AT_FIRST", 1e9)
    for number in range(35):
        harness.save(done(f"{number}"))
    shown = []
    for _ in range(6):
        await harness.turn()
        shown.append(len(harness.shown().get("2020-05-11", [])))
    assert shown == [10, 20, 30, 35, 35, 35]
    assert harness.data("seen")["through"] > 0


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("cache")) as running:
        yield running


async def test_a_daemon_keeps_its_page_and_the_others_know_that_it_is_ours(
    tmp_path: Path, sim: Simulator
) -> None:
    async with daemon(tmp_path, sim, page={"enabled": True, "every": 1}, cleanup={"every": "1s"}) as camspool:
        camspool.put("a/b.json", request(height=64))
        camspool.put("wrong.json", "{}")
        await camspool.ended("a/b")
        for _ in range(5000):
            if list((camspool.mirror / "_page/posters").rglob("*.jpg")):
                break
            await asyncio.sleep(0.02)
    [hour] = (camspool.mirror / "_page/days").iterdir()
    assert script.load("hour", hour.read_bytes())["requests"][0][1][0][0] == "a/b.mp4"
    assert list((camspool.mirror / "_page/posters").rglob("*.jpg"))
    now = script.load("now", (camspool.mirror / "_page/now.js").read_bytes())
    assert (now["service"]["state"], now["count"]) == ("stopped", 0)
    failures = script.load("failures", (camspool.mirror / "_page/failures.js").read_bytes())
    assert [row["request"] for row in failures] == ["wrong"]
    assert list(Verification(Mirror(camspool.mirror), [EVERYTHING], NOW).problems()) == []
    async with daemon(
        tmp_path, sim, page={"enabled": True, "every": 1}, cleanup={"keep": "1s", "every": "100ms"}
    ):
        for _ in range(5000):
            if not list((camspool.mirror / "_page/days").iterdir()):
                break
            await asyncio.sleep(0.02)
    assert list((camspool.mirror / "_page").rglob("*.jpg")) == []
    assert document.load((camspool.mirror / "a/b.status.json").read_bytes()).state is State.REMOVED
    assert json.loads((camspool.mirror / "_service.json").read_bytes())["state"] == "stopped"
