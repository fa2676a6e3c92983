"""The details of the finished footage: a file for each hour in which clips begin, more where there are many.

Requests stay in the file in which they once are: so a kill between two files neither loses nor doubles any.
"""

import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from camspool.adapters.spool.own_files import OwnFiles
from camspool.page import script
from camspool.page.clips import ClipRow, Requests, clip_row
from camspool.page.local_days import Hour

FOLDER: Final = "_page"
HOURS: Final = f"{FOLDER}/days"
FILE: Final = re.compile(r"(?P<hour>(?P<day>\d{4}-\d\d-\d\d)-\d\d)(?:\.(?P<part>[1-9]\d*))?\.js", re.ASCII)
"""The names of our own files: NAS boxes, people and others leave more beside them."""
ROOM: Final = 250_000
"""Bytes; an hour that needs more goes on in another file."""


@dataclass(slots=True)
class Details:
    """The requests with footage of one hour, file by file.

    Args:
        parts: what each of the files holds.
        data: their bytes, as they were read.
    """

    parts: list[Requests]
    data: list[bytes]

    def all(self) -> Requests:
        """All requests of the hour."""
        return {name: rows for part in self.parts for name, rows in part.items()}

    def versions(self) -> list[str]:
        """Of each file, what changes when it does."""
        return [version(data) for data in self.data]

    def changed(self, changes: Mapping[str, list[ClipRow]]) -> list[Requests]:
        """The parts after requests have got other clips, or none."""
        parts = [dict(part) for part in self.parts]
        room = ROOM - (len(self.data[-1]) if self.data else ROOM)
        for name, rows in changes.items():
            home = next((part for part in parts if name in part), None)
            for part in parts:
                if part is not home or not rows:
                    part.pop(name, None)
            if home is not None and rows:
                home[name] = rows
            if home is not None or not rows:
                continue
            size = len(json.dumps([name, rows]))
            if room < size or not parts:
                parts.append({})
                room = ROOM
            parts[-1][name] = rows
            room -= size
        while parts and not parts[-1]:
            parts.pop()
        return parts


class Hours:
    """Reads and writes the files of the hours.

    Args:
        files: the mirror.
        format_: that of the files; what has another is as good as damaged.
    """

    def __init__(self, files: OwnFiles, format_: str) -> None:
        self._files = files
        self._format = format_

    def names(self) -> set[str]:
        """The names of all files of hours, whatever their format."""
        return {name for name in self._files.names(HOURS) if FILE.fullmatch(name)}

    def names_by_day(self) -> dict[str, list[str]]:
        """The same by the day, in the order of the hours."""
        days: dict[str, list[str]] = {}
        for name in sorted(self.names()):
            days.setdefault(name[:10], []).append(name)
        return days

    def read(self, hour: Hour) -> Details | None:
        """The details of an hour; none where there is no file; None when one cannot be understood."""
        details = Details([], [])
        while (data := self._files.read(path(hour, len(details.parts)))) is not None:
            part = self._requests(data, hour)
            if part is None:
                return None
            details.parts.append(part)
            details.data.append(data)
        return details

    def mentions(self, hour: Hour, names: Iterable[str]) -> bool:
        """Whether an hour may have footage of one of these requests; its files are searched, not parsed."""
        wanted = [script.dump("name", name)[14:-3] for name in names]
        part = 0
        while (data := self._files.read(path(hour, part))) is not None:
            if any(name in data for name in wanted):
                return True
            part += 1
        return False

    def write(self, hour: Hour, parts: list[Requests], before: Details) -> tuple[list[str], int]:
        """Write the files that have changed, and remove those that are needed no more.

        Returns:
            The versions of all files of the hour, and how many bytes were written.
        """
        versions, size = [], 0
        for number, part in enumerate(parts):
            requests = list(part.items())  # pairs, for in a script the key `__proto__` is not one like others
            data = script.dump("hour", {"format": self._format, "hour": hour, "requests": requests})
            if before.data[number : number + 1] != [data]:
                self._files.write(path(hour, number), data)
                size += len(data)
            versions.append(version(data))
        for number in range(len(parts), len(before.data)):
            self._files.remove(path(hour, number))
        return versions, size

    def discard(self, hour: Hour) -> Details:
        """Remove the files of an hour that cannot be understood; nothing is left."""
        part = 0
        while self._files.remove(path(hour, part)):
            part += 1
        return Details([], [])

    def _requests(self, data: bytes, hour: Hour) -> Requests | None:
        found = script.load("hour", data)
        if not isinstance(found, dict) or (found.get("format"), found.get("hour")) != (self._format, hour):
            return None
        pairs = found.get("requests")
        if not isinstance(pairs, list):
            return None
        requests: Requests = {}
        for pair in pairs:
            match pair:
                case [str(name), [*values]]:
                    rows = [row for value in values if (row := clip_row(value))]
                    if len(rows) < len(values):
                        return None
                    requests[name] = rows
                case _:
                    return None
        return requests


def path(hour: Hour, part: int) -> str:
    """Where a file of an hour lies; the first has no number."""
    return f"{HOURS}/{hour}{f'.{part + 1}' if part else ''}.js"


def version(data: Any) -> str:
    """A few characters that are others when the data are."""
    return f"{zlib.crc32(data):08x}"
