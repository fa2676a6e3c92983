"""A picture for each MP4."""

import asyncio
import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from camspool.core.values import State
from camspool.page import script
from camspool.page.clips import ClipRow
from camspool.page.page import LOOK_S
from support.mp4_files import write_clip
from support.page import PageHarness, done


def data_of(harness: PageHarness) -> dict[Path, tuple[int, int]]:
    """Of each file of data its inode and date: another one was written anew."""
    found: dict[Path, os.stat_result] = {path: path.stat() for path in harness.path("").rglob("*.js")}
    return {path: (facts.st_ino, facts.st_mtime_ns) for path, facts in found.items()}


async def test_each_mp4_gets_a_poster_and_both_go_together(harness: PageHarness, tmp_path: Path) -> None:
    await harness.turn()
    write_clip(harness.mirror / "a.mp4", "moov_last")
    await harness.shown_after(done("a"))
    before = data_of(harness)
    assert await harness.posters.make() == 1
    [poster] = list(harness.path("posters").rglob("*.jpg"))
    assert poster.read_bytes().startswith(b"\xff\xd8\xff")
    await harness.turn()
    assert data_of(harness) == before, "a poster rewrites nothing"
    await harness.shown_after(done("a", clips=(replace(done("a").clips[0], state=State.REMOVED),)))
    assert harness.pictures() == []


async def test_a_poster_that_is_just_being_made_is_left_alone(harness: PageHarness) -> None:
    await harness.shown_after(done("a"))
    being_made = harness.path("posters/2020-05-11/.camspool-00000000-0000000000000000.tmp")
    being_made.parent.mkdir(parents=True)
    being_made.write_bytes(b"half")
    await harness.shown_after(done("b"))
    assert being_made.exists()


async def test_a_video_without_a_picture_is_tried_once(harness: PageHarness) -> None:
    await harness.turn()
    (harness.mirror / "a.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + b"junk" * 100)
    await harness.shown_after(done("a"), done("gone"))
    (harness.mirror / "gone.mp4").unlink()
    with capture_logs() as logs:
        assert await harness.posters.make() == 0
        harness.posters.look_at({"2020-05-11-11"})
        assert await harness.posters.make() == 0
    assert [line["event"] for line in logs] == ["poster_not_made"] * 2
    assert harness.pictures() == []


async def test_a_video_on_a_share_that_has_died_holds_up_nothing_else(
    harness: PageHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.turn()
    write_clip(harness.mirror / "a.mp4", "moov_last")
    await harness.shown_after(done("a"))
    really, alive = harness.spool.own_files.opened, threading.Event()

    @contextlib.contextmanager
    def opened(path: str) -> Iterator[int | None]:
        with really(path) as descriptor:
            yield descriptor if alive.wait(20) else None  # no folder dies at will
            assert threading.current_thread() is not threading.main_thread()

    monkeypatch.setattr(harness.spool.own_files, "opened", opened)
    making = asyncio.create_task(harness.posters.make())
    await asyncio.sleep(0.05)
    alive.set()
    assert await making == 1


async def test_a_full_disk_gets_no_posters(harness: PageHarness) -> None:
    await harness.turn()
    write_clip(harness.mirror / "a.mp4", "moov_last")
    await harness.shown_after(done("a"))
    harness.has_room = False
    assert await harness.posters.make() == 0
    harness.has_room = True
    assert await harness.posters.make() == 1


async def test_without_pyav_there_are_no_posters_and_no_fuss(
    harness: PageHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    harness.another()
    with capture_logs() as logs:
        await harness.shown_after(done())
        assert await harness.posters.make() == 0
    assert logs == []


async def test_posters_of_days_without_footage_go(harness: PageHarness) -> None:
    await harness.shown_after(done())
    stray = harness.path("posters/1999-01-01/ab12.jpg")
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x")
    harness.path("index.js").unlink()
    await harness.shown_after()
    assert not stray.exists()


async def test_no_poster_is_lost_while_the_mirror_is_looked_through_again(
    harness: PageHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making them again takes hours."""
    await harness.shown_after(*(done(f"{number}") for number in range(30)))
    posters = [harness.path(f"posters/2020-05-11/{row.poster}.jpg") for row in clips_of(harness)]
    stray = harness.path("posters/2020-05-11/ab12.jpg")
    for path in (*posters, stray):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    shutil.rmtree(harness.path("days"))
    harness.another()
    monkeypatch.setattr("camspool.page.page.MOST_PENDING", 10)
    for _ in range(8):
        await harness.turn()
        await harness.clock.advance(LOOK_S)
        assert all(path.exists() for path in posters)
    assert not stray.exists()
    assert len(harness.shown()["2020-05-11"]) == 30


def clips_of(harness: PageHarness) -> list[ClipRow]:
    found = (script.load("hour", path.read_bytes()) for path in harness.path("days").iterdir())
    return [ClipRow(*clip) for hour in found for _, clips in hour["requests"] for clip in clips]


async def test_a_cancelled_poster_leaves_no_descriptor_behind(
    harness: PageHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.turn()
    write_clip(harness.mirror / "a.mp4", "moov_last")
    await harness.shown_after(done("a"))
    really, asked, alive = harness.spool.own_files.opened, threading.Event(), threading.Event()

    @contextlib.contextmanager
    def opened(path: str) -> Iterator[int | None]:
        asked.set()
        alive.wait(20)  # no folder is slow at will
        with really(path) as descriptor:
            yield descriptor

    with monkeypatch.context() as patched:
        patched.setattr(harness.spool.own_files, "opened", opened)
        making = asyncio.create_task(harness.posters._picture("a.mp4"))
        await asyncio.to_thread(asked.wait, 20)
        making.cancel()
        await asyncio.wait([making])
        alive.set()
        for _ in range(1000):
            await asyncio.sleep(0.01)
            if not is_open(harness.mirror / "a.mp4"):
                break
    assert making.cancelled()
    assert not is_open(harness.mirror / "a.mp4")


def is_open(file: Path) -> bool:
    """Whether this process has a descriptor of the file."""
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the listing's own is closed by now
            if link.readlink() == file:
                return True
    return False
