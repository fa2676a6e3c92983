"""The finished footage, one file of data a day, and the index of the days; read, changed and written.

Memory holds the index and one day at a time. What a kill leaves is put right by offering the same statuses
again.
"""

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

from camspool.adapters.spool.own_files import OwnFiles
from camspool.core.errors import StorageTrouble
from camspool.core.status_document import Status
from camspool.page import rows, script
from camspool.page.rows import Row

log = structlog.get_logger()

FOLDER: Final = "_page"
INDEX: Final = f"{FOLDER}/finished.js"
DAYS: Final = f"{FOLDER}/days"
POSTERS: Final = f"{FOLDER}/posters"
_FORMAT: Final = "1"
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DAY_FILE: Final = re.compile(rf"{_DAY.pattern}\.js", re.ASCII)
_POSTER: Final = re.compile(r"[0-9a-f]+\.jpg")
"""Names of our own: a NAS, a person and whoever else leave others beside them."""

_ARRIVAL: Final = ("day", "request", "at")
"""What the latest clips have besides."""
LATEST: Final = 12
FAILURES: Final = 100


@dataclass(slots=True)
class Index:
    """What the page reads first, and what the daemon remembers of the page.

    Args:
        through: the Unix time before which everything written is in; 0 while not all has been looked through.
        days: figures of each day.
        latest: the clips that arrived last, the newest first.
        failures: the requests that failed last, the newest first.
    """

    format: str
    through: float = 0.0
    days: dict[str, Row] = field(default_factory=dict)
    latest: list[Row] = field(default_factory=list)
    failures: list[Row] = field(default_factory=list)


