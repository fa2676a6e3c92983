"""What the tests of the installed service share: the package, made once, as `make deb` makes it."""

import subprocess
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .deb of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    made = subprocess.run(
        ["make", "-C", _CHECKOUT, "deb", f"DIST={folder}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout
    (file,) = folder.glob("*.deb")
    return file
