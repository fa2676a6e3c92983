"""The page in the mirror: its data, by days; what happens to it is put right; it harms nobody."""

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from camspool.adapters.spool import Foreign, Spool
from camspool.commands.verify.mirror import Mirror
from camspool.commands.verify.targets import EVERYTHING
from camspool.commands.verify.verification import Verification
from camspool.core import document
from camspool.core.errors import StorageTrouble
from camspool.core.health import ApiHealth, DiskHealth, ServiceProblem, ServiceState, ServiceStatus, Watching
from camspool.core.status_document import Progress, RequestRecord, Status
from camspool.core.values import State, WaitReason
from camspool.page import activity, clips, lanes, script
from camspool.page.clips import ClipRow
from camspool.page.local_days import begins, hour_of, hours_between, length_s
from camspool.page.page import HEARTBEAT_S, LOOK_S, Page, PageSettings
from camspool.page.posters import Posters
from camspool.page.shelf import Shelf
from camspool.simulator import Simulator
from support.builders import NOW, START, a_clip, a_failure, a_file, a_status, a_wait, later
from support.fake_clock import FakeClock
from support.mp4_files import write_clip
from support.running import daemon, request, simulator

PRAGUE = ZoneInfo("Europe/Prague")
HOSTILE = "</script><script>alert('1')</script>\u2028\u2029\"\\ __proto__ &amp; \U0001f4f7"


def service(state: ServiceState = ServiceState.OK, *problems: ServiceProblem) -> ServiceStatus:
    return ServiceStatus(
        version="0",
        state=state,
        started_at=NOW,
        updated_at=NOW,
        problems=problems,
        watching=Watching("inotify", "ext4", None),
        api=ApiHealth(None, 0),
        disk=DiskHealth(1, 1),
    )


def done(name: str = "store-12/evening", start: datetime = START, **changes: Any) -> Status:
    """A request whose only clip lies in the mirror."""
    file = a_file(name=name.rpartition("/")[2] + ".mp4")
    file = replace(file, sha256=hashlib.sha256(name.encode()).hexdigest())
    clip = a_clip(State.DONE, start=start, end=start + timedelta(seconds=600), file=file)
    status = a_status(clip, state=State.DONE, name=name, finished_at=NOW)
    return replace(status, **changes)


class Harness:
    """A page on real folders, and short ways to see what it shows."""

    def __init__(self, folder: Path) -> None:
        self.mirror = folder / "mirror"
        self.spool = Spool(folder / "drop", self.mirror, folder / "state")
        self.spool.open()
        self.clock = FakeClock(NOW)
        self.has_room = True
        self.page = self.another()

    def another(self, zone: ZoneInfo = PRAGUE, *, enabled: bool = True) -> Page:
        """The page as after a restart."""
        self.settings = PageSettings(enabled, zone)
        shelf = Shelf(self.spool.own_files, zone)
        self.posters = Posters(self.spool.own_files, shelf, self.clock, lambda: self.has_room)
        self.page = Page(self.spool, self.clock, shelf, self.posters, lambda: self.settings)
        return self.page

    async def turn(self, *outstanding: Status, of: ServiceStatus | None = None) -> None:
        await self.page.tend(of or service(), outstanding)

    def save(self, status: Status) -> None:
        """The status, and its MP4s where there are none."""
        self.spool.save_status(status)
        for clip in status.clips:
            if clip.file and clip.state is State.DONE:
                (self.mirror / status.name).with_name(clip.file.name).touch()

    async def shown_after(self, *ended: Status) -> dict[str, list[str]]:
        """The footage on the page by days, once these have ended; two turns, for the first may read."""
        for status in ended:
            self.save(status)
            self.page.note(status)
        await self.turn()
        await self.turn()
        return self.shown()

    def shown(self) -> dict[str, list[str]]:
        """What the page shows, by days; its index, lanes and details agree."""
        index, days = self.data("index"), {path.stem for path in self.path("lanes").glob("*.js")}
        assert days == index["days"].keys()
        return {day: self._shown(day, index) for day in sorted(days)}

    def _shown(self, day: str, index: Any) -> list[str]:
        found = sorted(path for path in self.path("days").iterdir() if path.match(f"{day}-*.js"))
        hours = [script.load("hour", path.read_bytes()) for path in found]
        assert all(hour["format"] == index["format"] for hour in hours)
        clips = [ClipRow(*clip) for hour in hours for _, clips in hour["requests"] for clip in clips]
        lanes = self.data(f"lanes/{day}", "lanes")
        assert index["days"][day][1:5] == [
            len(clips),
            sum(round(clip.seconds) for clip in clips),
            sum(clip.bytes for clip in clips),
            len(found),
        ]
        assert sum(map(len, lanes["clips"])) == 2 * len(clips)
        assert set(lanes["cameras"]) == {clip.camera for clip in clips} <= set(index["cameras"])
        assert sum(len(versions) for versions, _ in lanes["hours"].values()) == len(found)
        return [clip.file for clip in clips]

    def data(self, name: str, kind: str | None = None) -> Any:
        return script.load(kind or name, self.path(f"{name}.js").read_bytes())

    def path(self, name: str) -> Path:
        return self.mirror / "_page" / name

    def pictures(self) -> list[str]:
        return [path.name for path in self.path("posters").rglob("*") if path.is_file()]


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    made = Harness(tmp_path)
    yield made
    made.spool.close()


