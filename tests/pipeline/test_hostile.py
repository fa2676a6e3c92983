"""Hostile input, end to end: what people drop, and what the API and the download server answer.

Each file gets an answer, each lie ends in a named error or a named wait, and nothing leaves the two folders.
What one module makes of one value is tested beside it (`test_documents.py`, `test_survilla.py`, ...).
"""

import asyncio
import io
import json
import os
import socket
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from camspool.adapters import logs
from camspool.core import naming
from camspool.core.text import one_line
from camspool.simulator import CATALOGUE, Node, Settings, Simulator, Stretch, World
from support.running import START, Running, daemon, request, simulator

TOKEN = "hush-4f1c7a90b2"  # noqa: S105  a made-up one, to be found where it should not be
GOOD = json.dumps(request(seconds=2)).encode()


@pytest.fixture(scope="module", name="shared")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.getbasetemp() / "clips", tokens=(TOKEN,)) as running:
        yield running


@pytest.fixture
def sim(shared: Simulator) -> Iterator[Simulator]:
    """One server for all tests here, without the faults of the test before."""
    shared.faults.clear()
    shared.record.clear()
    yield shared
    shared.faults.clear()


def assert_nothing_is_reported(folder: Path, log: str) -> None:
    """Neither the token nor the query of a download URL is in any file below `folder`, or in the log."""
    for path in folder.rglob("*"):
        if path.name != "token" and path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            assert TOKEN.encode() not in data, path
            assert b"signature=" not in data, path
    assert TOKEN not in log
    assert "signature=" not in log


def assert_one_line_each(log: str) -> None:
    for line in log.split("\n")[:-1]:
        assert line.isprintable()
        assert json.loads(line)["event"]


# --- what is dropped --------------------------------------------------------------------------------------

ACCEPTED = "done"

CONTENTS: dict[str, tuple[bytes, str]] = {
    "half.json": (b'{"camera": 1, "from"', "syntax"),
    "nul.json": (b"\0" * 100, "not_utf8"),
    "nul-within.yaml": (b"camera: 1\nfrom: \0\n", "syntax"),
    "nul-inside.json": (GOOD[:-1] + b', "height": "\0"}', "syntax"),
    "escaped-nul.json": (GOOD[:-1] + b', "height": "\\u0000"}', "invalid"),
    "utf-16.json": (GOOD.decode().encode("utf-16"), "not_utf8"),
    "latin.json": (b'{"camera": "caf\xe9"}', "not_utf8"),
    "half-a-pair.json": (GOOD[:-1] + b', "metadata": {"a": "\\ud800"}}', ACCEPTED),
    "dates.yaml": (GOOD[:-1] + b', "metadata": {"a": 2020-09-13 14:26:40 +0200}}', ACCEPTED),
    "letters.json": (
        json.dumps({"camera": 1, "range": "2020-05-11T09:41:29Z/T" + "T" * 60_000}).encode(),
        "invalid",
    ),
    "deep.json": (b"[" * 30_000 + b"]" * 30_000, "invalid"),
    "deep-objects.json": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "invalid"),
    "deep-flow.yaml": (b"[" * 30_000 + b"]" * 30_000, "invalid"),
    "deep-blocks.yaml": (b"- " * 30_000, "invalid"),
    "large.json": (b" " * 70_000 + GOOD, "too_large"),
    "digits.json": (b'{"camera": ' + b"9" * 60_000 + b"}", "invalid"),
    "exponent.json": (b'{"camera": 1e999}', "invalid"),
    "nan.json": (b'{"camera": NaN}', "invalid"),
    "twice.json": (b'{"camera": 1, "camera": 2}', "invalid"),
    "number.json": (b"7", "invalid"),
    "null.json": (b"null", "invalid"),
    "empty-list.json": (b"[]", "invalid"),
    "lists.json": (b"[[[]]]", "invalid"),
    "unknown.json": (json.dumps(request(cammera=1, __proto__=1)).encode(), "invalid"),
    "script.json": (json.dumps(request(height="<script>alert(1)</script>")).encode(), "invalid"),
    "height.json": (json.dumps(request(height="../x")).encode(), "invalid"),
    "absurd.json": (json.dumps(request(priority=10**30, duration=10**30)).encode(), "invalid"),
    "far.json": (json.dumps({"camera": 1, "from": 10**30, "duration": 1}).encode(), "invalid"),
    "long-ago.json": (json.dumps({"camera": 1, "from": -(10**30), "duration": 1}).encode(), "invalid"),
    "negative.json": (json.dumps(request(seconds=-5)).encode(), "invalid"),
    "hours.json": (json.dumps(request() | {"duration": "9" * 400 + "h"}).encode(), "invalid"),
    "crumbs.json": (json.dumps(request(seconds=80_000, split="1s")).encode(), "invalid"),
    "many.json": (json.dumps([{"camera": 1}] * 4_000).encode(), "invalid"),
    "bomb.yaml": (
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in b"bcdefghij"),
        "invalid",
    ),
    "ouroboros.yaml": (b"camera: &a [*a]\n", "invalid"),
    "tag.yaml": (b'!!python/object/apply:os.system ["touch owned"]\n', "invalid"),
    "own-tag.yaml": (b"camera: !include /etc/passwd\n", "invalid"),
    "two-documents.yaml": (b"camera: 1\n---\ncamera: 2\n", "syntax"),
    "binary.yaml": (b"camera: !!binary aGVsbG8=\n", "invalid"),
    "tabs.yaml": (b"camera:\n\t- 1\n", "syntax"),
    "page.txt": (b"<html>", "unsupported_type"),
    "program.exe": (b"MZ", "unsupported_type"),
    "passwd.json": (json.dumps(request("../../etc/passwd")).encode(), "camera_not_found"),
    "injected.json": (json.dumps(request('1) { name } x: camera(node_id: "')).encode(), "camera_not_found"),
    "huge-id.json": (json.dumps(request(10**30)).encode(), "invalid"),
    "said.json": (json.dumps(request(seconds=2, metadata={"../x": "<b>\n\u202e"})).encode(), ACCEPTED),
}
"""Request files by name: their bytes, and the error code that answers them."""

