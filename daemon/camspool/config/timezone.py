"""The time zone of the machine, where the configuration names none."""

import os
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo


def machine_timezone(environ: Mapping[str, str], root: Path = Path("/")) -> ZoneInfo:
    """The time zone of the machine, from `$TZ`, /etc/timezone or what /etc/localtime links to; else UTC.

    Args:
        environ: the environment.
        root: where the machine's `etc` is.
    """
    names = [environ.get("TZ", "").removeprefix(":")]
    names += _first_line(root / "etc/timezone")
    names.append(os.path.realpath(root / "etc/localtime"))
    for name in names:
        try:
            return ZoneInfo(name.rpartition("zoneinfo/")[2])
        except (KeyError, OSError, ValueError):
            continue  # no such zone, no zone at all: the next place may know
    return ZoneInfo("UTC")


def _first_line(path: Path) -> list[str]:
    try:
        return path.read_text("ascii", "replace").strip().splitlines()[:1]
    except OSError:
        return []
