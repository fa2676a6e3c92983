"""`camspool verify` on mirrors that a real daemon has filled, with every kind of harm done to them."""

import asyncio
import errno
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from camspool.adapters.spool import FolderContents, Foreign
from camspool.adapters.spool.durable import as_storage_trouble
from camspool.commands.targets import EVERYTHING, NoSuchTarget, Target, resolve
from camspool.commands.verify.mirror import Mirror
from camspool.commands.verify.render import write_json
from camspool.commands.verify.verdicts import HINTS, Kind, VideoRead, accounted, compare, promised
from camspool.commands.verify.verification import Verification
from camspool.core import document
from camspool.core.status_document import Status
from camspool.core.values import State
from support.builders import NOW, a_clip, a_file, a_status, clips_in
from support.mp4_boxes import movie
from support.running import Running, daemon, request, simulator

ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("CAMSPOOL_")}

# What is promised


def test_what_a_status_promises() -> None:
    states = (State.DONE, State.REMOVED, State.VERIFYING, State.CANCELLED, State.FAILED, State.DOWNLOADING)
    for state in states:
        status = a_status(a_clip(state, file=a_file()), state=state)
        assert list(promised(status)) == ([a_file()] if state is State.DONE else []), state
        old_enough = NOW + timedelta(seconds=1)
        assert accounted(status, old_enough) == (set() if state is State.REMOVED else {"evening.mp4"}), state
        assert accounted(status, NOW) == {"evening.mp4"}, "its files may be being removed now"
    assert list(promised(a_status(*clips_in(State.DONE, State.QUEUED)))) == [a_file()]


@pytest.mark.parametrize(
    ("found", "what", "words"),
    [
        (None, Kind.MISSING, "no such file"),
        (VideoRead(5), Kind.CHANGED, "5 bytes"),
        (VideoRead(8_388_608, "6" * 64), Kind.CHANGED, "6" * 64),
        (VideoRead(8_388_608, "5" * 64, "it ends early"), Kind.DAMAGED, "it ends early"),
        (VideoRead(8_388_608, "5" * 64), None, ""),
    ],
)
def test_comparing(found: VideoRead | None, what: Kind | None, words: str) -> None:
    problem = compare("a/evening.mp4", "a/evening", a_file(), found)
    assert (problem and problem.what) == what
    assert problem is None or words in problem.found


def test_every_kind_of_problem_has_a_remedy() -> None:
    assert set(HINTS) == set(Kind)


# Of a daemon's work


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@asynccontextmanager
async def filled(folder: Path, footage: Path) -> AsyncIterator[Running]:
    """A daemon at work that has fetched an MP4, one of the same name in a sub-folder, and three pieces."""
    with simulator(footage) as sim:
        async with daemon(folder, sim) as running:
            running.put("evening.json", request())
            running.put("store-12/evening.json", request(at=20))
            running.put("store-12/yard.json", request(camera=2, seconds=60))
            for name in ("evening", "store-12/evening", "store-12/yard"):
                await running.ended(name)
            yield running


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> Path:
    folder = tmp_path_factory.mktemp("pattern")

    async def fill() -> None:
        async with filled(folder, footage) as running:
            assert len(running.published()) == 5

    asyncio.run(fill())
    return folder / "mirror"


@pytest.fixture
def mirror(tmp_path: Path, pattern: Path) -> Path:
    """What such a daemon has left, for one test to harm."""
    shutil.copytree(pattern, tmp_path / "mirror")
    return configured(tmp_path)


def configured(folder: Path) -> Path:
    """The mirror of a configuration in `folder`."""
    folders = {name: str(folder / name) for name in ("drop", "mirror", "state")}
    (folder / "config.json").write_text(json.dumps({"folders": folders}))
    return folder / "mirror"


def verify(mirror: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "camspool", "verify", "-c", mirror.parent / "config.json", *arguments],
        env=ENVIRON,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def found(mirror: Path, *arguments: str) -> list[tuple[str, str, str | None]]:
    """The problems, without a process of its own: what, which file, whose."""
    targets = [target for argument in arguments for target in resolve(mirror, argument)]
    run = Verification(Mirror(mirror), targets or [EVERYTHING], NOW)
    return [(problem.what, problem.path, problem.request) for problem in run.problems()]


