"""What the kernel allows of inotify, and how many folders want a watch; for `check`, not for the watcher.

The watcher itself just tries, and polls where it is refused.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LIMITS: Final = Path("/proc/sys/fs/inotify")


@dataclass(frozen=True, slots=True)
class InotifyLimits:
    """What one user may have of inotify; None where the kernel's settings are hidden."""

    watches: int | None
    instances: int | None


def inotify_limits(folder: Path = _LIMITS) -> InotifyLimits:
    """The limits; a sandbox such as systemd's ProcSubset=pid hides them.

    Args:
        folder: where the kernel shows them.
    """
    return InotifyLimits(_number(folder / "max_user_watches"), _number(folder / "max_user_instances"))


def folders_in(root: Path) -> int:
    """How many folders want a watch: `root`, and all below it, those that are ignored too."""
    return sum(1 for _ in os.walk(root))


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
