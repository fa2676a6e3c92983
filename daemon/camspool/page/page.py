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
from camspool.core.ports import Clock
from camspool.core.status_document import Status
from camspool.page import rows, script
from camspool.page.posters import Posters
from camspool.page.shelf import FOLDER, Shelf

log = structlog.get_logger()

PAGE: Final = "index.html"
NOW: Final = f"{FOLDER}/now.js"

HEARTBEAT_S: Final = 15.0
"""So often the page is told that the daemon lives, though nothing else has happened."""
SLACK: Final = timedelta(days=1)
"""A share's clock may be as far behind ours."""
MOST_PENDING: Final = 3000
"""So many statuses and clips are gathered before their days are written."""
TURN_S: Final = 1.0
"""So long statuses are looked through, then the rest of the page has its turn."""
BREATH_S: Final = 2.0
"""So long no posters are made, then some are again."""
LOOK_S: Final = 60.0
"""So often one day is looked at whether its MP4s are still there: people delete them by hand."""
REST: Final = 10
"""After days were written, so many times as long passes before others are."""


@dataclass(frozen=True, slots=True)
class PageSettings:
    """Whether there is a page, and the time zone of its days."""

    enabled: bool
    zone: ZoneInfo


class Page:
    """The page and its data.

    Args:
        spool: the folders.
        clock: for dates and pauses.
        shelf: the finished footage.
        posters: its pictures.
        settings: those in force now: whether there is a page, and the zone by which days are told apart.
    """

    def __init__(
        self, spool: Spool, clock: Clock, shelf: Shelf, posters: Posters, settings: Callable[[], PageSettings]
    ) -> None:
        self._settings = settings
        self._gave_up_with: PageSettings | None = None
        self._spool = spool
        self._files = spool.own_files
        self._clock = clock
        self._shelf = shelf
        self._posters = posters
        self._open = False
        self._told = ""
        self._news: SimpleQueue[Status] = SimpleQueue()
        self._pending: dict[str, Status] = {}
        self._clips_done: dict[str, int] = {}
        self._illustrated: set[str] = (
            set()
        )  # the event loop's, like the posters; what follows is the thread's
        self._to_refresh: set[str] = set()
        self._sweep: Iterator[Status] | None = None
        self._rest_until = self._shown_at = self._looked_at = clock.monotonic()
        self._looked_at_day = ""
        self._shown: Any = None

    @property
    def enabled(self) -> bool:
        """False to leave the mirror alone."""
        settings = self._settings()
        return settings.enabled and settings is not self._gave_up_with

    def note(self, status: Status) -> None:
        """A request has ended, or its footage was deleted; the next turn shows it."""
        if self.enabled:
            self._news.put(status)

    async def tend(self, service: ServiceStatus, outstanding: Sequence[Status]) -> None:
        """Bring the page up to date, as far as one turn goes; to be called again and again."""
        if not self.enabled:
            self._open = False
            return
        illustrated, self._illustrated = self._illustrated, set()
        try:
            self._posters.look_at(await in_thread(self._tend, service, outstanding, illustrated))
        except StorageTrouble as trouble:
            self._open = False  # what was missed meanwhile is found again
            self._tell(trouble.message)
        except Exception:
            log.exception("page_crashed")
            self._give_up()

    async def illustrate(self) -> None:
        """Make posters, for ever, a few at a time."""
        while True:
            try:
                if self.enabled and self._open:
                    self._illustrated |= await self._posters.make()
            except (StorageTrouble, OSError) as trouble:
                log.debug("poster_not_made", problem=str(trouble))
            except Exception:
                log.exception("page_crashed")
                self._give_up()
            await self._clock.sleep(BREATH_S)

    def _tend(self, service: ServiceStatus, outstanding: Sequence[Status], illustrated: set[str]) -> set[str]:
        """One turn, in a thread; returns the days whose clips may lack posters."""
        changed: set[str] = set()
        self._to_refresh |= illustrated
        if not self._open or self._settings().zone.key != self._shelf.zone.key or not self._is_there():
            self._open = self._begin()
            changed |= self._shelf.index.days.keys()
        if self._open:
            self._gather(outstanding)
            if service.state is not ServiceState.STOPPED:
                self._look_through()
            self._look_again()
            changed |= self._show_finished()
            self._show_now(service, outstanding)
            self._told = ""
        return changed

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
            self._tell(f"{PAGE} is not camspool's; move it away, or disable the page")
            return False
        self._shelf.zone = self._settings().zone
        self._shelf.load()
        self._shelf.write_index()
        if there != ours:
            self._files.write(PAGE, ours)
        self._sweep = self._spool.sweep(since=self._shelf.index.through)
        self._shown = None
        return True

    def _gather(self, outstanding: Sequence[Status]) -> None:
        while not self._news.empty():
            status = self._news.get()
            self._pending[status.name] = status
        for status in outstanding:
            # Of a request with many clips, those are shown that are done already.
            if status.progress.clips_done > self._clips_done.get(status.name, 0):
                self._pending.setdefault(status.name, status)
        self._clips_done = {status.name: status.progress.clips_done for status in outstanding}

    def _look_through(self) -> None:
        """Go on reading the statuses of the mirror, until all have been seen."""
        end = self._clock.monotonic() + TURN_S
        weight = sum(1 + len(status.clips) for status in self._pending.values())
        while self._sweep is not None and weight < MOST_PENDING and self._clock.monotonic() < end:
            status = next(self._sweep, None)
            if status is None:
                self._sweep = None
            elif status.state.final:
                self._pending.setdefault(status.name, status)
                weight += 1 + len(status.clips)

    def _look_again(self) -> None:
        """Have the next day looked at, the latest first, and from the beginning again after the earliest."""
        now, days = self._clock.monotonic(), self._shelf.index.days
        if now - self._looked_at < LOOK_S or not days:
            return
        earlier = (day for day in days if day < self._looked_at_day)
        self._looked_at, self._looked_at_day = now, max(earlier, default=max(days))
        self._to_refresh.add(self._looked_at_day)

    def _show_finished(self) -> set[str]:
        """Write what has ended to its days, and the index; then rest, for it may have been much."""
        began, index = self._clock.monotonic(), self._shelf.index
        all_seen_now = self._sweep is None and not index.through
        if began < self._rest_until or not (self._pending or self._to_refresh or all_seen_now):
            return set()
        was_complete = index.through
        changed = self._shelf.put(self._pending.values())
        self._shelf.refresh(self._to_refresh)
        self._pending, self._to_refresh = {}, set()
        if was_complete and not index.through:
            self._sweep = self._spool.sweep()
        if all_seen_now:
            self._shelf.forget_others()
        if self._sweep is None:
            index.through = (self._clock.now() - SLACK).timestamp()
        self._shelf.write_index()
        ended = self._clock.monotonic()
        self._rest_until = ended + REST * (ended - began)
        return changed

    def _show_now(self, service: ServiceStatus, outstanding: Sequence[Status]) -> None:
        health, now = rows.health(service), self._clock.monotonic()
        shown = {
            "finished": self._shelf.edition,
            "requests": rows.outstanding(outstanding),
            "count": len(outstanding),
            "all_seen": self._sweep is None,
        }
        news = (shown, health["state"], health["problems"])
        if news == self._shown and now - self._shown_at < HEARTBEAT_S:
            return
        at, zone = rows.written(service.updated_at), self._shelf.zone.key
        self._files.write(NOW, script.dump("now", {"at": at, "zone": zone, "service": health, **shown}))
        self._shown, self._shown_at = news, now

    def _tell(self, problem: str) -> None:
        """Log a trouble once, until it is over."""
        if problem != self._told:
            log.warning("page_not_written", problem=problem)
        self._told = problem

    def _give_up(self) -> None:
        """A defect of the page must not stop what it shows: it is left as it is until a start or reload."""
        self._gave_up_with = self._settings()
        self._open = False
        self._pending = {}  # it may be what cannot be shown; after a reload all is found again
