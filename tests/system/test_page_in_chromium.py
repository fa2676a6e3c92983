"""The page as people see it: opened from a folder in a real Chromium.

With CAMSPOOL_AXE, the path of axe-core's axe.min.js (npm install axe-core), it is also searched for what
keeps people out.
"""

import asyncio
import hashlib
import json
import os
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
from camspool.page.clips import ClipRow
from camspool.page.page import Page, PageSettings
from camspool.page.posters import Posters
from camspool.page.shelf import Shelf
from camspool.simulator import Node, Settings, Simulator, Stretch, World
from support.builders import a_clip, a_file, a_status
from support.fake_clock import FakeClock
from support.page import service
from support.running import START, Running, daemon, request
from system.browser import Browser, chromium

HOSTILE = "<script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(2)>"
FILES = ("a#b?c%41 d.json", 'it\'s "<b>" & ž 📷.json', "x/__proto__.json", "x/y/evening.json")
DAY_S = 86400
AXE = os.environ.get("CAMSPOOL_AXE")
CLIPS = "document.querySelectorAll('.clip[data-file]').length"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert shutil.which("chromium"), "install chromium (Debian: apt-get install chromium)"
    with chromium(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_complaints(browser: Browser) -> Iterator[None]:
    browser.complaints.clear()
    yield
    # A poster that is not made yet is tried, and may be missing.
    browser.complaints[:] = [
        found for found in browser.complaints if "/_page/posters/" not in found.get("url", "")
    ]
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
                await illustrated(camspool, len(FILES))

    asyncio.run(make())
    return folder / "mirror"


async def illustrated(camspool: Running, posters: int) -> None:
    """Return when there are so many posters, and all is on the page."""
    for _ in range(9000):
        index = script.load("index", _read(camspool.mirror / "_page/index.js"))
        clips = sum(day[1] for day in index["days"].values()) if index else 0
        if clips == len(list((camspool.mirror / "_page/posters").rglob("*.jpg"))) == posters:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(index)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def opened(browser: Browser, mirror: Path, link: str = "", **how: Any) -> None:
    """Open the page, and wait until it shows clips."""
    browser.open(mirror / "index.html", link=link, **how)
    browser.until(f"{CLIPS} > 0")


def days_of(mirror: Path) -> list[str]:
    index = script.load("index", _read(mirror / "_page/index.js"))
    return sorted(index["days"])


def clips_of(mirror: Path) -> dict[str, tuple[str, ClipRow]]:
    """All clips by file, each with its day."""
    found: dict[str, tuple[str, ClipRow]] = {}
    for path in (mirror / "_page/days").iterdir():
        for _, clips in script.load("hour", path.read_bytes())["requests"]:
            found |= {clip[0]: (path.name[:10], ClipRow(*clip)) for clip in clips}
    return found


def test_what_is_there_is_seen_and_nothing_in_it_is_markup(browser: Browser, mirror: Path) -> None:
    cameras = set()
    for day in days_of(mirror):
        opened(browser, mirror, f"d={day}")
        cameras |= set(browser.texts(".clip .camera"))
        browser.value("document.querySelectorAll('img').forEach((image) => { image.loading = 'eager'; })")
        browser.until("[...document.images].every((image) => image.complete && image.naturalWidth === 320)")
    assert cameras == {HOSTILE, IMAGE, "Gate"}
    assert "Stopped" in browser.text("#health")
    assert browser.text("#totals").startswith("4 clips")
    for details in ("#work", "#failures"):
        browser.click(f"{details} > summary")
        browser.until(f"document.querySelector('{details}').open")
    browser.until("!!document.querySelector('#failures .card')")
    assert browser.texts("#failures .name") == ["wrong <b>"]
    assert IMAGE in browser.text("#failures .card")
    assert browser.value("document.querySelectorAll('b, main script').length") == 0


@pytest.mark.parametrize("file", FILES)
def test_a_click_plays_the_video(browser: Browser, mirror: Path, file: str) -> None:
    name = file.replace(".json", ".mp4")
    day, clip = clips_of(mirror)[name]
    opened(browser, mirror, f"d={day}")
    button = (
        f"[...document.querySelectorAll('.clip')].find((clip) => clip.dataset.file === {json.dumps(name)})"
    )
    browser.value(f"{button}.click()")
    browser.until("document.querySelector('video').currentTime > 0.3")
    assert browser.value("document.querySelector('dialog').open")
    assert browser.value("document.querySelector('video').videoHeight") == 180
    assert name in browser.text("#details")
    assert browser.value("decodeURIComponent(document.querySelector('#file').href)").endswith(name)
    at = datetime.fromtimestamp(clip.at, ZoneInfo("Europe/Prague"))
    assert f"{at:%H:%M:%S}" <= browser.text("#playing-time")[-8:] <= f"{at + timedelta(seconds=4):%H:%M:%S}"
    browser.press("Escape")
    browser.until("!document.querySelector('dialog').open")
    browser.until("!document.querySelector('video').getAttribute('src')")
    assert browser.value("document.activeElement.dataset.file") == name


def test_a_moment_is_found_in_three_actions(browser: Browser, mirror: Path) -> None:
    """The gate, that day, about that time: the camera is typed, the day is picked, the lane is clicked."""
    day, clip = next((day, clip) for day, clip in clips_of(mirror).values() if clip.camera == "Gate")
    other = next(other for other in days_of(mirror) if other != day)
    opened(browser, mirror, f"d={other}")
    browser.type("#camera", "gate")
    browser.click(f'#calendar [data-day="{day}"]')
    browser.until("document.querySelectorAll('#tracks .track').length === 1")
    browser.until(f"document.querySelector('#day-title').textContent.includes('{int(day[8:])} ')")
    at = datetime.fromtimestamp(clip.at, ZoneInfo("Europe/Prague"))
    second = at.hour * 3600 + at.minute * 60 + at.second
    browser.click("#tracks .track", (second + 90) / DAY_S)
    browser.until("document.querySelector('video').currentTime > 0")
    assert browser.text("#playing-camera") == "Gate"


def test_a_link_leads_to_the_moment_and_back_closes_the_player(browser: Browser, mirror: Path) -> None:
    day, clip = clips_of(mirror)["x/y/evening.mp4"]
    at = datetime.fromtimestamp(clip.at, ZoneInfo("Europe/Prague"))
    opened(browser, mirror, f"d={day}&t={at:%H:%M}")
    assert browser.value("document.querySelector('dialog').open") is False
    assert browser.value("document.querySelectorAll('.clip.covers').length") == 0, "the clip begins later"
    browser.value("document.querySelector('.clip').click()")
    browser.until("document.querySelector('video').currentTime > 0.1")
    link = browser.value("location.hash")
    assert link.startswith(f"#d={day}&c=")
    assert f"&t={at:%H:%M}:" in link
    browser.value("history.back()")
    browser.until("!document.querySelector('dialog').open")
    assert browser.value("location.hash") == f"#d={day}&t={at:%H:%M}"
    opened(browser, mirror, link[1:])
    browser.until("document.querySelector('video').currentTime > 0.1")
    assert browser.value("document.querySelector('dialog').open")
    browser.press("Escape")
    browser.until("!document.querySelector('dialog').open")
    assert browser.value("location.pathname").endswith("index.html"), "a link that was opened is not left"


def test_the_keyboard_is_enough(browser: Browser, mirror: Path) -> None:
    opened(browser, mirror)
    browser.value("document.querySelector('#calendar button[tabindex=\"0\"]').focus()")
    before = browser.text("#day-title")
    browser.press("ArrowLeft")
    browser.press("Enter")
    browser.until(f"document.querySelector('#day-title').textContent !== {json.dumps(before)}")
    browser.until(f"{CLIPS} > 0")
    assert browser.value("document.activeElement.tagName") == "BUTTON", "the day keeps the focus"
    browser.value("document.querySelector('#tracks .track').focus()")
    browser.press("Home")
    text = "document.activeElement.getAttribute('aria-valuetext')"
    browser.until(f"/ to /.test({text})")
    browser.press("PageDown")
    browser.until(f"/no footage at/.test({text})")
    browser.press("End")
    browser.press("Enter")
    browser.until("document.querySelector('video').currentTime > 0")
    browser.press(" ")
    browser.until("document.querySelector('video').paused")
    at = browser.value("document.querySelector('video').currentTime")
    browser.press(".")
    browser.until(f"Math.abs(document.querySelector('video').currentTime - {at} - 0.04) < 0.001")
    browser.press("?")
    browser.until("!document.querySelector('#keys').hidden")
    browser.press("]")
    browser.until("document.querySelector('#note').textContent.startsWith('That was the last clip')")
    browser.press("ArrowDown")
    browser.until("document.querySelector('#note').textContent.startsWith('No other camera')")
    browser.press("c")
    browser.until("/at 0:0/.test(document.querySelector('#note').textContent)")
    browser.press("Escape")
    browser.until("!document.querySelector('dialog').open")


def test_the_wall_is_a_list_with_arrows(browser: Browser, tmp_path: Path) -> None:
    many_clips(tmp_path, days=1)
    opened(browser, tmp_path / "mirror")
    assert browser.value("document.querySelectorAll('#wall > li').length") == 48
    assert browser.value("document.querySelectorAll('.clip[tabindex=\"0\"]').length") == 1
    names = browser.texts(".clip .camera")
    browser.value("document.querySelector('.clip').focus()")
    for key, number in (("ArrowRight", 1), ("End", 47), ("Home", 0)):
        browser.press(key)
        assert browser.value(f"document.activeElement === document.querySelectorAll('.clip')[{number}]")
    assert browser.text(".clip").splitlines()[0] == names[0], "the name begins with the camera"


def test_the_cameras_that_match_are_left(browser: Browser, mirror: Path) -> None:
    day, _ = next((day, clip) for day, clip in clips_of(mirror).values() if clip.camera == HOSTILE)
    opened(browser, mirror, f"d={day}")
    everything = len(browser.texts(".clip"))
    browser.type("#camera", "SCRIPT alert")
    browser.until(
        f"[...document.querySelectorAll('.camera')].every((e) => e.innerText === {json.dumps(HOSTILE)})"
    )
    assert 0 < len(browser.texts(".clip")) <= everything
    browser.type("#camera", " nowhere")
    browser.until("!document.querySelector('#nothing').hidden")
    assert "matches" in browser.text("#lanes-note")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("deleted", "is not there any more"),
        ("damaged", "it is damaged"),
        ("hevc", "This browser cannot play H.265"),
    ],
)
def test_why_a_clip_does_not_play(
    browser: Browser, mirror: Path, tmp_path: Path, damage: str, words: str
) -> None:
    copy = shutil.copytree(mirror, tmp_path / "mirror")
    name = "x/y/evening.mp4"
    day, clip = clips_of(copy)[name]
    if damage == "deleted":
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(b"\0\0\0\x18ftypmp42" + b"junk" * 1000)
    if damage == "hevc":
        [path] = [path for path in (copy / "_page/days").iterdir() if b"evening.mp4" in path.read_bytes()]
        path.write_bytes(path.read_bytes().replace(b'"h264"', b'"hevc"'))
    at = datetime.fromtimestamp(clip.at, ZoneInfo("Europe/Prague"))
    opened(browser, copy, f"d={day}&c={clip.camera}&t={at:%H:%M:%S}")
    browser.until(f"document.querySelector('#note').textContent.includes({json.dumps(words)})")
    browser.complaints[:] = [
        found for found in browser.complaints if not found["url"].endswith("evening.mp4")
    ]


