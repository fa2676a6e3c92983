"""The configuration: which file, whether it can be used, and by the service's user too."""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from camspool import composition, config
from camspool.check.aside import own_group, own_name
from camspool.check.rows import Row, ok, wrong
from camspool.core.errors import ConfigurationError


def rows(path: Path, environ: Mapping[str, str]) -> Iterator[Row]:
    """All that is wrong, or the file and the time zone; the daemon's parts are made of it, not started."""
    try:
        settings = config.load(path, environ)
        composition.build(settings, environ, lambda: None)
    except ConfigurationError as error:
        for problem in error.problems:
            yield wrong(
                "configuration", problem.sentence, f"Correct {path}; config.example.yaml has every key."
            )
        return
    overruled = sorted(name for name in environ if name.startswith("CAMSPOOL_") and environ[name])
    also = f", overruled by {', '.join(overruled)} of this environment" if overruled else ""
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
    if program and program.name == "camspool" and not _starts(program):
        remedy = "Install camspool and its Python where every user may read them, such as /opt and /usr."
        yield wrong("service", f"{own_name()} cannot start {program}", remedy)


def _starts(program: Path) -> bool:
    try:
        told = subprocess.run((program, "--version"), capture_output=True, check=False)  # noqa: S603
    except OSError:
        return False
    return told.returncode == 0
