"""From the entries of a request to its clips: entry by entry, camera by camera, part by part.

It does not ask the API for anything and knows nothing of recordings.
"""

import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import count

from camspool.core.status_document import Clip
from camspool.core.values import CameraRef, Entry


def asks(entries: Iterable[Entry]) -> tuple[Clip, ...]:
    """The clips to fetch, `queued`, numbered from 1 in the order entry, camera, time."""
    numbers = count(1)
    return tuple(
        Clip(camera=camera, start=start, end=end, entry=index, ask=next(numbers))
        for index, entry in enumerate(entries)
        for camera in cameras(entry)
        for start, end in _parts(entry)
    )


def number_of_asks(entry: Entry) -> int:
    """How many clips an entry comes to, without making them."""
    step = entry.split_s or math.inf
    parts = max(1, math.ceil((entry.end - entry.start).total_seconds() / step))
    return len(cameras(entry)) * parts


def cameras(entry: Entry) -> tuple[CameraRef, ...]:
    """The cameras of an entry; a single one is a tuple of one."""
    return entry.camera if isinstance(entry.camera, tuple) else (entry.camera,)


def _parts(entry: Entry) -> Iterator[tuple[datetime, datetime]]:
    """Consecutive ranges of `split_s` seconds (whole seconds: see `fields`); the last one may be shorter."""
    start = entry.start
    while entry.split_s and (end := start + timedelta(seconds=entry.split_s)) < entry.end:
        yield start, end
        start = end
    yield start, entry.end