# What is told


def test_text_is_never_markup_and_comes_back_as_it_was() -> None:
    data = script.dump("day", {HOSTILE: [HOSTILE, None, 1.5, True]})
    assert data.isascii()
    assert b"<" not in data
    assert script.load("day", data) == {HOSTILE: [HOSTILE, None, 1.5, True]}


@pytest.mark.parametrize(
    "data",
    [
        *(None, b"", b"camspool.day({});", b"camspool.now({});\n", b"camspool.day({);\n"),
        *(b"camspool.day(NaN);\n", b"camspool.day(-1e999);\n", b"camspool.day(" + b"[" * 99_999 + b");\n"),
    ],
)
def test_what_is_no_data_of_this_name_is_none(data: bytes | None) -> None:
    assert script.load("day", data) is None


def test_only_the_pages_own_script_and_style_may_run() -> None:
    html = script.html().decode()
    assert html.startswith("<!doctype html>")
    for tag in ("script", "style"):
        [inline] = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src" in html
        assert f"'sha256-{digest}'" in html
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", html), "nothing comes from a network"
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", html)


def test_footage_belongs_to_the_day_it_is_of_where_the_people_are() -> None:
    late = datetime.fromisoformat("2026-03-01T23:30:00+00:00")
    [(hour, [row])] = clips.footage(done(start=late), PRAGUE).items()
    assert (hour, row.file, row.at) == ("2026-03-02-00", "store-12/evening.mp4", late.timestamp())
    assert list(clips.footage(done(start=late), ZoneInfo("UTC"))) == ["2026-03-01-23"]
    first_hour = datetime.fromisoformat("0001-01-01T00:30:00+00:00")
    assert list(clips.footage(done(start=first_hour), ZoneInfo("America/New_York"))) == ["0001-01-01-00"]
    last_hour = datetime.fromisoformat("9999-12-31T23:30:00+00:00")
    assert hour_of(last_hour.timestamp(), PRAGUE).startswith("9999-12-31")


def test_a_day_is_as_long_as_the_clocks_make_it() -> None:
    lengths = [
        length_s(day, PRAGUE) / 3600 for day in ("2026-03-28", "2026-03-29", "2026-10-25", "9999-12-31")
    ]
    assert lengths == [24, 23, 25, 24]
    twice = [begins("2026-10-25", PRAGUE) + hour * 3600 for hour in (2, 3)]  # both are 2 o'clock
    assert [hour_of(at, PRAGUE) for at in twice] == ["2026-10-25-02", "2026-10-25-03"]
    assert hours_between(twice[0], twice[0] + 3600, PRAGUE) == ["2026-10-25-02", "2026-10-25-03"]
    assert begins("2026-04-24", ZoneInfo("Africa/Cairo")) % 3600 == 0  # its midnight does not exist


