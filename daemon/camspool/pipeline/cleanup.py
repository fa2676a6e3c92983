"""The jobs beside the pipeline: dead ids, left-over files, retention.

No request needs them to come to its end; what fails is tried again the next time.
"""

import asyncio
import heapq
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from camspool.adapters.spool import Spool
from camspool.aio import in_thread
from camspool.core import events, expiry
from camspool.core.lifecycle import advance
from camspool.core.overview import refresh
from camspool.core.status_document import Clip, Status
from camspool.core.values import State
from camspool.pipeline.clock_watch import ClockWatch
from camspool.pipeline.jobs import Jobs
from camspool.pipeline.turns import Turns

log = structlog.get_logger()

SURVEY_REST_EVERY: Final = 100
SURVEY_REST_S: Final = 0.05
"""A survey of a large mirror rests this long after so many statuses: it must not be felt."""


class Cleanup:
    """Cleans up after ended requests.

    Args:
        spool: the folders.
        clock_watch: the clock; MP4s are only deleted while it can be believed.
        jobs: the outstanding requests, which are left alone.
        turns: of the files, so that no status is changed by two at once.
        keep: the seconds that MP4s stay now, after their request has ended; None for ever.
        on_removed: called with the status of a request whose MP4s were deleted.
    """

    def __init__(
        self,
        spool: Spool,
        clock_watch: ClockWatch,
        jobs: Jobs,
        turns: Turns,
        keep: Callable[[], float | None],
        on_removed: Callable[[Status], None] = lambda _: None,
    ) -> None:
        self._on_removed = on_removed
        self._spool = spool
        self._clock = clock_watch.clock
        self._jobs = jobs
        self._turns = turns
        self._keep = keep
        self._clock_watch = clock_watch
        self._dying: list[tuple[datetime, str]] = []

    def remember(self, status: Status) -> None:
        """An ended request still names ids that will expire: scrub them when they have."""
        deadlines = [at for clip in status.clips if (at := expiry.expires_at(clip))]
        if deadlines:
            heapq.heappush(self._dying, (max(deadlines), status.name))

    def survey(self) -> list[str]:
        """Look through the whole mirror once, unhurriedly; blocking.

        Returns:
            The names of requests that have not ended, or whose file was not seen to be moved, whoever may
            be working on them.
        """
        unsettled = []
        for number, status in enumerate(self._spool.sweep()):
            if status.state.final:
                self.remember(status)
            if not status.state.final or status.request.filed_as is None:
                unsettled.append(status.name)
            if number % SURVEY_REST_EVERY == SURVEY_REST_EVERY - 1:
                time.sleep(SURVEY_REST_S)
        return unsettled

    async def scrub(self) -> None:
        """Take dead recording ids out of the status files of ended requests."""
        due, now = [], self._clock.now()
        while self._dying and self._dying[0][0] <= now:
            due.append(heapq.heappop(self._dying))
        try:
            while due:
                await self._change(due[-1][1], self._scrub)
                due.pop()
        finally:
            for left in due:  # one folder cannot be used now, or the daemon ends
                heapq.heappush(self._dying, left)

    async def remove_orphans(self) -> None:
        """Delete part and temporary files that belong to no request in work."""
        for path in await asyncio.to_thread(self._spool.remove_orphans, self._is_in_work):
            log.info("orphan_removed", path=path)

    async def retire(self) -> None:
        """Delete the MP4s of requests that ended longer than `keep` ago; their records stay."""
        keep = self._keep()
        if keep is None or not await self._clock_watch.is_plausible():
            return
        before = self._clock.now() - timedelta(seconds=keep)
        for name in await asyncio.to_thread(self._names_of_old, before):
            await self._change(name, partial(self._remove, before=before))

    async def _change(self, name: str, change: Callable[[Status], None]) -> None:
        """Change the status of an ended request while nobody else can; one at work again is left alone."""
        found = await asyncio.to_thread(self._spool.load_status, name)
        if not isinstance(found, Status):
            return
        async with self._turns.of(found.request.file):
            if not self._jobs.is_outstanding(name):
                await in_thread(self._change_now, name, change)

    def _change_now(self, name: str, change: Callable[[Status], None]) -> None:
        status = self._spool.load_status(name)
        if isinstance(status, Status) and status.state.final:
            change(status)

    def _scrub(self, status: Status) -> None:
        now = self._clock.now()
        clips = tuple(expiry.scrub(clip, now) for clip in status.clips)
        if clips != status.clips:
            self._spool.save_status(replace(status, clips=clips, updated_at=now), durable=False)

    def _is_in_work(self, name: str) -> bool:
        """Also true of a request that has not been taken up again since the start."""
        if self._jobs.is_outstanding(name):
            return True
        status = self._spool.load_status(name)
        return isinstance(status, Status) and not status.state.final

    def _names_of_old(self, before: datetime) -> list[str]:
        return [status.name for status in self._spool.sweep() if _is_old(status, before)]

    def _remove(self, status: Status, before: datetime) -> None:
        """The record first: a kill in between leaves a file too many, never a `done` without its MP4."""
        if not _is_old(status, before):
            return
        now = self._clock.now()
        clips = tuple(_removed(clip, now) for clip in status.clips)
        removed = refresh(status, clips, now)
        self._spool.save_status(removed)
        self._on_removed(removed)
        for clip in clips:
            if clip.file and self._spool.remove_mp4(status.name, clip.file.name):
                log.info("footage_removed", request=status.name, clip=clip.key, file=clip.file.name)


def _is_old(status: Status, before: datetime) -> bool:
    """True of a request with footage that has ended before that."""
    ended = status.finished_at is not None and status.finished_at < before
    return ended and any(clip.state is State.DONE for clip in status.clips)


def _removed(clip: Clip, now: datetime) -> Clip:
    if clip.state is not State.DONE:
        return clip
    return advance(clip, events.Removed(), now, give_up_after_s=0.0)[0]
