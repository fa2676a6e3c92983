"""Keeps the page in the mirror up to date, beside the pipeline: whatever fails here delays nothing else.

All of it is made from the status files, and may be deleted at any time: it is made again, unhurriedly.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from queue import SimpleQueue
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

from camspool.adapters.spool import Spool
from camspool.aio import in_thread
from camspool.core.errors import StorageTrouble
from camspool.core.health import ServiceState, ServiceStatus
from camspool.core.naming import PAGE_FILE
from camspool.core.ports import Clock
from camspool.core.status_document import Status
from camspool.page import activity, script
from camspool.page.hours import FOLDER, version
from camspool.page.local_days import Hour
from camspool.page.posters import Posters
from camspool.page.shelf import Ended, Shelf

log = structlog.get_logger()

PAGE: Final = PAGE_FILE
NOW: Final = f"{FOLDER}/now.js"
OUTSTANDING: Final = f"{FOLDER}/outstanding.js"

SLACK: Final = timedelta(days=1)
"""A share's clock may be as far behind ours."""
MOST_PENDING: Final = 10_000
"""So many requests and clips are gathered before they are written."""
TURN_S: Final = 1.0
"""Statuses are looked through for so long, then the rest of the page has its turn."""
BREATH_S: Final = 2.0
"""The pause between two rounds of posters."""
LOOK_S: Final = 60.0
"""How often one day is checked for MP4s that people have deleted by hand."""
REST: Final = 10
"""After footage was written, nothing is written for this many times as long as that took."""
FEW_BYTES: Final = 100_000
"""So little may be written in every turn; beyond that:"""
BYTES_PER_S: Final = 30_000
"""The average rate at which finished footage is written: a full day that grows must not wear out a disk."""
BYTES_PER_S_AT_FIRST: Final = 500_000
"""The same while the mirror is looked through."""


@dataclass(frozen=True, slots=True)
class PageSettings:
    """What the page needs to know of the configuration.

    Args:
        enabled: whether there is a page.
        zone: the time zone of its days.
        heartbeat_s: how often it learns that the daemon lives, though nothing else has happened.
        every_s: how often it is brought up to date at most.
    """

    enabled: bool
    zone: ZoneInfo
    heartbeat_s: float = 15.0
    every_s: float = 5.0