def test_a_piece_begins_where_the_earlier_ones_end() -> None:
    """Its status has the beginning of what was asked for."""
    whole = done().clips[0]
    assert whole.recording
    pieces = tuple(replace(whole, piece=piece, pieces=3) for piece in (1, 2, 3))
    [first, second, third] = clips.rows_of(clips.footage(done(clips=pieces), PRAGUE))
    assert (first.at, first.estimated) == (START.timestamp(), 0)
    assert (second.at, second.estimated) == (START.timestamp() + whole.recording.duration_s, 1)
    assert (third.at, third.estimated) == (whole.end.timestamp(), 1), "not after the end of the range"


def test_lanes_come_back_as_they_were() -> None:
    made, row = lanes.Lanes("2020-05-11"), a_row()
    made.replace(
        "2020-05-11-11", [row, row._replace(at=row.at - 60), row._replace(camera="b")], ["x"], PRAGUE
    )
    assert lanes.load(json.loads(json.dumps(lanes.dump(made, "f", PRAGUE))), "f", "2020-05-11") == made
    assert lanes.load(lanes.dump(made, "f", PRAGUE), "g", "2020-05-11") is None
    assert (made.clips, made.seconds, made.bytes, made.files) == (3, 1800, 3 * row.bytes, 1)
    made.replace("2020-05-11-11", [], [], PRAGUE)
    assert made == lanes.Lanes("2020-05-11")


@pytest.mark.parametrize("found", [None, [], {}, {"format": "f", "day": "2020-05-11"}])
def test_what_is_no_lanes_is_none(found: Any) -> None:
    assert lanes.load(found, "f", "2020-05-11") is None


def test_a_poster_has_a_harmless_name_whatever_the_status_says() -> None:
    assert clips.poster_name("../../\n/AB12" + "0" * 64) == "ab12" + "0" * 28


def test_what_went_wrong_is_told_with_what_to_do() -> None:
    failed = a_status(a_clip(State.FAILED), state=State.FAILED, error=a_failure(), finished_at=NOW)
    shown = activity.failure(failed)
    assert shown
    assert (shown["code"], shown["message"], shown["hint"], shown["cameras"]) == (
        "no_recording",
        "Nothing was recorded.",
        "Look in the portal.",
        ["camera 62303"],
    )
    assert activity.failure(done()) is None
    assert activity.failure(replace(failed, state=State.REMOVED)) is None


def test_the_busiest_requests_are_told_and_the_others_counted() -> None:
    def at_work(state: State, number: int, percent: float = 0) -> Status:
        return a_status(a_clip(state), state=state, name=f"{number}", progress=Progress(percent=percent))

    queued = [at_work(State.QUEUED, number) for number in range(activity.MOST_OUTSTANDING)]
    waiting = replace(queued[0], name="w", state=State.SCHEDULED, waiting=a_wait(until=later(60)))
    shown = activity.outstanding(
        [waiting, *queued, at_work(State.DOWNLOADING, 1000), at_work(State.DOWNLOADING, 1001, 9)]
    )
    assert [row["request"] for row in shown[:3]] == ["1001", "1000", "0"]
    assert len(shown) == activity.MOST_OUTSTANDING
    assert [row["request"] for row in activity.active(shown)] == ["1001", "1000"]
    later_turn = replace(waiting, name="later", waiting=a_wait(until=later(90)))
    assert [row["request"] for row in activity.outstanding([later_turn, waiting])] == ["w", "later"]
    [row] = activity.outstanding([waiting])
    assert row["waiting"] == {"message": "The API broke.", "until": activity.written(later(60))}


# What lies in the mirror


async def test_ended_requests_are_on_the_page_by_the_day_of_their_footage(harness: Harness) -> None:
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


async def test_what_is_outstanding_and_the_health_are_on_the_page(harness: Harness) -> None:
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
    harness: Harness,
) -> None:
    some = done(state=State.DOWNLOADING, finished_at=None, progress=Progress(clips_done=1, clips_total=2))
    await harness.turn(some)
    assert list(harness.shown()) == ["2020-05-11"]
    assert await harness.shown_after(done()) == {"2020-05-11": ["store-12/evening.mp4"]}


