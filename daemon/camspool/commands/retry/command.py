"""The command as one function: find each request, move its file back, print where it is now."""

import contextlib
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from camspool.adapters.spool import MirrorReader, move_back, put
from camspool.adapters.spool.durable import read_version
from camspool.commands.advice import with_advice
from camspool.commands.status import phrases, snapshot
from camspool.commands.status.lookup import locate
from camspool.commands.terminal import terminal_safe
from camspool.config.settings import Settings
from camspool.core import naming
from camspool.core.errors import CamspoolError
from camspool.core.status_document import Status
from camspool.core.values import Entry, ErrorCode, State

_OWN_FAULT: Final = frozenset(
    {
        *(ErrorCode.SYNTAX, ErrorCode.INVALID, ErrorCode.TOO_LARGE, ErrorCode.NOT_UTF8),
        *(ErrorCode.UNSUPPORTED_TYPE, ErrorCode.RESERVED_NAME, ErrorCode.BAD_NAME),
    }
)
"""Why a file was rejected that would be rejected again as it is."""


class NotRetried(CamspoolError):
    """A request is not tried again; the text says why."""


def retry_requests(settings: Settings, names: Sequence[str]) -> bool:
    """Put each request's file into drop/ again, print its path, and go on after one that cannot be.

    Args:
        settings: where the folders are.
        names: what the user calls the requests.

    Returns:
        True if all of them are tried again.
    """
    all_tried = not [name for name in names if not _tried(settings, name)]
    service, now = snapshot.service(settings.folders.mirror), datetime.now(UTC)
    if all_tried and not phrases.is_running(service, now):
        sys.stderr.write(f"{phrases.daemon(service, now, settings.timezone)}\n")
    return all_tried


def _tried(settings: Settings, name: str) -> bool:
    try:
        path = _tried_again(settings, name)
    except CamspoolError as error:
        sys.stderr.write(f"{terminal_safe(with_advice(error, settings))}\n")
        return False
    sys.stdout.write(f"{naming.printable(str(path))}\n")
    return True


def _tried_again(settings: Settings, argument: str) -> Path:
    """Put the file of one request into drop/ again; where it lies."""
    folders, mirror = settings.folders, MirrorReader.beside_the_daemon(settings.folders.mirror)
    mirror.check()
    status = locate(folders.drop, mirror, argument).status
    if status is None or not status.state.final:
        raise NotRetried(f"{argument} is outstanding: the daemon tries again by itself.")
    filed_as = status.request.filed_as
    if filed_as and _is_of_use(mirror, status, filed_as):
        with contextlib.suppress(FileNotFoundError):
            return move_back(mirror.root, filed_as, folders.drop, folders.state, status.request.file)
    if not status.request.entries:
        raise NotRetried(f"The file of {status.name} is gone: write the request anew.")
    return put(folders.drop, folders.state, status.request.file, _rewritten(status))


def _is_of_use(mirror: MirrorReader, status: Status, filed_as: str) -> bool:
    """False if the file is not there any more.

    Raises:
        NotRetried: nothing would change.
    """
    with mirror.opened(filed_as) as descriptor:
        if descriptor is None:
            return False
        if read_version(descriptor)[1] != status.request.sha256:
            return True
    if status.state is State.DONE and all(path.exists() for path in snapshot.mp4s(mirror.root, status)):
        raise NotRetried(f"{status.name} is done, and its MP4s are there: there is nothing to try again.")
    if status.error and status.error.code in _OWN_FAULT:
        found = f"{status.name} would be rejected again: {status.error.message}"
        raise NotRetried(f"{found.rstrip('.')}. Correct {mirror.root / filed_as} first.")
    return True


def _rewritten(status: Status) -> bytes:
    """A request file with the entries of a status: of a cancelled request, the file has been deleted."""
    entries = [_as_written(entry) for entry in status.request.entries]
    return (
        json.dumps(entries if len(entries) > 1 else entries[0], indent=2, ensure_ascii=False).encode() + b"\n"
    )


def _as_written(entry: Entry) -> dict[str, Any]:
    fields = {
        "camera": entry.camera,
        "from": entry.start.isoformat(),
        "to": entry.end.isoformat(),
        "height": entry.height,
        "take": entry.take,
        "split": entry.split_s,
        "priority": entry.priority or None,
        "metadata": entry.metadata or None,
    }
    return {name: value for name, value in fields.items() if value is not None}