async def test_a_whole_mirror_beside_a_daemon_at_work(tmp_path: Path, footage: Path) -> None:
    async with filled(tmp_path, footage) as running:
        running.put("waits.json", request(at=2_000_000_000))
        await running.until("waits", "scheduled")
        plain, as_json = verify(running.mirror), verify(running.mirror, "--json")
    assert (plain.returncode, plain.stderr) == (0, "")
    assert plain.stdout.startswith("All as promised: 5 MP4s of 4 requests (1 in work) in")
    assert (as_json.returncode, as_json.stderr) == (0, "")
    report = json.loads(as_json.stdout)
    size = sum(path.stat().st_size for path in running.mirror.rglob("*.mp4"))
    assert report == {
        "schema": "camspool/verify/1",
        "mirror": str(running.mirror),
        "problems": [],
        "checked": {"requests": 4, "in_work": 1, "files": 5, "bytes": size},
        "trouble": None,
        "ok": True,
    }


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_every_harm_is_found_and_reported(mirror: Path) -> None:
    (mirror / "evening.mp4").unlink()
    flip(mirror / "store-12/evening.mp4")
    os.truncate(mirror / "store-12/yard-1.mp4", 100)
    shutil.copy(mirror / "store-12/yard-2.mp4", mirror / "store-12/mine.MP4")
    (mirror / "note.status.json").write_text('{"not": "ours"}')
    (mirror / ".hidden.mp4").touch()
    (mirror / "store-12/.yard.001.mp4.part").touch()
    report = verify(mirror, "--json")
    assert (report.returncode, report.stderr) == (1, "")
    answer = json.loads(report.stdout)
    assert answer["ok"] is False
    seen = [(each["what"], each["path"], each["request"]) for each in answer["problems"]]
    assert seen == [
        ("missing", "evening.mp4", "evening"),
        ("foreign", "note.status.json", None),
        ("changed", "store-12/evening.mp4", "store-12/evening"),
        ("changed", "store-12/yard-1.mp4", "store-12/yard"),
        ("unknown", "store-12/mine.MP4", None),
    ]
    cut = answer["problems"][3]
    size = json.loads((mirror / "store-12/yard.status.json").read_bytes())["clips"][0]["file"]["bytes"]
    assert (cut["found"], cut["expected"]) == ("100 bytes", f"{size} bytes")
    assert "back to the drop folder" in cut["hint"]
    table = verify(mirror)
    assert table.returncode == 1
    for what, path, _ in seen:
        assert any(line.startswith(f"{what} ") and path in line for line in table.stdout.splitlines())
        assert f"\n{what}: {HINTS[Kind(what)]}\n" in table.stdout
    assert "\n5 problems. Verified: 5 MP4s of 3 requests in" in table.stdout


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    status = json.loads(path.read_bytes())
    change(status)
    path.write_text(json.dumps(status))


def test_the_right_bytes_that_are_no_whole_video(mirror: Path) -> None:
    """As `download.verify: size` may have let pass: verify looks at the structure in any case."""
    data = (mirror / "evening.mp4").read_bytes()[:-100]
    (mirror / "evening.mp4").write_bytes(data)

    def accept(status: dict[str, Any]) -> None:
        status["clips"][0]["file"] |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    edit(mirror / "evening.status.json", accept)
    edit(mirror.parent / "config.json", lambda config: config.update(download={"verify": "size"}))
    report = verify(mirror, "--json", "evening")
    assert report.returncode == 1
    assert [each["what"] for each in json.loads(report.stdout)["problems"]] == ["damaged"]


@pytest.mark.parametrize("content", [movie([40] * 25) + bytes(512), movie([40, 5000] * 5), movie([0] * 25)])
def test_what_is_odd_about_a_whole_video_is_no_damage(mirror: Path, content: bytes) -> None:
    (mirror / "evening.mp4").write_bytes(content)

    def accept(status: dict[str, Any]) -> None:
        status["clips"][0]["file"] |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    edit(mirror / "evening.status.json", accept)
    assert found(mirror) == []


