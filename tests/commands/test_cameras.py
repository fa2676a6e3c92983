"""`camspool cameras` against a simulator and against servers that fail; completion without any server."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from camspool.adapters.survilla import parsing
from camspool.cli import main
from camspool.commands.cameras import remembered
from camspool.core import camera_list
from camspool.core.camera_list import CameraList
from camspool.core.cameras import CameraIndex, NoSuchCamera
from camspool.core.values import Camera
from camspool.simulator import Node, Simulator, World
from support.running import daemon, simulator, write_config
from support.servers import FaultyServer

NOW = datetime.now(UTC).replace(microsecond=0)
WORLD = World(
    (
        Node(1, "Demo", "folder"),
        Node(2, "Store 12", "location", parent_node_id=1),
        Node(5, "Gate", external_id="gate", parent_node_id=2),
        Node(6, "North yard", parent_node_id=2),
        Node(7, "Twin", parent_node_id=6),
        Node(8, "Twin", parent_node_id=99),
        Node(9, "[red]\x1b[2Jevil", "videoChannel", external_id="e\x07vil"),
    )
)


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(WORLD) as running:
        yield running


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder; and no other camspool's settings."""
    for name in [name for name in os.environ if name.startswith("CAMSPOOL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def cameras(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["cameras", "-c", str(config), *arguments])


def test_the_table_names_every_camera_and_where_it_is(tmp_path: Path, sim: Simulator) -> None:
    shown = cameras(write_config(tmp_path, sim))
    assert (shown.exit_code, shown.stderr) == (0, "")
    heading, *rows = shown.stdout.splitlines()
    assert heading.split("  ")[0] == "node id"
    assert any(row.split() == ["5", "gate", "Gate", "Demo", "/", "Store", "12"] for row in rows)
    assert len(rows) == 5
    assert "[red] [2Jevil" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert "\x07" not in shown.stdout


def test_the_document_for_scripts(tmp_path: Path, sim: Simulator) -> None:
    printed = json.loads(cameras(write_config(tmp_path, sim), "--json").stdout)
    assert printed["schema"] == "camspool/cameras/1"
    by_id = {camera["node_id"]: camera for camera in printed["cameras"]}
    assert by_id[5] == {
        "node_id": 5,
        "external_id": "gate",
        "name": "Gate",
        "type": "camera",
        "path": ["Demo", "Store 12"],
    }
    assert by_id[7]["path"] == ["Demo", "Store 12", "North yard"]
    assert by_id[8]["path"] == [], "its parent is not shown to the token"
    assert by_id[9]["name"] == "[red] [2Jevil", "a control character is a space"


def test_a_tree_that_goes_round_in_a_circle_is_left() -> None:
    nodes = [
        {"node_id": 1, "parent_node_id": 2, "type": "folder", "name": "a"},
        {"node_id": 2, "parent_node_id": 1, "type": "folder", "name": "b"},
        {"node_id": 3, "parent_node_id": 1, "type": "camera", "name": "c"},
        {"node_id": 4, "parent_node_id": 4, "type": "camera", "name": "its own parent"},
    ]
    first, second = parsing.cameras(nodes)
    assert first.place[-1] == "a"
    assert len(first.place) == len(second.place) == 20


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"token_file": "/nonexistent/token"},
            "there is no token in /nonexistent/token; make one in the portal",
        ),
        ({"endpoint": "http://127.0.0.1:9/"}, "127.0.0.1: connection refused"),
    ],
)
def test_trouble_is_one_sentence(tmp_path: Path, sim: Simulator, changes: dict[str, Any], says: str) -> None:
    refused = cameras(write_config(tmp_path, sim, api=changes))
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"The cameras cannot be listed: {says}")
    assert refused.stderr.count("\n") == 1


def test_a_wrong_token_is_reported_and_not_shown(tmp_path: Path, sim: Simulator) -> None:
    (tmp_path / "token").write_text("not-the-token")
    refused = cameras(write_config(tmp_path, sim))
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "make one in the portal's API section" in refused.stderr
    assert "not-the-token" not in refused.stderr


