"""The command as one function: understand, write, print what was understood, follow."""

import contextlib
import hashlib
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from camspool.adapters.spool import MirrorReader, put
from camspool.commands.cameras.known import known_cameras
from camspool.commands.program import INTERRUPTED
from camspool.commands.request.following import Dropped, Following
from camspool.commands.request.order import Made, Order, Refused, file_named, make, proposed_names
from camspool.commands.status import phrases, snapshot
from camspool.commands.status.outcome import exit_code
from camspool.commands.status.render import safe, styled
from camspool.config.excerpts import request_settings
from camspool.config.loading import timezone_source
from camspool.config.settings import Settings
from camspool.core import document as status_document
from camspool.core import naming
from camspool.core.clip_plan import cameras
from camspool.core.durations import written
from camspool.core.errors import NameTaken
from camspool.core.values import Entry, Problem

SCHEMA: Final = "camspool/requested/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """Whether to follow the request to its end, to print JSON, and only to print what would be written."""

    wait: bool = False
    as_json: bool = False
    dry_run: bool = False


def request(settings: Settings, order: Order, name: str | None, manner: Manner) -> int:
    """Write the request file; where wanted, follow the request to its end.

    Standard output gets what a script needs: the request file's path, or those of the MP4s, or one JSON
    document; in a dry run, the content of the file.
    Standard error gets what people want to know.

    Args:
        settings: folders, time zone, what requests may be.
        order: the options.
        name: the request's name; None to make one up.
        manner: what else is wanted.

    Returns:
        The exit code.

    Raises:
        Refused: the order makes no request, or its name is taken.
        Withdrawn: the file disappeared before it was accepted.
        StorageTrouble: drop/ or mirror/ is not there, or cannot be written.
    """
    now, rules, people = datetime.now(UTC), request_settings(settings), Console(stderr=True)
    known = known_cameras(settings, os.environ, now)
    made, file = _understood(order, name, partial(make, now=now, rules=rules, known=known))
    mirror = MirrorReader.beside_the_daemon(settings.folders.mirror)
    if manner.dry_run:
        _say_understood(people, made.entry, now, settings)
        sys.stdout.write(made.data.decode())
        return 0
    if manner.wait:
        mirror.check()
    drop = Drop(settings, mirror, made.data)
    dropped = drop.named(file) if file else drop.first_free(proposed_names(made.entry, rules))
    _say_understood(people, made.entry, now, settings)
    if manner.wait:
        following = Following(mirror, dropped, settings.timezone, people)
        return _follow(following, mirror.root, people, as_json=manner.as_json)
    sys.stdout.write(_written(settings, dropped, made) if manner.as_json else f"{_path(settings, dropped)}\n")
    service = snapshot.service(mirror.root)
    if not phrases.is_running(service, now):
        people.print(Text(phrases.daemon(service, now, settings.timezone), "yellow"), soft_wrap=True)
    return 0


def _understood(
    order: Order, name: str | None, make_request: Callable[[Order], Made]
) -> tuple[Made, str | None]:
    """The request, and its file's path below drop/ if it was given a name."""
    problems: list[Problem] = []
    file, made = None, None
    try:
        made = make_request(order)
    except Refused as refused:
        problems += refused.problems
    try:
        file = None if name is None else file_named(name)
    except Refused as refused:
        problems += refused.problems
    if made is None or problems:
        raise Refused(problems)
    return made, file


class Drop:
    """Puts the request into the drop folder, never over anything."""

    def __init__(self, settings: Settings, mirror: MirrorReader, data: bytes) -> None:
        self._folders = settings.folders
        self._mirror = mirror
        self._data = data

    def named(self, file: str) -> Dropped:
        """Under this name.

        Raises:
            Refused: it is taken.
        """
        try:
            return self._put(file)
        except NameTaken as taken:
            raise Refused([Problem("--name", file, f"a name that is free: {taken}")]) from None

    def first_free(self, files: Iterable[str]) -> Dropped:
        """Under the first name that neither an outstanding nor an ended request has."""
        for file in files:
            if not os.path.lexists(self._mirror.root / naming.status_path(naming.name_of(file))):
                with contextlib.suppress(NameTaken):
                    return self._put(file)
        raise AssertionError("there is always a next name")

    def _put(self, file: str) -> Dropped:
        sha256 = hashlib.sha256(self._data).hexdigest()
        before = snapshot.status_of(self._mirror, file, sha256)
        put(self._folders.drop, self._folders.state, file, self._data)
        return Dropped(self._folders.drop, file, sha256, before)


def _say_understood(people: Console, entry: Entry, now: datetime, settings: Settings) -> None:
    zone = settings.timezone
    start, end = entry.start.astimezone(zone), entry.end
    called = ", ".join(str(camera) for camera in cameras(entry))
    length = written((entry.end - entry.start).total_seconds())
    span = f"{start:%A} {phrases.time_range(entry.start, end, zone)}"
    later = "; it is fetched when the range is over" if end > now else ""
    offset = f"{start:%z}"
    source = timezone_source(settings, os.environ)
    by = "" if source == "timezone" else f" by {source}"
    line = f"{called}: {span} ({zone.key}{by}, UTC{offset[:3]}:{offset[3:]}), {length}{later}"
    people.print(safe(line), soft_wrap=True)


def _path(settings: Settings, dropped: Dropped) -> str:
    return naming.printable(str(settings.folders.drop / dropped.file))


def _written(settings: Settings, dropped: Dropped, made: Made) -> str:
    """One document: where the request lies, what it is called, where its status will appear, what it says."""
    name = naming.name_of(dropped.file)
    document = {
        "schema": SCHEMA,
        "name": name,
        "file": _path(settings, dropped),
        "status_file": naming.printable(str(settings.folders.mirror / naming.status_path(name))),
        "request": json.loads(made.data),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _follow(following: Following, mirror: Path, people: Console, *, as_json: bool) -> int:
    try:
        status = following.to_the_end()
    except KeyboardInterrupt:
        name = naming.name_of(following.file)
        people.print(
            safe(f"Stopped waiting; the request goes on. To cancel it: camspool cancel {shlex.quote(name)}")
        )
        return INTERRUPTED
    if as_json:
        sys.stdout.write(status_document.dump(status).decode())
        return exit_code(status)
    for path in snapshot.mp4s(mirror, status):
        sys.stdout.write(f"{naming.printable(str(path))}\n")
    people.print(Text.assemble(safe(status.name), ": ", styled(status.state)), soft_wrap=True)
    if status.error:
        people.print(safe(status.error.message), safe(status.error.hint, "italic"), soft_wrap=True)
    return exit_code(status)
