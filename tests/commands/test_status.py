"""`camspool status` on folders as a daemon leaves them, and beside one that works."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from camspool.adapters.spool import MirrorReader
from camspool.adapters.spool.markers import ObservedFolder
from camspool.cli import main
from camspool.commands.status import phrases, snapshot
from camspool.commands.status.lookup import NoSuchRequest, NotTakenIn, find
from camspool.commands.status.render import Board
from camspool.config.settings import Folders, Settings
from camspool.core import document, health, naming
from camspool.core.errors import CamspoolError
from camspool.core.health import ApiHealth, DiskHealth, ServiceProblem, ServiceState, ServiceStatus, Watching
from camspool.core.status_document import (
    Clip,
    Download,
    HistoryEntry,
    Progress,
    Remark,
    RequestRecord,
    Status,
)
from camspool.core.values import RemarkCode, State
from support.builders import END, START, a_clip, a_failure, a_file, a_status, a_wait, an_entry
from support.running import daemon, request, simulator

PRAGUE = ZoneInfo("Europe/Prague")
NOW = datetime.now(UTC)
CAMSPOOL = (sys.executable, "-m", "camspool", "status")
HOSTILE = "[red]\x1b[2J[/]\x9b\u202egate\n" + "x" * 100


class House:
    """Folders without a daemon, filled by hand."""

    def __init__(self, folder: Path) -> None:
        self.drop, self.mirror = folder / "drop", folder / "mirror"
        self.reader = MirrorReader.beside_the_daemon(self.mirror)
        self.config = folder / "config.json"
        folders = Folders(drop=self.drop, mirror=self.mirror, state=folder / "state")
        self.settings = Settings(folders=folders, timezone=PRAGUE)
        paths = {name: str(path) for name, path in folders}
        self.config.write_text(json.dumps({"folders": paths, "timezone": "Europe/Prague"}))
        for root in (self.drop, self.mirror):
            root.mkdir()
            (root / ".camspool").write_text('{"id": "x"}')

    def put(self, file: str) -> None:
        """A request file in drop/."""
        (self.drop / file).parent.mkdir(parents=True, exist_ok=True)
        (self.drop / file).write_text("{}")

    def save(
        self, name: str, *clips: Clip, state: State | None = None, age: float = 0, **changes: Any
    ) -> Status:
        """A status whose file was changed `age` seconds ago; that of a request that has ended is filed."""
        clips = clips or (a_clip(),)
        state = state or clips[0].state
        record = RequestRecord(
            file=f"{name}.json",
            sha256="a" * 64,
            entries=(an_entry(),),
            filed_as=f"{name}.json" if state.final else None,
        )
        fields: dict[str, Any] = {"request": record, "finished_at": NOW if state.final else None}
        status = a_status(*clips, state=state, name=name, **fields | changes)
        path = self.mirror / naming.status_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(document.dump(status))
        os.utime(path, (NOW.timestamp() - age,) * 2)
        return status

    def outstanding(self, name: str, clip: Clip, **changes: Any) -> None:
        self.put(f"{name}.json")
        self.save(name, clip, **changes)

    def service(
        self, state: ServiceState = ServiceState.OK, age: float = 0, *problems: ServiceProblem
    ) -> None:
        """The service file as it was written `age` seconds ago."""
        status = ServiceStatus(
            version="0",
            state=state,
            started_at=NOW,
            updated_at=datetime.now(UTC) - timedelta(seconds=age),
            problems=problems,
            watching=Watching("inotify", "ext4", None),
            api=ApiHealth(None, 0),
            disk=DiskHealth(1, 1),
        )
        (self.mirror / "_service.json").write_bytes(health.dump(status))

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["status", "-c", str(self.config), *arguments])

    def shown(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert (result.exit_code, result.stderr) == (0, ""), result.stderr
        return result.stdout

    def overview(self, *arguments: str) -> Any:
        return json.loads(self.shown("--json", *arguments))


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    for name in [name for name in os.environ if name.startswith("CAMSPOOL_") or name == "COLUMNS"]:
        monkeypatch.delenv(name)
    return House(tmp_path)


def downloading(**changes: Any) -> Clip:
    download = Download(bytes=6_300_000, total_bytes=10_000_000, bytes_per_s=4_200_000)
    return a_clip(State.DOWNLOADING, camera_name="Gate", download=download, **changes)


# The daemon


@pytest.mark.parametrize(
    ("state", "age", "running", "says"),
    [
        (ServiceState.OK, 5, True, "The daemon works."),
        (ServiceState.DEGRADED, 20, True, "The daemon works."),
        (ServiceState.OK, -300, True, "The daemon works."),
        (ServiceState.OK, 3600 * 48, False, "The daemon is down: its last sign of life was at 20"),
        (ServiceState.STOPPED, 1, False, "The daemon was stopped ("),
        (ServiceState.STOPPING, 1, False, "The daemon was stopped ("),
    ],
)
def test_whether_a_daemon_works(
    house: House,
    state: ServiceState,
    age: float,
    running: bool,  # noqa: FBT001
    says: str,
) -> None:
    house.service(state, age)
    assert house.shown().startswith(says)
    daemon = house.overview()["daemon"]
    assert daemon["running"] is running
    assert daemon["service"]["state"] == state
    assert running or "start it with systemctl start camspool" in daemon["message"]


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff"])
def test_a_daemon_that_has_reported_nothing(house: House, content: bytes | None) -> None:
    if content is not None:
        (house.mirror / "_service.json").write_bytes(content)
    assert house.shown().startswith("No daemon has written its service file here: is it running?")
    assert house.overview()["daemon"]["service"] is None


def test_what_is_wrong_with_the_service(house: House) -> None:
    house.service(ServiceState.DEGRADED, 1, ServiceProblem("unauthorised", "The token is refused.", NOW))
    assert f"  The token is refused. (since {NOW.astimezone(PRAGUE):%H:%M:%S})" in house.shown()


# The overview


def test_nothing_at_all(house: House) -> None:
    assert "Nothing is outstanding; times are in Europe/Prague" in house.shown()
    overview = house.overview()
    assert (overview["outstanding"], overview["finished"]) == ([], [])


def test_what_is_outstanding_comes_first_and_the_busiest_first_of_all(house: House) -> None:
    house.put("new.yaml")
    house.outstanding(
        "waits", a_clip(waiting=a_wait(until=NOW)), waiting=a_wait(until=NOW, message="No network.")
    )
    house.outstanding("store/runs", downloading(), progress=Progress(percent=63, clips_total=1, eta_s=72))
    house.save("ended", a_clip(State.DONE))
    lines = [
        line for line in house.shown().splitlines() if line.startswith(("down", "queued", "new", "done"))
    ]
    runs, waits, new, ended = lines
    assert "━" in runs
    for each in ("63 %", "store/runs", "Gate", "2020-05-11 11:41:29 - 11:51:29", "4.2 MB/s, 1m12s left"):
        assert each in runs
    assert f"No network. (until {NOW.astimezone(PRAGUE):%H:%M:%S})" in waits
    assert "new.yaml" in new
    assert "not taken in yet" in new
    assert "1 MP4, 8.4 MB" in ended
    assert "%" not in ended


def test_the_latest_that_have_ended(house: House) -> None:
    for number in range(5):
        house.save(f"n{number}", a_clip(State.DONE), age=100 - number)
    house.save("gone", a_clip(State.REMOVED))
    house.save("in-work", a_clip(State.PREPARING))
    (house.mirror / "foreign.status.json").write_text("{}")
    assert [each["name"] for each in house.overview("--last", "2")["finished"]] == ["n4", "n3"]
    assert [each["name"] for each in house.overview()["finished"]] == ["n4", "n3", "n2", "n1", "n0"]
    assert house.overview("--last", "0")["finished"] == []


def test_only_what_is_shown_is_read(house: House) -> None:
    for number in range(30):
        house.save(f"{number % 3}/n{number}", a_clip(State.DONE), age=100 - number)

    class Counting(MirrorReader):
        read = 0

        def status(self, name: str) -> Any:
            self.read += 1
            return super().status(name)

    mirror = Counting(ObservedFolder(house.mirror))
    assert [status.name for status in snapshot._finished(mirror, 2, set())] == ["2/n29", "1/n28"]
    assert mirror.read == 2


def test_what_has_ended_and_is_still_in_drop_is_shown_once(house: House) -> None:
    house.put("evening.json")
    status = house.save("evening", a_clip(State.DONE))
    unfiled = replace(status, request=replace(status.request, filed_as=None))
    (house.mirror / "evening.status.json").write_bytes(document.dump(unfiled))
    overview = house.overview()
    assert [each["state"] for each in overview["outstanding"]] == ["done"]
    assert overview["finished"] == []


def test_a_file_dropped_again_is_not_the_one_that_has_ended(house: House) -> None:
    house.put("evening.json")
    old = house.save("evening", a_clip(State.DONE))
    assert [each["state"] for each in house.overview()["outstanding"]] == [None]
    house.save("evening~2", a_clip(State.LISTING), request=replace(old.request, filed_as=None))
    [outstanding] = house.overview()["outstanding"]
    assert (outstanding["name"], outstanding["state"]) == ("evening~2", "listing")


@pytest.mark.parametrize("kind", ["foreign", "empty", "folder", "link"])
def test_a_request_whose_place_something_else_had_is_found_under_the_next_name(
    house: House, kind: str
) -> None:
    taken = house.mirror / "evening.status.json"
    if kind == "folder":
        taken.mkdir()
    elif kind == "link":
        taken.symlink_to("nowhere")
    else:
        taken.write_text("{}" if kind == "foreign" else "")
    house.put("evening.json")
    house.save("evening~2", a_clip(State.LISTING), request=replace(a_status().request, file="evening.json"))
    [outstanding] = house.overview()["outstanding"]
    assert (outstanding["name"], outstanding["state"]) == ("evening~2", "listing")


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_request_whose_folder_is_called_otherwise_in_the_mirror_is_found(house: House, kind: str) -> None:
    if kind == "file":
        (house.mirror / "store").write_text("mine")
    else:
        (house.mirror / "store").symlink_to(house.drop)
    house.put("store/evening.json")
    record = replace(a_status().request, file="store/evening.json")
    house.save("store~2/evening", a_clip(State.LISTING), request=record)
    [outstanding] = house.overview()["outstanding"]
    assert (outstanding["name"], outstanding["state"]) == ("store~2/evening", "listing")


def test_the_document_for_scripts(house: House) -> None:
    house.service()
    house.put("new.json")
    house.outstanding("store/runs", downloading(), progress=Progress(percent=63, clips_total=1, eta_s=72))
    house.save("bad", a_clip(State.FAILED), error=a_failure(), request=a_status().request)
    house.save("good", a_clip(State.DONE), age=10)
    overview = house.overview()
    assert list(overview) == [
        *("schema", "at", "timezone", "drop", "mirror", "drop_trouble", "daemon", "outstanding", "finished"),
    ]
    assert (overview["schema"], overview["timezone"]) == ("camspool/overview/1", "Europe/Prague")
    runs, new = overview["outstanding"]
    assert set(runs) == set(new) == set(overview["finished"][0])
    assert {key: value for key, value in new.items() if value} == {"file": "new.json"}
    assert runs["bytes_per_s"] == 4_200_000
    assert runs["progress"] == {"percent": 63.0, "clips_done": 0, "clips_total": 1, "eta_s": 72}
    assert (runs["begins_at"], runs["ends_at"]) == ("2020-05-11T09:41:29Z", "2020-05-11T09:51:29Z")
    assert (runs["cameras"], runs["camera_names"]) == ([62303], ["Gate"])
    assert runs["status_file"] == str(house.mirror / "store/runs.status.json")
    bad, good = overview["finished"]
    assert bad["error"]["code"] == "no_recording"
    assert good["mp4s"] == [str(house.mirror / "evening.mp4")]


@pytest.mark.parametrize("width", [20, 40, 80, 119, 120, 200])
def test_hostile_names_and_any_width(house: House, width: int) -> None:
    house.service(ServiceState.DEGRADED, 0, ServiceProblem("x", HOSTILE, NOW))
    house.put(f"{HOSTILE[:60]}.json")
    clip = downloading(waiting=a_wait(message=HOSTILE), camera=HOSTILE)
    house.outstanding("runs", replace(clip, camera_name=HOSTILE), waiting=a_wait(message=HOSTILE))
    failed = a_clip(State.FAILED, camera_name=HOSTILE)
    house.save("bad", failed, error=a_failure(message=HOSTILE * 3))
    out = io.StringIO()
    view = snapshot.look(house.settings, 10, NOW)
    Console(file=out, width=width).print(Board(view))
    shown = out.getvalue()
    assert max(map(len, shown.splitlines())) <= width
    assert not set(shown) & {"\x1b", "\x9b", "\u202e"}
    together = "".join(shown.split())
    assert "[red]" in together
    assert "\\x1b[2J[/]" in together or width in (120, 200)


def test_times_at_the_ends_of_all_dates_and_sizes_beyond_all_disks_are_shown(house: House) -> None:
    last, first = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)
    file = replace(a_file(), bytes=10**400)
    entry = replace(an_entry(), start=first, end=last)
    clip = a_clip(State.DONE, start=first, end=last, file=file, recording=None)
    record = replace(a_status().request, entries=(entry,), filed_as="odd.json")
    history = (HistoryEntry(last, State.DONE),)
    house.save("odd", clip, request=record, finished_at=last, created_at=first, history=history)
    house.save("good", a_clip(State.DONE), age=10)
    shown = house.shown()
    assert "9999-12-31 23:59:59" in shown
    assert "good" in shown
    assert f"{10**400}bytes" in "".join(house.shown("odd").split())
    assert phrases.instant(last, PRAGUE, NOW) == "9999-12-31 23:59:59+0000"
    assert phrases.time_range(last, last, PRAGUE) == "9999-12-31 23:59:59+0000 - 9999-12-31 23:59:59+0000"
    assert phrases.time_range(first, first, ZoneInfo("America/New_York")).endswith("00:00:00+0000")


def test_a_status_that_cannot_be_shown_costs_its_own_row_alone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.save("good", a_clip(State.DONE), age=10)
    house.save("bad", a_clip(State.DONE))
    really = phrases.news

    def news(status: Status, now: datetime, zone: ZoneInfo) -> str:
        if status.name == "bad":
            raise OverflowError("too much")
        return really(status, now, zone)

    monkeypatch.setattr(phrases, "news", news)
    shown = " ".join(house.shown().split())
    assert "done bad cannot be shown: too much" in shown
    assert "done good" in shown


def test_no_colours_but_on_a_terminal(house: House) -> None:
    house.service()
    assert "\x1b" not in house.shown()
    assert "\x1b[32mThe daemon works" in on_a_terminal(house)
    assert "\x1b[3" not in on_a_terminal(house, NO_COLOR="1")


def test_several_cameras_and_ranges_in_words() -> None:
    clips = [a_clip(camera=number, camera_name=f"C{number}", ask=number) for number in range(1, 6)]
    assert phrases.cameras(a_status(*clips)) == "C1, C2, C3 and 2 more"
    summer, winter = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    folded = "2026-10-25 02:30:00+0200 - 2026-10-25 02:30:00+0100"
    assert phrases.time_range(summer, winter, PRAGUE) == folded
    assert (
        phrases.time_range(START, END + timedelta(days=1), PRAGUE)
        == "2020-05-11 11:41:29 - 2020-05-12 11:51:29"
    )


# Folders that are not there


def test_a_mirror_that_is_not_there(house: House) -> None:
    (house.mirror / ".camspool").unlink()
    for arguments in ([], ["--json"], ["evening"]):
        refused = house.run(*arguments)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "has no marker .camspool. Is it mounted" in refused.stderr


def test_a_drop_folder_that_is_not_there_is_reported(house: House) -> None:
    (house.drop / ".camspool").unlink()
    assert f"{house.drop} has no marker .camspool: is it mounted?" in house.shown()
    house.drop.rmdir()
    assert house.overview()["drop_trouble"] == f"{house.drop} cannot be read: No such file or directory"


@pytest.mark.parametrize(
    "arguments", [["--watch"], ["--watch", "--json"], ["--watch", "x"], ["--last", "-1"], ["a", "b"]]
)
def test_wrong_usage(house: House, arguments: list[str]) -> None:
    refused = house.run(*arguments)
    assert (refused.exit_code, refused.stdout) == (2, "")


# One request


def test_one_request_is_meant_in_many_ways(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    file = a_file(name="evening~2.mp4")
    house.save("store/evening", a_clip(State.DONE, file=file))
    house.save("store/even", a_clip(State.DONE))
    (house.mirror / "store/evening~2.mp4").touch()
    monkeypatch.chdir(house.mirror)
    for argument in (
        "store/evening",
        "store/evening.json",
        "store/evening.status.json",
        "store/evening~2.mp4",
        str(house.mirror / "store/evening.json"),
        "./store/evening",
    ):
        assert find(house.drop, house.reader, argument).name == "store/evening", argument


def test_a_file_in_drop_means_its_request(house: House) -> None:
    house.outstanding("store/evening", a_clip())
    house.put("new.yaml")
    for argument in ("store/evening", str(house.drop / "store/evening.json")):
        assert find(house.drop, house.reader, argument).name == "store/evening"
    for argument in ("new", "new.yaml"):
        with pytest.raises(NotTakenIn, match="not taken in yet"):
            find(house.drop, house.reader, argument)


def test_an_unknown_name_is_reported_with_those_alike(house: House) -> None:
    house.save("store/evening")
    house.save("morning")
    for argument, near in (
        ("store/evning", "store/evening"),
        ("evening", "store/evening"),
        ("mornin", "morning"),
    ):
        refused = house.run(argument)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert f"Did you mean {near}" in refused.stderr
    assert "Did you mean" not in house.run("qqqqqq").stderr
    for argument in ("", "..", "/etc/passwd", "store", "a\x1b[2J"):
        with pytest.raises(NoSuchRequest) as unknown:
            find(house.drop, house.reader, argument)
        assert isinstance(unknown.value, CamspoolError)
    house.save("a\x07\u202e")
    assert "Did you mean a\\x07\\u202e?" in house.run("a\x07").stderr


def test_one_request_whole(house: House) -> None:
    clips = (
        a_clip(
            State.DONE, camera_name="Gate", remarks=(Remark(code=RemarkCode.GAPS, message="Gaps [red]!"),)
        ),
        downloading(ask=2),
        a_clip(State.PREPARING, ask=3, waiting=a_wait(message=HOSTILE)),
        a_clip(State.FAILED, ask=4, error=a_failure(message="Nothing of [red]it.")),
    )
    history = (HistoryEntry(START, State.QUEUED), HistoryEntry(END, State.DOWNLOADING))
    record = RequestRecord(
        file="big.json", sha256="a" * 64, entries=(an_entry(metadata={"case": "[bold]4711"}, priority=3),)
    )
    house.save("big", *clips, state=State.DOWNLOADING, history=history, request=record)
    shown = house.shown("big")
    for each in (
        "big  downloading",
        "No daemon has written its service file",
        "62303: 2020-05-11 11:41:29 - 11:51:29 Europe/Prague, height best, priority 3",
        '{"case": "[bold]4711"}',
        "clip 2 of 4  downloading",
        "Gate (62303)",
        "6.3 MB of 10.0 MB, 4.2 MB/s",
        str(house.mirror / "evening.mp4"),
        "8.4 MB, 10m, 1280x720, h264",
        "5" * 64,
        "Gaps [red]!",
        "[red]\\x1b[2J",
        "Nothing of [red]it.",
        "Look in the portal.",
        "2020-05-11 11:41:29 queued",
    ):
        assert each in shown
    assert "\x1b" not in shown
    assert house.overview("big")["schema"] == "camspool/status/1"


def test_a_rejected_request_tells_every_problem(house: House) -> None:
    house.save("bad", state=State.REJECTED, clips=(), error=a_failure(message="one; two"))
    assert "one; two" in house.run("bad").stdout


# Live, and beside a daemon


def on_a_terminal(house: House, *arguments: str, **environ: str) -> str:
    """What the command writes to a terminal until it ends; `--watch` by a Ctrl-C once it shows a thing."""
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    process = subprocess.Popen(
        [*CAMSPOOL, "-c", str(house.config), *arguments],
        env=clean | {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"} | environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    out, to_be_stopped = b"", "--watch" in arguments
    try:
        while data := os.read(ours, 65536):
            out += data
            if to_be_stopped and b"outstanding" in out:
                process.send_signal(signal.SIGINT)
                to_be_stopped = False
    except OSError:
        pass  # the other side is closed: it has ended
    os.close(ours)
    assert process.wait(20) == (130 if "--watch" in arguments else 0), out
    return out.decode()


def test_watching_ends_with_ctrl_c_and_leaves_a_terminal_that_can_be_used(house: House) -> None:
    house.service()
    shown = on_a_terminal(house, "--watch")
    assert "Traceback" not in shown
    assert shown.rstrip().endswith("\x1b[?25h"), "the cursor is shown again"


async def test_beside_a_daemon_and_after_its_end(tmp_path: Path) -> None:
    def status(*arguments: str) -> Any:
        command = [*CAMSPOOL, "-c", str(tmp_path / "config.json"), "--json"]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("CAMSPOOL_")}
        return json.loads(
            subprocess.run([*command, *arguments], env=environ, capture_output=True, check=True).stdout
        )

    with simulator(tmp_path / "clips") as sim:
        async with daemon(tmp_path, sim) as running:
            running.put("evening.json", request())
            running.put("later.json", request(at=2_000_000_000))
            await running.ended("evening")
            await running.until("later", "scheduled")
            during, whole = status(), status("evening")
    after = status()
    assert during["daemon"]["running"] is True
    assert [each["state"] for each in during["outstanding"]] == ["scheduled"]
    assert during["outstanding"][0]["waiting"]["message"] == "The range is not over yet."
    assert during["finished"][0]["mp4s"] == [f"{tmp_path}/mirror/evening.mp4"]
    assert whole["state"] == "done"
    assert after["daemon"]["running"] is False
    assert after["outstanding"] == during["outstanding"]


def test_nothing_is_written(house: House) -> None:
    house.outstanding("evening", a_clip())
    before = sorted((path, path.stat().st_mtime_ns) for path in house.config.parent.rglob("*"))
    house.shown()
    house.shown("evening")
    assert sorted((path, path.stat().st_mtime_ns) for path in house.config.parent.rglob("*")) == before


def test_a_file_that_is_ignored_is_named_with_the_reason(house: House) -> None:
    for file in (".hidden.json", "half.json.part", "copy.json~", "#recycle/old.json"):
        house.put(file)
        assert f"{house.drop}/{file} is ignored: dot files" in house.run(file).stderr
    (house.drop / "link.json").symlink_to(house.drop / "copy.json~")
    os.mkfifo(house.drop / "pipe.json")
    assert house.run("link").stderr == (
        f"{house.drop}/link.json is ignored: it is a symbolic link; drop the file itself.\n"
    )
    assert "pipe.json is ignored: it is no regular file" in house.run("pipe.json").stderr


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (State.DONE, 0),
        (State.VALIDATED, 0),
        (State.PARTIAL, 1),
        (State.FAILED, 1),
        (State.REJECTED, 1),
        (State.CANCELLED, 1),
        (State.REMOVED, 1),
        (State.QUEUED, 0),
        (State.DOWNLOADING, 0),
    ],
)
@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_the_exit_code_says_how_a_request_has_ended(
    house: House, state: State, code: int, arguments: list[str]
) -> None:
    house.service()
    house.save("evening", state=state)
    assert house.run("evening", *arguments).exit_code == code


# In a pipe, and where things are missing


def test_in_a_pipe_each_record_is_one_line(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "a-long-folder-name/" * 8 + "evening"
    house.outstanding(name, a_clip(), waiting=a_wait(message="word " * 30))
    (line,) = [line for line in house.shown().splitlines() if "evening" in line]
    assert line.startswith("queued")
    assert name in line
    assert "word word" in line
    assert max(map(len, house.shown().splitlines())) < 1000
    monkeypatch.setenv("COLUMNS", "100")
    assert max(map(len, house.shown().splitlines())) <= 100


def test_a_daemon_with_problems_is_not_simply_well(house: House) -> None:
    problem = ServiceProblem("unauthorised", "the token is refused", NOW)
    house.service(ServiceState.DEGRADED, 0, problem)
    first, second, *_ = house.shown().splitlines()
    assert first == "The daemon runs, and has problems:"
    assert second.startswith("  the token is refused (since ")


def test_before_the_first_start_it_says_what_to_do(tmp_path: Path, house: House) -> None:
    for root in (house.drop, house.mirror):
        (root / ".camspool").unlink()
        root.rmdir()
    command = CliRunner().invoke(main, ["request", "-c", str(house.config), "--camera", "1", "--last", "5m"])
    assert command.exit_code == 1
    assert "Start the daemon once, which creates it: systemctl start camspool" in command.stderr
    assert "has a daemon run on it?" in house.run("x").stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_who_lacks_the_rights_learns_which_group_to_join(tmp_path: Path) -> None:
    code = (
        "import os\n"
        "from camspool.commands.advice import with_advice\n"
        "from camspool.config.settings import Folders, Settings\n"
        "from camspool.core.errors import StorageTrouble\n"
        "from camspool.core.values import WaitReason\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "error = StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, '/x: Permission denied')\n"
        "error.__cause__ = PermissionError(13, 'Permission denied')\n"
        "print(with_advice(error, Settings(folders=Folders(drop='/root', mirror='/m', state='/s'))))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == (
        "/x: Permission denied. Become a member of its group (sudo usermod -aG root $USER) and log in again, "
        "or use sudo.\n"
    )
