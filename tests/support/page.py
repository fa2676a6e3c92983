"""A page on real folders, and short ways to see what it shows."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from camspool.adapters.spool import Spool
from camspool.core.health import ApiHealth, DiskHealth, ServiceProblem, ServiceState, ServiceStatus, Watching
from camspool.core.status_document import Status
from camspool.core.values import State
from camspool.page import clips, script
from camspool.page.clips import ClipRow
from camspool.page.page import Page, PageSettings
from camspool.page.posters import Posters
from camspool.page.shelf import Shelf
from support.builders import NOW, START, a_clip, a_file, a_status
from support.fake_clock import FakeClock

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


class PageHarness:
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


def a_row(**changes: Any) -> ClipRow:
    [row] = clips.footage(done(), PRAGUE)["2020-05-11-11"]
    return row._replace(**changes)
