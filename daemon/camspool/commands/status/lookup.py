"""Which request a person means by a name or a path, with suggestions where there is none."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Final

from camspool.adapters.spool import MirrorReader
from camspool.commands.status import phrases
from camspool.commands.status.snapshot import read, status_of
from camspool.commands.targets import NoSuchTarget, readings, resolve
from camspool.commands.terminal import terminal_safe
from camspool.core import naming
from camspool.core.errors import CamspoolError
from camspool.core.naming import below
from camspool.core.status_document import Status

_MOST_COMPARED: Final = 5000


class NoSuchRequest(CamspoolError):
    """Nothing in drop/ or mirror/ goes by the name."""


class NotTakenIn(CamspoolError):
    """A file in drop/ has no status yet."""


@dataclass(frozen=True, slots=True)
class Located:
    """A request: its file's path below drop/ if the file lies there, and its status if it has one."""

    file: str | None
    status: Status | None


def locate(drop: Path, mirror: MirrorReader, argument: str) -> Located:
    """The request that `argument` means: its name, its file in either folder, its status or one of its MP4s.

    Raises:
        NoSuchRequest: there is none; the text names some with similar names.
    """
    for file in _in_drop(drop, argument):
        if why := _why_ignored(drop, file):
            raise NoSuchRequest(terminal_safe(f"{drop / file} is ignored: {why}."))
        return Located(file, status_of(mirror, file))
    for name in _in_mirror(mirror, argument):
        if status := read(mirror, name):
            return Located(_file_in_drop(drop, status), status)
    raise NoSuchRequest(_unknown(mirror, argument))


def find(drop: Path, mirror: MirrorReader, argument: str) -> Status:
    """The status of the request that `argument` means.

    Raises:
        NoSuchRequest: there is none; the text names some with similar names.
        NotTakenIn: the file has no status yet.
    """
    located = locate(drop, mirror, argument)
    if located.status:
        return located.status
    raise NotTakenIn(
        terminal_safe(
            f"{drop / (located.file or argument)} is {phrases.NOT_TAKEN_IN}. "
            "camspool status says whether a daemon runs."
        )
    )


def _file_in_drop(drop: Path, status: Status) -> str | None:
    """The request's file, unless it has ended: then another request's file may have its place."""
    file = status.request.file
    return file if not status.state.final and os.path.lexists(drop / file) else None


def _in_drop(drop: Path, argument: str) -> Iterator[str]:
    for path in readings(drop, argument):
        for file in (path, *(path + suffix for suffix in naming.REQUEST_SUFFIXES)):
            if path and _is_file(drop / file):
                yield file


def _is_file(path: Path) -> bool:
    return path.is_symlink() or (path.exists() and not path.is_dir())


def _why_ignored(drop: Path, file: str) -> str | None:
    """Why the daemon does not look at a file in drop/; None if it does."""
    if naming.ignored(file):
        return (
            "dot files, unfinished files such as *.tmp and *.part, copies such as *~, and folders of other "
            "programs such as #recycle are"
        )
    if (drop / file).is_symlink():
        return "it is a symbolic link; drop the file itself"
    return None if (drop / file).is_file() else "it is no regular file"


def _in_mirror(mirror: MirrorReader, argument: str) -> Iterator[str]:
    """Names of requests; of an MP4 first the one that has it, then one that could have promised it."""
    try:
        targets = resolve(mirror.root, argument)
    except NoSuchTarget:
        return
    for target in targets:
        if target.request is not None:
            yield below(target.folder, target.request)
        elif target.video is not None:
            yield from _of_video(mirror, target.folder, target.video)


def _of_video(mirror: MirrorReader, folder: str, video: str) -> Iterator[str]:
    stems = {video[:length] for length in range(1, len(video))}
    for stem in mirror.contents(folder).requests:
        status = read(mirror, below(folder, stem)) if stem in stems else None
        if status and any(clip.file and clip.file.name == video for clip in status.clips):
            yield status.name


def _unknown(mirror: MirrorReader, argument: str) -> str:
    known = list(islice(mirror.latest(), _MOST_COMPARED))
    near = get_close_matches(argument, known, n=3, cutoff=0.5)
    near += [name for name in known if argument in name and name not in near][: 3 - len(near)]
    message = f"No request is called {argument}, in the drop folder or in {mirror.root}."
    return terminal_safe(f"{message} Did you mean {' or '.join(near)}?" if near else message)
