"""The jobs beside the pipeline: dead ids, left-over files, retention, requests that nobody works on.

None of them is needed for a request to end; when one fails it is logged, and comes round again.
"""

import asyncio
import heapq
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from camspool.adapters.spool import Spool
from camspool.core import events, expiry
from camspool.core.lifecycle import advance
from camspool.core.overview import refresh
from camspool.core.status_document import Clip, Status
from camspool.core.values import State
from camspool.pipeline.clock_watch import ClockWatch
from camspool.pipeline.jobs import Jobs

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
        keep: the seconds that MP4s stay now, after their request has ended; None for ever.
        on_removed: called with the status of a request whose MP4s were deleted.
        rest: sleeps for some seconds, in a thread.
    """

    def __init__(
        self,
        spool: Spool,
        clock_watch: ClockWatch,
        jobs: Jobs,
        keep: Callable[[], float | None],
        on_removed: Callable[[Status], None] = lambda _: None,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rest = rest
        self._on_removed = on_removed
        self._spool = spool
        self._clock = clock_watch.clock
        self._jobs = jobs
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
                self._rest(SURVEY_REST_S)
        return unsettled

    async def scrub(self) -> None:
        """Take dead recording ids out of the status files of ended requests."""
        while self._dying and self._dying[0][0] <= self._clock.now():
            name = self._dying[0][1]
            if not self._jobs.is_outstanding(name):
                await asyncio.to_thread(self._scrub, name)
            heapq.heappop(self._dying)

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
        await asyncio.to_thread(self._remove_ended, before)

    def _scrub(self, name: str) -> None:
        status = self._spool.load_status(name)
        if isinstance(status, Status) and status.state.final:
            now = self._clock.now()
            clips = tuple(expiry.scrub(clip, now) for clip in status.clips)
            self._spool.save_status(replace(status, clips=clips, updated_at=now), durable=False)

    def _is_in_work(self, name: str) -> bool:
        """Also true of a request that has not been taken up again since the start."""
        if self._jobs.is_outstanding(name):
            return True
        status = self._spool.load_status(name)
        return isinstance(status, Status) and not status.state.final

    def _remove_ended(self, before: datetime) -> None:
        for status in self._spool.sweep():
            ended = status.finished_at is not None and status.finished_at < before
            if ended and _has_footage(status) and not self._jobs.is_outstanding(status.name):
                self._remove(status, self._clock.now())

    def _remove(self, status: Status, now: datetime) -> None:
        """The record first: a kill in between leaves a file too many, never a `done` without its MP4."""
        clips = tuple(_removed(clip, now) for clip in status.clips)
        removed = refresh(status, clips, now)
        self._spool.save_status(removed)
        self._on_removed(removed)
        for clip in clips:
            if clip.file and self._spool.remove_mp4(status.name, clip.file.name):
                log.info("footage_removed", request=status.name, clip=clip.key, file=clip.file.name)


def _has_footage(status: Status) -> bool:
    return any(clip.state is State.DONE for clip in status.clips)


def _removed(clip: Clip, now: datetime) -> Clip:
    if clip.state is not State.DONE:
        return clip
    return advance(clip, events.Removed(), now, give_up_after_s=0.0)[0]
