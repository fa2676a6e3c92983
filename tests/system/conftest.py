"""What the tests of the installed service share: the package, made once, and a machine that has it."""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from system.installation import Installation, installed

_CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package that `make deb` makes of this checkout; several workers make it once."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with (folder / "dist.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "dist").exists():
            _make(folder / "dist")
    (file,) = (folder / "dist").glob("*.deb")
    return file


def _make(folder: Path) -> None:
    made = subprocess.run(
        ["make", "-C", _CHECKOUT, "deb", f"DIST={folder}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout


@pytest.fixture(scope="session")
def machine(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A machine with the service installed."""
    with installed(package, tmp_path_factory.mktemp("cache")) as installation:
        yield installation


@pytest.fixture
def service(machine: Installation) -> Installation:
    """The service as installed, freshly started, with empty folders and nothing in the journal."""
    machine.forget()
    return machine
