"""The program of `hooks.done` and the folder of `metrics.file`. Nothing is run or sent."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from camspool.commands.check.folders import tried
from camspool.commands.check.isolated import own_group, own_name
from camspool.commands.check.result import Result, ok, wrong


def hook(command: tuple[str, ...], environ: Mapping[str, str]) -> Iterator[Result]:
    """Whether this user could run the program."""
    if found := shutil.which(command[0], path=environ.get("PATH")):
        yield ok("hook", f"{found} can be run")
        return
    problem = f"{own_name()} cannot run {command[0]}: it does not exist, or that user may not run it"
    remedy = "Correct hooks.done, or chmod a+rx the program (and open the folders above it)."
    yield wrong("hook", problem, remedy)


def metrics(file: Path) -> Iterator[Result]:
    """Whether this user could replace the file, which means writing beside it."""
    if file.parent.is_dir():
        yield tried("metrics", file.parent, "")
        return
    remedy = f"install -d -o {own_name()} -g {own_group()} -m 755 {file.parent}"
    yield wrong("metrics", f"{file.parent} does not exist, or {own_name()} may not look into it", remedy)
