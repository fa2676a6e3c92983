"""What the last run left of requests whose file is no longer in drop/: settled once, after a start."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from camspool.adapters.spool import Spool
from camspool.core.errors import StorageTrouble
from camspool.core.status_document import Status
from camspool.core.values import State
from camspool.pipeline.completion import Completion
from camspool.pipeline.jobs import Job, Jobs

Result = TypeVar("Result")


class Leftovers:
    """Requests that have not ended, or whose file was not seen to be moved, by their statuses alone.

    Args:
        spool: the folders.
        jobs: the outstanding requests, which are settled already.
        completion: how a request is cancelled.
        survey: looks through the mirror for such requests and returns their names; blocking.
        sit_out: returns when what a StorageTrouble prevented may be tried again.
    """

    def __init__(
        self,
        spool: Spool,
        jobs: Jobs,
        completion: Completion,
        survey: Callable[[], list[str]],
        sit_out: Callable[[], Awaitable[None]],
    ) -> None:
        self._spool = spool
        self._jobs = jobs
        self._completion = completion
        self._survey = survey
        self._sit_out = sit_out

    async def run(self, pause: Callable[[], Awaitable[None]]) -> None:
        """Settle them all, and again when a mount below the mirror is back that was away at first.

        Args:
            pause: passes some time before another try.
        """
        while away := await self._sitting_out(self._away):
            await self._settle_all(pause)
            while away == await self._sitting_out(self._away):
                await pause()
        await self._settle_all(pause)

    async def _settle_all(self, pause: Callable[[], Awaitable[None]]) -> None:
        names = await self._sitting_out(self._survey)
        while names := [name for name in names if not await self._settle_or_put_off(name)]:
            await pause()

    async def _settle_or_put_off(self, name: str) -> bool:
        """The same as `settle`; what lies in one folder that cannot be used holds up no others."""
        try:
            return await self.settle(name)
        except StorageTrouble:
            await self._sitting_out(self._check)
            return False

    async def _sitting_out(self, work: Callable[[], Result]) -> Result:
        """The result of blocking work, done again for as long as drop/ or mirror/ is not there."""
        while True:
            try:
                return await asyncio.to_thread(work)
            except StorageTrouble:
                await self._sit_out()

    def _check(self) -> None:
        self._spool.check_mirror()
        self._spool.check_drop()

    def _away(self) -> frozenset[str]:
        return frozenset(self._spool.away_in_mirror())

    async def settle(self, name: str) -> bool:
        """Cancel a request whose file was deleted while no daemon was looking; note where we have moved it.

        `request.file` of its status is the file's real name: one that is not UTF-8 is only ever rejected.

        Returns:
            False when its file is there and has not been taken in yet: to be called again, since it may be
            deleted before the watcher has ever named it.

        Raises:
            StorageTrouble: a folder cannot be used now; to be called again.
        """
        found = await asyncio.to_thread(self._spool.load_status, name)
        if not isinstance(found, Status):
            return True
        async with self._completion.turn(found.request.file):
            status = await asyncio.to_thread(self._spool.load_status, name)
            if not isinstance(status, Status) or self._jobs.is_outstanding(name):
                return True
            if await asyncio.to_thread(self._spool.in_drop, status.request.file):
                return status.state.final
            job = Job(status, self._jobs.job_context, saved=True)
            if not status.state.final:
                await self._completion.cancel(job)
            elif status.request.filed_as is None and status.state is not State.CANCELLED:
                await self._completion.note_move(job)
            return True
