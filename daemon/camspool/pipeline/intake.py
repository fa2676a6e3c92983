"""From a settled file in drop/ to an accepted (or rejected) request, and from an ended request to its place.

What a file is, `examination` finds out; here the outcome meets the work that may be going on about that file.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from weakref import WeakValueDictionary

import structlog

from camspool.adapters.spool import Spool
from camspool.aio import in_thread
from camspool.core import naming
from camspool.core.errors import StorageTrouble
from camspool.core.status_document import RequestRecord, Status
from camspool.core.values import State
from camspool.pipeline.dispatcher import Dispatcher
from camspool.pipeline.jobs import Job, Jobs
from camspool.pipeline.triage import Triage

log = structlog.get_logger()


class Intake:
    """Takes requests in and files them away.

    Args:
        spool: the folders.
        triage: says what a file is.
        jobs: the outstanding requests.
        dispatcher: works on them.
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
        dispatcher: Dispatcher,
        *,
        forget: Callable[[str], None],
        sit_out: Callable[[], Awaitable[None]],
        on_closed: Sequence[Callable[[Status], None]],
        on_news: Sequence[Callable[[Status], None]],
    ) -> None:
        self._spool = spool
        self._triage = triage
        self._jobs = jobs
        self._dispatcher = dispatcher
        self._forget = forget
        self._sit_out = sit_out
        self._on_closed = on_closed
        self._on_news = on_news
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def settled(self, file: str) -> None:
        """Take a file of drop/ in that is complete, or look again at one that was edited.

        Raises:
            StorageTrouble: a folder cannot be used now; the file has to be offered again.
        """
        async with self._turn(naming.printable(file)):
            job = self._jobs.of_file(naming.printable(file))
            if job is not None and job.status.state is State.CANCELLED:
                self._jobs.close(job)  # its end could not be saved, and now the file is here again
                job = None
            if job is not None and not await asyncio.to_thread(self._triage.was_edited, file, job.status):
                await self._go_on(job, file)  # it may be here again because something went wrong half-way
                return
            if job is not None:
                await self._dispatcher.drop(job)
            status, others = await in_thread(self._triage.examine, file)
            if job is not None:
                await self._supersede(job, status)
            for other in others:
                if job is None or other.name != job.name:
                    await self._cancel(Job(other, self._jobs.job_context, saved=True))
            if status is not None:
                await self._go_on(self._jobs.open(status, naming.printable(file)), file)

    async def gone(self, file: str) -> None:
        """Cancel the request whose file was deleted from drop/.

        Raises:
            StorageTrouble: a folder cannot be used now; to be called again.
        """
        async with self._turn(naming.printable(file)):
            job = self._jobs.of_file(naming.printable(file))
            # One that has ended is being filed: the file may be gone because it was just moved.
            if job is None or (job.status.state.final and job.status.state is not State.CANCELLED):
                return
            # News may be late: by now the file may be here again.
            if not await asyncio.to_thread(self._triage.is_there, file):
                await self._dispatcher.drop(job)
                await self._cancel(job)

    async def ended(self, job: Job) -> None:
        """Put an ended request's file beside its status, and forget the request; however long it takes."""
        file, told = job.file, False
        while True:
            try:
                async with self._turn(file):
                    # Superseded by a newer version of the file, which decides what becomes of it?
                    if self._jobs.of_file(file) is job:
                        await job.save()
                        await self._file(job, file)
                        log.info("request_ended", request=job.name, state=job.status.state)
            except StorageTrouble as trouble:
                if not told:
                    log.warning("request_not_filed", request=job.name, problem=trouble.message)
                told = True
                await self._sit_out()
            else:
                return

    async def settle_abandoned(self, name: str) -> bool:
        """Cancel a request whose file was deleted while no daemon was looking; note where we have moved it.

        Returns:
            False when its file is there and has not been taken in yet: to be called again, for it may be
            deleted before the watcher has ever told of it.

        Raises:
            StorageTrouble: a folder cannot be used now; to be called again.
        """
        found = await asyncio.to_thread(self._spool.load_status, name)
        if not isinstance(found, Status):
            return True
        async with self._turn(found.request.file):
            status = await asyncio.to_thread(self._spool.load_status, name)
            if not isinstance(status, Status) or self._jobs.is_outstanding(name):
                return True
            if await asyncio.to_thread(self._spool.in_drop, status.request.file):
                return status.state.final
            job = Job(status, self._jobs.job_context, saved=True)
            if not status.state.final:
                await self._cancel(job)
            elif status.request.filed_as is None and status.state is not State.CANCELLED:
                await self._note_move(job)
            return True

    def _turn(self, file: str) -> asyncio.Lock:
        """What is done about one file is done one after the other; forgotten when nobody holds it."""
        return self._turns.setdefault(file, asyncio.Lock())

    async def _go_on(self, job: Job, file: str) -> None:
        if job.status.state.final:
            await self._file(job, file)
        else:
            self._dispatcher.add(job)

    async def _supersede(self, job: Job, status: Status | None) -> None:
        """The request's file has changed: forget the old version, which a new one may stand for by now."""
        if status is None or status.name != job.name:
            await self._cancel(job)
        else:
            self._jobs.close(job)

    async def _file(self, job: Job, file: str) -> None:
        await asyncio.to_thread(self._spool.discard_parts, job.name)
        filed_as = await in_thread(self._move, job.status, file)
        if filed_as is not None:
            job.amend(replace(job.status, request=replace(job.status.request, filed_as=filed_as)))
            await job.save()
            self._forget(file)
        self._close(job)

    async def _note_move(self, job: Job) -> None:
        """A kill came between the move of the request file and the line in the status that tells of it."""
        record = job.status.request
        filed_as = await in_thread(self._spool.where_filed, record.sha256, _target(job.status, record.file))
        if filed_as is not None:
            job.amend(replace(job.status, request=replace(record, filed_as=filed_as)))
            await job.save()
            self._announce(job.status)

    async def _cancel(self, job: Job) -> None:
        for clip in job.status.clips:
            if not clip.state.final:
                job.note(clip.key, await asyncio.to_thread(self._triage.last_event, job.name, clip))
        await job.save()
        await asyncio.to_thread(self._spool.discard_parts, job.name)
        if job.status.state is State.CANCELLED:
            log.info("request_cancelled", request=job.name)
        self._close(job)

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
        record, target = status.request, _target(status, file)
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


def _target(status: Status, file: str) -> str:
    """Where a request file belongs below mirror/: beside its status, with the suffix that it has."""
    own = status.name == status.request.file
    return status.name if own else status.name + file[len(naming.name_of(file)) :]
