"""The command in its three forms: the overview once, the overview live, one request in full."""

import sys
import time
from datetime import UTC, datetime
from typing import Final, NoReturn

from rich.live import Live
from rich.text import Text

from camspool.adapters.spool import MirrorReader
from camspool.commands.status import document, phrases, snapshot
from camspool.commands.status.lookup import find
from camspool.commands.status.outcome import exit_code
from camspool.commands.status.render import Board
from camspool.commands.status.request_detail import RequestDetail
from camspool.commands.terminal import standard_output
from camspool.config.settings import Settings
from camspool.core import document as status_document

_EVERY_S: Final = 1.0
_SHARE: Final = 10
"""Looking takes at most a tenth of the time: a large mirror is looked at less often."""


def show(settings: Settings, last: int, *, as_json: bool) -> None:
    """Print the overview.

    Args:
        settings: where the folders are.
        last: how many of the requests that have ended.
        as_json: print it as one JSON document.

    Raises:
        StorageTrouble: the mirror is not there.
    """
    view = snapshot.look(settings, last, datetime.now(UTC))
    if as_json:
        sys.stdout.write(document.dump(view) + "\n")
    else:
        standard_output().print(Board(view))


def watch(settings: Settings, last: int) -> NoReturn:
    """Keep showing the current overview until Ctrl-C; the last one stays on the screen.

    Raises:
        StorageTrouble: the mirror is not there, or has gone away meanwhile.
    """
    console = standard_output()
    with Live(console=console, auto_refresh=False, vertical_overflow="ellipsis") as live:
        while True:
            began = time.monotonic()
            live.update(Board(snapshot.look(settings, last, datetime.now(UTC))), refresh=True)
            time.sleep(max(_EVERY_S, _SHARE * (time.monotonic() - began)))


def show_one(settings: Settings, name: str, *, as_json: bool) -> int:
    """Print one request; in JSON, its status document.

    Returns:
        The exit code.

    Raises:
        NoSuchRequest: nothing goes by the name.
        NotTakenIn: it lies in drop/ and has no status yet.
        StorageTrouble: the mirror is not there.
    """
    mirror, now = MirrorReader.beside_the_daemon(settings.folders.mirror), datetime.now(UTC)
    mirror.check()
    status = find(settings.folders.drop, mirror, name)
    if as_json:
        sys.stdout.write(status_document.dump(status).decode())
        return exit_code(status)
    console, service = standard_output(), snapshot.service(mirror.root)
    if not status.state.final and not phrases.is_running(service, now):
        console.print(Text(phrases.daemon(service, now, settings.timezone), "bold red"))
    console.print(RequestDetail(status, mirror.root, now, settings.timezone))
    return exit_code(status)
