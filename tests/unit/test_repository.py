"""What holds for the repository as a whole: what is shipped, imports, names, sizes."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import camspool

ROOT = Path(__file__).parents[2]
DAEMON = ROOT / "daemon"
SYSTEMD = ROOT / "systemd"
MODULES = sorted(DAEMON.rglob("*.py"))

NAMING_FUNCTIONS = {"os.rename", "os.renames", "os.replace", "os.link", "shutil.move"}


def run(*command: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_wheel_is_configured_to_hold_camspool_alone() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert settings["tool"]["hatch"]["build"]["targets"]["wheel"] == {"packages": ["daemon/camspool"]}
    assert not (DAEMON / "__init__.py").exists(), "a package `daemon` would overwrite python-daemon's"


def test_the_built_wheel_holds_camspool_alone(tmp_path: Path) -> None:
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        names = set(content.namelist())
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"camspool"}
    shipped = {*MODULES, DAEMON / "camspool/py.typed", *(DAEMON / "camspool/page/web").iterdir()}
    assert {path.relative_to(DAEMON).as_posix() for path in shipped} <= names


def test_make_test_runs_on_the_installed_wheel() -> None:
    if Path(sys.prefix) == ROOT / "build/venv":
        assert Path(camspool.__file__).is_relative_to(sys.prefix)


def test_what_is_not_measured_has_a_reason() -> None:
    pragmas = [
        (f"{path.relative_to(ROOT)}:{number}", line)
        for path in MODULES
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if "pragma:" in line
    ]
    assert [at for at, line in pragmas if not re.search(r"# pragma: no (cover|branch) - \w+ ", line)] == []


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("only a checkout knows which files are the repository's")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    assert listed.returncode == 0, listed.stderr
    private = re.compile(rb"/(?:root|home)/")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert [path for path in files if path.is_file() and private.search(path.read_bytes())] == []


def test_the_listing_is_the_architecture() -> None:
    """Whoever looks into the package sees the layers, and nothing beside them."""
    listed = {path.stem for path in (DAEMON / "camspool").iterdir()} - {"__init__", "__pycache__", "py"}
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = contracts[0]
    in_layers = {name.strip() for layer in layers["layers"] for name in layer.split("|")}
    assert listed == in_layers | set(layers["exhaustive_ignores"])
    assert len(listed) <= 12


def test_imports_point_one_way() -> None:
    linter = "from importlinter.cli import lint_imports_command as lint; lint(['--no-cache'])"
    checked = run(sys.executable, "-c", linter)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_only_the_spool_gives_a_file_its_final_name() -> None:
    """The simulator has no part in it: it keeps clips of its own, elsewhere."""
    allowed = re.compile(r"camspool/(adapters/spool|simulator)/")
    judged = [path for path in MODULES if not allowed.match(path.relative_to(DAEMON).as_posix())]
    found = [f"{path.relative_to(ROOT)}:{line}" for path in judged for line in moves(path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("import os\nos.replace(a, b)", [2]),
        ("from os import rename as r\nr(a, b)", [1]),
        ("path.rename(target)", [1]),
        ("Path(a).replace(b)", [1]),
        ("await asyncio.to_thread(os.replace, a, b)", [1]),
        ("import shutil\nshutil.move(a, b)", [2]),
        ("text.replace(a, b)\ntime.replace(tzinfo=UTC)\ndataclasses.replace(clip, state=s)", []),
        ("from dataclasses import replace\nreplace(clip, state=s)", []),
    ],
)
def test_what_counts_as_giving_a_name(code: str, lines: list[int]) -> None:
    assert list(moves(code)) == lines


def moves(code: str) -> Iterator[int]:
    """The lines of `code` in which a function that gives a file its name is called, passed on or imported."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Attribute() if ast.unparse(node) in NAMING_FUNCTIONS:
                yield node.lineno
            case ast.ImportFrom() if NAMING_FUNCTIONS & {f"{node.module}.{name.name}" for name in node.names}:
                yield node.lineno
            # A path's `replace` has one argument; a string's has two, a time's only keywords.
            case ast.Call(
                func=ast.Attribute(attr="rename" | "replace" | "hardlink_to"), args=[_], keywords=[]
            ):
                yield node.lineno


def test_every_module_says_what_it_is_for_and_stays_short() -> None:
    assert MODULES
    sources = {path.relative_to(ROOT).as_posix(): path.read_text() for path in MODULES}
    assert [
        name for name, source in sources.items() if source and not ast.get_docstring(ast.parse(source))
    ] == []
    assert [name for name, source in sources.items() if source.count("\n") >= 400] == []


@pytest.mark.parametrize("script", sorted(SYSTEMD.glob("deb/*")), ids=lambda script: script.name)
def test_the_packages_scripts_are_well_formed(script: Path) -> None:
    shell = script.read_text().partition("\n")[0].split("/")[-1].split()[-1]
    checked = run(shell, "-n", script)
    assert checked.returncode == 0, checked.stderr