def test_what_cannot_be_trusted_as_a_status(mirror: Path) -> None:
    def elsewhere(status: dict[str, Any]) -> None:
        status["clips"][0]["file"]["name"] = "../evening.mp4"

    edit(mirror / "store-12/evening.status.json", elsewhere)
    shutil.copy(mirror / "evening.status.json", mirror / "copy.status.json")
    (mirror / "zeros.status.json").write_bytes(bytes(512))
    (mirror / "evening.mp4").rename(mirror / "aside")
    (mirror / "evening.mp4").symlink_to("aside")
    assert found(mirror) == [
        ("foreign", "copy.status.json", None),
        ("missing", "evening.mp4", "evening"),
        ("foreign", "zeros.status.json", None),
        ("foreign", "store-12/evening.status.json", None),
        ("unknown", "store-12/evening.mp4", None),
    ]


class Refusing(Mirror):
    """A mirror in which some folders may not be looked into; also when root runs the tests."""

    def contents(self, folder: str) -> FolderContents:
        if folder in {"store-12", "lost+found"}:
            with as_storage_trouble(folder):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return super().contents(folder)


def test_what_cannot_be_read_is_not_called_right(mirror: Path) -> None:
    (mirror / "lost+found").mkdir()

    def rename(status: dict[str, Any]) -> None:
        status["clips"][0]["file"]["name"] = "x" * 300 + ".mp4"

    edit(mirror / "evening.status.json", rename)
    (mirror / "evening.mp4").unlink()
    problems = list(Verification(Refusing(mirror), [EVERYTHING], NOW).problems())
    assert [(problem.what, problem.found) for problem in problems] == [
        (Kind.MISSING, "no such file"),  # no file can have so long a name
        (Kind.UNREADABLE, "Permission denied"),
    ]
    assert problems[1].path == "store-12"