async def test_now_is_rewritten_when_something_has_changed_and_as_a_sign_of_life(
    harness: Harness,
) -> None:
    await harness.turn()
    await harness.turn()  # all has been seen by now
    harness.path("now.js").write_bytes(b"")
    await harness.turn()
    assert harness.path("now.js").read_bytes() == b""
    await harness.clock.advance(HEARTBEAT_S)
    await harness.turn()
    assert harness.data("now")["all_seen"]
    harness.path("now.js").write_bytes(b"")
    await harness.turn(of=service(ServiceState.STOPPED))
    assert harness.data("now")["service"]["state"] == "stopped"


async def test_deleted_footage_goes_from_the_page(harness: Harness) -> None:
    await harness.shown_after(done(), done("b"))
    gone = done(clips=(replace(done().clips[0], state=State.REMOVED),), state=State.REMOVED)
    assert await harness.shown_after(gone) == {"2020-05-11": ["b.mp4"]}
    assert [row["file"] for row in harness.data("index")["latest"]] == ["b.mp4"]
    gone = done("b", clips=(replace(done().clips[0], state=State.REMOVED),), state=State.REMOVED)
    assert await harness.shown_after(gone) == {}


async def test_footage_that_people_delete_goes_from_the_page_a_day_at_a_time(harness: Harness) -> None:
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


async def test_in_a_mirror_that_is_not_mounted_nothing_is_missing(harness: Harness) -> None:
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
    harness: Harness, monkeypatch: pytest.MonkeyPatch
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


async def test_another_run_under_the_same_name_leaves_nothing_of_the_first(harness: Harness) -> None:
    await harness.shown_after(done())
    record = RequestRecord(
        file="store-12/evening.json", sha256="b" * 64, filed_before="store-12/evening.json"
    )
    again = done(start=START + timedelta(days=2), request=replace(record, entries=done().request.entries))
    assert await harness.shown_after(again) == {"2020-05-13": ["store-12/evening.mp4"]}


async def test_what_ended_unseen_is_found_at_the_next_start(harness: Harness) -> None:
    await harness.shown_after(done())
    harness.save(done("b"))  # and then the daemon was killed
    harness.another()
    assert await harness.shown_after() == {"2020-05-11": ["store-12/evening.mp4", "b.mp4"]}


async def test_a_start_reads_only_what_was_written_since(harness: Harness) -> None:
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
async def test_what_a_person_deletes_is_made_again(harness: Harness, lost: str, when: str) -> None:
    shown = await harness.shown_after(done(), done("b", START + timedelta(days=1)))
    path = harness.mirror / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in ("store-12/evening", "b"):
        os.utime(harness.mirror / f"{name}.status.json", (0, 0))
    if when == "stopped" or "2020" in lost:  # a day is only missed at a start
        harness.another()
    assert await harness.shown_after() == shown
    assert path.exists()


@pytest.mark.parametrize("damage", [b"", b"\0" * 50, b"camspool.index({});\n", b"camspool.index(["])
async def test_a_damaged_index_is_made_again(harness: Harness, damage: bytes) -> None:
    shown = await harness.shown_after(done())
    harness.path("index.js").write_bytes(damage)
    harness.another()
    assert await harness.shown_after() == shown


async def test_in_another_time_zone_the_days_are_others(harness: Harness) -> None:
    midnight = datetime.fromisoformat("2026-03-01T00:30:00+01:00")
    assert list(await harness.shown_after(done(start=midnight))) == ["2026-03-01"]
    harness.settings = PageSettings(enabled=True, zone=ZoneInfo("UTC"))
    assert list(await harness.shown_after()) == ["2026-02-28"]


async def test_somebody_elses_page_is_left_alone(harness: Harness) -> None:
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
async def test_whatever_else_is_called_like_the_page_is_left_alone(harness: Harness, kind: str) -> None:
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


async def test_an_older_page_of_ours_is_replaced(harness: Harness) -> None:
    (harness.mirror / "index.html").write_bytes(script.MARK + b"<p>old")
    await harness.turn()
    assert (harness.mirror / "index.html").read_bytes() == script.html()


