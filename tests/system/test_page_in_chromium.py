"""The page as people see it: opened from a folder in a real Chromium."""

import asyncio
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from camspool.adapters.spool import Spool
from camspool.core.status_document import Status
from camspool.core.values import State
from camspool.page import script
from camspool.page.page import Page, PageSettings
from camspool.page.posters import Posters
from camspool.page.shelf import Shelf
from camspool.simulator import Node, Settings, Simulator, Stretch, World
from page.test_page import service
from support.builders import a_clip, a_file, a_status
from support.fake_clock import FakeClock
from support.running import START, Running, daemon, request
from system.browser import Browser, chromium

HOSTILE = "<script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(2)>"
FILES = ("a#b?c%41 d.json", 'it\'s "<b>" & ž 📷.json', "x/__proto__.json", "x/y/evening.json")
DAY_S = 86400


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert shutil.which("chromium"), "install chromium (Debian: apt-get install chromium)"
    with chromium(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_complaints(browser: Browser) -> Iterator[None]:
    browser.complaints.clear()
    yield
    assert [url for url in browser.asked_for if not url.startswith(("file:", "data:"))] == []
    assert browser.complaints == []


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a real daemon has made of requests with terrible names, for cameras with worse."""
    folder = tmp_path_factory.mktemp("camspool")
    heights = Stretch(start=START, end=START + 3 * DAY_S, heights=(96, 180))
    nodes = [
        Node(number, name, stretches=(heights,)) for number, name in enumerate((HOSTILE, IMAGE, "Gate"), 1)
    ]

    async def make() -> None:
        with Simulator(World(tuple(nodes)), Settings(prepare_cloud=0, cache=folder / "cache")) as sim:
            async with daemon(folder, sim, page={"enabled": True, "every": 1}) as camspool:
                for number, file in enumerate(FILES):
                    camspool.put(file, request(number % 3 + 1, number * DAY_S // 2, 4))
                camspool.put("wrong <b>.json", json.dumps({"camera": HOSTILE, "from": IMAGE}))
                await shown(camspool, len(FILES))

    asyncio.run(make())
    return folder / "mirror"


async def shown(camspool: Running, posters: int) -> None:
    """Return when the page has been told of so many posters."""
    finished = None
    for _ in range(2000):
        finished = script.load("finished", _read(camspool.mirror / "_page/finished.js"))
        if finished and sum(day["pictured"] for day in finished["days"].values()) == posters:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(finished)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def test_what_is_there_is_seen_and_nothing_in_it_is_markup(browser: Browser, mirror: Path) -> None:
    browser.open(mirror / "index.html")
    browser.until("document.querySelectorAll('#days section').length >= 3")
    assert "Stopped" in browser.text("#health")
    assert browser.text("#totals").startswith("4 clips")
    assert set(browser.texts(".clip .camera")) == {HOSTILE, IMAGE, "Gate"}
    assert browser.texts("#failures .name") == ["wrong <b>"]
    assert IMAGE in browser.text("#failures .card")
    assert browser.value("document.querySelectorAll('main img').length") == 2 * len(FILES)
    assert browser.value("document.querySelectorAll('b, main script').length") == 0
    loaded = "[...document.images].every((image) => image.complete && image.naturalWidth === 320)"
    browser.value("document.querySelectorAll('img').forEach((image) => { image.loading = 'eager'; })")
    browser.until(loaded)


@pytest.mark.parametrize("file", FILES)
def test_a_click_plays_the_video(browser: Browser, mirror: Path, file: str) -> None:
    name = json.dumps(file.replace(".json", ".mp4"))
    browser.open(mirror / "index.html")
    clip = f"[...document.querySelectorAll('.clip')].find((clip) => clip.dataset.file === {name})"
    browser.until(f"!!{clip}")
    browser.value(f"{clip}.click()")
    browser.until("document.querySelector('video').currentTime > 0.3")
    assert browser.value("document.querySelector('dialog').open")
    assert browser.value("document.querySelector('video').videoHeight") == 180
    assert json.loads(name) in browser.text("#details")
    assert browser.value("decodeURIComponent(document.querySelector('#file').href)").endswith(
        json.loads(name)
    )
    browser.press("Escape")
    browser.until("!document.querySelector('dialog').open")
    browser.until("!document.querySelector('video').getAttribute('src')")


def test_the_keyboard_is_enough(browser: Browser, mirror: Path) -> None:
    browser.open(mirror / "index.html")
    browser.until("document.querySelectorAll('.clip').length > 0")
    browser.value("document.querySelector('.clip').focus()")
    browser.press("Enter")
    browser.until("document.querySelector('video').currentTime > 0")


def test_the_filters_leave_what_was_asked_for(browser: Browser, mirror: Path) -> None:
    browser.open(mirror / "index.html")
    browser.until("document.querySelectorAll('.clip').length > 0")
    browser.choose("#camera", HOSTILE)
    browser.until(
        f"[...document.querySelectorAll('.camera')].every((e) => e.innerText === {json.dumps(HOSTILE)})"
    )
    assert len(browser.texts(".clip")) == 2
    days = browser.value("[...document.querySelectorAll('#day option')].map((option) => option.value)")
    assert len(days) == 3
    browser.choose("#day", days[1])
    browser.until("document.querySelectorAll('.clip').length === 1")
    browser.choose("#camera", "")
    browser.choose("#day", "")
    browser.until("document.querySelectorAll('.clip').length === 8")


def test_a_file_that_is_gone_is_told(browser: Browser, mirror: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(mirror, tmp_path / "mirror")
    (copy / "x/y/evening.mp4").unlink()
    browser.open(copy / "index.html")
    browser.until("document.querySelectorAll('.clip').length > 0")
    browser.value(
        "[...document.querySelectorAll('.clip')].find((e) => e.dataset.file.startsWith('x/y')).click()"
    )
    browser.until("document.querySelector('#details').innerText.includes('no longer here')")
    assert [found["url"].rpartition("/")[2] for found in browser.complaints] == ["evening.mp4"]
    browser.complaints.clear()


def test_news_appear_by_themselves_and_silence_is_told(
    browser: Browser, mirror: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(mirror, tmp_path / "mirror")
    now = script.load("now", (copy / "_page/now.js").read_bytes())
    finished = script.load("finished", (copy / "_page/finished.js").read_bytes())
    browser.open(copy / "index.html")
    browser.until("document.querySelectorAll('.clip').length > 0")
    now["at"] = datetime.now(UTC).isoformat()
    now["service"]["state"] = "ok"
    now["finished"] += 1
    finished["failures"] = []
    (copy / "_page/finished.js").write_bytes(script.dump("finished", finished))
    (copy / "_page/now.js").write_bytes(script.dump("now", now))
    browser.until("document.querySelector('#health').innerText === 'All is well'")
    browser.until("document.querySelector('#failures').hidden")
    browser.value("state.heard -= 180000, showNow()")
    assert "has not written for 3 min" in browser.text("#health")


def test_an_empty_mirror_says_so(browser: Browser, tmp_path: Path) -> None:
    page, spool = a_page(tmp_path)
    asyncio.run(page.tend(service(), []))
    browser.open(tmp_path / "mirror/index.html")
    browser.until("!document.querySelector('#nothing').hidden")
    assert browser.text("#nothing").startswith("No footage yet")
    assert browser.value("document.querySelectorAll('main .card, .clip').length") == 0
    spool.close()


def test_of_a_hundred_thousand_clips_only_the_newest_are_loaded(browser: Browser, tmp_path: Path) -> None:
    page, spool = a_page(tmp_path)
    for day in range(400):
        page._shelf.put([a_day(day)])
    page._shelf.write_index()
    spool.close()
    (tmp_path / "mirror/index.html").write_bytes(script.html())
    now = {"at": datetime.now(UTC).isoformat(), "zone": "UTC", "finished": 1, "requests": [], "count": 0}
    health: dict[str, Any] = {"state": "ok", "version": "0", "problems": [], "free_bytes": 1}
    (tmp_path / "mirror/_page/now.js").write_bytes(
        script.dump("now", {**now, "all_seen": True, "service": health})
    )
    browser.open(tmp_path / "mirror/index.html")
    browser.until("document.querySelectorAll('.clip').length > 60")
    assert browser.text("#totals").replace("\u202f", ",").startswith("100,000 clips")
    assert days_read(browser) == 1
    browser.value("document.querySelector('#more').click()")
    browser.until("document.querySelectorAll('.clip').length === 12 + 180")
    browser.choose("#camera", "Camera 7")
    browser.until("[...document.querySelectorAll('.camera')].every((e) => e.innerText === 'Camera 7')")
    browser.choose("#day", "2025-03-01")
    browser.until("document.querySelector('#days h2').innerText.includes('March 1, 2025')")
    assert days_read(browser) < 20


def days_read(browser: Browser) -> int:
    return sum("/_page/days/" in url for url in browser.asked_for)


def a_page(folder: Path) -> tuple[Page, Spool]:
    spool, clock = Spool(folder / "drop", folder / "mirror", folder / "state"), FakeClock()
    spool.open()
    settings = PageSettings(enabled=True, zone=ZoneInfo("UTC"))
    shelf = Shelf(spool.own_files, settings.zone)
    return Page(
        spool, clock, shelf, Posters(spool.own_files, shelf, clock, lambda: True), lambda: settings
    ), spool


def a_day(number: int) -> Status:
    """A request with 250 clips of ten cameras."""
    start = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number)
    clips = tuple(
        a_clip(
            State.DONE,
            start=start + timedelta(minutes=5 * ask),
            end=start + timedelta(minutes=5 * ask + 5),
            ask=ask,
            camera_name=f"Camera {ask % 10}",
            file=replace(
                a_file(name=f"all.{ask:03d}.mp4"),
                sha256=hashlib.sha256(f"{number} {ask}".encode()).hexdigest(),
            ),
        )
        for ask in range(1, 251)
    )
    return replace(a_status(*clips, state=State.DONE, name=f"day-{number}/all"), finished_at=start)
