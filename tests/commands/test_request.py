"""`camspool request`: what a person may say, that the daemon reads the same, and following it to its end."""

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from camspool.adapters import documents
from camspool.adapters.spool import FolderRegistry, MarkedFolder
from camspool.cli import main
from camspool.commands.request.order import Order, Refused, file_named, make, proposed_names
from camspool.commands.request.relative_times import Begin, moment
from camspool.core import document, request_parser
from camspool.core.problems import Unexpected
from camspool.core.status_document import RequestRecord
from camspool.core.values import State
from support.builders import a_clip, a_status, an_entry
from support.running import START, daemon, simulator

PRAGUE = ZoneInfo("Europe/Prague")
NOW = datetime(2026, 3, 4, 12, 0, 0, 250_000, tzinfo=UTC)
"""A Wednesday, 13:00 in Prague."""
RULES = request_parser.RequestSettings(
    height="best", longest_s=86400, timezone=PRAGUE, clips_per_request=1000
)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PRAGUE).astimezone(UTC)


# Moments


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("today 08:00", "2026-03-04 08:00"),
        ("Today  8:00:30", "2026-03-04 08:00:30"),
        ("today", "2026-03-04 00:00"),
        ("yesterday 17:30", "2026-03-03 17:30"),
        ("tomorrow 1:00", "2026-03-05 01:00"),
        ("wednesday 09:00", "2026-03-04 09:00"),
        ("thursday 09:00", "2026-02-26 09:00"),
        ("Mon, 9:00", "2026-03-02 09:00"),
        ("08:10", "2026-03-04 08:10"),
        ("2026-03-01 14:05", "2026-03-01 14:05"),
        ("2026-03-01", "2026-03-01 00:00"),
    ],
)
def test_a_persons_words_mean_a_local_time(text: str, means: str) -> None:
    assert moment(text, NOW, PRAGUE) == local(means)


def test_now_unix_seconds_and_offsets_need_no_zone() -> None:
    assert moment("now", NOW, PRAGUE) == NOW
    assert moment("1589190089", NOW, PRAGUE) == datetime(2020, 5, 11, 9, 41, 29, tzinfo=UTC)
    assert moment("2026-03-01T14:05:00-05:00", NOW, PRAGUE) == datetime(2026, 3, 1, 19, 5, tzinfo=UTC)


def test_a_time_alone_ends_a_range_on_the_day_of_its_beginning_or_the_next() -> None:
    begin = Begin(local("2026-02-27 23:00"), "2026-02-27 23:00")
    assert moment("23:30", NOW, PRAGUE, begin=begin) == local("2026-02-27 23:30")
    assert moment("01:00", NOW, PRAGUE, begin=begin) == local("2026-02-28 01:00")
    assert moment("today 01:00", NOW, PRAGUE, begin=begin) == local("2026-03-04 01:00")


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "8", "today at 8", "monday 8:61", "8:00 soon", "99:99:99"]
)
def test_what_means_no_time_is_reported_with_examples(text: str) -> None:
    with pytest.raises(Unexpected, match="today 8:00"):
        moment(text, NOW, PRAGUE)


def test_where_clocks_go_back_a_range_is_the_longer_one() -> None:
    sunday = datetime(2026, 10, 25, 12, tzinfo=UTC)
    begins = moment("today 02:30", sunday, PRAGUE)
    assert begins == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    for end in ("02:30", "today 02:30", "2026-10-25 02:30"):
        ends = moment(end, sunday, PRAGUE, begin=Begin(begins, "today 02:30"))
        assert ends == datetime(2026, 10, 25, 1, 30, tzinfo=UTC), end


def test_around_a_time_that_occurred_twice_is_around_both() -> None:
    entry = make(with_camera(Order(around="2026-10-25 02:30", before="1m", after="2m")), NOW, RULES).entry
    assert entry.start == datetime(2026, 10, 25, 0, 29, tzinfo=UTC)
    assert entry.end == datetime(2026, 10, 25, 1, 32, tzinfo=UTC)


def test_a_time_that_clocks_skipped_is_no_time() -> None:
    with pytest.raises(Unexpected, match="put forward"):
        moment("sunday 02:30", datetime(2026, 3, 29, 12, tzinfo=UTC), PRAGUE)


