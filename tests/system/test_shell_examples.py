"""The examples for a shell, run as they stand in the documents; they need `jq`."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from support.documented import FOLDERS, ROOT, camspool, example
from support.running import request, simulator, write_config
from system.daemon_process import process, running

pytestmark = pytest.mark.timeout(420)


async def run(folder: Path, script: str, *arguments: str) -> tuple[int, list[str], str]:
    """Run a script in the environment of somebody who has camspool installed.

    Returns:
        Its exit code, the lines on its standard output, and what is on its standard error.
    """
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        *("timeout", "300", "sh", "-ec", script.replace(FOLDERS, str(folder)), "sh", *arguments),
        env={"PATH": path, "HOME": str(folder), "CAMSPOOL_CONFIG": str(folder / "config.json")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    return process.returncode or 0, said.decode().splitlines(), complained.decode()


async def test_the_script_prints_where_the_footage_is(tmp_path: Path) -> None:
    async with camspool(tmp_path) as running:
        script = example("INTEGRATE.md", "Shell", "sh")
        code, said, complained = await run(tmp_path, script, "gate-north", "2026-03-01 18:00", "10m")
        assert (code, complained) == (0, "")
        assert said == [str(running.mirror / mp4) for mp4 in running.published()]
        assert len(said) == 1


async def test_the_script_fails_when_there_is_no_footage_and_says_why(tmp_path: Path) -> None:
    async with camspool(tmp_path):
        script = example("INTEGRATE.md", "Shell", "sh")
        code, said, complained = await run(tmp_path, script, "gate-west", "2026-03-01 18:00", "10m")
        assert (code != 0, said) == (True, [])
        assert "gate-west" in complained


async def test_one_line_does_it_where_camspool_is_installed(tmp_path: Path) -> None:
    async with camspool(tmp_path) as running:
        code, said, _ = await run(tmp_path, example("INTEGRATE.md", "Shell", "sh", 1))
        assert code == 0
        assert said == [str(running.mirror / mp4) for mp4 in running.published()]


async def test_the_readmes_commands_do_what_they_say(tmp_path: Path) -> None:
    async with camspool(tmp_path) as running:
        code, said, _ = await run(tmp_path, example("README.md", "From a shell", "sh"))
        assert code == 0
        assert str(running.drop / "store-12/now.json") in said
        assert (await running.ended("store-12/now"))["progress"]["clips_done"] == 2
        assert len(running.published()) == 5
        assert any("store-12/now" in line for line in said[3:]), "camspool status tells of it"


async def test_it_runs_from_a_checkout(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "daemon", checkout / "daemon", ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE", "config.example.yaml"):
        shutil.copy(ROOT / file, checkout)
    *prepare, check, run_it = example("README.md", "First real use", "sh", 1).splitlines()
    with simulator(tmp_path / "cache") as sim:
        made, _, complained = await run(tmp_path, f"cd {checkout}\n" + "\n".join(prepare))
        assert made == 0, complained
        shutil.copy(write_config(tmp_path, sim), checkout / "config.yaml")
        code, said, _ = await run(tmp_path, f"cd {checkout}; unset CAMSPOOL_CONFIG; {check}")
        assert code == 0, said
        with process(
            tmp_path, sim, command=(str(checkout / run_it.split()[0]), *run_it.split()[1:])
        ) as daemon:
            running(tmp_path, sim).drop.mkdir(exist_ok=True)
            running(tmp_path, sim).put("b.json", request())
            assert (await running(tmp_path, sim).ended("b"))["state"] == "done"
            daemon.terminate()
            assert daemon.wait(20) == 0