NAMES: dict[str, str] = {
    "two\nlines.json": ACCEPTED,
    "\x01\x1b[31m\x7f\t\r.json": ACCEPTED,
    "\u202egpj.json": ACCEPTED,
    "caf\u00e9.json": ACCEPTED,
    "cafe\u0301.json": ACCEPTED,
    "back\\..\\up.json": ACCEPTED,
    "%2e%2e%2fup.json": ACCEPTED,
    "a..json": ACCEPTED,
    "-rf *.json": ACCEPTED,
    "$(touch owned);`touch owned`.json": ACCEPTED,
    "x.json.json": ACCEPTED,
    "x.mp4.json": ACCEPTED,
    "x.001.mp4.part.json": ACCEPTED,
    "folder.json/inside.json": ACCEPTED,
    "folder\n../inside.json": ACCEPTED,
    "n" * 227 + ".json": ACCEPTED,
    "deep/" * 60 + "b.json": ACCEPTED,
    "rejected~_service.json": ACCEPTED,
    "_service.json": "reserved_name",
    "_service.status.json": "reserved_name",
    "_folder/b.json": "reserved_name",
    "x.status.json": "reserved_name",
    "x.STATUS.yaml": "reserved_name",
    "x.mp4/b.json": "reserved_name",
    "gate.mp4": "unsupported_type",
    "GATE.MP4": "unsupported_type",
    "b.sync-conflict-1.json": "bad_name",
    "2026-03-01T18:00:00.json": ACCEPTED,
    "n" * 250 + ".json": "bad_name",
    "\u20ac" * 83 + ".json": "bad_name",
    "bad\udcff\udcfe.json": "bad_name",
    "bad\udcff/b.json": "bad_name",
    "\udcc0\udcae\udcc0\udcae\udcafup.json": "bad_name",
}
"""Names of good requests, and what answers them. Lone surrogates are bytes that are no UTF-8."""

IGNORED = (
    ".x.001.mp4.part",
    "...json",
    ".camspool.json",
    "b.json~",
    "b.json.part",
    "@eaDir/b.json",
    ".../b.json",
)