def test_a_server_that_never_answers_is_given_up(tmp_path: Path, sim: Simulator) -> None:
    with FaultyServer(lambda exchange: exchange.stall()) as server:
        refused = cameras(write_config(tmp_path, sim, api={"endpoint": server.url("/"), "timeout": "200ms"}))
        asked = server.connections
    assert refused.exit_code == 1
    assert "no answer within 0.2 s" in refused.stderr
    assert asked <= 1, "a person can try again, too"


def test_nothing_to_see_is_no_error(tmp_path: Path) -> None:
    with Simulator(World((Node(1, "Demo", "folder"),))) as sim:
        config = write_config(tmp_path, sim)
        plain, as_json = cameras(config), cameras(config, "--json")
    assert "The token sees no camera." in plain.stdout
    assert json.loads(as_json.stdout)["cameras"] == []
    assert plain.exit_code == as_json.exit_code == 0


def test_a_cache_that_cannot_be_written_stops_nothing(tmp_path: Path, sim: Simulator, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert cameras(write_config(tmp_path, sim)).exit_code == 0


# Completion


def completed(word: str, shell: str = "bash") -> list[str]:
    """How `camspool request --camera WORD` is completed, in a process of its own, as in a shell."""
    words = f"camspool request --camera {word}"
    environ = os.environ | {"_CAMSPOOL_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": "3"}
    printed = subprocess.run(
        [sys.executable, "-c", "from camspool.cli import main; main(prog_name='camspool')"],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return printed.stdout.splitlines()


def test_cameras_once_listed_complete_without_a_server(tmp_path: Path) -> None:
    with simulator(tmp_path / "clips") as sim:
        cameras(write_config(tmp_path, sim))
    assert completed("ga") == ["plain,Gate", "plain,gate"]
    assert completed("nothing") == [""]


def test_completion_loads_nothing_heavy() -> None:
    code = (
        "import sys; import camspool.commands.cameras.remembered\n"
        "from camspool.commands.request.cli import _complete_camera\n"
        "_complete_camera(None, None, ''); print(*sys.modules)"
    )
    remembered.remember(b"{}", os.environ)
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    heavy = {"httpx", "pydantic", "asyncio", "structlog", "rich"}
    assert heavy.isdisjoint(loaded.split())


def test_what_completes() -> None:
    listed = [
        Camera(5, "Gate", "gate", place=("Demo", "Store 12")),
        Camera(6, "North yard", None),
        Camera(7, "Twin", None),
        Camera(8, "Twin", None),
        Camera(9, "gate", None),
        Camera(10, "e\x1bvil", None),
    ]
    remembered.remember(camera_list.dump(CameraList(tuple(listed), NOW, "x")), os.environ)
    plain = dict(remembered.completions("", os.environ))
    assert plain == {
        "Gate": "Demo / Store 12 / Gate",
        "gate": "Demo / Store 12 / Gate",
        "North yard": "North yard",
        "7": "Twin",
        "8": "Twin",
        "9": "gate",
    }
    in_bash = os.environ | {"_CAMSPOOL_COMPLETE": "bash_complete"}
    assert list(dict(remembered.completions("north", in_bash))) == ["'North yard'"]


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[[1]]", b"\xff", b"7"])
def test_a_cache_that_is_none(cache: Path, content: bytes | None) -> None:
    if content is not None:
        (cache / "camspool").mkdir(parents=True)
        (cache / "camspool/cameras.json").write_bytes(content)
    assert list(remembered.completions("", os.environ)) == []


# Known without a server


LISTED = (
    Camera(62301, "Ramp", "ramp", place=("Demo",)),
    Camera(62304, "North gate", "gate-north"),
    Camera(62305, "Gate, south", None),
    Camera(7, "Twin", None),
    Camera(8, "Twin", None),
)


def configured(tmp_path: Path, age: timedelta = timedelta()) -> Path:
    """A configuration, and the list that a daemon has left in the mirror."""
    config = tmp_path / "config.json"
    folders = {name: str(tmp_path / name) for name in ("drop", "mirror", "state")}
    config.write_text(
        json.dumps(
            {
                "api": {"endpoint": "http://127.0.0.1:9/", "token_file": str(tmp_path / "none")},
                "folders": folders,
            }
        )
    )
    for name in ("drop", "mirror"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".camspool").write_text('{"id": "x"}')
    listed = CameraList(LISTED, NOW - age, "http://127.0.0.1:9/")
    (tmp_path / "mirror/_cameras.json").write_bytes(camera_list.dump(listed))
    return config


def ask_for(config: Path, *names: str) -> Result:
    cameras = [word for name in names for word in ("--camera", name)]
    return CliRunner().invoke(main, ["request", "-c", str(config), *cameras, "--last", "5m"])


@pytest.mark.parametrize(
    ("names", "written"),
    [
        (["ramp"], "ramp"),
        (["ramp,gate-north"], ["ramp", "gate-north"]),
        (["ramp, North gate"], ["ramp", "North gate"]),
        (["Gate, south"], "Gate, south"),
        (["ramp", "62304"], ["ramp", 62304]),
        (["4711"], 4711),
    ],
)
def test_known_cameras_are_written_as_they_are(tmp_path: Path, names: list[str], written: object) -> None:
    made = ask_for(configured(tmp_path), *names)
    assert made.exit_code == 0, made.stderr
    assert json.loads(Path(made.stdout.strip()).read_text())["camera"] == written


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("rampp", "did you mean `ramp`"),
        ("RAMP", "did you mean `ramp`"),
        ("gate_north", "did you mean `gate-north`"),
        ("ramp,gate-nort", "found 'gate-nort', expected one of the 5 cameras that the token sees"),
        ("south", "did you mean `Gate, south`"),
        ("Twin", "2 cameras are called 'Twin': node ids 7, 8"),
        ("zzz", "expected one of the 5 cameras that the token sees"),
    ],
)
def test_an_unknown_camera_is_refused_before_anything_is_written(
    tmp_path: Path, name: str, says: str
) -> None:
    refused = ask_for(configured(tmp_path), name)
    assert refused.exit_code == 2
    assert says in refused.stderr
    assert [path.name for path in (tmp_path / "drop").iterdir()] == [".camspool"]


