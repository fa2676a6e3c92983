"""From a settled file in drop/ to an accepted (or rejected) request, and from an ended request to its place.

What a file means, seen what is there already, is decided by `core/again.py`; here it is carried out.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from weakref import WeakValueDictionary

import structlog

from camspool.adapters.documents import read as read_document
from camspool.adapters.spool import DropFile, Foreign, Spool
from camspool.core import again, events, intake, naming
from camspool.core.again import Decision, DroppedFile
from camspool.core.errors import RequestRejected
from camspool.core.model import Clip, Entry, ErrorCode, Failure, RequestRecord, State, Status
from camspool.core.overview import begin, end, first_clips, refresh
from camspool.core.ports import Clock
from camspool.dispatch import Dispatcher
from camspool.ledger import Job, Ledger
from camspool.threads import in_thread

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides whether a request is accepted; `delay` in seconds."""

    rules: intake.Rules
    delay: float


class Admission:
    """Takes requests in and files them away.

    Args:
        spool: the folders.
        clock: for dates.
        ledger: the outstanding requests.
        dispatcher: gets the accepted ones.
        terms: asked for every file, so that a reload counts for the next one.
        forget: called with a file that was moved out of drop/: its absence there means nothing.
    """

    def __init__(
        self,
        spool: Spool,
        clock: Clock,
        ledger: Ledger,
        dispatcher: Dispatcher,
        terms: Callable[[], Terms],
        forget: Callable[[str], None],
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._terms = terms
        self._forget = forget
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def settled(self, file: str) -> None:
        """Take a file of drop/ in that is complete, or look again at one that was edited.

        Raises:
            StorageTrouble: a folder cannot be used now; the file has to be offered again.
        """
        async with self._turn(naming.printable(file)):
            job = self._ledger.of_file(naming.printable(file))
            if job is not None:
                if not await asyncio.to_thread(self._was_edited, file, job.status):
                    return
                await self._dispatcher.drop(job)
            status = await in_thread(self._examine, file)
            if job is not None:
                await self._supersede(job, status)
            if status is not None:
                await self._open(status, file)

    async def gone(self, file: str) -> None:
        """Cancel the request whose file was deleted from drop/."""
        async with self._turn(naming.printable(file)):
            job = self._ledger.of_file(naming.printable(file))
            if job is not None:
                await self._dispatcher.drop(job)
                await self._cancel(job)
                self._ledger.close(job)

    async def ended(self, job: Job) -> None:
        """Put an ended request's file beside its status, and forget the request.

        Raises:
            StorageTrouble: a folder cannot be used now; to be called again.
        """
        async with self._turn(job.status.request.file):
            if self._ledger.of_file(job.status.request.file) is not job:
                return  # superseded by a newer version of the file, which decides what becomes of it
            await job.save()
            await self._close(job, job.status.request.file)
            log.info("request_ended", request=job.name, state=job.status.state)

    def _turn(self, file: str) -> asyncio.Lock:
        """What is done about one file is done one after the other; forgotten when nobody holds it."""
        return self._turns.setdefault(file, asyncio.Lock())

    async def _open(self, status: Status, file: str) -> None:
        job = self._ledger.open(status)
        if status.state.final:
            await self._close(job, file)
        else:
            self._dispatcher.add(job)

    async def _supersede(self, job: Job, status: Status | None) -> None:
        """The request's file has changed: forget the old version, which a new one may stand for by now."""
        if status is None or status.name != job.name:
            await self._cancel(job)
        self._ledger.close(job)

    async def _close(self, job: Job, file: str) -> None:
        await asyncio.to_thread(self._spool.discard_parts, job.name)
        filed_as = await in_thread(self._file_away, job.status, file)
        if filed_as is not None:
            job.amend(replace(job.status, request=replace(job.status.request, filed_as=filed_as)))
            await job.save()
            self._forget(file)
        self._ledger.close(job)

    async def cancel_abandoned(self, status: Status) -> None:
        """Cancel a request whose file was deleted while no daemon was looking."""
        if status.state.final or self._ledger.is_outstanding(status.name):
            return
        if await asyncio.to_thread(self._spool.in_drop, status.request.file):
            return
        await self._cancel(Job(status, self._ledger.desk, saved=True))

    async def _cancel(self, job: Job) -> None:
        for clip in job.status.clips:
            if not clip.state.final:
                job.note(clip.key, events.Cancelled())
        await job.save()
        await asyncio.to_thread(self._spool.discard_parts, job.name)
        if job.status.state is State.CANCELLED:
            log.info("request_cancelled", request=job.name)

    def _was_edited(self, file: str, status: Status) -> bool:
        try:
            dropped = self._spool.read(file)
        except RequestRejected:
            return False  # made unreadable while in work: what was accepted still counts
        return dropped is not None and dropped.sha256 != status.request.sha256

    def _examine(self, file: str) -> Status | None:
        """Decide what the file is and write its status; None when the file is gone."""
        refusal = naming.refusal(file)
        try:
            dropped = self._spool.read(file)
        except RequestRejected as unreadable:
            refusal, dropped = refusal or unreadable, DropFile(b"", "")
        if dropped is None:
            return None
        if refusal is not None:
            place = _Place(naming.name_of(naming.kept_name(file)), Decision.BEGIN, None)
            return self._reject(file, dropped, place, refusal)
        return self._take(file, dropped, self._place(DroppedFile(file, dropped.sha256)))

    def _place(self, dropped: DroppedFile) -> "_Place":
        """The first name that the file can have, and what it means under it."""
        base = self._spool.unblocked(naming.name_of(dropped.file))
        for number in count(1):
            name = naming.numbered_name(base, number)
            found = self._spool.load_status(name)
            if isinstance(found, Foreign):
                continue
            decision = again.decide(dropped, found, first=number == 1, is_whole=self._is_whole)
            if decision is not Decision.NEXT_NAME:
                return _Place(name, decision, found)
        raise AssertionError("there is always a next name")

    def _take(self, file: str, dropped: DropFile, place: "_Place") -> Status:
        match place.decision, place.found:
            case Decision.NAME_TAKEN, _:
                return self._reject(file, dropped, _Place(file, place.decision, None), _name_taken(file))
            case ((Decision.RESUME | Decision.FILE_AWAY), Status() as found):
                log.info("request_resumed", request=found.name, state=found.state)
                return found
            case Decision.REPEAT, Status() as found:
                return self._repeat(found)
            case _:
                return self._accept(file, dropped, place)

    def _accept(self, file: str, dropped: DropFile, place: "_Place") -> Status:
        terms, now = self._terms(), self._clock.now()
        try:
            parsed = intake.parse(read_document(dropped.data, naming.suffix(file)), terms.rules)
        except RequestRejected as rejected:
            return self._reject(file, dropped, place, rejected)
        status = begin(place.name, place.record(file, dropped.sha256, parsed.entries), now)
        if parsed.validate_only:
            return self._save(end(status, State.VALIDATED, now))
        status = refresh(status, first_clips(parsed.entries, now, terms.delay), now)
        if place.found is not None:
            status = refresh(
                status, again.keep_finished(place.found, status, self._clip_is_whole(place.name)), now
            )
        log.info("request_accepted", request=status.name, clips=len(status.clips), state=status.state)
        return self._save(status)

    def _reject(self, file: str, dropped: DropFile, place: "_Place", rejected: RequestRejected) -> Status:
        now = self._clock.now()
        error = Failure(
            code=rejected.code,
            message=rejected.message,
            hint=rejected.hint,
            at=now,
            problems=rejected.problems,
        )
        status = begin(place.name, place.record(file, dropped.sha256), now)
        log.info("request_rejected", request=status.name, code=error.code, problem=error.message)
        return self._save(end(replace(status, error=error), State.REJECTED, now))

    def _repeat(self, found: Status) -> Status:
        now = self._clock.now()
        log.info("request_repeated", request=found.name)
        return self._save(replace(found, repeated_at=now, updated_at=now))

    def _save(self, status: Status) -> Status:
        self._spool.save_status(status)
        return status

    def _file_away(self, status: Status, file: str) -> str | None:
        record = status.request
        suffix = file[len(naming.name_of(file)) :]
        target = status.name if status.name == record.file else status.name + suffix
        replaces = target in {record.filed_before, record.filed_as}
        return self._spool.file_away(file, record.sha256 or None, target, replace=replaces)

    def _is_whole(self, status: Status) -> bool:
        return all(self._clip_is_whole(status.name)(clip) for clip in status.clips)

    def _clip_is_whole(self, name: str) -> Callable[[Clip], bool]:
        return lambda clip: clip.file is not None and self._spool.is_whole(name, clip.file)


@dataclass(frozen=True, slots=True)
class _Place:
    """A name for a request, what the file means under it, and the status that stands there already."""

    name: str
    decision: Decision
    found: Status | None

    def record(self, file: str, sha256: str, entries: tuple[Entry, ...] = ()) -> RequestRecord:
        earlier = self.found.request if self.found else None
        return RequestRecord(
            file=naming.printable(file),
            sha256=sha256,
            entries=entries,
            filed_before=(earlier.filed_as or earlier.filed_before) if earlier else None,
        )


def _name_taken(file: str) -> RequestRejected:
    stem = naming.name_of(file)
    return RequestRejected(
        ErrorCode.NAME_TAKEN,
        f"Another request has the name {stem} already: what it makes would be called the same.",
        "Give the file another name and drop it again.",
    )