# Orders


@pytest.mark.parametrize(
    ("order", "begins", "ends"),
    [
        (Order(begin="today 08:00", end="08:10"), "08:00", "08:10"),
        (Order(begin="today 08:00", duration="10m"), "08:00", "08:10"),
        (Order(last="10m"), "12:50", "13:00"),
        (Order(around="today 10:05", before="30s", after="2m"), "10:04:30", "10:07"),
        (Order(around="10:05"), "10:04", "10:06"),
        (Order(begin="12:00", end="now"), "12:00", "13:00"),
    ],
)
def test_each_way_of_saying_a_range(order: Order, begins: str, ends: str) -> None:
    entry = make(with_camera(order), NOW, RULES).entry
    assert (entry.start, entry.end) == (local(f"2026-03-04 {begins}"), local(f"2026-03-04 {ends}"))


def with_camera(order: Order, *cameras: str) -> Order:
    fields = {name: getattr(order, name) for name in Order.__slots__}
    return Order(**fields | {"camera": cameras or ("Gate",)})


def test_the_file_says_to_the_daemon_what_was_understood() -> None:
    order = Order(
        camera=("Gate", "62303", "007"),
        begin="yesterday 23:00",
        end="1:00",
        height="<= 720",
        split="30m",
        take="all",
        priority=-3,
        meta=("case=4711", "note=a=b"),
        validate_only=True,
    )
    made = make(order, NOW, RULES)
    document = documents.read(made.data, ".json")
    parsed = request_parser.parse(document, RULES)
    assert parsed.entries == (made.entry,)
    assert parsed.validate_only
    assert made.entry.camera == ("Gate", 62303, "007")
    assert made.entry.metadata == {"case": "4711", "note": "a=b"}
    assert (document["from"], document["to"]) == ("2026-03-03T23:00:00+01:00", "2026-03-04T01:00:00+01:00")
    in_new_york = request_parser.RequestSettings("best", 86400, ZoneInfo("America/New_York"), 1000)
    assert request_parser.parse(document, in_new_york).entries == parsed.entries, (
        "whatever the zone of its reader"
    )


def refusal(order: Order) -> list[str]:
    with pytest.raises(Refused) as refused:
        make(order, NOW, RULES)
    return [problem.path for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("order", "options"),
    [
        (Order(), ["--from", "--camera"]),
        (Order(camera=("a",)), ["--from"]),
        (Order(camera=("a",), begin="8:00"), ["--to"]),
        (Order(camera=("a",), end="8:00"), ["--from"]),
        (Order(camera=("a",), begin="soon", end="later"), ["--from", "--to"]),
        (Order(camera=("a",), begin="soon", duration="long"), ["--from", "--duration"]),
        (Order(camera=("a",), begin="8:00", end="9:00", duration="1h"), ["--duration"]),
        (Order(camera=("a",), begin="9:00", end="today 8:00"), ["--to"]),
        (Order(camera=("a",), begin="2026-01-01", end="2026-02-01"), ["--to"]),
        (Order(camera=("a",), last="10m", begin="8:00"), ["--last"]),
        (Order(camera=("a",), last="10m", around="8:00"), ["--last"]),
        (Order(camera=("a",), last="soon"), ["--last"]),
        (Order(camera=("a",), before="1m"), ["--around"]),
        (Order(camera=("a",), around="8:00", before="x", after="y"), ["--before", "--after"]),
        (Order(camera=("a", "a"), last="1m"), ["--camera"]),
        (Order(camera=("\x07",), last="1m", height="tall", split="0"), ["--camera", "--height", "--split"]),
        (Order(camera=("a",), last="1m", meta=("x", "=y", "a=1", "a=2")), ["--meta", "--meta", "--meta"]),
        (Order(camera=("a",), begin="soon", end="9:00", height="x"), ["--from", "--height"]),
        (Order(camera=("a",), last="1m", priority=11), ["--priority"]),
    ],
)
def test_every_mistake_is_reported_at_once_by_its_option(order: Order, options: list[str]) -> None:
    assert refusal(order) == options


