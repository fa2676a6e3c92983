"""A day at a glance: which camera has footage when. Pure.

That is all the page needs to draw a day and to find its way in it, so it stays small: two numbers a clip.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from camspool.page.clips import ClipRow
from camspool.page.local_days import Hour, begins, day_of, length_s

HIGHEST_LEVEL: Final = 9
_SHORTEST_S: Final = 1


@dataclass(slots=True)
class HourFigures:
    """What is known of the details of an hour: the version of each of its files, and bytes of its MP4s."""

    versions: list[str]
    bytes: int


@dataclass(slots=True)
class Lanes:
    """The clips of one day, by camera.

    Args:
        day: the day.
        cameras: for each its clips, as seconds since the day began and length in seconds, in order.
        hours: by the hour's two digits.
    """

    day: str
    cameras: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    hours: dict[str, HourFigures] = field(default_factory=dict)

    def replace(self, hour: Hour, rows: Iterable[ClipRow], versions: list[str], zone: ZoneInfo) -> None:
        """Let an hour have these clips, and no others."""
        number, midnight, size = int(hour[11:]), begins(self.day, zone), 0
        self._clear(number * 3600, (number + 1) * 3600)
        changed = set()
        for row in rows:
            clip = max(0, row.at - midnight), max(_SHORTEST_S, round(row.seconds))
            self.cameras.setdefault(row.camera, []).append(clip)
            changed.add(row.camera)
            size += row.bytes
        for camera in changed:
            self.cameras[camera].sort()
        if versions:
            self.hours[hour[11:]] = HourFigures(versions, size)
        else:
            self.hours.pop(hour[11:], None)

    def _clear(self, start: int, end: int) -> None:
        for camera, clips in list(self.cameras.items()):
            del clips[bisect_left(clips, (start, 0)) : bisect_left(clips, (end, 0))]
            if not clips:
                del self.cameras[camera]

    @property
    def clips(self) -> int:
        """How many there are."""
        return sum(map(len, self.cameras.values()))

    @property
    def seconds(self) -> int:
        """Seconds of footage of all cameras."""
        return sum(map(_seconds, self.cameras.values()))

    @property
    def bytes(self) -> int:
        """Size of all MP4s."""
        return sum(hour.bytes for hour in self.hours.values())

    @property
    def files(self) -> int:
        """How many files the details of the day have."""
        return sum(len(hour.versions) for hour in self.hours.values())

    def levels(self) -> Mapping[str, int]:
        """How much footage each camera has, from 1 to HIGHEST_LEVEL: each level is twice the one below."""
        return {camera: _level(_seconds(clips)) for camera, clips in self.cameras.items()}


def dump(lanes: Lanes, format_: str, zone: ZoneInfo) -> dict[str, Any]:
    """The lanes as they are written: of each clip the seconds since the one before began, and its length."""
    return {
        "format": format_,
        "day": lanes.day,
        "begins": begins(lanes.day, zone),
        "lasts": length_s(lanes.day, zone),
        "cameras": list(lanes.cameras),
        "clips": [_differences(clips) for clips in lanes.cameras.values()],
        "hours": {hour: [figures.versions, figures.bytes] for hour, figures in sorted(lanes.hours.items())},
    }


def load(found: Any, format_: str, day: str) -> Lanes | None:
    """The lanes that were written; None for anything else."""
    try:
        if found["format"] != format_ or found["day"] != day:
            return None
        cameras = {
            str(camera): _sums(clips) for camera, clips in zip(found["cameras"], found["clips"], strict=True)
        }
        hours = {
            str(hour): HourFigures(list(map(str, versions)), int(size))
            for hour, (versions, size) in found["hours"].items()
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return Lanes(day, cameras, hours)


def of_hours(day: str, hours: Mapping[Hour, tuple[Iterable[ClipRow], list[str]]], zone: ZoneInfo) -> Lanes:
    """The lanes of a day made anew from its details: of each hour the clips, and its files' versions."""
    lanes = Lanes(day)
    for hour, (rows, versions) in hours.items():
        if day_of(hour) == day:
            lanes.replace(hour, rows, versions, zone)
    return lanes


def _differences(clips: Iterable[tuple[int, int]]) -> list[int]:
    written: list[int] = []
    last = 0
    for second, length in clips:
        written += [second - last, length]
        last = second
    return written


def _sums(written: list[int]) -> list[tuple[int, int]]:
    clips, second = [], 0
    for difference, length in zip(written[::2], written[1::2], strict=True):
        second += int(difference)
        clips.append((second, int(length)))
    return clips


def _seconds(clips: Iterable[tuple[int, int]]) -> int:
    return sum(length for _, length in clips)


def _level(seconds: int) -> int:
    return min(HIGHEST_LEVEL, 1 + int(math.log2(max(1.0, seconds / 60))))
