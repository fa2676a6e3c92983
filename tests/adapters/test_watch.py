"""The watcher on real folders: what is reported, once, and what never is."""

import asyncio
import contextlib
import errno
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from watchdog.observers.inotify import InotifyObserver

from camspool.adapters.watch import Change, DropWatcher, Gone, Settled, WatchSettings, scan
from camspool.core.errors import StorageTrouble
from camspool.core.ports import Clock
from camspool.core.values import WaitReason
from support.fake_clock import FakeClock

SETTLE = 0.05
QUICK = WatchSettings(mode="inotify", settle=SETTLE, rescan=30.0, poll=0.05)
POLLING = WatchSettings(mode="polling", settle=SETTLE, rescan=30.0, poll=0.05)


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Drop:
    """A drop folder that can be unmounted, and a record of everything reported about it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.root.mkdir()
        self.available = True
        self.away_until = 0.0
        self.reported: list[Change] = []
        self.reported_at: list[float] = []
        self.parsed: list[str] = []

    def check(self) -> None:
        if not self.available or time.monotonic() < self.away_until:
            raise StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, "not mounted")

    def parses(self, file: str) -> bool:
        self.parsed.append(file)
        try:
            found = yaml.safe_load((self.root / file).read_bytes())
        except (OSError, yaml.YAMLError):
            return False
        return isinstance(found, (dict, list))

    def tell(self, change: Change) -> None:
        self.reported.append(change)
        self.reported_at.append(time.monotonic())

    @property
    def settled(self) -> list[str]:
        return [change.file for change in self.reported if isinstance(change, Settled)]

    @property
    def gone(self) -> list[str]:
        return [change.file for change in self.reported if isinstance(change, Gone)]

    def write(self, path: str, text: str = "{}") -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def rename(self, path: str, text: str = "{}") -> Path:
        """Let it arrive as good tools do: under a name that is ignored, then renamed."""
        return self.write(f"{path}.tmp", text).rename(self.root / path)


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    return Drop(tmp_path / "drop")


@contextlib.asynccontextmanager
async def watching(
    drop: Drop, settings: WatchSettings = QUICK, clock: Clock | None = None
) -> AsyncIterator[DropWatcher]:
    watcher = DropWatcher(drop.root, lambda: settings, clock or RealClock(), drop.check, drop.parses)
    task = asyncio.create_task(watcher.run(drop.tell))
    try:
        async with asyncio.timeout(10):
            if drop.available:
                await watcher.first_scan_done.wait()
        yield watcher
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert not [thread for thread in threading.enumerate() if "notify" in repr(thread)]


async def until(condition: Callable[[], bool], within: float = 5.0) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.002)


async def quiet(seconds: float = 3 * SETTLE) -> None:
    """Long enough for a report to arrive, if there is one."""
    await asyncio.sleep(seconds)


@pytest.mark.parametrize("settings", [QUICK, POLLING], ids=["inotify", "polling"])
async def test_each_version_is_reported_once_and_its_end_once(drop: Drop, settings: WatchSettings) -> None:
    drop.write("early/there.yaml", "camera: 1")
    async with watching(drop, settings) as watcher:
        assert watcher.mode == settings.mode
        drop.rename("b.json")
        drop.write("new/folder/c.yml", "camera: 1")
        await until(lambda: set(drop.settled) == {"early/there.yaml", "b.json", "new/folder/c.yml"})
        watcher.scan_soon()
        await quiet()
        drop.write("b.json", '{"camera": 2}')
        await until(lambda: drop.settled.count("b.json") == 2)
        (drop.root / "b.json").unlink()
        await until(lambda: drop.gone == ["b.json"])
        watcher.scan_soon()
        await quiet()
    assert len(drop.reported) == 5


async def test_a_renamed_file_is_reported_within_milliseconds(drop: Drop) -> None:
    settings = WatchSettings(mode="inotify", settle=60.0)
    delays = []
    async with watching(drop, settings):
        for number in range(20):
            name = f"{number}.{'json' if number % 2 else 'yaml'}"
            drop.write(f"{name}.tmp", "{}")
            await asyncio.sleep(0.005)
            began = time.monotonic()
            (drop.root / f"{name}.tmp").rename(drop.root / name)
            await until(lambda name=name: name in drop.settled)  # type: ignore[misc]
            delays.append(drop.reported_at[-1] - began)
    assert sorted(delays)[len(delays) // 2] < 0.02


async def test_a_file_moved_in_from_elsewhere_came_by_a_rename(drop: Drop, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("camera: 1")
    async with watching(drop, WatchSettings(mode="inotify", settle=60.0)):
        (tmp_path / "b.yaml").rename(drop.root / "b.yaml")
        await until(lambda: drop.settled == ["b.yaml"])


async def test_json_written_in_halves_is_reported_when_it_parses(drop: Drop) -> None:
    text = json.dumps({"camera": 1, "from": "2020-05-11T09:41:29Z"})
    async with watching(drop, WatchSettings(mode="inotify", settle=1.0)):
        drop.write("b.json", text[:20])
        await until(lambda: "b.json" in drop.parsed)
        await asyncio.sleep(0.05)
        assert drop.reported == []
        drop.write("b.json", text)
        began = time.monotonic()
        await until(lambda: drop.settled == ["b.json"])
        assert time.monotonic() - began < 0.5


async def test_what_never_parses_is_reported_when_it_is_settled(drop: Drop) -> None:
    async with watching(drop):
        drop.rename("b.json", "{half")
        drop.rename("b.yaml", "a: [half")
        await until(lambda: set(drop.settled) == {"b.json", "b.yaml"})
        assert drop.parsed.count("b.json") == 1


async def test_one_version_is_parsed_once(drop: Drop) -> None:
    async with watching(drop, WatchSettings(mode="polling", settle=60.0, poll=0.02)) as watcher:
        drop.write("b.json", "{half")
        await until(lambda: drop.parsed == ["b.json"])
        scanned = watcher.last_scan_at
        await until(lambda: watcher.last_scan_at != scanned)
        await quiet()
        assert drop.parsed == ["b.json"]


async def test_yaml_written_slowly_is_reported_once_when_whole(drop: Drop) -> None:
    clock = FakeClock()
    async with watching(drop, WatchSettings(mode="polling", settle=2.0, poll=1.0), clock):
        for lines in range(1, 7):
            drop.write("b.yaml", "camera: 1\n" * lines)
            await passing(clock, 1.5)
            assert drop.reported == []
        for _ in range(4):
            await passing(clock, 1.0)
        await until(lambda: drop.settled == ["b.yaml"])
    change = drop.reported[0]
    assert isinstance(change, Settled)
    assert change.signature.size == 60


async def test_no_file_is_taken_for_old_because_of_its_date(drop: Drop) -> None:
    async with watching(drop, WatchSettings(mode="inotify", settle=0.5)):
        for name, date in (("past.yaml", 0.0), ("future.yaml", time.time() + 1e6)):
            os.utime(drop.write(name, "camera: 1"), (date, date))
        await asyncio.sleep(0.1)
        assert drop.reported == []
        await until(lambda: set(drop.settled) == {"past.yaml", "future.yaml"})


async def test_only_what_was_there_at_start_may_be_settled_by_its_date(drop: Drop) -> None:
    clock = FakeClock(datetime(2099, 1, 1, tzinfo=UTC))  # so all files are old
    drop.write("there.yaml", "camera: 1")
    async with watching(drop, WatchSettings(mode="polling", settle=2.0, poll=1.0), clock):
        assert drop.settled == ["there.yaml"]
        drop.write("new.yaml", "camera: 1")
        await passing(clock, 1.0)
        await passing(clock, 1.0)
        assert drop.settled == ["there.yaml"]
        for _ in range(3):
            await passing(clock, 1.0)
        await until(lambda: drop.settled == ["there.yaml", "new.yaml"])


async def test_a_stale_answer_to_stat_is_not_believed(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    real = scan.survey
    cached: list[scan.ScanResult] = []

    def survey(root: Path, *arguments: Any) -> scan.ScanResult:
        """Answers from a cache for a while, as NFS does."""
        found = real(root, *arguments)
        if found.present and len(cached) < 4:
            cached.append(found)
        return cached[0] if 0 < len(cached) < 4 else found

    monkeypatch.setattr(scan, "survey", survey)
    async with watching(drop, WatchSettings(mode="polling", settle=2.0, poll=1.0), clock):
        drop.write("b.yaml", "camera: 1")
        await passing(clock, 1.0)
        drop.write("b.yaml", "camera: 1\nheight: 720")
        for _ in range(8):
            await passing(clock, 1.0)
        await until(lambda: drop.settled == ["b.yaml"])
    change = drop.reported[0]
    assert isinstance(change, Settled)
    assert change.signature.size == len("camera: 1\nheight: 720")


async def test_an_empty_file_waits_a_minute(drop: Drop) -> None:
    clock = FakeClock()
    drop.write("b.json", "")
    os.utime(drop.root / "b.json", (0, 0))
    async with watching(drop, WatchSettings(mode="polling", settle=2.0, poll=5.0), clock):
        for _ in range(11):
            await passing(clock, 5.0)
        assert drop.reported == []
        await passing(clock, 5.0)
        await until(lambda: drop.settled == ["b.json"])


async def passing(clock: FakeClock, seconds: float) -> None:
    """Let time pass once the watcher, whose looks are real work in threads, waits for it."""
    await until(lambda: clock.sleepers > 0)
    await clock.advance(seconds)
    await until(lambda: clock.sleepers > 0)


async def test_a_burst_of_renames_is_reported_whole(drop: Drop) -> None:
    names = [f"{number % 7}/{number}.json" for number in range(2000)]
    for name in names:
        drop.write(f"{name}.tmp")
    async with watching(drop):
        for name in names:
            (drop.root / f"{name}.tmp").rename(drop.root / name)
        await until(lambda: len(drop.reported) >= len(names), within=20)
        await quiet()
    assert sorted(drop.settled) == sorted(names)
    assert len(drop.reported) == len(names)


@pytest.mark.usefixtures("untraced")
async def test_many_ignored_files_cost_little(drop: Drop) -> None:
    for number in range(1000):
        (drop.root / f"{number}.tmp").touch()
    drop.write("b.json")
    async with watching(drop) as watcher:
        await until(lambda: drop.settled == ["b.json"])
        began = time.process_time()
        for _ in range(10):
            watcher.scan_soon()
            await asyncio.sleep(0.02)
        assert time.process_time() - began < 1.0
    assert len(drop.reported) == 1


async def test_what_is_no_regular_file_is_never_reported_nor_opened(drop: Drop, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.json").write_text("{}")
    (drop.root / "before.json").symlink_to(outside / "b.json")
    async with watching(drop) as watcher:
        (drop.root / "link.json").symlink_to(outside / "b.json")
        (drop.root / "folder").symlink_to(outside)
        os.mkfifo(drop.root / "fifo.json")
        (drop.root / "x.json").mkdir()
        drop.write("x.json/inside.json")
        await until(lambda: "x.json/inside.json" in drop.settled)
        watcher.scan_soon()
        await quiet()
    assert drop.settled == ["x.json/inside.json"]
    assert set(drop.parsed) <= {"x.json/inside.json"}


@pytest.mark.parametrize("settings", [QUICK, POLLING], ids=["inotify", "polling"])
async def test_nothing_is_gone_from_a_folder_that_is_not_there(drop: Drop, settings: WatchSettings) -> None:
    drop.write("b.json")
    drop.write("c.json")
    async with watching(drop, settings) as watcher:
        await until(lambda: len(drop.settled) == 2)
        drop.available = False
        away = drop.root.rename(drop.root.with_name("unmounted"))
        drop.root.mkdir()
        watcher.scan_soon()
        await until(lambda: watcher.trouble is not None)
        await quiet(5 * SETTLE)
        assert drop.gone == []
        drop.root.rmdir()
        away.rename(drop.root)
        (drop.root / "c.json").unlink()
        drop.available = True
        await until(lambda: drop.gone == ["c.json"])
        assert watcher.trouble is None
    assert len(drop.reported) == 3


@pytest.mark.parametrize("happens", ["it goes", "it comes back"])
async def test_a_folder_that_changes_while_it_is_looked_at_has_lost_nothing(
    drop: Drop, happens: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = scan.survey

    def survey(root: Path, *arguments: Any) -> scan.ScanResult:
        found = real(root, *arguments)
        drop.available = True
        drop.away_until = time.monotonic() + 0.03 if happens == "it goes" else 0.0
        return found

    file = drop.write("b.json")
    async with watching(drop, POLLING) as watcher:
        await until(lambda: drop.settled == ["b.json"])
        monkeypatch.setattr(scan, "survey", survey)
        drop.available = happens == "it goes"
        await until(lambda: watcher.trouble is not None)
        file.unlink()
        await quiet(10 * SETTLE)
        assert drop.gone == []


async def test_after_a_new_folder_there_is_a_second_look(drop: Drop) -> None:
    async with watching(drop) as watcher:
        for _ in range(2):
            scanned = watcher.last_scan_at
            (drop.root / "new").mkdir(exist_ok=True)
            await until(lambda scanned=scanned: watcher.last_scan_at != scanned)  # type: ignore[misc]


async def test_a_folder_replaced_by_another_is_watched_anew(drop: Drop) -> None:
    async with watching(drop, WatchSettings(mode="inotify", settle=60.0, poll=0.05, rescan=0.1)) as watcher:
        drop.root.rename(drop.root.with_name("old"))
        drop.root.mkdir()
        scanned = watcher.last_scan_at
        await until(lambda: watcher.last_scan_at != scanned)
        await asyncio.sleep(0.3)
        drop.rename("b.yaml", "camera: 1")  # only inotify can tell that this came by a rename
        await until(lambda: drop.settled == ["b.yaml"])
        assert watcher.mode == "inotify"


@pytest.mark.parametrize("number", range(3))
async def test_a_dead_thread_is_noticed_and_replaced(drop: Drop, number: int) -> None:
    async with watching(drop, WatchSettings(mode="inotify", settle=60.0, rescan=0.1)) as watcher:
        inotify = watcher._observer._inotify
        assert inotify is not None
        assert len(inotify._threads) == 3  # reading, sorting and dispatching
        threading.Thread(target=inotify._threads[number].stop).start()
        await until(lambda: watcher._observer._inotify not in {None, inotify})
        drop.rename("b.yaml", "camera: 1")
        await until(lambda: drop.settled == ["b.yaml"])


async def test_without_inotify_it_polls_and_says_why(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_watches_left(*_: object) -> None:  # lowering the kernel's limit would disturb the whole machine
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr(InotifyObserver, "start", no_watches_left)
    async with watching(drop) as watcher:
        assert watcher.mode == "polling"
        assert watcher.reason == "inotify could not be started: inotify watch limit reached"
        drop.rename("b.json")
        await until(lambda: drop.settled == ["b.json"])


async def test_auto_chooses_by_the_file_system(drop: Drop) -> None:
    async with watching(drop, WatchSettings(mode="auto", settle=SETTLE)) as watcher:
        assert watcher.file_system != "unknown"
        assert (watcher.mode, watcher.reason) == ("inotify", f"{watcher.file_system} is local")


async def test_an_unavailable_folder_at_start_is_awaited(drop: Drop) -> None:
    drop.available = False
    drop.write("b.json")
    async with watching(drop) as watcher:
        await until(lambda: watcher.trouble is not None)
        await quiet()
        assert (drop.reported, watcher.first_scan_done.is_set()) == ([], False)
        drop.available = True
        await until(lambda: drop.settled == ["b.json"])
        assert watcher.mode == "inotify"


@pytest.mark.parametrize("settings", [QUICK, POLLING], ids=["inotify", "polling"])
async def test_what_we_moved_away_is_not_gone_and_new_when_put_back(
    drop: Drop, settings: WatchSettings, tmp_path: Path
) -> None:
    file = drop.write("b.json")
    async with watching(drop, settings) as watcher:
        await until(lambda: drop.settled == ["b.json"])
        file.rename(tmp_path / "b.json")
        watcher.forget("b.json")
        await quiet(5 * SETTLE)
        (tmp_path / "b.json").rename(file)
        await until(lambda: drop.settled == ["b.json", "b.json"])
    assert drop.gone == []


async def test_put_back_between_two_looks_it_is_still_new(drop: Drop, tmp_path: Path) -> None:
    file = drop.write("b.json")
    async with watching(drop, POLLING) as watcher:
        await until(lambda: drop.settled == ["b.json"])
        await asyncio.sleep(0.02)  # the kernel's clock for file times ticks every few milliseconds
        file.rename(tmp_path / "b.json")
        (tmp_path / "b.json").rename(file)
        watcher.scan_soon()
        await until(lambda: drop.settled == ["b.json", "b.json"])
    assert drop.gone == []


async def test_a_file_replaced_by_an_editor_is_not_gone(drop: Drop) -> None:
    file = drop.write("b.json")
    async with watching(drop, WatchSettings(mode="inotify", settle=0.5)):
        await until(lambda: drop.settled == ["b.json"])
        file.unlink()
        await asyncio.sleep(0.1)
        drop.write("b.json", '{"camera": 2}')
        await until(lambda: len(drop.settled) == 2)
        await asyncio.sleep(0.6)
    assert drop.gone == []


async def test_a_folder_that_cannot_be_read_hides_its_files(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.write("a/b.json")
    real = os.scandir

    def scandir(path: Path) -> object:  # root, as whom CI may run, can read everything
        if Path(path).name == "a":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path)

    async with watching(drop, POLLING):
        await until(lambda: drop.settled == ["a/b.json"])
        monkeypatch.setattr(os, "scandir", scandir)
        (drop.root / "a/b.json").unlink()
        await quiet(6 * SETTLE)
        assert drop.gone == []
        monkeypatch.setattr(os, "scandir", real)
        await until(lambda: drop.gone == ["a/b.json"])


async def test_names_in_any_bytes_are_reported(drop: Drop) -> None:
    name = os.fsdecode(b"caf\xe9\n.json")
    async with watching(drop):
        drop.rename(name)
        await until(lambda: drop.settled == [name])
        (drop.root / name).unlink()
        await until(lambda: drop.gone == [name])


async def test_a_drop_folder_may_be_a_symbolic_link(drop: Drop, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(drop.root)
    root, drop.root = drop.root, tmp_path / "link"
    async with watching(drop, WatchSettings(mode="inotify", settle=60.0)):
        (root / "b.tmp").write_text("{}")
        (root / "b.tmp").rename(root / "b.yaml")
        await until(lambda: drop.settled == ["b.yaml"])


async def test_it_shows_that_it_is_alive_while_nothing_happens(drop: Drop) -> None:
    clock = FakeClock()
    async with watching(drop, WatchSettings(mode="inotify", rescan=30.0), clock) as watcher:
        for _ in range(8):
            await passing(clock, 5.0)
            assert clock.monotonic() - watcher.progressed_at <= 5.0