def test_digits_are_a_node_id_as_far_as_one_can_have_so_many() -> None:
    cameras = ("62303", "062303", "9" * 200)
    assert make(with_camera(Order(last="10m"), *cameras), NOW, RULES).entry.camera == (62303, *cameras[1:])
    with pytest.raises(Refused, match="--camera"):
        make(with_camera(Order(last="10m"), "9" * 5000), NOW, RULES)


def test_names_of_our_own_are_readable() -> None:
    def proposed(camera: str) -> list[str]:
        names = proposed_names(
            make(Order(camera=(camera,), begin="8:00", end="9:00"), NOW, RULES).entry, RULES
        )
        return [next(names), next(names)]

    assert proposed("North Gate") == [
        "north-gate-20260304-080000.json",
        "north-gate-20260304-080000-2.json",
    ]
    assert proposed("62303")[0] == "camera-62303-20260304-080000.json"
    assert proposed("Vrátnice č. 2")[0] == "vratnice-c-2-20260304-080000.json"
    assert proposed("../../etc/_x")[0] == "etc-x-20260304-080000.json"
    assert proposed("門")[0] == "camera-20260304-080000.json"
    assert len(proposed("x" * 255)[0]) < 100


def test_names_that_were_given() -> None:
    assert file_named("store-12/evening") == "store-12/evening.json"
    assert file_named("a.JSON") == "a.JSON"
    for name in (
        "",
        "..",
        "../x",
        "/etc/x",
        "a//b",
        ".hidden",
        "_x",
        "x.status",
        "x" * 300,
        "@eaDir/x",
        "a\0b",
    ):
        with pytest.raises(Refused, match="--name"):
            file_named(name)


# The command


def configured(folder: Path, *, started: bool = True) -> Path:
    """A configuration, and its folders as a daemon makes them at its first start."""
    folders = {name: str(folder / name) for name in ("drop", "mirror", "state")}
    (folder / "config.json").write_text(json.dumps({"folders": folders, "timezone": "Europe/Prague"}))
    if started:
        (folder / "state").mkdir()
        registry = FolderRegistry(folder / "state")
        for name in ("drop", "mirror"):
            MarkedFolder(folder / name, registry).check()
    return folder / "config.json"


def request(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["request", "-c", str(config), *arguments])


RANGE = ("--from", "2026-03-01 14:05", "--to", "14:15")


def in_drop(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "drop").rglob("*") if path.is_file())


def test_the_machines_time_zone_is_named_with_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(tmp_path)
    config.write_text(config.read_text().replace('"Europe/Prague"', "null"))
    monkeypatch.setenv("TZ", "Europe/Prague")
    said = request(config, "--camera", "Gate", *RANGE).stderr
    assert "(Europe/Prague by $TZ, UTC+01:00)" in said


def test_the_file_and_what_was_understood_are_reported(tmp_path: Path) -> None:
    result = request(configured(tmp_path), "--camera", "Gate", *RANGE, "--meta", "case=4711")
    path = tmp_path / "drop/gate-20260301-140500.json"
    assert (result.exit_code, result.stdout) == (0, f"{path}\n")
    first, second = result.stderr.splitlines()
    assert first == "Gate: Sunday 2026-03-01 14:05:00 - 14:15:00 (Europe/Prague, UTC+01:00), 10m"
    assert second.startswith("No daemon has written its service file here")
    assert json.loads(path.read_bytes()) == {
        "camera": "Gate",
        "metadata": {"case": "4711"},
        "from": "2026-03-01T14:05:00+01:00",
        "to": "2026-03-01T14:15:00+01:00",
    }
    assert in_drop(tmp_path) == [".camspool", path.name]


def test_a_range_that_is_not_over_is_reported(tmp_path: Path) -> None:
    result = request(configured(tmp_path), "--camera", "Gate", "--from", "tomorrow 8:00", "--duration", "1m")
    assert "; it is fetched when the range is over" in result.stderr


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    config = configured(tmp_path)
    ended = a_status(a_clip(State.DONE), state=State.DONE, name="gate-20260301-140500-2")
    (tmp_path / "mirror/gate-20260301-140500-2.status.json").write_bytes(document.dump(ended))
    for _ in range(2):
        assert request(config, "--camera", "Gate", *RANGE).exit_code == 0
    names = ["gate-20260301-140500-3.json", "gate-20260301-140500.json"]
    assert in_drop(tmp_path) == [".camspool", *names]
    assert request(config, "--camera", "Gate", *RANGE, "--name", "a/b").exit_code == 0
    again = request(config, "--camera", "Yard", *RANGE, "--name", "a/b")
    assert again.exit_code == 2
    assert "--name: found 'a/b.json', expected a name that is free" in again.stderr
    assert json.loads((tmp_path / "drop/a/b.json").read_bytes())["camera"] == "Gate"


