"""The command as one function: find each request, delete its file, print what happened."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from camspool.adapters.spool import MirrorReader, withdraw
from camspool.commands.advice import with_advice
from camspool.commands.status import phrases, snapshot
from camspool.commands.status.lookup import locate
from camspool.commands.terminal import terminal_safe
from camspool.config.settings import Settings
from camspool.core.errors import CamspoolError

_ENDED: Final = "has already ended ({state}): there is nothing to cancel"


class NotCancelled(CamspoolError):
    """A request cannot be cancelled; the text says why."""


def cancel_requests(settings: Settings, names: Sequence[str]) -> bool:
    """Cancel each request, print a line for each, and go on after one that cannot be cancelled.

    Args:
        settings: where the folders are.
        names: what the user calls the requests.

    Returns:
        True if all of them were cancelled.
    """
    return not [name for name in names if not _tried(settings, name)]


def _tried(settings: Settings, name: str) -> bool:
    try:
        sys.stdout.write(f"{terminal_safe(_cancelled(settings, name))}\n")
    except CamspoolError as error:
        sys.stderr.write(f"{terminal_safe(with_advice(error, settings))}\n")
        return False
    return True


def _cancelled(settings: Settings, argument: str) -> str:
    """Cancel one request; what to print about it."""
    drop, mirror = settings.folders.drop, MirrorReader.beside_the_daemon(settings.folders.mirror)
    mirror.check()
    located = locate(drop, mirror, argument)
    name = located.status.name if located.status else argument
    if located.status and located.status.state.final:
        raise NotCancelled(f"{name} {_ENDED.format(state=located.status.state)}.")
    if located.file is None or not withdraw(drop, settings.folders.state, located.file):
        raise NotCancelled(f"{name} has no file in {drop} any more: it is ending just now, or was cancelled.")
    running = phrases.is_running(snapshot.service(mirror.root), datetime.now(UTC))
    then = "" if running or located.status is None else "; its status will say so once the daemon runs"
    return f"{name}: cancelled, {drop / located.file} is deleted{then}"
