"""The finished footage on the page, and what happens to it."""

import contextlib
import os
import shutil
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from camspool.core.errors import StorageTrouble
from camspool.core.status_document import RequestRecord, Status
from camspool.core.values import State, WaitReason
from camspool.page import clips, script
from camspool.page.page import LOOK_S, PageSettings
from camspool.page.shelf import Shelf
from support.builders import START, a_failure, a_status, later
from support.page import PRAGUE, PageHarness, done


async def test_ended_requests_are_on_the_page_by_the_day_of_their_footage(harness: PageHarness) -> None:
    other = done("b/c", START + timedelta(days=1), finished_at=later(5))
    failed = a_status(name="f", state=State.FAILED, error=a_failure(), finished_at=later(1))
    shown = await harness.shown_after(done(), other, failed)
    assert shown == {"2020-05-11": ["store-12/evening.mp4"], "2020-05-12": ["b/c.mp4"]}
    index = harness.data("index")
    assert [row["file"] for row in index["latest"]] == ["b/c.mp4", "store-12/evening.mp4"]
    assert [row["request"] for row in harness.data("failures")] == ["f"]
    assert index["days"]["2020-05-11"][1:] == [1, 600, 8_388_608, 1, "4"]
    assert index["cameras"] == ["camera 62303"]
    assert (harness.mirror / "index.html").read_bytes() == script.html()


async def test_deleted_footage_goes_from_the_page(harness: PageHarness) -> None:
    await harness.shown_after(done(), done("b"))
    gone = done(clips=(replace(done().clips[0], state=State.REMOVED),), state=State.REMOVED)
    assert await harness.shown_after(gone) == {"2020-05-11": ["b.mp4"]}
    assert [row["file"] for row in harness.data("index")["latest"]] == ["b.mp4"]
    gone = done("b", clips=(replace(done().clips[0], state=State.REMOVED),), state=State.REMOVED)
    assert await harness.shown_after(gone) == {}


async def test_footage_that_people_delete_goes_from_the_page_a_day_at_a_time(harness: PageHarness) -> None:
    other = done("b", START + timedelta(days=1))
    await harness.shown_after(done(), done("a"), other)
    for name in ("a", "b"):
        (harness.mirror / f"{name}.mp4").unlink()
    lost = []
    for _ in range(4):
        await harness.clock.advance(LOOK_S)
        await harness.turn()
        lost.append(sum(map(len, harness.shown().values())))
    assert lost == [2, 1, 1, 1]
    assert [row["file"] for row in harness.data("index")["latest"]] == ["store-12/evening.mp4"]
    assert harness.data("index")["days"].keys() == {"2020-05-11"}


async def test_in_a_mirror_that_is_not_mounted_nothing_is_missing(harness: PageHarness) -> None:
    shown = await harness.shown_after(done(), done("a"))
    away = harness.mirror.rename(harness.mirror.with_name("away"))
    harness.mirror.mkdir()  # where it was mounted
    for _ in range(2):
        await harness.clock.advance(LOOK_S)
        await harness.turn()
    harness.mirror.rmdir()
    away.rename(harness.mirror)
    assert await harness.shown_after() == shown


async def test_where_one_cannot_look_nothing_is_missing(
    harness: PageHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = await harness.shown_after(done(), done("a"))
    (harness.mirror / "a.mp4").unlink()

    def missing(paths: set[str]) -> set[str]:
        raise StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, f"{max(paths)}: Input/output error")

    monkeypatch.setattr(harness.spool.own_files, "missing", missing)  # no folder breaks at will
    await harness.clock.advance(LOOK_S)
    with capture_logs() as logs:
        assert await harness.shown_after(done("b")) == {"2020-05-11": [*shown["2020-05-11"], "b.mp4"]}
    assert logs == []