def drop_everything(drop: Path, copies: int = 1) -> dict[str, str]:
    """Write all of the above into drop/, `copies` times; returns what answers each file."""
    expected: dict[str, str] = {}
    for copy in range(copies):
        folder = "" if copy == 0 else f"copy-{copy}/"
        for name, (data, code) in CONTENTS.items():
            expected[folder + name] = code
            write(drop, folder + name, data)
        for name, code in NAMES.items():
            file = folder + name
            # `_` is reserved at the top only.
            expected[file] = ACCEPTED if folder and name in {"_service.json", "_folder/b.json"} else code
            write(drop, file, GOOD)
    for name in IGNORED:
        write(drop, name, GOOD)
    return expected


def write(drop: Path, file: str, data: bytes) -> None:
    path = drop / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def drop_what_is_no_file(drop: Path, outside: Path) -> None:
    """Links, pipes, sockets and, where it may be done, devices, all of them called like requests."""
    outside.mkdir()
    (outside / "good.json").write_bytes(GOOD)
    for name, target in (
        ("link.json", outside / "good.json"),
        ("passwd.yaml", Path("/etc/passwd")),
        ("zero.json", Path("/dev/zero")),
        ("dangling.json", Path("nowhere")),
        ("loop.json", Path("loop.json")),
        ("linked-folder", outside),
        ("root", Path("/")),
    ):
        (drop / name).symlink_to(target)
    os.mkfifo(drop / "pipe.json")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(drop, os.O_PATH)
        server.bind(f"/proc/self/fd/{here}/socket.json")  # a socket's whole path has 108 bytes at most
        os.close(here)
    if os.geteuid() == 0:
        os.mknod(drop / "endless.json", stat.S_IFCHR | 0o666, os.makedev(1, 5))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def answers(mirror: Path) -> dict[str, dict[str, Any]]:
    """The newest answer to each file, by its printable name, as far as it has been filed."""
    found = {}
    for path in mirror.rglob("*.status.json"):
        status = json.loads(path.read_bytes())
        if "request" in status and status["request"]["filed_as"]:
            assert status["request"]["file"] not in found, "answered twice"
            found[status["request"]["file"]] = status
    return found


async def all_answered(camspool: Running, expected: dict[str, str], timeout: float = 30.0) -> None:
    """Return when each file has been answered and filed, or say which have not."""
    names = {naming.printable(file) for file in expected}
    end = time.monotonic() + timeout
    while missing := names - answers(camspool.mirror).keys():
        assert time.monotonic() < end, f"no answer to {sorted(missing)}"
        await asyncio.sleep(0.05)


def is_understandable(error: dict[str, Any]) -> bool:
    """A sentence for people with something to do, and nothing of Python's insides."""
    text = error["message"] + error["hint"]
    insides = ("Traceback", "Error(", "<class", "object at 0x", "None", "invalid input")
    return (
        15 < len(error["message"]) < 20_000
        and len(error["hint"]) > 10
        and not [word for word in insides if word in text]
    )


def assert_answered(camspool: Running, expected: dict[str, str]) -> None:
    """Each file has the answer that it should have, and is filed beside it."""
    found = answers(camspool.mirror)
    assert found.keys() == {naming.printable(file) for file in expected}
    wrong = {}
    for file, code in expected.items():
        status = found[naming.printable(file)]
        if (status["error"]["code"] if status["error"] else status["state"]) != code:
            wrong[file] = status["error"] or status["state"]
        assert status["error"] is None or is_understandable(status["error"]), status["error"]
        assert not os.path.lexists(camspool.drop / file)
        assert (camspool.mirror / status["request"]["filed_as"]).is_file()
    assert wrong == {}
    assert_done_is_whole(camspool, found.values())


def assert_done_is_whole(camspool: Running, statuses: Iterable[dict[str, Any]]) -> None:
    """Every MP4 in the mirror is a finished clip's, and has the server's bytes."""
    paths = set()
    for status in statuses:
        folder = (camspool.mirror / status["name"]).parent
        for clip in status["clips"]:
            if clip["state"] == "done":
                path = folder / clip["file"]["name"]
                assert path.read_bytes() == camspool.server_bytes(clip)
                paths.add(str(path.relative_to(camspool.mirror)))
    assert paths == set(camspool.published())


