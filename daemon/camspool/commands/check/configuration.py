"""The configuration: which file it is, and whether it can be used, also by the service's user."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from camspool.commands.check.isolated import own_group, own_name
from camspool.commands.check.result import Result, ok, warning, wrong
from camspool.config import loading, requirements
from camspool.core.errors import ConfigurationError

_LIMIT_S: Final = 8.0
"""For a program to print its version on a slow machine; the check itself has a few seconds more."""


def results(path: Path, environ: Mapping[str, str]) -> Iterator[Result]:
    """Every problem of the configuration, or which file it is and the time zone."""
    try:
        settings = loading.load(path, environ)
        problems = tuple(requirements.unmet(settings, environ))
    except ConfigurationError as error:
        problems = error.problems
    if problems:
        for problem in problems:
            place = f"the variable {problem.path}" if problem.path in environ else path
            remedy = f"Correct {place}; config.example.yaml has every key."
            yield wrong("configuration", problem.sentence, remedy)
        return
    ignored = loading.ignored_variables(environ)
    overruled = sorted(
        name for name in environ if name.startswith("CAMSPOOL_") and environ[name] and name not in ignored
    )
    also = f", overruled by {', '.join(overruled)} of the environment" if overruled else ""
    zone = f"{settings.timezone.key}, by {loading.timezone_source(settings, environ)}"
    for name in ignored:
        found = f"{name} in the environment is no setting, and is ignored"
        yield warning("configuration", found, "Unset it, unless another program needs it.")
    yield ok("configuration", f"{path.absolute()}{also}; times without an offset are in {zone}")


def as_service(path: Path, program: Path | None) -> Iterator[Result]:
    """Whether the service's user can read the file and start the program."""
    try:
        path.open("rb").close()
    except OSError as error:
        found = f"{own_name()} cannot read {path}: {error.strerror}"
        yield wrong("configuration", found, f"chgrp {own_group()} {path} && chmod 640 {path}")
    # Tried, because its interpreter may be out of reach; a wrapper of another name might do more than print.
    if program and program.name == "camspool" and not starts(program):
        remedy = "Install camspool and its Python where every user may read them, such as /opt and /usr."
        yield wrong("service", f"{own_name()} cannot start {program}", remedy)


def starts(program: Path, limit: float = _LIMIT_S) -> bool:
    """Whether the program prints its version in time; no process of it is left behind."""
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