class Shelf:
    """Keeps the files of the days and the index; for one thread at a time.

    Args:
        files: the mirror.
        zone: says which day it was.
    """

    def __init__(self, files: OwnFiles, zone: ZoneInfo) -> None:
        self._files = files
        self.zone = zone
        self.index = Index(self._format)
        self.edition = 0

    @property
    def _format(self) -> str:
        """Of the index and the days: those of another format, or by another zone, are made anew."""
        return f"{_FORMAT} {self.zone.key}"

    def load(self) -> None:
        """Take up the index where the last run left it; it begins anew when anything is missing."""
        found = script.load("finished", self._files.read(INDEX))
        self.index = Index(**found) if _is_index(found, self._format) else Index(self._format)
        if {f"{day}.js" for day in self.index.days} - self._files.names(DAYS):
            self.index.through = 0.0

    def is_there(self) -> bool:
        """False when a person has deleted the index."""
        return INDEX.rpartition("/")[2] in self._files.names(FOLDER)

    def put(self, statuses: Iterable[Status]) -> set[str]:
        """Let the days show what has become of these requests.

        Returns:
            The days that have changed.
        """
        changes: dict[str, dict[str, list[Row]]] = {}
        for status in statuses:
            days = self._footage(status)
            for day in {*days, *self._earlier_days(status)}:
                changes.setdefault(day, {})[status.name] = days.get(day, [])
            self._note(status, days)
        return {day for day, requests in changes.items() if self._change(day, requests)}

    def refresh(self, days: Iterable[str]) -> None:
        """Look anew which clips of these days are there, and which have a poster."""
        for day in days:
            self._change(day, {}, look=True)

    def forget_others(self) -> None:
        """Delete what is left of days that have no footage any more, once all has been looked through."""
        for name in self._files.names(DAYS) - {f"{day}.js" for day in self.index.days}:
            if _DAY_FILE.fullmatch(name):
                self._files.remove(f"{DAYS}/{name}")
        for day in self._files.names(POSTERS) - self.index.days.keys():
            if _DAY.fullmatch(day):
                self._remove_posters(day, self._files.names(f"{POSTERS}/{day}"))

    def write_index(self) -> None:
        """Write the index, which becomes another edition; the days that it names are there already."""
        data = script.dump("finished", asdict(self.index))
        self._files.write(INDEX, data)
        self.edition = zlib.crc32(data)

    def clips(self, day: str) -> dict[str, list[Row]]:
        """The clips of a day by request; nothing where there is no such file, or it cannot be understood."""
        return self._clips_in(self._files.read(_day_file(day))) or {}

    def _clips_in(self, data: bytes | None) -> dict[str, list[Row]] | None:
        found = script.load("day", data)
        if not isinstance(found, dict) or found.get("format") != self._format:
            return None
        # Pairs, for in a script the key `__proto__` of a mapping is not one like others.
        pairs = found.get("requests")
        return dict(pairs) if isinstance(pairs, list) and all(map(_is_pair, pairs)) else None

    def _footage(self, status: Status) -> dict[str, list[Row]]:
        """Nothing of a request that was edited so that it cannot be shown."""
        days = rows.footage(status, self.zone)
        if all(map(rows.is_clip, rows.rows_of(days))):
            return days
        log.warning("request_not_shown", request=status.name, problem="its status has impossible figures")
        return {day: [] for day in days}

    def _earlier_days(self, status: Status) -> Iterable[str]:
        """Where footage of an earlier run under this name, long deleted, may still be shown."""
        return self.index.days if status.request.filed_before is not None else ()

    def _change(self, day: str, changes: Mapping[str, list[Row]], *, look: bool = False) -> bool:
        path = _day_file(day)
        before = self._files.read(path)
        known = self._clips_in(before)
        if known is None and day in self.index.days:
            self.index.through = 0.0  # it was damaged: what else is of that day only the statuses know
        found = {**(known or {}), **changes}
        found = self._without_missing(found) if look else found
        requests = {name: clips for name, clips in found.items() if clips}
        self._look_for_posters(day, requests)
        if not requests:
            self.index.days.pop(day, None)
            return self._files.remove(path)
        self.index.days[day] = rows.totals(requests)
        data = script.dump("day", {"format": self._format, "day": day, "requests": list(requests.items())})
        if data == before:
            return False
        self._files.write(path, data)
        return True

    def _without_missing(self, requests: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
        """Only those whose MP4 is there; all of them where one cannot look."""
        try:
            missing = self._files.missing({row["file"] for row in rows.rows_of(requests)})
        except StorageTrouble:
            return dict(requests)
        return {
            name: [row for row in clips if row["file"] not in missing] for name, clips in requests.items()
        }

    def _look_for_posters(self, day: str, requests: Mapping[str, list[Row]]) -> None:
        """Mark the clips that have one; the posters of clips that are gone go too."""
        posters = self._files.names(f"{POSTERS}/{day}")
        for row in rows.rows_of(requests):
            row["pictured"] = row["poster"] in posters
        files = {row["file"] for row in rows.rows_of(requests)}
        latest = [item for item in self.index.latest if item["day"] != day or item["file"] in files]
        self.index.latest = [
            {**item, "pictured": item["poster"] in posters} if item["day"] == day else item for item in latest
        ]
        self._remove_posters(day, posters - {row["poster"] for row in rows.rows_of(requests)})

    def _remove_posters(self, day: str, names: Iterable[str]) -> None:
        for name in names:
            if _POSTER.fullmatch(name):  # not one that is just being made, and nothing of others
                self._files.remove(f"{POSTERS}/{day}/{name}")

    def _note(self, status: Status, days: Mapping[str, list[Row]]) -> None:
        """Keep the lists of what came last."""
        index, name = self.index, status.name
        arrived = rows.written(status.finished_at or status.updated_at)
        clips = [
            {**row, "day": day, "request": name, "at": arrived, "pictured": False}
            for day, found in days.items()
            for row in found
        ]
        index.latest = _newest([*_others(index.latest, name), *clips], LATEST)
        failure = rows.failure(status)
        failures = [*_others(index.failures, name), *([failure] if failure else [])]
        index.failures = _newest(failures, FAILURES)


def poster_file(day: str, row: Row) -> str:
    """Where the poster of a clip lies."""
    return f"{POSTERS}/{day}/{row['poster']}"


def _day_file(day: str) -> str:
    return f"{DAYS}/{day}.js"


def _others(items: Iterable[Row], request: str) -> list[Row]:
    return [item for item in items if item["request"] != request]


def _newest(items: list[Row], most: int) -> list[Row]:
    return sorted(items, key=lambda item: (item["at"], item.get("from", "")), reverse=True)[:most]


def _is_pair(pair: Any) -> bool:
    match pair:
        case [str(), [*clips]]:
            return all(map(rows.is_clip, clips))
    return False


def _is_index(found: Any, format_: str) -> bool:
    match found:
        case {
            "format": str(format_found),
            "through": int() | float() as through,
            "days": dict() as days,
            "latest": list() as latest,
            "failures": list() as failures,
            **others,
        }:
            return (
                format_found == format_
                and not others
                and through >= 0
                and all(_DAY.fullmatch(day) and isinstance(days[day], dict) for day in days)
                and all(map(_is_latest, latest))
                and all(map(_is_failure, failures))
            )
    return False


def _is_latest(item: Any) -> bool:
    if not _is_item(item, *_ARRIVAL):
        return False
    return rows.is_clip({key: value for key, value in item.items() if key not in _ARRIVAL})


def _is_failure(item: Any) -> bool:
    return _is_item(item, "request", "state", "at", "message", "hint") and isinstance(
        item.get("cameras"), list
    )


def _is_item(item: Any, *texts: str) -> bool:
    return isinstance(item, dict) and all(isinstance(item.get(text), str) for text in texts)
