"""The page of a very full day: what is written for it, what a browser reads, and how soon it is there."""

import hashlib
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bench.daemon import Daemon, world
from bench.report import Row
from camspool.page import script
from camspool.page.clips import ClipRow
from camspool.page.index import Index
from camspool.page.lanes import Lanes
from camspool.page.local_days import begins
from camspool.simulator import Settings, Simulator
from system.browser import Browser, chromium

CLIPS, CAMERAS, DAYS = 50_000, 60, 300
DAY = "2026-11-14"
UTC_ZONE = ZoneInfo("UTC")
WRITING_S = 60.0
SHOWN = 10_000
ROUNDS = 5


def full_day(folder: Path) -> Iterator[Row]:
    """A day of 50,000 clips of 60 cameras, while their pictures are being made."""
    with Simulator(world(), Settings(prepare_cloud=0, cache=folder / "cache")) as sim:
        with Daemon(folder, sim, page={"enabled": False}) as daemon:
            daemon.put("sample.json", daemon.request())
            daemon.wait_for_states("done", 1, 30)
        _fill(daemon.mirror)
        with Daemon(folder, sim, page={"enabled": True, "every": 5}, limits={}) as daemon:
            shown_after = _wait_until_shown(daemon.mirror)
            before = _written(daemon.pid)
            time.sleep(WRITING_S)
            written = (_written(daemon.pid) - before) / WRITING_S * 60 / 1e6
        data = daemon.mirror / "_page"
    largest = max((path.stat().st_size, path.name) for path in data.rglob("*.js"))
    first = ("now.js", "index.js", f"lanes/{DAY}.js")
    loaded = sum((data / name).stat().st_size for name in first) + len(script.html())
    yield Row(
        f"the page, a day of {CLIPS:,} clips: largest file",
        "<= 500 KB",
        f"{largest[0] / 1e3:.0f} KB ({largest[1]})",
        largest[0] <= 500e3,
    )
    yield Row(
        "the same: read before the lanes are drawn", "<= 800 KB", f"{loaded / 1e3:.0f} KB", loaded <= 800e3
    )
    yield Row(
        "the same: written while its pictures are being made",
        "<= 2 MB/min",
        f"{written:.1f} MB/min",
        written <= 2,
    )
    yield Row("the same: all clips shown after the start", "-", f"{shown_after:.0f} s", met=None)
    yield from _in_a_browser(daemon.mirror / "index.html")
    size = len(script.dump("index", asdict(_index())))
    yield Row(
        f"the page's index, {DAYS} days and {CAMERAS} cameras",
        "<= 80 kB",
        f"{size / 1e3:.0f} kB",
        size <= 80e3,
    )


def _in_a_browser(page: Path) -> Iterator[Row]:
    if not shutil.which("chromium"):
        yield Row("the same in Chromium: first picture", "<= 1 s", "chromium is not installed", met=None)
        return
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder)) as browser:
        pictures = [_first_picture(browser, page) for _ in range(ROUNDS)]
        clicks = _clicks(browser)
    median, click = statistics.median(pictures), statistics.median(clicks)
    spread = f"{min(pictures):.1f} to {max(pictures):.1f}"
    yield Row("the same in Chromium: first picture", "<= 1 s", f"{median:.2f} s ({spread})", median <= 1.0)
    yield Row(
        f"the same with {SHOWN:,} clips shown: a click for more",
        "<= 100 ms",
        f"{click:.0f} ms ({min(clicks):.0f} to {max(clicks):.0f})",
        click <= 100,
    )


def _first_picture(browser: Browser, page: Path) -> float:
    begun = time.monotonic()
    browser.open(page)
    browser.until("document.querySelectorAll('.pictured').length > 0")
    return time.monotonic() - begun


def _clicks(browser: Browser) -> list[float]:
    """Milliseconds of script and layout that each of some clicks costs."""
    click = (
        "(() => { const begun = performance.now(); document.querySelector('#after').click();"
        "document.body.getBoundingClientRect(); return performance.now() - begun; })()"
    )
    while browser.value("document.querySelectorAll('.clip').length") < SHOWN:
        browser.value(click)
    time.sleep(5)
    return [float(browser.value(click)) for _ in range(ROUNDS)]


def _fill(mirror: Path) -> None:
    """Finished requests as the daemon left the sample, each with its MP4."""
    sample = json.loads((mirror / "sample.status.json").read_text())
    midnight = begins(DAY, UTC_ZONE)
    for number in range(CLIPS):
        folder = mirror / f"shop-{number % CAMERAS}"
        if number < CAMERAS:
            folder.mkdir()
        name = f"evening-{number}"
        os.link(mirror / "sample.mp4", folder / f"{name}.mp4")
        status = _status(sample, f"{folder.name}/{name}", midnight + number * 86_000 // CLIPS, number)
        (folder / f"{name}.status.json").write_text(json.dumps(status))


def _status(sample: dict[str, Any], name: str, at: int, number: int) -> dict[str, Any]:
    start = datetime.fromtimestamp(at, UTC)
    [clip] = sample["clips"]
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    file = {**clip["file"], "name": f"{name.rpartition('/')[2]}.mp4", "sha256": digest}
    clip = {
        **clip,
        "camera_name": f"Camera {number % CAMERAS} of the west wing",
        "from": start.isoformat(),
        "to": (start + timedelta(seconds=2)).isoformat(),
        "starts_at": None,
        "file": file,
    }
    return {**sample, "name": name, "clips": [clip]}


def _wait_until_shown(mirror: Path) -> float:
    begun = time.monotonic()
    while time.monotonic() < begun + 1200:
        index = script.load("index", _read(mirror / "_page/index.js"))
        now = script.load("now", _read(mirror / "_page/now.js"))
        pictures = mirror / "_page/posters"
        if (
            index
            and now
            and now["all_seen"]
            and index["days"].get(DAY, [0, 0])[1] == CLIPS
            and pictures.is_dir()
        ):
            return time.monotonic() - begun
        time.sleep(0.5)
    raise TimeoutError("the page does not show all clips")


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _written(pid: int) -> int:
    """Bytes that a process has written, to whatever."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar:"))


def _index() -> Index:
    """The index of many days on which each camera has footage."""
    index = Index("2 Europe/Prague")
    for number in range(DAYS):
        day = (date.fromisoformat(DAY) - timedelta(days=number)).isoformat()
        lanes = Lanes(day)
        for hour in range(24):
            rows = [_row(camera, begins(day, UTC_ZONE) + 3600 * hour) for camera in range(hour, CAMERAS, 24)]
            lanes.replace(f"{day}-{hour:02d}", rows, ["00000000"], UTC_ZONE)
        index.show(lanes, "00000000")
    return index


def _row(camera: int, at: int) -> ClipRow:
    name = f"Camera {camera} of the west wing"
    return ClipRow("a.mp4", name, at, 600.0, 720, "h264", 10**7, "", None, 0)