@pytest.mark.usefixtures("quickly_answered")
async def test_each_file_gets_its_answer(
    tmp_path: Path, sim: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("debug", "json")
    async with daemon(tmp_path, sim) as camspool:
        drop_what_is_no_file(camspool.drop, tmp_path / "outside")
        before = tree(tmp_path / "outside")
        expected = drop_everything(camspool.drop)
        await all_answered(camspool, expected)
        assert_answered(camspool, expected)
        left = {str(path.relative_to(camspool.drop)) for path in camspool.drop.rglob("*") if path.is_file()}
        assert left >= set(IGNORED)
        assert camspool.service()["state"] == "ok"
        assert await camspool.leftovers() == []
    assert tree(tmp_path / "outside") == before
    assert {path.name for path in tmp_path.iterdir()} == {
        "drop", "mirror", "state", "outside", "token", "config.json",
    }  # fmt: skip
    assert not list(Path.cwd().glob("owned"))
    log = capsys.readouterr().err
    assert_one_line_each(log)
    assert_nothing_is_reported(tmp_path, log)


CAMERA_NAMES = ("../../up", "<script>alert(1)</script>", "two\nlines\x1b[31m\u202e", "/etc/passwd", "n" * 400)


async def test_names_of_cameras_are_only_displayed(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    stretch = Stretch(start=START, end=START + 60, heights=(64,))
    context = World(
        tuple(Node(number, name, stretches=(stretch,)) for number, name in enumerate(CAMERA_NAMES, 1))
    )
    settings = Settings(prepare_cloud=0, cache=tmp_path_factory.getbasetemp() / "clips")
    logs.configure("debug", "json")
    with Simulator(context, settings) as sim:
        async with daemon(tmp_path, sim) as camspool:
            for number in range(1, len(CAMERA_NAMES) + 1):
                camspool.put(f"b{number}.json", request(number, seconds=2))
            for number, name in enumerate(CAMERA_NAMES, 1):
                status = await camspool.ended(f"b{number}")
                assert status["state"] == "done"
                assert status["clips"][0]["camera_name"] == one_line(name, 255)
            camspool.put("named.json", request(CAMERA_NAMES[0], seconds=2))
            assert (await camspool.ended("named"))["state"] == "done"
            assert camspool.published() == [f"b{n}.mp4" for n in range(1, 6)] + ["named.mp4"]
    assert_one_line_each(capsys.readouterr().err)


# --- faults of the server: once here, for ever in tests/system/test_hostile_drops.py ----------------------

PATIENT: dict[str, Any] = {
    "api": {"rate": 1000, "timeout": "600ms", "poll": {"fastest": "10ms", "slowest": "20ms"}},
    "retry": {"first": "10ms", "longest": "20ms"},
    "download": {"timeout": "200ms", "verify": "decode"},
}
"""For what passes: it is tried again soon, and for as long as it takes."""

IMPATIENT: dict[str, Any] = PATIENT | {
    "retry": PATIENT["retry"] | {"give_up_after": "150ms", "stalled": "150ms"}
}
"""For what never ends: the last word comes soon, before half an hour could prove a refusal."""


@dataclass(frozen=True, eq=False)
class Lie:
    """A fault, and what becomes of a request under it: `done`, an error code, or a reason to wait.

    A fault that `passes` strikes once without harm, at `operation` where it is one of the API. The others
    have the last word at once. After an `odd` one the MP4 is whole and another one than usual.
    """

    fault: str
    for_ever: str
    parameters: dict[str, Any] = field(default_factory=dict)
    operation: str | None = None
    passes: bool = True
    odd: bool = False

    def __str__(self) -> str:
        parameters = "-".join(str(value)[:30] for value in self.parameters.values())
        return f"{self.fault}-{parameters}" if parameters else self.fault


NUMBER = 10**30

FAULTS = [
    Lie("api_status", "api_error"),
    Lie("api_status", "unauthorised", {"status": 401}),
    Lie("api_status", "unauthorised", {"status": 403}),
    Lie("api_status", "rate_limited", {"status": 429}),
    Lie("api_html", "api_error"),
    Lie("api_broken_json", "api_error"),
    Lie("api_error", "api_error"),
    Lie("api_null_data", "api_error"),
    Lie("api_replace", "api_error", {"answer": ["../x", NUMBER, None]}),
    Lie("api_batch_limit", "api_error", {"limit": 0}),
    Lie("api_hang", "api_unreachable"),
    Lie("api_slow", "api_unreachable", {"seconds": 0.9}),
    Lie("api_reset", "api_unreachable"),
    Lie("api_reset", "api_unreachable", {"after_work": True}),
    Lie("api_huge", "api_error", {"size": 17_000_000}),
    Lie("field_error", "gave_up", {"message": f"see http://x/?signature=1 {TOKEN}"}, "camera"),
    Lie("field_null", "gave_up", {}, "camera"),
    Lie("field_value", "gave_up", {"key": None, "value": "../x"}, "camera"),
    Lie("field_value", "gave_up", {"key": "recording_id", "value": "../x"}, "camera"),
    Lie("field_value", "gave_up", {"key": "recording_id", "value": "a\nb"}, "camera"),
    Lie("field_value", "gave_up", {"key": "recording_id", "value": "x" * 100_000}, "camera"),
    Lie("field_value", "gave_up", {"key": "duration", "value": NUMBER}, "camera"),
    Lie("field_value", "gave_up", {"key": "duration", "value": -5}, "camera"),
    Lie("field_value", "no_recording", {"key": "duration", "value": 0}, "camera", passes=False),
    Lie("field_value", "done", {"key": "duration", "value": "1000000"}, "camera"),
    Lie(
        "field_value",
        "height_not_offered",
        {"key": "height", "value": "../x"},
        "camera",
        passes=False,
    ),
    Lie(
        "field_value",
        "height_not_offered",
        {"key": "height", "value": NUMBER},
        "camera",
        passes=False,
    ),
    Lie(
        "field_value",
        "height_not_offered",
        {"key": "outputs", "value": "<b>"},
        "camera",
        passes=False,
    ),
    Lie("field_value", "gave_up", {"key": "recordings", "value": [[]] * 3}, "camera"),
    Lie("field_value", "gave_up", {"key": "progress", "value": -NUMBER}, "recording"),
    Lie("field_value", "gave_up", {"key": "progress", "value": "<b>"}, "recording"),
    Lie("field_value", "done", {"key": "progress", "value": -5}, "recording"),
    Lie("field_value", "gave_up", {"key": "download_url", "value": "file:///etc/passwd"}, "recording"),
    Lie("field_value", "gave_up", {"key": "download_url", "value": "ftp://127.0.0.1/x"}, "recording"),
    Lie("field_value", "gave_up", {"key": "download_url", "value": "http://x/\r\nHost: y"}, "recording"),
    Lie(
        "field_value",
        "gave_up",
        {"key": "download_url", "value": "http://127.0.0.1:1/x?signature=2"},
        "recording",
        passes=False,
    ),
    Lie("field_value", "gave_up", {"key": "download_url", "value": "../../../etc/passwd"}, "recording"),
    Lie("prepare_answer", "gave_up"),
    Lie("prepare_answer", "gave_up", {"value": "<b>"}),
    Lie("prepare_stall", "prepare_stalled", passes=False),
    Lie("id_expired", "gave_up", {}, "recording"),
    Lie("download_status", "gave_up"),
    Lie("download_expired", "gave_up"),
    Lie("download_html", "gave_up"),
    Lie("download_hang", "gave_up"),
    Lie("download_reset", "gave_up"),
    *(
        Lie("download_cut", "done", {"at": 1500, "how": how, "framing": framing})
        for how in ("fin", "reset", "stall")
        for framing in ("length", "chunked")
    ),
    Lie("download_slow", "done", {"rate": 20_000}),
    Lie("download_unframed", "done"),
    Lie("download_unframed", "done", {"framing": "close"}),
    Lie("download_ignores_range", "done"),
    Lie("download_wrong_range", "done"),
    Lie("download_wrong_length", "gave_up"),
    Lie("download_etag_changes", "done"),
    Lie("download_etag_weak", "done"),
    Lie("download_etag_none", "done"),
    Lie("download_gzip", "gave_up"),
    Lie("download_redirect", "done"),
    Lie("download_redirect", "gave_up", {"hops": 99}),
    Lie("download_redirect", "gave_up", {"location": "file:///etc/passwd"}),
    Lie("download_redirect", "gave_up", {"location": "ftp://127.0.0.1/x?signature=3"}),
    Lie("download_not_video", "gave_up"),
    Lie("download_other_height", "done", {"height": 256}, odd=True),
    Lie("download_other_duration", "done", odd=True),
    Lie("download_date_only", "done"),
    Lie("download_calls_it", "done"),
    Lie("download_calls_it", "done", {"coding": "none"}),
    Lie("download_gap", "done", odd=True),
    Lie("download_trailing_bytes", "done", odd=True),
    Lie("download_truncated", "bad_video"),
    Lie("download_flipped_byte", "bad_video"),
]


def test_each_fault_of_the_simulator_is_tried_here() -> None:
    assert {lie.fault for lie in FAULTS} == set(CATALOGUE)


@dataclass(frozen=True)
class Seen:
    """What became of the request of one row: its outcome under the fault, and in the end."""

    outcome: str
    status: dict[str, Any]
    whole: bool
    leftovers: list[str]
    struck: bool


def try_faults(lies: Iterable[Lie], folders: list[Path], *, times: int | None) -> dict[Lie, Seen]:
    """Try the faults, in turn, by a daemon in each of `folders`; none of them tells any secret."""
    seen: dict[Lie, Seen] = {}
    rows = iter(lies)
    settings = PATIENT if times else IMPATIENT

    async def work(folder: Path) -> None:
        with simulator(folder / "cache", tokens=(TOKEN,)) as sim:
            async with daemon(folder, sim, **settings) as camspool:
                for lie in rows:
                    seen[lie] = await _try(camspool, lie, f"r{FAULTS.index(lie)}", times)
            assert not sim.record.token_leaked()

    async def work_side_by_side() -> None:
        await asyncio.gather(*(work(folder) for folder in folders))

    written = io.BytesIO()
    with redirect_stderr(io.TextIOWrapper(written, "utf-8", write_through=True)):
        logs.configure("info", "json")
        asyncio.run(work_side_by_side())
    for folder in folders:
        assert_nothing_is_reported(folder, written.getvalue().decode())
    assert_one_line_each(written.getvalue().decode())
    return seen


async def _try(camspool: Running, lie: Lie, name: str, times: int | None) -> Seen:
    calls, faults = CATALOGUE[lie.fault].stage == "call", camspool.sim.faults
    operation = "camera" if calls and times else lie.operation
    fault = faults.add(lie.fault, times=times, operation=operation, **lie.parameters)
    camspool.put(f"{name}.json", request(seconds=4))
    waits = calls and not times
    status = await camspool.when(name, lambda s: bool(s["waiting" if waits else "finished_at"]), timeout=60)
    outcome = status["waiting"]["reason"] if waits else (status["error"] or {"code": status["state"]})["code"]
    faults.clear()
    ended = await camspool.ended(name, timeout=60)
    if times is None:  # what several meet in a row, without a success in between, would be the host's
        camspool.put(f"{name}-after.json", request(seconds=4))
        assert (await camspool.ended(f"{name}-after", timeout=60))["state"] == "done"
    published = f"{name}.mp4" in camspool.published()
    whole = published is (ended["state"] == "done")
    if published:
        data = (camspool.mirror / f"{name}.mp4").read_bytes()
        remarks = ended["clips"][0]["remarks"]
        whole = whole and (bool(remarks) if lie.odd else data == camspool.server_bytes(ended["clips"][0]))
    return Seen(outcome, ended, whole, await camspool.leftovers(), fault.struck > 0)


def surprises(lie: Lie, seen: Seen, expected: str) -> list[str]:
    """What was not as foreseen; of one fault among many, so that each is heard of."""
    error = seen.status["error"]
    facts = {
        "the fault did not strike": seen.struck,
        f"{seen.outcome}, not {expected}": seen.outcome == expected,
        "the MP4 is not whole, or should not be there": seen.whole,
        f"left over: {seen.leftovers}": not seen.leftovers,
        f"not for people: {error}": error is None or is_understandable(error),
        # What stops everybody was waited for, and went on by itself.
        "not done in the end": CATALOGUE[lie.fault].stage != "call" or seen.status["state"] == "done",
    }
    return [text for text, holds in facts.items() if not holds]


def test_faults_that_pass_do_no_harm(tmp_path_factory: pytest.TempPathFactory) -> None:
    lies = [lie for lie in FAULTS if lie.passes]
    seen = try_faults(lies, [tmp_path_factory.mktemp("faults") for _ in range(4)], times=1)
    wrong = {str(lie): surprises(lie, found, "done") for lie, found in seen.items()}
    assert len(seen) == len(lies)
    assert {lie: found for lie, found in wrong.items() if found} == {}