async def test_switched_off_it_writes_nothing_and_switched_on_it_catches_up(harness: Harness) -> None:
    harness.another(enabled=False)
    harness.save(done())
    harness.page.note(done())
    await harness.turn()
    assert sorted(path.name for path in harness.mirror.iterdir()) == [".camspool", "store-12"]
    harness.settings = PageSettings(enabled=True, zone=PRAGUE)
    assert await harness.shown_after() == {"2020-05-11": ["store-12/evening.mp4"]}


async def test_a_mirror_that_is_gone_is_told_once_and_nothing_is_lost(harness: Harness) -> None:
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
    harness: Harness, monkeypatch: pytest.MonkeyPatch
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


async def test_a_defect_of_the_page_stops_the_page_alone_until_a_reload(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.shown_after(done())
    with capture_logs() as logs, monkeypatch.context() as patched:
        patched.setattr("camspool.page.hours.Details.changed", None)
        harness.page.note(done("b"))
        await harness.turn()
        await harness.turn()
    assert [line["event"] for line in logs] == ["page_crashed"]
    harness.settings = PageSettings(enabled=True, zone=PRAGUE)
    assert await harness.shown_after() == {"2020-05-11": ["store-12/evening.mp4"]}, "the files alone count"


@pytest.mark.parametrize("change", [{"bytes": 10**4000}, {"bytes": -1}, {"duration_s": 1e308}])
async def test_a_request_that_cannot_be_shown_is_left_out_and_told(
    harness: Harness, change: dict[str, Any]
) -> None:
    clip = done("b").clips[0]
    assert clip.file
    clip = replace(clip, file=replace(clip.file, **change))
    with capture_logs() as logs:
        shown = await harness.shown_after(done(), done("b", clips=(clip,)), done("c"))
    assert shown == {"2020-05-11": ["store-12/evening.mp4", "c.mp4"]}
    assert [(line["event"], line["request"]) for line in logs] == [("request_not_shown", "b")]


def a_row(**changes: Any) -> ClipRow:
    [row] = clips.footage(done(), PRAGUE)["2020-05-11-11"]
    return row._replace(**changes)


NO_ROWS: list[Any] = [
    *(None, [], {}, {"camera": 1}, [*a_row(), 1], list(a_row())[1:]),
    *(a_row(poster=name) for name in ("../../index.html", "a/b", None, "x", "a" * 33)),
    *(a_row(at=at) for at in (None, 1e18, -(10**18), 10**30, True, "1")),
    *(a_row(file=path) for path in ("../a.mp4", "/a.mp4", "a//b.mp4", "a\0.mp4", "\ud800.mp4", None)),
    *(a_row(seconds=number) for number in (-1, 1e300, "1", None)),
    *(a_row(bytes=10**30), a_row(camera=None), a_row(piece="1"), a_row(estimated=True)),
]


@pytest.mark.parametrize("row", NO_ROWS)
async def test_a_day_with_something_else_in_it_is_made_again(harness: Harness, row: Any) -> None:
    shown = await harness.shown_after(done(), done("b"))
    hour = {"format": "2 Europe/Prague", "hour": "2020-05-11-11", "requests": [["x", [row]]]}
    harness.path("days/2020-05-11-11.js").write_bytes(script.dump("hour", hour))
    for name in ("store-12/evening", "b"):
        os.utime(harness.mirror / f"{name}.status.json", (0, 0))
    with capture_logs() as logs:
        await harness.posters.make()
        await harness.shown_after(done("c"))
        await harness.turn()
    assert sorted(harness.shown()["2020-05-11"]) == sorted([*shown["2020-05-11"], "c.mp4"])
    assert [line for line in logs if line["event"] != "poster_not_made"] == []


@pytest.mark.parametrize(
    "change",
    [
        *({"days": {"../x": ["", 0, 0, 0, 0, ""]}}, {"days": {"2020-05-11": None}}, {"days": []}),
        *({"days": {"2020-05-11": ["", 0, 0, 0, 0, "x"]}}, {"days": {"2020-05-11": ["", 0]}}),
        *({"latest": [None]}, {"latest": [{}]}, {"latest": [a_row()]}, {"latest": ["x"]}, {"latest": {}}),
        *({"cameras": [1]}, {"cameras": {}}, {"more": 1}, {"format": 2}),
    ],
)
async def test_an_index_with_something_else_in_it_is_made_again(
    harness: Harness, change: dict[str, Any]
) -> None:
    shown = await harness.shown_after(done())
    harness.path("index.js").write_bytes(script.dump("index", harness.data("index") | change))
    harness.another()
    with capture_logs() as logs:
        assert await harness.shown_after() == shown
    assert logs == []


NO_FAILURES: list[Any] = [None, {}, [{"request": "x"}], [{"at": None}]]


@pytest.mark.parametrize(
    ("file", "kind", "value"),
    [
        *(("failures", "failures", found) for found in NO_FAILURES),
        *(("seen", "seen", {"format": "2 Europe/Prague", "through": at}) for at in ("1", None, -1, True)),
    ],
)
async def test_what_belongs_to_the_index_is_made_again_too(
    harness: Harness, file: str, kind: str, value: Any
) -> None:
    shown = await harness.shown_after(done())
    harness.path(f"{file}.js").write_bytes(script.dump(kind, value))
    os.utime(harness.mirror / "store-12/evening.status.json", (0, 0))
    harness.another()
    assert await harness.shown_after() == shown
    assert harness.data("failures") == []
    assert harness.data("seen")["through"] > 0


async def test_many_finished_requests_are_taken_in_a_part_at_a_time(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
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


# Posters


def data_of(harness: Harness) -> dict[Path, tuple[int, int]]:
    """Of each file of data its inode and date: another one was written anew."""
    found: dict[Path, os.stat_result] = {path: path.stat() for path in harness.path("").rglob("*.js")}
    return {path: (facts.st_ino, facts.st_mtime_ns) for path, facts in found.items()}


async def test_each_mp4_gets_a_poster_and_both_go_together(harness: Harness, tmp_path: Path) -> None:
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


async def test_a_poster_that_is_just_being_made_is_left_alone(harness: Harness) -> None:
    await harness.shown_after(done("a"))
    being_made = harness.path("posters/2020-05-11/.camspool-00000000-0000000000000000.tmp")
    being_made.parent.mkdir(parents=True)
    being_made.write_bytes(b"half")
    await harness.shown_after(done("b"))
    assert being_made.exists()


async def test_a_video_without_a_picture_is_tried_once(harness: Harness) -> None:
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
    harness: Harness, monkeypatch: pytest.MonkeyPatch
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


async def test_a_full_disk_gets_no_posters(harness: Harness) -> None:
    await harness.turn()
    write_clip(harness.mirror / "a.mp4", "moov_last")
    await harness.shown_after(done("a"))
    harness.has_room = False
    assert await harness.posters.make() == 0
    harness.has_room = True
    assert await harness.posters.make() == 1


async def test_without_pyav_there_are_no_posters_and_no_fuss(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    harness.another()
    with capture_logs() as logs:
        await harness.shown_after(done())
        assert await harness.posters.make() == 0
    assert logs == []


@pytest.mark.parametrize(
    "strange",
    [
        *("posters/2020-05-11/@eaDir/x", "posters/2020-05-11/ab.jpg/x", "posters/2020-05-11/mine.jpg"),
        *("posters/@eaDir/ab.jpg", "posters/1999-01-01/notes.txt"),
        *("days/@eaDir/x", "days/2001-01-01.js/x", "days/a.js"),
    ],
)
async def test_what_others_put_beside_the_data_stays_and_stops_nothing(
    harness: Harness, strange: str
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


async def test_posters_of_days_without_footage_go(harness: Harness) -> None:
    await harness.shown_after(done())
    stray = harness.path("posters/1999-01-01/ab12.jpg")
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x")
    harness.path("index.js").unlink()
    await harness.shown_after()
    assert not stray.exists()


# With the rest of the daemon


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
        for _ in range(1000):
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
        for _ in range(1000):
            if not list((camspool.mirror / "_page/days").iterdir()):
                break
            await asyncio.sleep(0.02)
    assert list((camspool.mirror / "_page").rglob("*.jpg")) == []
    assert document.load((camspool.mirror / "a/b.status.json").read_bytes()).state is State.REMOVED
    assert json.loads((camspool.mirror / "_service.json").read_bytes())["state"] == "stopped"