def test_news_appear_by_themselves_and_silence_is_reported(
    browser: Browser, mirror: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(mirror, tmp_path / "mirror")
    now = script.load("now", (copy / "_page/now.js").read_bytes())
    opened(browser, copy)
    browser.value("window.__title = document.querySelector('#day-title').firstChild")
    now |= {"at": datetime.now(UTC).isoformat(), "failures": "another"}
    now["service"]["state"] = "ok"
    (copy / "_page/failures.js").write_bytes(script.dump("failures", []))
    (copy / "_page/now.js").write_bytes(script.dump("now", now))
    browser.until("document.querySelector('#health').innerText === 'All is well'")
    browser.until("document.querySelector('#work').hidden")
    assert browser.value("window.__title === document.querySelector('#day-title').firstChild")
    browser.value("heard -= 180000, draw()")
    assert "has not written for 3 min" in browser.text("#health")


@pytest.mark.parametrize("file", ["index", "lanes", "days", "now"])
@pytest.mark.parametrize("fault", ["missing", "cut"])
def test_data_that_cannot_be_read_are_no_footage_that_is_not_there(
    browser: Browser, mirror: Path, tmp_path: Path, file: str, fault: str
) -> None:
    copy = shutil.copytree(mirror, tmp_path / "mirror")
    place = copy / "_page" / file
    paths = list(place.iterdir()) if place.is_dir() else [place.with_suffix(".js")]
    whole = {path: path.read_bytes() for path in paths}
    for path in paths:
        path.unlink() if fault == "missing" else path.write_bytes(whole[path][:-20])
    browser.open(copy / "index.html")
    browser.until("document.body.innerText.includes('annot be read')")
    assert "0 clips" not in browser.text("body")
    assert "All is well" not in browser.text("body")
    for path in paths:
        path.write_bytes(whole[path])
    browser.until(f"{CLIPS} > 0")
    browser.until("!document.body.innerText.includes('annot be read')")
    browser.complaints.clear()


def test_an_empty_mirror_teaches_how_to_fill_it(browser: Browser, tmp_path: Path) -> None:
    page, spool = a_page(tmp_path)
    for _ in range(2):
        asyncio.run(page.tend(service(), []))
    browser.open(tmp_path / "mirror/index.html")
    browser.until("!document.querySelector('#empty').hidden")
    assert '"duration": "10m"' in browser.text("#empty")
    assert browser.value("document.querySelectorAll('main .clip').length") == 0
    spool.close()


def test_of_a_hundred_thousand_clips_only_one_day_is_loaded(browser: Browser, tmp_path: Path) -> None:
    many_clips(tmp_path, days=400)
    opened(browser, tmp_path / "mirror")
    assert browser.text("#totals").startswith("100,000 clips")
    assert browser.value("document.querySelectorAll('#tracks .track').length") == 10
    assert len([url for url in browser.asked_for if "/_page/lanes/" in url]) == 1
    browser.click("#after")
    browser.until("document.querySelectorAll('.clip').length === 48 + 96")
    browser.type("#camera", "Camera 7")
    browser.until("[...document.querySelectorAll('.camera')].every((e) => e.innerText === 'Camera 7')")
    browser.choose("#month", "2025-03")
    browser.until("!!document.querySelector('#calendar [data-day=\"2025-03-01\"]')")
    browser.click('#calendar [data-day="2025-03-01"]')
    browser.until("document.querySelector('#day-title').innerText.includes('1 March 2025')")
    browser.until(f"{CLIPS} === 25")
    assert len([url for url in browser.asked_for if "/_page/lanes/" in url]) == 2


def test_what_is_outstanding_is_one_line_above_the_footage(browser: Browser, tmp_path: Path) -> None:
    page, spool = a_page(tmp_path)
    page._shelf.put([page._shelf.ended(a_day(0))])
    states = [State.DOWNLOADING] * 6 + [State.QUEUED] * 2000
    work = [replace(a_status(a_clip(state), state=state), name=f"r{n}") for n, state in enumerate(states)]
    show(page, spool, *work)
    opened(browser, tmp_path / "mirror")
    assert browser.text("#work > summary") == "6 downloading · 2,000 queued"
    assert browser.value("document.querySelector('#footage').getBoundingClientRect().top") < 200
    browser.click("#work > summary")
    browser.until("document.querySelector('#work').open")
    assert len(browser.texts("#active .card")) == 4
    browser.click("#outstanding > summary")
    browser.until("document.querySelectorAll('#outstanding .card').length === 100")


def test_a_look_into_the_footage_under_the_pointer(browser: Browser, mirror: Path) -> None:
    day, clip = clips_of(mirror)["x/y/evening.mp4"]
    at = datetime.fromtimestamp(clip.at, ZoneInfo("Europe/Prague"))
    opened(browser, mirror, f"d={day}&c={clip.camera}&t={at:%H:%M}")
    second = at.hour * 3600 + at.minute * 60 + at.second
    browser.point("#tracks .track", (second + 2) / DAY_S)
    browser.until("document.querySelector('#preview video').currentTime > 0")
    browser.until("!document.querySelector('#preview video').classList.contains('blank')")
    assert browser.value("document.querySelector('#preview video').muted")
    browser.point("h1")
    browser.until("document.querySelector('#preview').hidden")


LONG = "a name without an end " * 10


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen(browser: Browser, tmp_path: Path, width: int) -> None:
    page, spool = a_page(tmp_path)
    names = (LONG, "x" * 200, "\u202eegap siht", "Gate")
    clips = tuple(replace(clip, camera_name=names[n % 4]) for n, clip in enumerate(a_day(0).clips))
    page._shelf.put([page._shelf.ended(replace(a_day(0), clips=clips))])
    show(page, spool)
    opened(browser, tmp_path / "mirror", width=width)
    assert browser.value("document.documentElement.scrollWidth") <= width
    lanes = browser.value("document.querySelectorAll('#tracks .track').length")
    assert lanes == (4 if width > 640 else 1)
    small = browser.value(
        "[...document.querySelectorAll('button, select, input, summary')].filter((e) => e.offsetParent)"
        ".map((e) => [e.id || e.className || e.tagName, e.offsetHeight]).filter(([, height]) => height < 24)"
    )
    assert small == []
    browser.value("document.querySelector('.clip').click()")
    browser.until("document.querySelector('dialog').open")
    assert browser.value("document.documentElement.scrollWidth") <= width
    browser.until("document.querySelector('#note').textContent !== ''")  # there are no MP4s
    browser.complaints.clear()


def test_on_paper_it_is_a_record(browser: Browser, mirror: Path) -> None:
    day, _ = clips_of(mirror)["x/y/evening.mp4"]
    opened(browser, mirror, f"d={day}")
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    assert "x/y/evening.mp4" in browser.text("#wall")
    assert browser.value("document.querySelector('#lanes').offsetHeight") == 0
    browser.call("Emulation.setEmulatedMedia", media="", features=[])


@pytest.mark.skipif(not AXE, reason="CAMSPOOL_AXE is not the path of axe.min.js")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nobody_is_kept_out(browser: Browser, mirror: Path, scheme: str, width: int) -> None:
    def found() -> list[Any]:
        return list(
            browser.value("axe.run().then((all) => all.violations.map((one) => [one.id, one.nodes[0].html]))")
        )

    opened(browser, mirror, scheme=scheme, width=width)
    browser.value(Path(str(AXE)).read_text("utf-8") + ";0")
    assert found() == []
    browser.value("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    browser.until("document.querySelectorAll('#failures .card').length > 0")
    assert found() == []
    browser.value("document.querySelector('.clip').click()")
    browser.until("document.querySelector('video').currentTime > 0")
    browser.press("?")
    assert found() == []


def many_clips(folder: Path, days: int) -> None:
    """A page of 250 clips a day, without their MP4s."""
    page, spool = a_page(folder)
    for day in range(days):
        page._shelf.put([page._shelf.ended(a_day(day))])
    show(page, spool)


def show(page: Page, spool: Spool, *outstanding: Status) -> None:
    """What was put on the shelf, and this."""
    page._shelf.write_index()
    asyncio.run(page.tend(service(), outstanding))
    spool.close()


def a_page(folder: Path) -> tuple[Page, Spool]:
    spool, clock = Spool(folder / "drop", folder / "mirror", folder / "state"), FakeClock()
    spool.open()
    settings = PageSettings(enabled=True, zone=ZoneInfo("UTC"))
    shelf = Shelf(spool.own_files, settings.zone)
    posters = Posters(spool.own_files, shelf, clock, lambda: True)
    page = Page(spool, clock, shelf, posters, lambda: settings)
    asyncio.run(page.tend(service(), []))
    return page, spool


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