class Page:
    """The page and its data.

    Args:
        spool: the folders.
        clock: for dates and pauses.
        shelf: the finished footage.
        posters: its pictures.
        settings: those in force now.
    """

    def __init__(
        self, spool: Spool, clock: Clock, shelf: Shelf, posters: Posters, settings: Callable[[], PageSettings]
    ) -> None:
        self._settings = settings
        self._spool = spool
        self._files = spool.own_files
        self._clock = clock
        self._shelf = shelf
        self._posters = posters
        self._open = False
        self._logged = ""
        self._news: SimpleQueue[Status] = SimpleQueue()
        # What follows belongs to the thread of the turns.
        self._pending: dict[str, Ended] = {}
        self._clips_done: dict[str, int] = {}
        self._sweep: Iterator[Status] | None = None
        self._rest_until = self._shown_at = self._looked_at = clock.monotonic()
        self._looked_at_day = ""
        self._shown: Any = None
        self._outstanding = ""

    @property
    def enabled(self) -> bool:
        """False to leave the mirror alone."""
        return self._settings().enabled

    def note(self, status: Status) -> None:
        """A request has ended, or its footage was deleted; the next turn shows it."""
        if self.enabled:
            self._news.put(status)

    async def tend(self, service: ServiceStatus, outstanding: Sequence[Status]) -> None:
        """Bring the page up to date, as far as one turn goes; to be called again and again, crash or not."""
        if not self.enabled:
            self._open = False
            return
        try:
            self._posters.look_at(await in_thread(self._tend, service, outstanding))
        except StorageTrouble as trouble:
            self._open = False  # what was missed meanwhile is found again
            self._log(trouble.message)
        except Exception:
            self._start_over()
            raise

    async def illustrate(self) -> None:
        """Make posters, for ever, a few at a time. The page finds them by itself, so no data change."""
        while True:
            try:
                if self.enabled and self._open:
                    await self._posters.make()
            except (StorageTrouble, OSError) as trouble:
                log.debug("poster_not_made", problem=str(trouble))
            await self._clock.sleep(BREATH_S)

    def _tend(self, service: ServiceStatus, outstanding: Sequence[Status]) -> set[Hour]:
        """One turn, in a thread; returns the hours whose clips may lack posters."""
        hours: set[Hour] = set()
        if not self._open or self._settings().zone.key != self._shelf.zone.key or not self._is_there():
            self._open = self._begin()
            hours |= self._shelf.hours() if self._open else set()
        if self._open:
            self._gather(outstanding)
            if service.state is not ServiceState.STOPPED:
                self._look_through()
            hours |= self._show_finished()
            self._show_now(service, outstanding)
            self._logged = ""
        return hours

    def _is_there(self) -> bool:
        with self._files.opened(PAGE) as page:
            return page is not None and self._shelf.is_there()

    def _begin(self) -> bool:
        """Take up what an earlier run has left, and look through what was written since.

        Returns:
            False when somebody else's page is in our place.
        """
        there, ours = self._files.read(PAGE), script.html()
        # No file, yet something: a link, such as to a portal of one's own, or a folder.
        if self._files.exists(PAGE) if there is None else not there.startswith(script.MARK):
            self._log(f"{PAGE} is not camspool's; move it away, or disable the page")
            return False
        self._shelf.load(self._settings().zone)
        self._shelf.write_index()
        if there != ours:
            self._files.write(PAGE, ours)
        self._sweep = self._spool.sweep(since=self._shelf.through)
        self._pending, self._clips_done = {}, {}
        self._shown, self._outstanding = None, ""
        return True

    def _gather(self, outstanding: Sequence[Status]) -> None:
        while not self._news.empty():
            status = self._news.get()
            self._pending[status.name] = self._shelf.ended(status)
        for status in outstanding:
            # Of a request with many clips, those are shown that are done already.
            if status.progress.clips_done > self._clips_done.get(status.name, 0):
                self._pending.setdefault(status.name, self._shelf.ended(status))
        self._clips_done = {status.name: status.progress.clips_done for status in outstanding}

    def _look_through(self) -> None:
        """Go on reading the statuses of the mirror, until all have been seen."""
        end = self._clock.monotonic() + TURN_S
        weight = sum(map(_weight, self._pending.values()))
        while self._sweep is not None and weight < MOST_PENDING and self._clock.monotonic() < end:
            status = next(self._sweep, None)
            if status is None:
                self._sweep = None
            elif status.state.final and status.name not in self._pending:
                self._pending[status.name] = ended = self._shelf.ended(status)
                weight += _weight(ended)

    def _day_to_look_at(self) -> str | None:
        """Once in a while the next day, the latest first, and from the beginning again after the earliest."""
        now, days = self._clock.monotonic(), self._shelf.index.days
        if now - self._looked_at < LOOK_S or not days:
            return None
        earlier = (day for day in days if day < self._looked_at_day)
        self._looked_at, self._looked_at_day = now, max(earlier, default=max(days))
        return self._looked_at_day

    def _show_finished(self) -> set[Hour]:
        """Write the requests that have ended; then rest, since there may have been many."""
        began, shelf = self._clock.monotonic(), self._shelf
        all_seen_now = self._sweep is None and not shelf.through
        if began < self._rest_until:
            return set()
        day = self._day_to_look_at()
        if not (self._pending or day or all_seen_now):
            return set()
        was_complete, written = shelf.through, shelf.written
        hours = shelf.put(self._pending.values())
        if day:
            hours |= shelf.refresh(day)
        is_news, self._pending = bool(self._pending or all_seen_now), {}
        if was_complete and not shelf.through:
            self._sweep = self._spool.sweep()
        if all_seen_now:
            shelf.forget_others()
        shelf.write_index()
        if self._sweep is None:
            shelf.through = (self._clock.now() - SLACK).timestamp()
            if is_news:
                shelf.write_seen()
        elif was_complete and not shelf.through:
            shelf.write_seen()
        rate = BYTES_PER_S if self._sweep is None else BYTES_PER_S_AT_FIRST
        ended, more = self._clock.monotonic(), shelf.written - written - FEW_BYTES
        self._rest_until = ended + max(REST * (ended - began), more / rate)
        return hours

    def _show_now(self, service: ServiceStatus, outstanding: Sequence[Status]) -> None:
        health, now, settings = activity.health(service), self._clock.monotonic(), self._settings()
        requests = activity.outstanding(outstanding)
        shown = {
            "index": self._shelf.edition,
            "failures": self._shelf.failures_edition,
            "outstanding": self._show_outstanding(requests),
            "active": activity.active(requests),
            "counts": activity.counts(outstanding),
            "count": len(outstanding),
            "all_seen": self._sweep is None,
            "pictures": self._posters.available,
        }
        news = (shown, health["state"], health["problems"])
        if news == self._shown and now - self._shown_at < settings.heartbeat_s:
            return
        at, zone = activity.written(service.updated_at), self._shelf.zone.key
        next_s = settings.heartbeat_s + settings.every_s  # silence for longer means that the daemon is down
        written = {"at": at, "next_s": next_s, "zone": zone, "service": health, **shown}
        self._files.write(NOW, script.dump("now", written))
        self._shown, self._shown_at = news, now

    def _show_outstanding(self, requests: list[activity.Row]) -> str:
        """Write the list of what is outstanding, which is only read by who opens it; returns its edition."""
        data = script.dump("outstanding", requests)
        edition = version(data)
        if edition != self._outstanding:
            self._files.write(OUTSTANDING, data)
            self._outstanding = edition
        return edition

    def _log(self, problem: str) -> None:
        """Log a trouble once, until it is over."""
        if problem != self._logged:
            log.warning("page_not_written", problem=problem)
        self._logged = problem

    def _start_over(self) -> None:
        """Forget what was gathered, which may be what cannot be shown: all is found again from the files."""
        self._open = False
        self._pending, self._news = {}, SimpleQueue()


def _weight(ended: Ended) -> int:
    return 1 + sum(map(len, ended.hours.values()))
