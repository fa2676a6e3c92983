"""The cameras that were listed last, in the user's cache folder; here for the completion of `--camera`.

Loads nothing heavy, since a shell runs it at a keystroke; a cache that cannot be used is no cache.
"""

import contextlib
import json
import os
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


def remember(document: bytes, environ: Mapping[str, str]) -> None:
    """Keep the document of `core/camera_list.py`; without effect where the cache cannot be written."""
    with contextlib.suppress(OSError):
        path = cache_path(environ)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(document)


def completions(incomplete: str, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The references that begin like `incomplete`, each with a description."""
    # Only bash inserts the word unquoted.
    write = shlex.quote if environ.get("_CAMSPOOL_COMPLETE", "").startswith("bash") else str
    for reference, what in _references(_listed(environ)):
        if reference.casefold().startswith(incomplete.casefold()) and reference.isprintable():
            yield write(reference), what if what.isprintable() else ""


def cache_path(environ: Mapping[str, str]) -> Path:
    """Where the cache is."""
    folder = environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    return Path(folder, "camspool", "cameras.json")


def _references(cameras: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """The references that identify exactly one camera: external ids and unique names, else the node id."""
    taken = Counter(str(camera["name"]) for camera in cameras)
    taken.update({str(camera["external_id"]) for camera in cameras if camera["external_id"]})
    for camera in cameras:
        name, what = str(camera["name"]), " / ".join((*map(str, camera["path"]), str(camera["name"])))
        own = {camera["external_id"], name if taken[name] == 1 else None} - {None, ""}
        for reference in sorted(str(each) for each in own) or [str(camera["node_id"])]:
            yield reference, what


def _listed(environ: Mapping[str, str]) -> list[Mapping[str, Any]]:
    try:
        cameras = json.loads(cache_path(environ).read_bytes())["cameras"]
        return [
            {name: camera[name] for name in ("node_id", "external_id", "name", "path")} for camera in cameras
        ]
    except (OSError, ValueError, TypeError, KeyError):
        return []
