"""Resolves a PATH to a request, to one MP4, or to everything in a folder of the mirror."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from camspool.core import naming
from camspool.core.errors import CamspoolError
from camspool.core.naming import MP4_SUFFIX, below


class NoSuchTarget(CamspoolError):
    """The path names nothing that could be verified."""


@dataclass(frozen=True, slots=True)
class Target:
    """A folder with all below it; or of that folder one request or one MP4 alone, by its name there."""

    folder: str
    request: str | None = None
    video: str | None = None


EVERYTHING: Final = Target("")


def resolve(mirror: Path, argument: str) -> tuple[Target, ...]:
    """What `argument` means: a path in the file system, else one below the mirror.

    A request and a folder may have the same name: then both are meant.

    Args:
        mirror: the mirror's absolute path.
        argument: as the user wrote it.

    Raises:
        NoSuchTarget: neither leads to anything in the mirror.
    """
    for path in readings(mirror, argument):
        if targets := tuple(_at(mirror, path)):
            return targets
    raise NoSuchTarget(
        f"{naming.printable(argument)} is no request, status file, MP4 or folder in the mirror {mirror}; "
        "expected a path below it, such as store-12/evening."
    )


def readings(root: Path, argument: str) -> Iterator[str]:
    """Paths below `root`. A link may be on the way to it, or stand in the place of an MP4."""
    absolute = os.path.abspath  # which, unlike realpath, follows no link
    readings = (
        (absolute(argument), root),
        (os.path.realpath(argument), root.resolve()),
        (absolute(root / argument), root),
    )
    for path, top in readings:
        if Path(path).is_relative_to(top):
            relative = Path(path).relative_to(top).as_posix()
            yield "" if relative == "." else relative


def _at(mirror: Path, path: str) -> Iterator[Target]:
    if (mirror / path).is_dir():
        yield Target(path)
    if path.lower().endswith(MP4_SUFFIX):
        yield from _video(mirror, path)
    for name in dict.fromkeys((path, path.removesuffix(naming.STATUS_SUFFIX), naming.name_of(path))):
        if _has_status(mirror, name):
            yield Target(naming.folder_of(name), request=naming.stem_of(name))


def _video(mirror: Path, path: str) -> Iterator[Target]:
    """The MP4; where there is none, the request with the longest name that could have promised it."""
    folder, video = naming.folder_of(path), naming.stem_of(path)
    if (mirror / path).is_file():
        yield Target(folder, video=video)
        return
    for length in range(len(video) - 1, 0, -1):
        if _has_status(mirror, below(folder, video[:length])):
            yield Target(folder, request=video[:length])
            return


def _has_status(mirror: Path, name: str) -> bool:
    return bool(naming.stem_of(name)) and os.path.lexists(mirror / naming.status_path(name))
