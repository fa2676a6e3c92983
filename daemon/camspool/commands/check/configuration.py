"""The configuration: which file, whether it can be used, and by the service's user too."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from camspool.commands.check.isolated import own_group, own_name
from camspool.commands.check.result import Row, ok, wrong
from camspool.config import loading, requirements
from camspool.core.errors import ConfigurationError

_LIMIT_S: Final = 8.0
"""For a program to tell its version, on a small box; a check has some seconds more."""


def rows(path: Path, environ: Mapping[str, str]) -> Iterator[Row]:
    """Every problem of the configuration, or which file it is and the time zone."""
    try:
        settings = loading.load(path, environ)
        problems = tuple(requirements.unmet(settings))
    except ConfigurationError as error:
        problems = error.problems
    if problems:
        remedy = f"Correct {path}; config.example.yaml has every key."
        yield from (wrong("configuration", problem.sentence, remedy) for problem in problems)
        return
    overruled = sorted(name for name in environ if name.startswith("CAMSPOOL_") and environ[name])
    also = f", overruled by {', '.join(overruled)} of the environment" if overruled else ""
    yield ok(
        "configuration", f"{path.absolute()}{also}; times without an offset are in {settings.timezone.key}"
    )


def as_service(path: Path, program: Path | None) -> Iterator[Row]:
    """What the service's user needs besides folders and token: to read the file, and to start the program."""
    try:
        path.open("rb").close()
    except OSError as error:
        found = f"{own_name()} cannot read {path}: {error.strerror}"
        yield wrong("configuration", found, f"chgrp {own_group()} {path} && chmod 640 {path}")
    # Tried, since its interpreter may be out of reach; a wrapper of somebody's own might do more than tell.
    if program and program.name == "camspool" and not starts(program):
        remedy = "Install camspool and its Python where every user may read them, such as /opt and /usr."
        yield wrong("service", f"{own_name()} cannot start {program}", remedy)


def starts(program: Path, limit: float = _LIMIT_S) -> bool:
    """Whether the program tells its version in time; nothing of it is left running."""
    none = subprocess.DEVNULL
    try:
        process = subprocess.Popen(  # noqa: S603
            (program, "--version"), stdin=none, stdout=none, stderr=none, start_new_session=True
        )
    except OSError:
        return False
    try:
        return process.wait(limit) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
