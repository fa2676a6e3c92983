"""The unit for systemd, judged by systemd itself; without running it."""

import re
import shutil
import subprocess
from pathlib import Path

UNIT = Path(__file__).parents[2] / "systemd" / "camspool.service"


def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    assert shutil.which("systemd-analyze"), "systemd-analyze is missing (Debian: apt-get install systemd)"
    runnable, replaced = re.subn(r"(?m)^ExecStart=\S+", f"ExecStart={shutil.which('true')}", UNIT.read_text())
    assert replaced == 1
    (tmp_path / UNIT.name).write_text(runnable)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / UNIT.name)]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)
    # It exits 0 on unknown keys; what it says of other units of the machine is not ours.
    assert [line for line in verified.stderr.splitlines() if "camspool" in line] == []
    assert verified.returncode == 0, verified.stderr