async def test_another_run_under_the_same_name_leaves_nothing_of_the_first(harness: PageHarness) -> None:
    await harness.shown_after(done())
    record = RequestRecord(
        file="store-12/evening.json", sha256="b" * 64, filed_before="store-12/evening.json"
    )
    again = done(start=START + timedelta(days=2), request=replace(record, entries=done().request.entries))
    assert await harness.shown_after(again) == {"2020-05-13": ["store-12/evening.mp4"]}


async def test_in_another_time_zone_the_days_are_others(harness: PageHarness) -> None:
    midnight = datetime.fromisoformat("2026-03-01T00:30:00+01:00")
    assert list(await harness.shown_after(done(start=midnight))) == ["2026-03-01"]
    harness.settings = PageSettings(enabled=True, zone=ZoneInfo("UTC"))
    assert list(await harness.shown_after()) == ["2026-02-28"]


@pytest.mark.parametrize("change", [{"bytes": 10**4000}, {"bytes": -1}, {"duration_s": 1e308}])
async def test_a_request_that_cannot_be_shown_is_left_out_and_reported(
    harness: PageHarness, change: dict[str, Any]
) -> None:
    clip = done("b").clips[0]
    assert clip.file
    clip = replace(clip, file=replace(clip.file, **change))
    with capture_logs() as logs:
        shown = await harness.shown_after(done(), done("b", clips=(clip,)), done("c"))
    assert shown == {"2020-05-11": ["store-12/evening.mp4", "c.mp4"]}
    assert [(line["event"], line["request"]) for line in logs] == [("request_not_shown", "b")]


NO_FAILURES: list[Any] = [None, {}, [{"request": "x"}], [{"at": None}]]


@pytest.mark.parametrize(
    ("file", "kind", "value"),
    [
        *(("failures", "failures", found) for found in NO_FAILURES),
        *(("seen", "seen", {"format": "2 Europe/Prague", "through": at}) for at in ("1", None, -1, True)),
    ],
)
async def test_what_belongs_to_the_index_is_made_again_too(
    harness: PageHarness, file: str, kind: str, value: Any
) -> None:
    shown = await harness.shown_after(done())
    harness.path(f"{file}.js").write_bytes(script.dump(kind, value))
    os.utime(harness.mirror / "store-12/evening.status.json", (0, 0))
    harness.another()
    assert await harness.shown_after() == shown
    assert harness.data("failures") == []
    assert harness.data("seen")["through"] > 0


@pytest.mark.parametrize(
    "strange",
    [
        *("posters/2020-05-11/@eaDir/x", "posters/2020-05-11/ab.jpg/x", "posters/2020-05-11/mine.jpg"),
        *("posters/@eaDir/ab.jpg", "posters/1999-01-01/notes.txt"),
        *("days/@eaDir/x", "days/2001-01-01.js/x", "days/a.js"),
    ],
)
async def test_what_others_put_beside_the_data_stays_and_stops_nothing(
    harness: PageHarness, strange: str
) -> None:
    await harness.turn()
    harness.path(strange).parent.mkdir(parents=True, exist_ok=True)
    harness.path(strange).write_bytes(b"x")
    harness.path("index.js").unlink()  # so that all is looked through again, and tidied
    with capture_logs() as logs:
        for status in (done(), done("b")):
            harness.save(status)
            harness.page.note(status)
            await harness.turn()
            await harness.turn()
    assert logs == []
    assert [row["file"] for row in harness.data("index")["latest"]] == [
        "store-12/evening.mp4",
        "b.mp4",
    ]
    assert harness.path(strange).exists()


