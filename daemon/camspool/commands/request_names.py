"""The names of requests that begin with the typed word, taken from file names alone.

Bounded: a folder of a million requests takes no longer than one of twenty thousand.
"""

import os
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from camspool.core import naming

_MOST: Final = 200
_MOST_LOOKED_AT: Final = 20_000


def outstanding(drop: Path, incomplete: str) -> list[str]:
    """The names of requests in the drop folder that begin like this."""
    return sorted(set(islice(_matching(drop, incomplete, naming.REQUEST_SUFFIXES), _MOST)))


def known(drop: Path, mirror: Path, incomplete: str) -> list[str]:
    """The names of all requests that begin like this, outstanding ones and those that have ended."""
    ended = islice(_matching(mirror, incomplete, (naming.STATUS_SUFFIX,)), _MOST)
    return sorted({*ended, *outstanding(drop, incomplete)})


def _matching(root: Path, incomplete: str, suffixes: tuple[str, ...]) -> Iterator[str]:
    """Names below `root`; of its folders only those are read that can have one."""
    for path in islice(_files(root, incomplete), _MOST_LOOKED_AT):
        suffix = next((each for each in suffixes if path.lower().endswith(each)), None)
        if suffix and path.startswith(incomplete):
            yield path[: -len(suffix)]


def _files(root: Path, incomplete: str) -> Iterator[str]:
    waiting = deque([""])
    while waiting:
        folder = waiting.popleft()
        try:
            entries = list(os.scandir(root / folder))
        except OSError:
            continue  # completion shows no errors
        for entry in entries:
            path = naming.below(folder, entry.name)
            if naming.ignored_component(entry.name) or not path.isprintable():
                continue
            if entry.is_dir(follow_symlinks=False):
                if f"{path}/".startswith(incomplete) or incomplete.startswith(f"{path}/"):
                    waiting.append(path)
            else:
                yield path