def test_one_part_of_the_mirror(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("evening.mp4", "store-12/evening.mp4", "store-12/yard-2.mp4"):
        flip(mirror / path)
    (mirror / "store-12/mine.mp4").touch()
    first = ("changed", "store-12/evening.mp4", "store-12/evening")
    second = ("changed", "store-12/yard-2.mp4", "store-12/yard")
    unknown = ("unknown", "store-12/mine.mp4", None)
    cases: dict[str, list[tuple[str, str, str | None]]] = {
        "store-12/yard": [second],
        "store-12/yard.json": [second],
        "store-12/yard.status.json": [second],
        "store-12/yard-2.mp4": [second],
        "store-12/yard-1.mp4": [],
        "store-12/mine.mp4": [unknown],
        "store-12": [first, second, unknown],
        "store-12/": [first, second, unknown],
        str(mirror / "store-12/yard"): [second],
        str(mirror): [("changed", "evening.mp4", "evening"), first, second, unknown],
    }
    for argument, problems in cases.items():
        assert found(mirror, argument) == problems, argument
    (mirror / "store-12/yard-2.mp4").unlink()
    assert found(mirror, "store-12/yard-2.mp4") == [("missing", "store-12/yard-2.mp4", "store-12/yard")]
    link = mirror.parent / "link"
    link.symlink_to(mirror)
    assert found(mirror, str(link / "store-12/evening")) == [first]
    monkeypatch.chdir(mirror / "store-12")
    assert found(mirror, "evening.mp4") == [first], "the path in the file system comes first"
    assert found(mirror, ".") == [first, ("missing", "store-12/yard-2.mp4", "store-12/yard"), unknown]


def test_a_path_that_leads_nowhere_is_wrong_usage(mirror: Path) -> None:
    for argument in ("no-such", "no-such.mp4", "../config.json", "/etc", "store-12/../.."):
        with pytest.raises(NoSuchTarget, match="no request, status file, MP4 or folder in the mirror"):
            resolve(mirror, argument)
    refused = verify(mirror, "evening", "no-such")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "no-such" in refused.stderr


def test_a_request_and_a_folder_of_one_name_are_both_meant(tmp_path: Path) -> None:
    (tmp_path / "yard").mkdir()
    (tmp_path / "yard.status.json").touch()
    assert resolve(tmp_path, "yard") == (Target("yard"), Target("", request="yard"))


# What is no discrepancy


class Moving(Mirror):
    """A mirror in which something happens whenever a status has been read."""

    def __init__(self, root: Path, happens: Callable[[], None]) -> None:
        super().__init__(root)
        self._happens = happens

    def status(self, name: str) -> Status | Foreign | None:
        status = super().status(name)
        self._happens()
        return status


def a_mirror(folder: Path, *statuses: Status) -> None:
    """A mirror with these statuses and no MP4."""
    (folder / ".camspool").touch()
    for status in statuses:
        (folder / f"{status.name}.status.json").write_bytes(document.dump(status))


def evening(state: State) -> Status:
    file = None if state is State.QUEUED else a_file()
    return a_status(a_clip(state, file=file), name="evening", state=state)


def test_an_mp4_that_retention_removes_meanwhile_is_not_missing(tmp_path: Path) -> None:
    a_mirror(tmp_path, evening(State.DONE))
    assert found(tmp_path) == [("missing", "evening.mp4", "evening")]
    overtaken = Moving(tmp_path, lambda: a_mirror(tmp_path, evening(State.REMOVED)))
    assert list(Verification(overtaken, [EVERYTHING], NOW).problems()) == []


def test_an_mp4_whose_status_names_it_meanwhile_is_not_unknown(tmp_path: Path) -> None:
    a_mirror(tmp_path, evening(State.QUEUED))
    (tmp_path / "evening.mp4").touch()
    assert found(tmp_path) == [("unknown", "evening.mp4", None)]
    overtaken = Moving(tmp_path, lambda: a_mirror(tmp_path, evening(State.VERIFYING)))
    assert list(Verification(overtaken, [EVERYTHING], NOW).problems()) == []


def test_what_retention_left_behind_is_found(tmp_path: Path) -> None:
    a_mirror(tmp_path, evening(State.REMOVED))
    (tmp_path / "evening.mp4").touch()
    assert found(tmp_path) == [], "it may be deleting now"
    run = Verification(Mirror(tmp_path), [EVERYTHING], NOW + timedelta(minutes=2))
    assert [problem.what for problem in run.problems()] == [Kind.UNKNOWN]


# When nothing can be said


def test_a_mirror_that_is_not_mounted_is_not_called_empty(mirror: Path) -> None:
    (mirror / ".camspool").rename(mirror.parent / "marker")
    refused = verify(mirror)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"{mirror} has no marker .camspool. Is it mounted" in refused.stderr
    shutil.rmtree(mirror)
    refused = verify(mirror, "--json", "evening")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"{mirror} is not there" in refused.stderr


def test_a_mirror_that_goes_away_meanwhile_is_not_called_missing(tmp_path: Path) -> None:
    a_mirror(tmp_path, evening(State.DONE))
    unmounting = Moving(tmp_path, lambda: (tmp_path / ".camspool").unlink(missing_ok=True))
    out = io.StringIO()
    assert not write_json(Verification(unmounting, [EVERYTHING], NOW), out)
    report = json.loads(out.getvalue())
    assert (report["problems"], report["ok"]) == ([], False)
    assert "has no marker" in report["trouble"]


def test_a_name_cannot_control_the_terminal(tmp_path: Path) -> None:
    mirror = configured(tmp_path)
    mirror.mkdir()
    a_mirror(mirror)
    Path(os.fsdecode(os.fsencode(mirror) + b"/\x1b[31m\xff[bold].mp4")).touch()
    table, as_json = verify(mirror), verify(mirror, "--json")
    assert "\\x1b[31m%FF[bold].mp4" in table.stdout
    assert json.loads(as_json.stdout)["problems"][0]["path"] == "\x1b[31m%FF[bold].mp4"


def test_a_bad_configuration_is_78(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"folders": {"miror": "/srv"}}')
    assert verify(tmp_path / "mirror").returncode == 78
