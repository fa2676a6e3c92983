"""The examples in the documents for users are right: those that are quick are tried, the others are read.

What needs programs that not every machine has, or a whole machine, is tried in tests/system.
"""

import asyncio
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
import yaml

from camspool.adapters import documents
from camspool.config import loading
from camspool.core import document, naming, request_parser
from camspool.core.clip_plan import asks
from camspool.core.values import ErrorCode, State, WaitReason
from support.documented import DOCUMENTS, FOLDERS, ROOT, camspool, example, examples

RULES: Final = request_parser.RequestSettings(
    height="best", longest_s=86400, timezone=ZoneInfo("Europe/Prague"), clips_per_request=1000
)

HERE: Final = "tests/unit/test_documented_examples.py"
PACKAGE: Final = "tests/system/test_package.py"
OPERATING: Final = "tests/system/test_operating.py"
SHARES: Final = "tests/system/test_shares.py"
SHELL: Final = "tests/system/test_shell_examples.py"

TRIED: Final = {
    ("README.md", "", ""): HERE,
    ("README.md", "See it work", "sh"): "tests/system/test_demo.py",
    ("README.md", "First real use", "sh"): HERE,
    ("README.md", "Install as a service", "sh"): PACKAGE,
    ("README.md", "Upgrade", "sh"): PACKAGE,
    ("README.md", "Uninstall", "sh"): PACKAGE,
    ("README.md", "A request", "yaml"): HERE,
    ("README.md", "From a shell", "sh"): SHELL,
    ("INTEGRATE.md", "Drop a file", "sh"): HERE,
    ("INTEGRATE.md", "A request", "json"): HERE,
    ("INTEGRATE.md", "An answer", "json"): HERE,
    ("INTEGRATE.md", "Shell", "sh"): SHELL,
    ("INTEGRATE.md", "Python", "python"): HERE,
    ("INTEGRATE.md", "PowerShell", "powershell"): HERE,
    ("INTEGRATE.md", "Node-RED", "json"): HERE,
    ("INTEGRATE.md", "FTP", "sh"): SHARES,
    ("INTEGRATE.md", "SMB", "sh"): SHARES,
    ("OPERATE.md", "Shares", "ini"): SHARES,
    ("OPERATE.md", "Shares", "fstab"): HERE,
    ("OPERATE.md", "Time zone, certificates, proxies", "yaml"): HERE,
    ("OPERATE.md", "Monitoring", "sh"): OPERATING,
    ("OPERATE.md", "Monitoring", "yaml"): HERE,
    ("OPERATE.md", "Notifications", "yaml"): HERE,
    ("OPERATE.md", "Notifications", "ini"): OPERATING,
    ("OPERATE.md", "A new token", "sh"): OPERATING,
    ("OPERATE.md", "Backup", "sh"): OPERATING,
}
"""Where the examples of each section are tried, or at least read."""


def test_each_example_is_tried_somewhere() -> None:
    found = {(each.document, each.section, each.language) for name in DOCUMENTS for each in examples(name)}
    assert found == TRIED.keys()
    sources = {path: (ROOT / path).read_text() for path in TRIED.values()}
    assert [key for key, path in TRIED.items() if key[1] and key[1] not in sources[path]] == []


# Tried