def test_wrong_usage_writes_nothing(tmp_path: Path) -> None:
    refused = request(configured(tmp_path), "--camera", "Gate", "--height", "tall", "--name", "../x")
    assert (refused.exit_code, refused.stdout) == (2, "")
    for option in ("--from", "--height", "--name"):
        assert f"\n  {option}: found " in refused.stderr
    assert request(tmp_path / "config.json", "--priority", "high").exit_code == 2
    assert request(tmp_path / "none.json", "--camera", "Gate").exit_code == 78
    assert in_drop(tmp_path) == [".camspool"]


@pytest.mark.parametrize("found", [None, "", '{"id": "another"}'])
def test_nothing_is_written_into_a_folder_that_is_not_mounted(tmp_path: Path, found: str | None) -> None:
    config, marker = configured(tmp_path), tmp_path / "drop/.camspool"
    marker.unlink()
    if found is not None:
        marker.write_text(found)
    refused = request(config, "--camera", "Gate", *RANGE)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert str(tmp_path / "drop") in refused.stderr
    assert in_drop(tmp_path) == ([] if found is None else [".camspool"])


def test_a_daemon_must_have_made_the_folder(tmp_path: Path) -> None:
    config = configured(tmp_path, started=False)
    assert request(config, "--camera", "Gate", *RANGE).exit_code == 1
    (tmp_path / "drop").mkdir()
    refused = request(config, "--camera", "Gate", *RANGE)
    assert refused.exit_code == 1
    assert "has no marker .camspool" in refused.stderr
    assert in_drop(tmp_path) == []
    assert not (tmp_path / "state").exists()


def test_who_may_not_look_into_state_trusts_the_marker(tmp_path: Path) -> None:
    config = configured(tmp_path)
    (tmp_path / "state/folders.json").unlink()
    (tmp_path / "state/folders.json").mkdir()
    assert request(config, "--camera", "Gate", *RANGE).exit_code == 0