async def test_the_data_of_earlier_versions_are_replaced_and_pictures_stay(harness: PageHarness) -> None:
    await harness.turn()
    await harness.shown_after(done())
    poster = harness.path(f"posters/2020-05-11/{clips.poster_name(done().clips[0].file.sha256)}.jpg")  # type: ignore[union-attr]
    poster.parent.mkdir(parents=True)
    poster.write_bytes(b"x")
    shutil.rmtree(harness.path("days"))
    harness.path("days").mkdir()
    for name in ("index.js", "seen.js", "failures.js"):
        harness.path(name).unlink()
    old = [
        harness.path("finished.js"),
        harness.path("days/2020-05-11.js"),
        harness.path("days/2001-01-01.js"),
    ]
    for path in old:
        path.write_bytes(b'camspool.day({"format":"1 Europe/Prague"});\n')
    harness.another()
    assert await harness.shown_after() == {"2020-05-11": ["store-12/evening.mp4"]}
    assert not any(path.exists() for path in old)
    assert poster.exists()


async def test_what_is_no_news_is_not_written(harness: PageHarness) -> None:
    await harness.shown_after(done())
    before = {path: path.stat().st_ino for path in harness.path("").rglob("*.js")}
    for _ in range(5):
        await harness.clock.advance(LOOK_S)
        await harness.turn()
    after = {path: path.stat().st_ino for path in harness.path("").rglob("*.js")}
    assert {path.name for path in before if before[path] != after[path]} == {"now.js"}
    assert "through" not in harness.path("index.js").read_text()


async def test_a_larger_day_is_rewritten_less_often(
    harness: PageHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.shown_after(done())
    monkeypatch.setattr("camspool.page.page.FEW_BYTES", 0)
    assert "a.mp4" in (await harness.shown_after(done("a")))["2020-05-11"]
    assert "b.mp4" not in (await harness.shown_after(done("b")))["2020-05-11"]
    await harness.clock.advance(10)
    assert "b.mp4" in (await harness.shown_after())["2020-05-11"]


class Killed(BaseException):
    """The process ends before a write or after it."""


names = st.sampled_from(["a", "b", "store/c"])
runs = st.lists(
    st.tuples(names, st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=3), st.integers(0, 8)),
    min_size=1,
    max_size=6,
)


@given(runs=runs)
@settings(max_examples=60, deadline=None)
def test_whenever_it_is_killed_offering_the_same_again_makes_it_whole(
    runs: list[tuple[str, list[tuple[int, bool]], int]],
) -> None:
    """Each run writes what a request has become, and is killed at one of its writes."""
    with tempfile.TemporaryDirectory() as folder:
        harness = PageHarness(Path(folder))
        known: dict[str, Status] = {}
        for name, hours, writes in runs:
            known[name] = ended(name, hours)
            with contextlib.suppress(Killed):
                put(harness, [known[name]], writes)
        put(harness, list(known.values()), None)
        shown = sorted(file for files in harness.shown().values() for file in files)
        rows_ = [clips.footage(status, PRAGUE).values() for status in known.values()]
        assert shown == sorted(row.file for hours_ in rows_ for clips_ in hours_ for row in clips_)
        harness.spool.close()


def ended(name: str, hours: list[tuple[int, bool]]) -> Status:
    """A request whose clips began at these hours; they are there, or were removed."""
    clip = done(name).clips[0]
    assert clip.file
    found = tuple(
        replace(
            clip,
            ask=ask,
            state=State.DONE if there else State.REMOVED,
            start=START + timedelta(hours=hour),
            file=replace(clip.file, name=f"{ask}.mp4"),
        )
        for ask, (hour, there) in enumerate(hours, 1)
    )
    # An earlier run may have left something.
    record = replace(done(name).request, filed_before=f"{name}.json")
    return done(name, clips=found, request=record)


def put(harness: PageHarness, statuses: list[Status], writes: int | None) -> None:
    shelf, left = Shelf(harness.spool.own_files, PRAGUE), [writes]
    really = harness.spool.own_files.write

    def write(path: str, data: bytes) -> None:
        if left[0] == 0:
            raise Killed
        if left[0] is not None:
            left[0] -= 1
        really(path, data)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(harness.spool.own_files, "write", write)
        shelf.load(PRAGUE)
        shelf.put([shelf.ended(status) for status in statuses])
        shelf.write_index()
        shelf.through = 1.0
        shelf.write_seen()
