"""From a settled file in drop/ to an accepted (or rejected) request; and what its edit or deletion means.

What a file is, `triage` finds out; here the outcome meets the work that may be going on about that file.
"""

import asyncio

import structlog

from camspool.aio import in_thread
from camspool.core import naming
from camspool.core.errors import CamspoolError
from camspool.core.status_document import Status
from camspool.core.values import State
from camspool.pipeline.completion import Completion
from camspool.pipeline.dispatcher import Dispatcher
from camspool.pipeline.jobs import Job, Jobs
from camspool.pipeline.triage import Triage

log = structlog.get_logger()


class Intake:
    """Takes requests in, and gives up those whose file was deleted."""

    def __init__(self, triage: Triage, jobs: Jobs, dispatcher: Dispatcher, completion: Completion) -> None:
        self._triage = triage
        self._jobs = jobs
        self._dispatcher = dispatcher
        self._completion = completion

    async def settled(self, file: str) -> None:
        """Take a file of drop/ in that is complete, or look again at one that was edited.

        Raises:
            StorageTrouble: a folder cannot be used now; the file has to be offered again.
        """
        async with self._completion.turn(file):
            job = self._jobs.of_file(file)
            if job is not None and job.status.state is State.CANCELLED:
                self._jobs.close(job)  # its end could not be saved, and now the file is here again
                job = None
            if job is not None and not await asyncio.to_thread(self._triage.was_edited, file, job.status):
                await self._go_on(job)  # it may be here again because something went wrong half-way
                return
            if job is not None:
                await self._dispatcher.drop(job)
            status, others = await self._examined(file)
            if job is not None:
                await self._supersede(job, status)
            for other in others:
                if job is None or other.name != job.name:
                    await self._completion.cancel(Job(other, self._jobs.job_context, saved=True))
            if status is not None:
                await self._go_on(self._jobs.open(status, file))

    async def gone(self, file: str) -> None:
        """Cancel the request whose file was deleted from drop/.

        Raises:
            StorageTrouble: a folder cannot be used now; to be called again.
        """
        async with self._completion.turn(file):
            job = self._jobs.of_file(file)
            # One that has ended is being filed: the file may be gone because it was just moved.
            if job is None or (job.status.state.final and job.status.state is not State.CANCELLED):
                return
            # News may be late: by now the file may be here again.
            if not await asyncio.to_thread(self._triage.is_there, file):
                await self._dispatcher.drop(job)
                await self._completion.cancel(job)

    async def _examined(self, file: str) -> tuple[Status | None, list[Status]]:
        """See `Triage.examine`. An unforeseen file is answered, too, and holds up no other."""
        try:
            return await in_thread(self._triage.examine, file)
        except CamspoolError:
            raise
        except Exception:
            log.exception("file_crashed", file=naming.printable(file))
            return await in_thread(self._triage.give_up, file)

    async def _go_on(self, job: Job) -> None:
        if job.status.state.final:
            await self._completion.file_away(job)
        else:
            self._dispatcher.add(job)

    async def _supersede(self, job: Job, status: Status | None) -> None:
        """The request's file has changed: forget the old version, which a new one may stand for by now."""
        if status is None or status.name != job.name:
            await self._completion.cancel(job)
        else:
            self._jobs.close(job)
