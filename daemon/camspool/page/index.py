"""The index of the page: its days and cameras in figures, and the clips that arrived last. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from camspool.page.lanes import Lanes

DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
LATEST: Final = 4
_FIGURES: Final = (str, int, int, int, int, str)
_LEVELS: Final = re.compile("[0-9]*")

Row = dict[str, Any]


@dataclass(slots=True)
class Index:
    """What the page reads first.

    Args:
        format: of all data of the page, and the time zone that days are counted in.
        cameras: their names; a camera keeps its place in this table.
        days: of each day the version of its lanes, clips, seconds, bytes, files of details, and a digit for
            each camera of the table: how much footage it has.
        latest: the clips that arrived last, the newest first.
    """

    format: str
    cameras: list[str] = field(default_factory=list)
    days: dict[str, list[Any]] = field(default_factory=dict)
    latest: list[Row] = field(default_factory=list)

    def show(self, lanes: Lanes, version: str) -> None:
        """Let a day have the figures of its lanes."""
        if not lanes.cameras:
            self.days.pop(lanes.day, None)
            return
        levels, known = lanes.levels(), set(self.cameras)
        self.cameras += [camera for camera in levels if camera not in known]
        digits = "".join(str(levels.get(camera, 0)) for camera in self.cameras).rstrip("0")
        self.days[lanes.day] = [version, lanes.clips, lanes.seconds, lanes.bytes, lanes.files, digits]

    def arrived(self, request: str, clips: Iterable[Row]) -> None:
        """Keep the latest clips, among them those of this request."""
        others = [item for item in self.latest if item["request"] != request]
        newest = sorted([*others, *clips], key=lambda item: (item["arrived"], item["at"]), reverse=True)
        self.latest = newest[:LATEST]

    def forget_cameras(self) -> None:
        """Drop the cameras that have no footage any more from the table."""
        width = range(len(self.cameras))
        used = [i for i in width if any(day[-1][i : i + 1] not in {"", "0"} for day in self.days.values())]
        if len(used) == len(width):
            return
        self.cameras = [self.cameras[i] for i in used]
        for day in self.days.values():
            day[-1] = "".join(day[-1][i : i + 1] or "0" for i in used).rstrip("0")


def load(found: Any, format_: str) -> Index | None:
    """The index that was written; None for anything else."""
    match found:
        case {
            "format": str(format_found),
            "cameras": list() as cameras,
            "days": dict() as days,
            "latest": list() as latest,
            **others,
        } if (
            format_found == format_
            and not others
            and all(isinstance(camera, str) for camera in cameras)
            and all(DAY.fullmatch(day) and _are_figures(days[day]) for day in days)
            and all(map(_is_latest, latest))
        ):
            return Index(format_found, cameras, days, latest)
    return None


def _are_figures(found: Any) -> bool:
    return (
        isinstance(found, list)
        and len(found) == len(_FIGURES)
        and all(isinstance(value, kind) for value, kind in zip(found, _FIGURES, strict=True))
        and _LEVELS.fullmatch(found[-1]) is not None
    )


def _is_latest(item: Any) -> bool:
    texts = ("request", "file", "camera", "hour", "arrived")
    return (
        isinstance(item, dict)
        and item.keys() == {*texts, "at"}
        and all(isinstance(item[text], str) for text in texts)
        and isinstance(item["at"], int)
    )
