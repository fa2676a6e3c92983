"""The finished footage on the page: details by hours, lanes by days, and one index; kept in step.

Memory holds the index, the failures and one day's lanes with one hour's details at a time. Details are
written before lanes and lanes before the index; what a kill leaves is put right by offering the same requests
again.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

from camspool.adapters.spool.own_files import OwnFiles
from camspool.core.errors import StorageTrouble
from camspool.core.status_document import Status
from camspool.page import activity, index, lanes, script
from camspool.page.activity import Row
from camspool.page.clips import ClipRow, clip_row, footage, rows_of
from camspool.page.hours import FOLDER, HOURS, Hours, version
from camspool.page.index import DAY, Index
from camspool.page.lanes import HourFigures, Lanes
from camspool.page.local_days import Hour, day_of

log = structlog.get_logger()

INDEX: Final = f"{FOLDER}/index.js"
FAILURES: Final = f"{FOLDER}/failures.js"
SEEN: Final = f"{FOLDER}/seen.js"
LANES: Final = f"{FOLDER}/lanes"
POSTERS: Final = f"{FOLDER}/posters"
MOST_FAILURES: Final = 100
_FORMAT: Final = "2"
_POSTER: Final = re.compile(r"[0-9a-f]+\.jpg")
_OLD_INDEX: Final = f"{FOLDER}/finished.js"
"""Of format 1, whose days were one file each, `days/DATE.js`."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a request leaves on the page.

    Args:
        name: the request.
        hours: its clips by hour; hours that may have had some are there too.
        failure: what went wrong.
        arrived: when it ended, or was last written.
        again: whether an earlier run under this name may have left clips at other hours.
    """

    name: str
    hours: Mapping[Hour, list[ClipRow]]
    failure: Row | None
    arrived: str
    again: bool


class Shelf:
    """Keeps the files of the finished footage; for one thread at a time.

    Args:
        files: the mirror.
        zone: says which day it was.
    """

    def __init__(self, files: OwnFiles, zone: ZoneInfo) -> None:
        self._files = files
        self.written = 0
        self._begin(zone)

    def _begin(self, zone: ZoneInfo) -> None:
        self.zone = zone
        # Data of another format, or by another zone, are made anew.
        self._format = f"{_FORMAT} {zone.key}"
        self.index = Index(self._format)
        self.failures: list[Row] = []
        self.through = 0.0
        self._hours = Hours(self._files, self._format)
        self._last: dict[str, str] = {}

    def load(self, zone: ZoneInfo) -> None:
        """Take up the data where the last run left them; all begins anew when something is missing.

        `through` then is the Unix time before which everything written is in; 0 while not all has been seen.
        """
        self._begin(zone)
        self._remove_format_1()
        found = index.load(script.load("index", self._files.read(INDEX)), self._format)
        failures = script.load("failures", self._files.read(FAILURES))
        seen = script.load("seen", self._files.read(SEEN))
        if found is None or not _are_failures(failures) or not _is_seen(seen, self._format):
            return
        self.index, self.failures = found, failures
        self.through = seen["through"]
        if damaged := self._damaged_days():
            self.through = 0.0
            self._change({}, *damaged)

    @property
    def edition(self) -> str:
        """The index as it was last written."""
        return self._last.get(INDEX, "")

    @property
    def failures_edition(self) -> str:
        """The failures as they were last written."""
        return self._last.get(FAILURES, "")

    def is_there(self) -> bool:
        """False when a person has deleted the index."""
        return INDEX.rpartition("/")[2] in self._files.names(FOLDER)

    def hours(self) -> set[Hour]:
        """All hours that may have footage; also those of which a kill has kept the index from knowing."""
        return {name[:13] for name in self._hours.names()}

    def ended(self, status: Status) -> Ended:
        """What a request leaves on the page: no clips of one that was edited so that it cannot be shown."""
        hours = footage(status, self.zone)
        if not all(map(clip_row, rows_of(hours))):
            log.warning("request_not_shown", request=status.name, problem="its status has impossible figures")
            hours = {hour: [] for hour in hours}
        arrived = activity.written(status.finished_at or status.updated_at) or ""
        again = status.request.filed_before is not None
        return Ended(status.name, hours, activity.failure(status), arrived, again)

    def put(self, requests: Iterable[Ended]) -> set[Hour]:
        """Show what has become of these requests.

        Returns:
            The hours that have changed.
        """
        changes: dict[Hour, dict[str, list[ClipRow]]] = {}
        ended = {request.name: request for request in requests}
        for request in ended.values():
            for hour, rows in request.hours.items():
                changes.setdefault(hour, {})[request.name] = rows
        for hour in self._hours_of_earlier_runs(request for request in ended.values() if request.again):
            known = self._hours.read(hour)
            for name in (known.all().keys() & ended.keys()) if known else ():
                changes.setdefault(hour, {}).setdefault(name, [])
        for request in ended.values():
            self._note(request)
        return self._change(changes)

    def refresh(self, day: str) -> set[Hour]:
        """See which clips of a day are still there; what is left of others goes.

        Returns:
            The hours of the day.
        """
        hours = {hour for hour in self.hours() if day_of(hour) == day}
        posters: set[str] = set()
        changes: dict[Hour, dict[str, list[ClipRow]]] = {}
        for hour in sorted(hours):
            details = self._hours.read(hour)
            requests = details.all() if details else {}
            changes[hour] = self._changes_by_missing(requests)
            posters |= {f"{row.poster}.jpg" for row in rows_of({**requests, **changes[hour]})}
        self._change(changes, day)
        if self.through:
            self._remove_posters(day, self._files.names(f"{POSTERS}/{day}") - posters)
        return hours

    def forget_others(self) -> None:
        """Delete what is left of days that have no footage any more, once all has been looked through."""
        for name in self._files.names(LANES) - {f"{day}.js" for day in self.index.days}:
            if DAY.fullmatch(name.removesuffix(".js")):
                self._files.remove(f"{LANES}/{name}")
        for day, names in self._hours.names_by_day().items():
            known = self._lanes(day, names).hours if day in self.index.days else {}
            for name in names:
                if name[11:13] not in known:
                    self._files.remove(f"{HOURS}/{name}")
        for day in self._files.names(POSTERS) - self.index.days.keys():
            if DAY.fullmatch(day):
                self._remove_posters(day, self._files.names(f"{POSTERS}/{day}"))
        self.index.forget_cameras()

    def write_index(self) -> None:
        """Write the index and the failures where they have changed; the days in it are there by now."""
        self._write(FAILURES, script.dump("failures", self.failures))
        self._write(INDEX, script.dump("index", asdict(self.index)))

    def write_seen(self) -> None:
        """Remember up to when everything is in: for the next start, and no news for the page."""
        self._write(SEEN, script.dump("seen", {"format": self._format, "through": self.through}))

    def clips(self, hour: Hour) -> list[ClipRow]:
        """The clips of an hour; nothing where there is no such file, or it cannot be understood."""
        details = self._hours.read(hour)
        return list(rows_of(details.all())) if details else []

    def _damaged_days(self) -> list[str]:
        """Days of which a file that the index counts is not there."""
        there, files = self._files.names(LANES), self._hours.names_by_day()
        return [
            day
            for day, figures in self.index.days.items()
            if f"{day}.js" not in there or len(files.get(day, [])) < figures[4]
        ]

    def _hours_of_earlier_runs(self, requests: Iterable[Ended]) -> list[Hour]:
        """Where footage of an earlier run under these names, long deleted, may still be shown."""
        names = [request.name for request in requests]
        return [hour for hour in self.hours() if self._hours.mentions(hour, names)] if names else []

    def _change(self, changes: Mapping[Hour, Mapping[str, list[ClipRow]]], *days: str) -> set[Hour]:
        """Change these hours, and bring the lanes of their days and of others into step."""
        changed: set[Hour] = set()
        files = self._hours.names_by_day()
        for day in sorted({*map(day_of, changes), *days}):
            lanes_ = self._lanes(day, files.get(day, []))
            for hour in sorted(hour for hour in changes if day_of(hour) == day):
                if self._change_hour(lanes_, hour, changes[hour]):
                    changed.add(hour)
            self._write_lanes(lanes_)
        return changed

    def _change_hour(self, lanes_: Lanes, hour: Hour, changes: Mapping[str, list[ClipRow]]) -> bool:
        before = self._hours.read(hour)
        known = lanes_.hours.get(hour[11:], HourFigures([], 0))
        if before is None or len(before.parts) < len(known.versions):
            self.through = 0.0  # something was damaged or deleted: its requests only the statuses know
        before = before or self._hours.discard(hour)
        parts = before.changed(changes)
        versions, size = self._hours.write(hour, parts, before)
        self.written += size
        if versions == known.versions == before.versions():
            return False
        rows = [row for part in parts for row in rows_of(part)]
        lanes_.replace(hour, rows, versions, self.zone)
        self._forget(hour, rows_of(before.all()), rows)
        return True

    def _forget(self, hour: Hour, before: Iterable[ClipRow], after: Iterable[ClipRow]) -> None:
        """What was kept of clips that are gone goes too."""
        files, posters = {row.file for row in after}, {row.poster for row in after}
        gone = {row.poster for row in before} - posters
        self._remove_posters(day_of(hour), {f"{poster}.jpg" for poster in gone})
        self.index.latest = [
            item for item in self.index.latest if item["hour"] != hour or item["file"] in files
        ]

    def _lanes(self, day: str, files: Sequence[str]) -> Lanes:
        """The lanes of a day as they were written; made anew from its details where they do not fit them."""
        found = lanes.load(script.load("lanes", self._files.read(_lanes_file(day))), self._format, day)
        if found is None:
            return self._lanes_of_details(day, files)
        if Counter(name[11:13] for name in files) != {
            hour: len(figures.versions) for hour, figures in found.hours.items()
        }:
            self.through = 0.0  # deleted by somebody, or by a run that was killed
            return self._lanes_of_details(day, files)
        return found

    def _lanes_of_details(self, day: str, files: Iterable[str]) -> Lanes:
        made = Lanes(day)
        for hour in sorted({name[:13] for name in files}):
            details = self._hours.read(hour)
            if details and details.parts:
                made.replace(hour, rows_of(details.all()), details.versions(), self.zone)
        return made

    def _write_lanes(self, lanes_: Lanes) -> None:
        path = _lanes_file(lanes_.day)
        data = script.dump("lanes", lanes.dump(lanes_, self._format, self.zone))
        if not lanes_.cameras:
            self._files.remove(path)
        elif self._files.read(path) != data:
            self._files.write(path, data)
            self.written += len(data)
        self.index.show(lanes_, version(data))

    def _changes_by_missing(self, requests: Mapping[str, list[ClipRow]]) -> dict[str, list[ClipRow]]:
        """The requests of which an MP4 is gone, with those that are left; none where one cannot look."""
        try:
            missing = self._files.missing({row.file for row in rows_of(requests)})
        except StorageTrouble:
            return {}
        return {
            name: [row for row in rows if row.file not in missing]
            for name, rows in requests.items()
            if any(row.file in missing for row in rows)
        }

    def _remove_posters(self, day: str, names: Iterable[str]) -> None:
        for name in names:
            if _POSTER.fullmatch(name):  # not one that is just being made, and nothing of others
                self._files.remove(f"{POSTERS}/{day}/{name}")

    def _remove_format_1(self) -> None:
        self._files.remove(_OLD_INDEX)
        for name in self._files.names(HOURS):
            if DAY.fullmatch(name.removesuffix(".js")):
                self._files.remove(f"{HOURS}/{name}")

    def _write(self, path: str, data: bytes) -> None:
        edition = version(data)
        if self._last.get(path) != edition:
            self._files.write(path, data)
            self.written += len(data)
            self._last[path] = edition

    def _note(self, request: Ended) -> None:
        """Keep the lists of what came last."""
        clips = [
            {
                "request": request.name,
                "file": row.file,
                "camera": row.camera,
                "hour": hour,
                "at": row.at,
                "arrived": request.arrived,
            }
            for hour, rows in request.hours.items()
            for row in rows
        ]
        self.index.arrived(request.name, clips)
        others = [row for row in self.failures if row["request"] != request.name]
        failures = [*others, *([request.failure] if request.failure else [])]
        self.failures = sorted(failures, key=lambda row: str(row["at"]), reverse=True)[:MOST_FAILURES]


def poster_file(hour: Hour, poster: str) -> str:
    """Where the poster of a clip lies."""
    return f"{POSTERS}/{day_of(hour)}/{poster}.jpg"


def _lanes_file(day: str) -> str:
    return f"{LANES}/{day}.js"


def _are_failures(found: Any) -> bool:
    texts = ("request", "state", "at", "message", "hint")
    return isinstance(found, list) and all(
        isinstance(row, dict)
        and all(isinstance(row.get(text), str) for text in texts)
        and isinstance(row.get("cameras"), list)
        for row in found
    )


def _is_seen(found: Any, format_: str) -> bool:
    match found:
        case {"format": str(format_found), "through": int() | float() as through}:
            return format_found == format_ and not isinstance(through, bool) and through >= 0
    return False
