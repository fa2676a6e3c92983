"""The unit for systemd, judged by systemd itself; without running it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[2] / "systemd"


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program in it that this machine has too."""
    assert shutil.which("systemd-analyze"), "systemd-analyze is missing (Debian: apt-get install systemd)"
    text = (SYSTEMD / "camspool.service").read_text()
    runnable, replaced = re.subn(r"(?m)^ExecStart=\S+", f"ExecStart={shutil.which('true')}", text)
    assert replaced == 1
    path = tmp_path / "camspool.service"
    path.write_text(runnable)
    return path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("example", [None, "folders", "nas-group", "notices"])
def test_systemd_finds_no_fault_in_the_unit(unit: Path, example: str | None) -> None:
    if example:
        drop_ins = unit.with_name("camspool.service.d")
        drop_ins.mkdir()
        shutil.copy(SYSTEMD / "examples" / f"{example}.conf", drop_ins)
    verified = analyze("verify", "--man=no", unit)
    # It exits 0 on unknown keys; what it says of other units of the machine is not ours.
    assert [line for line in verified.stderr.splitlines() if "camspool" in line] == []
    assert verified.returncode == 0, verified.stderr


def test_systemd_rates_the_exposure_of_the_service_as_1_5_at_most(unit: Path) -> None:
    rated = analyze("security", "--offline=true", "--threshold=15", "--no-pager", unit)
    assert rated.returncode == 0, rated.stdout + rated.stderr
