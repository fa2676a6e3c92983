"""The cameras that were listed last, in the user's cache folder; for the completion of `--camera` alone.

Loads nothing heavy, since a shell runs it at a keystroke; a cache that cannot be used is no cache.
"""

import contextlib
import json
import os
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from camspool.core.values import Camera

_MOST: Final = 10_000


def remember(cameras: "Iterable[Camera]", environ: Mapping[str, str]) -> None:
    """Remember how requests may refer to the cameras; without effect where the cache cannot be written."""
    listed = list(_entries(tuple(cameras)))[:_MOST]
    with contextlib.suppress(OSError):
        path = _path(environ)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(listed), "utf-8")


def completions(incomplete: str, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The references that begin like `incomplete`, each with a description."""
    # Only bash inserts the word unquoted.
    write = shlex.quote if environ.get("_CAMSPOOL_COMPLETE", "").startswith("bash") else str
    for reference, what in _listed(environ):
        if reference.casefold().startswith(incomplete.casefold()) and reference.isprintable():
            yield write(reference), what if what.isprintable() else ""


def _entries(cameras: "Sequence[Camera]") -> Iterator[tuple[str, str]]:
    """The references that identify exactly one camera: external ids and unique names, else the node id."""
    taken = Counter(camera.name for camera in cameras)
    taken.update({camera.external_id for camera in cameras if camera.external_id})
    for camera in cameras:
        what = " / ".join((*camera.place, camera.name))
        own = {camera.external_id, camera.name if taken[camera.name] == 1 else None} - {None, ""}
        for reference in sorted(str(each) for each in own) or [str(camera.node_id)]:
            yield reference, what


def _listed(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    try:
        found = json.loads(_path(environ).read_bytes())
        yield from ((str(reference), str(what)) for reference, what in found)
    except (OSError, ValueError, TypeError):
        return


def _path(environ: Mapping[str, str]) -> Path:
    folder = environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    return Path(folder, "camspool", "cameras.json")