async def run(folder: Path, *command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *("timeout", "30", *command), cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()


@pytest.mark.parametrize(
    ("where", "name"),
    [(("README.md", "First real use"), "evening"), (("INTEGRATE.md", "Drop a file"), "case-4711")],
)
async def test_a_request_that_a_shell_has_dropped_is_done(
    tmp_path: Path, where: tuple[str, str], name: str
) -> None:
    async with camspool(tmp_path) as running:
        await run(tmp_path, "sh", "-ec", example(*where, "sh").replace(FOLDERS, str(tmp_path)))
        assert (await running.ended(name))["state"] == "done"
        assert running.published() == [f"{name}.mp4"]


async def test_the_python_example_prints_where_the_footage_is(tmp_path: Path) -> None:
    script = example("INTEGRATE.md", "Python", "python").replace(FOLDERS, str(tmp_path))
    async with camspool(tmp_path) as running:
        said = await run(tmp_path, sys.executable, "-I", "-c", script.replace("sleep(2)", "sleep(0.02)"))
        assert said.splitlines() == [str(running.mirror / mp4) for mp4 in running.published()]
        assert said.endswith(".mp4\n")


# Read


def requests_in_the_documents() -> list[tuple[str, str]]:
    """Each with its suffix."""
    [quoted] = re.findall(r"(?ms)@'\n(.*?)\n'@", example("INTEGRATE.md", "PowerShell", "powershell"))
    return [
        (example("README.md", "A request", "yaml"), ".yaml"),
        *((each.text, ".json") for each in examples("INTEGRATE.md") if each.section == "A request"),
        (quoted, ".json"),
    ]


@pytest.mark.parametrize(("text", "suffix"), requests_in_the_documents())
def test_the_requests_are_valid(text: str, suffix: str) -> None:
    entries = request_parser.parse(documents.read(text.encode(), suffix), RULES).entries
    assert entries[0].end > entries[0].start


def test_two_hours_of_two_cameras_in_half_hours_are_eight_mp4s() -> None:
    text = example("INTEGRATE.md", "A request", "json")
    entries = request_parser.parse(documents.read(text.encode(), ".json"), RULES).entries
    assert "eight MP4s" in (ROOT / "INTEGRATE.md").read_text()
    assert len(asks(entries)) == 8


def test_the_status_is_one() -> None:
    text = example("INTEGRATE.md", "An answer", "json")
    status = document.load(text.encode())
    assert status.state is State.DONE
    whole = json.loads(document.dump(status))
    assert unknown(json.loads(text), whole) == []


def unknown(part: Any, whole: Any, path: str = "") -> list[str]:
    """Where `part` has something that `whole` has not, or otherwise."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return [
            problem
            for key, value in part.items()
            for problem in (
                unknown(value, whole[key], f"{path}.{key}") if key in whole else [f"{path}.{key}"]
            )
        ]
    if isinstance(part, list) and isinstance(whole, list) and len(part) == len(whole):
        pairs = enumerate(zip(part, whole, strict=True))
        return [problem for index, pair in pairs for problem in unknown(*pair, f"{path}[{index}]")]
    return [] if part == whole else [path]


def test_powershell_asks_for_fields_that_a_status_has() -> None:
    """PowerShell itself is on no machine that tests this."""
    script = example("INTEGRATE.md", "PowerShell", "powershell")
    schema = json.dumps(document.schema())
    asked = set(re.findall(r"\$(?:status|_)\.([a-z_.]+)", script))
    assert asked == {"finished_at", "error", "error.message", "error.hint", "clips", "file", "file.name"}
    assert [word for path in asked for word in path.split(".") if f'"{word}"' not in schema] == []


def test_the_flow_for_node_red_hangs_together() -> None:
    """Node-RED itself is on no machine that tests this."""
    nodes = {node["id"]: node for node in json.loads(example("INTEGRATE.md", "Node-RED", "json"))}
    led_to = Counter(target for node in nodes.values() for wire in node["wires"] for target in wire)
    assert nodes.keys() - led_to.keys() == {"ask", "not-yet"}
    assert led_to.keys() <= nodes.keys()
    assert all(len(node["wires"]) == node.get("outputs", len(node["wires"])) for node in nodes.values())
    assert nodes["not-yet"]["scope"] == ["read"]
    assert f"'{FOLDERS}/drop/'" in nodes["request"]["func"]


@pytest.mark.parametrize("section", ["Monitoring", "Notifications", "Time zone, certificates, proxies"])
def test_the_settings_can_be_loaded(tmp_path: Path, section: str) -> None:
    text = example("OPERATE.md", section, "yaml")
    file = tmp_path / "config.yaml"
    file.write_text(text)
    settings = loading.load(file, {"CAMSPOOL_API__TOKEN": "secret"}).model_dump()
    assert {
        key for key, values in yaml.safe_load(text).items() if not settings[key].keys() >= values.keys()
    } == set()


def test_the_lines_for_fstab_have_six_fields() -> None:
    """Neither can be mounted where this is tested."""
    lines = example("OPERATE.md", "Shares", "fstab").splitlines()
    assert [(len(fields), fields[2]) for fields in map(str.split, lines)] == [(6, "nfs"), (6, "cifs")]


def test_the_picture_of_the_folders_has_the_names_that_there_are() -> None:
    picture = examples("README.md")[0].text
    assert set(re.findall(r"evening\S+", picture)) == {
        "evening.json",
        "evening.mp4",
        naming.status_path("evening"),
    }


# Complete


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "INTEGRATE.md",
            [
                *State,
                *ErrorCode,
                *WaitReason,
                *request_parser.request_schema()["$defs"]["request"]["properties"],
            ],
        ),
        ("OPERATE.md", [*WaitReason, "bad_configuration"]),
    ],
)
def test_the_tables_leave_nothing_out(name: str, words: list[str]) -> None:
    text = (ROOT / name).read_text()
    assert [word for word in words if f"`{word}`" not in text] == []


def test_what_is_said_to_be_ignored_is() -> None:
    [said] = re.findall(r"(?s)- These are ignored: (.*?)\)\.", (ROOT / "INTEGRATE.md").read_text())
    names = re.findall(r"`([^`]+)`", said)
    assert len(names) == 24
    assert [name for name in names if not (naming.ignored(name) or naming.ignored(f"b.json{name}"))] == []


@pytest.mark.parametrize("name", [*DOCUMENTS, "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", (ROOT / name).read_text())
    for file, anchor in targets:
        text = (ROOT / (file or name)).read_bytes()
        headings = re.findall(r"(?m)^#+ (.*)$", text.decode()) if anchor else []
        assert not anchor or anchor in {
            re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings
        }
