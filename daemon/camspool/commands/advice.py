"""What to do about a folder that cannot be used: it is not there yet, or closed to this user."""

import grp
import os
from pathlib import Path
from typing import Final

from camspool.config.settings import Settings
from camspool.core.errors import CamspoolError

_START: Final = "Start the daemon once, which creates it: systemctl start camspool, or camspool run."


def with_advice(error: CamspoolError, settings: Settings) -> str:
    """The error's text, and what to do where its cause is a folder that is missing or closed to this user."""
    cause = error.__cause__
    text = str(error).rstrip(".")
    if isinstance(cause, PermissionError):
        return f"{text}. {_join(settings.folders.drop)}"
    if isinstance(cause, FileNotFoundError) or not os.path.lexists(settings.folders.drop):
        return f"{text}. {_START}"
    return str(error)


def _join(folder: Path) -> str:
    """How to become a member of the group that the folder belongs to."""
    try:
        number = folder.stat().st_gid
        group = grp.getgrgid(number).gr_name
    except (OSError, KeyError):
        return "Use sudo, or become a member of the group that the folders belong to, and log in again."
    if number in {os.getegid(), *os.getgroups()}:
        return f"You are a member of its group, {group}: let it be opened to that group (chmod g+rwx)."
    return f"Become a member of its group (sudo usermod -aG {group} $USER) and log in again, or use sudo."