# With a daemon


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CAMSPOOL_")}
    return subprocess.Popen(
        [sys.executable, "-m", "camspool", "request", "-c", folder / "config.json", *arguments],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:

    out, errors = await asyncio.to_thread(process.communicate, timeout=40)
    return process.returncode, out, errors


SECONDS = ("--from", str(START), "--duration", "5")


async def test_waiting_ends_with_the_request(tmp_path: Path, clips: Path) -> None:
    with simulator(clips) as sim:
        async with daemon(tmp_path, sim, requests={"grace": 0}) as running:
            started = [
                start(tmp_path, "--camera", "gate", *SECONDS, "--wait", "--name", "a/good"),
                start(tmp_path, "--camera", "Blind", *SECONDS, "--wait"),
                start(tmp_path, "--camera", "aisle", *SECONDS, "--wait", "--validate-only"),
            ]
            good, bad, checked = [await ended(process) for process in started]
            again = await ended(start(tmp_path, "--camera", "gate", *SECONDS, "--wait", "--name", "a/good"))
            repeated = running.status("a/good")["repeated_at"]
    assert good[:2] == (0, f"{tmp_path}/mirror/a/good.mp4\n"), good
    assert (tmp_path / "mirror/a/good.mp4").exists()
    assert "a/good: done" in good[2]
    assert bad[:2] == (1, "")
    assert ": failed\n" in bad[2]
    assert "Look in the portal" in bad[2]
    assert checked[:2] == (0, "")
    assert again[:2] == good[:2]
    assert repeated, "the daemon has looked at it again"


def test_whoever_stops_waiting_stops_nothing_else(tmp_path: Path) -> None:
    configured(tmp_path)
    process = start(tmp_path, "--camera", "gate", *SECONDS, "--wait", "--name", "evening")
    deadline = time.monotonic() + 30
    while not (tmp_path / "drop/evening.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert process.stderr
    lines = [process.stderr.readline(), process.stderr.readline()]
    assert "not taken in yet. No daemon has written its service file here" in lines[1]
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert "the request goes on. To cancel it: camspool cancel evening" in errors
    assert (tmp_path / "drop/evening.json").exists()


def test_an_earlier_end_is_not_taken_for_the_end_of_what_was_dropped_again(tmp_path: Path) -> None:
    same = ("--camera", "gate", *SECONDS, "--name", "evening")
    assert request(configured(tmp_path), *same).exit_code == 0
    sha256 = hashlib.sha256((tmp_path / "drop/evening.json").read_bytes()).hexdigest()
    (tmp_path / "drop/evening.json").unlink()
    record = RequestRecord(file="evening.json", sha256=sha256, entries=(an_entry(),), filed_as="evening.json")
    status = a_status(a_clip(State.DONE), state=State.DONE, name="evening", request=record)
    path = tmp_path / "mirror/evening.status.json"
    path.write_bytes(document.dump(status))
    process = start(tmp_path, *same, "--wait")
    assert process.stderr
    assert "not taken in yet" in [process.stderr.readline(), process.stderr.readline()][1]
    path.with_name("new").write_bytes(document.dump(replace(status, repeated_at=NOW)))
    path.with_name("new").rename(path)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, f"{tmp_path}/mirror/evening.mp4\n")


def test_a_file_that_is_taken_away_is_not_waited_for(tmp_path: Path) -> None:
    configured(tmp_path)
    process = start(tmp_path, "--camera", "gate", *SECONDS, "--wait", "--name", "evening")
    assert process.stderr
    assert "not taken in yet" in [process.stderr.readline(), process.stderr.readline()][1]
    (tmp_path / "drop/evening.json").unlink()
    out, errors = process.communicate(timeout=20)
    assert (process.returncode, out) == (1, "")
    assert "evening.json was changed or taken away before it was taken in." in errors


def test_waiting_needs_the_mirror(tmp_path: Path) -> None:
    config = configured(tmp_path)
    (tmp_path / "mirror/.camspool").unlink()
    refused = request(config, "--camera", "gate", *SECONDS, "--wait")
    assert refused.exit_code == 1
    assert in_drop(tmp_path) == [".camspool"]


def invoked(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["request", "-c", str(folder / "config.json"), *arguments])


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    configured(tmp_path)
    before = sorted(path.name for path in tmp_path.rglob("*"))
    shown = invoked(
        tmp_path, "--camera", "gate", "--from", "2026-03-01 8am", "--duration", "10 minutes", "--dry-run"
    )
    assert shown.exit_code == 0, shown.stderr
    assert json.loads(shown.stdout)["camera"] == "gate"
    assert "Sunday 2026-03-01 08:00:00 - 08:10:00" in shown.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_one_document_for_scripts(tmp_path: Path) -> None:
    configured(tmp_path)
    made = invoked(tmp_path, "--camera", "gate", "--last", "5m", "--name", "a/evening", "--json")
    assert made.exit_code == 0, made.stderr
    document = json.loads(made.stdout)
    assert document["schema"] == "camspool/requested/1"
    assert document["name"] == "a/evening"
    assert document["status_file"] == f"{tmp_path}/mirror/a/evening.status.json"
    assert document["request"] == json.loads(Path(document["file"]).read_text())


def test_a_request_is_not_dropped_below_a_mount_that_is_away(tmp_path: Path) -> None:
    config, memory = configured(tmp_path), tmp_path / "state/folders.json"
    known = json.loads(memory.read_text()) | {str(tmp_path / "drop/site-a"): "0" * 32}
    memory.write_text(json.dumps(known))
    (tmp_path / "drop/site-a").mkdir()
    refused = request(config, "--camera", "1", *RANGE, "--name", "site-a/evening")
    assert refused.exit_code == 1
    assert "site-a was a mount of its own, and is not mounted now" in refused.stderr
    assert list((tmp_path / "drop/site-a").iterdir()) == []
