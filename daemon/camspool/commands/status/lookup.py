"""Which request a person means by a name or a path, with suggestions where there is none."""

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Final

from camspool.adapters.spool import MirrorReader
from camspool.commands.status import phrases
from camspool.commands.status.snapshot import read, status_of
from camspool.commands.terminal import terminal_safe
from camspool.commands.verify.targets import NoSuchTarget, readings, resolve
from camspool.core import naming
from camspool.core.errors import CamspoolError
from camspool.core.naming import below
from camspool.core.status_document import Status

_MOST_COMPARED: Final = 5000


class NoSuchRequest(CamspoolError):
    """Nothing in drop/ or mirror/ goes by the name."""


class NotTakenIn(CamspoolError):
    """A file in drop/ has no status yet."""


def find(drop: Path, mirror: MirrorReader, argument: str) -> Status:
    """The request that `argument` means: its name, its file in either folder, its status or one of its MP4s.

    Raises:
        NoSuchRequest: there is none; the text names some that are called alike.
        NotTakenIn: the file has no status yet.
    """
    for file in _in_drop(drop, argument):
        if status := status_of(mirror, file):
            return status
        raise NotTakenIn(
            terminal_safe(
                f"{drop / file} is {phrases.NOT_TAKEN_IN}. camspool status says whether a daemon runs."
            )
        )
    for name in _in_mirror(mirror, argument):
        if status := read(mirror, name):
            return status
    raise NoSuchRequest(_unknown(mirror, argument))


def _in_drop(drop: Path, argument: str) -> Iterator[str]:
    for path in readings(drop, argument):
        for file in (path, *(path + suffix for suffix in naming.REQUEST_SUFFIXES)):
            if path and (drop / file).is_file() and not naming.ignored(file):
                yield file


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