def test_an_old_list_refuses_nobody(tmp_path: Path) -> None:
    assert ask_for(configured(tmp_path, timedelta(days=2)), "new-one").exit_code == 0


@pytest.mark.parametrize("content", [b"", b"[]", b'{"schema": "camspool/cameras/1"}', b"\xff", b"[" * 10000])
def test_a_list_that_is_none_refuses_nobody(tmp_path: Path, content: bytes) -> None:
    config = configured(tmp_path)
    (tmp_path / "mirror/_cameras.json").write_bytes(content)
    made = ask_for(config, "ramp,gate-north")
    assert made.exit_code == 0
    assert json.loads(Path(made.stdout.strip()).read_text())["camera"] == ["ramp", "gate-north"]


def test_who_may_not_read_the_token_sees_what_the_daemon_has_listed(tmp_path: Path) -> None:
    config = configured(tmp_path)
    shown = cameras(config, "--json")
    assert shown.exit_code == 0
    assert f"there is no token in {tmp_path}/none: this is the list of " in shown.stderr
    shown_ids = [camera["node_id"] for camera in json.loads(shown.stdout)["cameras"]]
    assert shown_ids == [camera.node_id for camera in LISTED]
    os.environ["CAMSPOOL_CONFIG"] = str(config)
    assert completed("gate") == ["plain,gate-north", "plain,'Gate, south'"]


async def test_the_daemon_leaves_the_list(tmp_path: Path) -> None:
    with simulator(tmp_path / "clips") as sim:
        async with daemon(tmp_path, sim) as running:
            path = running.mirror / "_cameras.json"
            for _ in range(500):
                if path.exists():
                    break
                await asyncio.sleep(0.05)
            listed = camera_list.load(path.read_bytes())
    assert listed.endpoint == sim.url
    assert {camera.external_id for camera in listed.cameras} >= {"gate", "aisle"}


def test_a_status_says_which_camera_may_have_been_meant() -> None:
    index = CameraIndex(LISTED)
    found = index.find("rampp")
    assert isinstance(found, NoSuchCamera)
    assert found.hint.startswith("Did you mean 'ramp'")
    unlike = index.find("zzz")
    assert isinstance(unlike, NoSuchCamera)
    assert unlike.hint.startswith("Look in the portal")
