"""What happens when a request has ended: its file moves next to its status, and then its end is announced.

How a request comes to its end is not decided here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from camspool.adapters.spool import Spool
from camspool.aio import in_thread
from camspool.core import naming
from camspool.core.errors import StorageTrouble
from camspool.core.status_document import RequestRecord, Status
from camspool.core.values import State
from camspool.pipeline.jobs import Job, Jobs
from camspool.pipeline.triage import Triage
from camspool.pipeline.turns import Turns

log = structlog.get_logger()


class Completion:
    """Cancels requests and files them away.

    Args:
        spool: the folders.
        triage: says how a clip of a cancelled request ends.
        jobs: the outstanding requests.
        turns: of the files.
        forget: called with a file that was moved out of drop/: its absence there means nothing.
        sit_out: returns when what a StorageTrouble prevented may be tried again.
        on_closed: called with the status of each request that is outstanding no longer.
        on_news: called with the status of a request that has ended, once.
    """

    def __init__(  # noqa: PLR0913  the composition root calls it once, by keyword
        self,
        spool: Spool,
        triage: Triage,
        jobs: Jobs,
        turns: Turns,
        *,
        forget: Callable[[str], None],
        sit_out: Callable[[], Awaitable[None]],
        on_closed: Sequence[Callable[[Status], None]],
        on_news: Sequence[Callable[[Status], None]],
    ) -> None:
        self._spool = spool
        self._triage = triage
        self._jobs = jobs
        self._forget = forget
        self._sit_out = sit_out
        self._on_closed = on_closed
        self._on_news = on_news
        self.turn = turns.of

    async def ended(self, job: Job) -> None:
        """Put an ended request's file beside its status, and forget the request; however long it takes."""
        logged = False
        while True:
            try:
                async with self.turn(job.file):
                    # Superseded by a newer version of the file, which decides what becomes of it?
                    if self._jobs.of_file(job.file) is job:
                        await job.save()
                        await self.file_away(job)
                        log.info("request_ended", request=job.name, state=job.status.state)
            except StorageTrouble as trouble:
                if not logged:
                    log.warning("request_not_filed", request=job.name, problem=trouble.message)
                logged = True
                await self._sit_out()
            else:
                return

    async def file_away(self, job: Job) -> None:
        """The same once, by whoever has the file's turn.

        Raises:
            StorageTrouble: a folder cannot be used now; to be called again.
        """
        await asyncio.to_thread(self._spool.discard_parts, job.name)
        filed_as = await in_thread(self._move, job.status, job.file)
        if filed_as is not None:
            job.amend(replace(job.status, request=replace(job.status.request, filed_as=filed_as)))
            await job.save()
            self._forget(job.file)
        self._close(job)

    async def cancel(self, job: Job) -> None:
        """End a request that nobody wants any more; what was published stays.

        Raises:
            StorageTrouble: a folder cannot be used now; to be called again.
        """
        for clip in job.status.clips:
            if not clip.state.final:
                job.note(clip.key, await asyncio.to_thread(self._triage.last_event, job.name, clip))
        await job.save()
        await asyncio.to_thread(self._spool.discard_parts, job.name)
        if job.status.state is State.CANCELLED:
            log.info("request_cancelled", request=job.name)
        self._close(job)

    async def note_move(self, job: Job) -> None:
        """A kill came between the move of the request file and the line in the status that tells of it."""
        record = job.status.request
        target = naming.kept_file(job.name, record.file)
        filed_as = await in_thread(self._spool.where_filed, record.sha256, target)
        if filed_as is not None:
            job.amend(replace(job.status, request=replace(record, filed_as=filed_as)))
            await job.save()
            self._announce(job.status)

    def _close(self, job: Job) -> None:
        self._jobs.close(job)
        for listen in self._on_closed:
            listen(job.status)
        if job.is_news:
            self._announce(job.status)

    def _announce(self, status: Status) -> None:
        for listen in self._on_news:
            listen(status)

    def _move(self, status: Status, file: str) -> str | None:
        record, target = status.request, naming.kept_file(status.name, file)
        there_already = target == record.filed_as and self._spool.where_filed(record.sha256, target) == target
        replaces = there_already or self._is_earlier_copy(record, target)
        filed_as = self._spool.file_away(file, record.sha256 or None, target, replace=replaces)
        # An earlier try may have moved it, and failed only at the fsync afterwards.
        return filed_as or self._spool.where_filed(record.sha256, target)

    def _is_earlier_copy(self, record: RequestRecord, target: str) -> bool:
        """True when what lies there is the file of an earlier run of the request."""
        if target != record.filed_before:
            return False
        # A file that was refused since, as its name was taken, is answered and kept under its whole name.
        refused = self._spool.load_status(target)
        return not (isinstance(refused, Status) and refused.request.filed_as == target)
