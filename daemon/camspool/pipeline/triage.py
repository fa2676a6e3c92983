"""What a file in drop/ is: a new request, the same again, a changed one, or none; and its status.

Blocking work on one file, done in a thread. What is done about the outcome is decided in `intake`.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

import structlog

from camspool.adapters import documents
from camspool.adapters.spool import DropFile, Foreign, Spool
from camspool.core import events, naming, redrop, request_parser
from camspool.core.errors import NameNotHeld, RequestRejected
from camspool.core.lifecycle import advance
from camspool.core.overview import begin, end, first_clips, refresh
from camspool.core.ports import Clock
from camspool.core.redrop import Decision, DroppedFile
from camspool.core.status_document import Clip, Failure, RequestRecord, Status
from camspool.core.values import Entry, ErrorCode, State

log = structlog.get_logger()


class Triage:
    """Looks at files of drop/ and writes their statuses.

    Args:
        spool: the folders.
        clock: for dates.
        settings: what the configuration says about requests now.
    """

    def __init__(
        self, spool: Spool, clock: Clock, settings: Callable[[], request_parser.RequestSettings]
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._settings = settings

    def was_edited(self, file: str, status: Status) -> bool:
        """True when the file is another version than the one that `status` is about."""
        try:
            dropped = self._spool.read(file)
        except RequestRejected:
            return False  # made unreadable while in work: what was accepted still counts
        return dropped is not None and dropped.sha256 != status.request.sha256

    def parses(self, file: str) -> bool:
        """True when the file is a whole document, whatever it says; False too when it is gone."""
        try:
            dropped = self._spool.read(file)
            if dropped is None:
                return False
            documents.read(dropped.data, naming.suffix(file))
        except RequestRejected as rejected:
            return rejected.code is ErrorCode.INVALID  # whole, but wrong; all else may be half a file
        return True

    def is_there(self, file: str) -> bool:
        """True when there is a file of this name in drop/, readable or not."""
        try:
            return self._spool.read(file) is not None
        except RequestRejected:
            return True

    def examine(self, file: str) -> tuple[Status | None, list[Status]]:
        """Decide what the file is and write its status.

        Returns:
            The status, None when the file is gone; and what earlier versions of the file have begun and not
            ended: a status that was written by a run which was killed, or whose file was replaced meanwhile.
        """
        refusal = naming.refusal(file)
        status = self._examine(file, refusal)
        if refusal is not None:
            return status, []  # nothing can have begun under its name, which may be too long to look for
        return status, self._unended(file, status.name if status else "")

    def _examine(self, file: str, refusal: RequestRejected | None) -> Status | None:
        try:
            dropped = self._spool.read(file)
        except RequestRejected as unreadable:
            refusal, dropped = refusal or unreadable, self._spool.unread(file)
        if dropped is None:
            return None
        if refusal is None:
            try:
                return self._take(file, dropped, self._place(DroppedFile(file, dropped.sha256)))
            except NameNotHeld as error:
                refusal = naming.unusable(file, error.why)
        return self._refuse(file, dropped, refusal)

    def give_up(self, file: str) -> tuple[Status | None, list[Status]]:
        """Reject a file whose examination has crashed, whatever is in it; see `examine`."""
        dropped = self._spool.unread(file)
        with contextlib.suppress(RequestRejected):
            dropped = self._spool.read(file)
        status = self._refuse(file, dropped, _crashed(file)) if dropped is not None else None
        # It may have crashed just after a request was accepted.
        return status, self._unended(file, status.name if status else "")

    def _refuse(self, file: str, dropped: DropFile, refusal: RequestRejected) -> Status:
        """Answer a file that is no request, under a name that the mirror can hold."""
        try:
            return self._reject_under(naming.refused_name(file), file, dropped, refusal)
        except NameNotHeld:
            return self._reject_under(naming.portable_name(file), file, dropped, refusal)

    def _reject_under(self, name: str, file: str, dropped: DropFile, refusal: RequestRejected) -> Status:
        place = self._place_for_refused(name, file)
        return self._save(self._rejected(file, dropped, place, refusal))

    def _unended(self, file: str, but: str) -> list[Status]:
        """The statuses of the file that have not ended, of whichever version, but for the one named."""
        unended: list[Status] = []
        base = self._spool.unblocked(naming.name_of(file))
        for number in count(1):
            name = naming.numbered_name(base, number)
            if name == but:
                continue
            found = self._spool.load_status(name)
            if found is None:
                return unended
            if isinstance(found, Status) and found.request.file == file and not found.state.final:
                unended.append(found)
        raise AssertionError("there is always a next name")

    def _place(self, dropped: DroppedFile, beyond: int = 0) -> "_Place":
        """The first name that the file can have, and what it means under it; `beyond` so many numbers."""
        base = self._spool.unblocked(naming.name_of(dropped.file))
        for number in count(beyond + 1):
            name = naming.numbered_name(base, number)
            found = self._spool.load_status(name)
            if isinstance(found, Foreign):
                continue
            decision = redrop.decide(dropped, found, first=number == 1, is_whole=self._is_whole)
            if decision is not Decision.NEXT_NAME:
                return _Place(name, decision, found, number)
        raise AssertionError("there is always a next name")

    def _place_for_refused(self, name: str, file: str) -> "_Place":
        """The first name for the status of a file that is no request, where no other's status is replaced."""
        base = self._spool.unblocked(name)
        for number in count(1):
            candidate = naming.numbered_name(base, number)
            found = self._spool.load_status(candidate)
            if found is None:
                return _Place(candidate, Decision.BEGIN, None)
            if isinstance(found, Status) and _is_earlier_refusal(found, file):
                return _Place(candidate, Decision.BEGIN, found)
        raise AssertionError("there is always a next name")

    def _take(self, file: str, dropped: DropFile, place: "_Place") -> Status:
        match place.decision, place.found:
            case Decision.NAME_TAKEN, _:
                return self._reject_under(file, file, dropped, _name_taken(file))
            case ((Decision.RESUME | Decision.FILE_AWAY), Status() as found):
                log.info("request_resumed", request=found.name, state=found.state)
                return found
            case Decision.REPEAT, Status() as found:
                return self._repeat(found)
            case _:
                return self._begin(file, dropped, place)

    def _begin(self, file: str, dropped: DropFile, place: "_Place") -> Status:
        """Write the status of a request that begins or starts over, never over a record of footage.

        Raises:
            NameNotHeld: the mirror cannot hold the names of what the request would make.
        """
        if place.found is None:
            self._spool.try_names(place.name)
        status = self._answer(file, dropped, place)
        if place.found is not None and self._would_lose(place.found, status):
            self._cancel(place.found)
            return self._take(file, dropped, self._place(DroppedFile(file, dropped.sha256), place.number))
        return self._save(status)

    def _answer(self, file: str, dropped: DropFile, place: "_Place") -> Status:
        settings, now = self._settings(), self._clock.now()
        try:
            document, problems = documents.read_with_problems(dropped.data, naming.suffix(file))
            parsed = request_parser.parse(document, settings, problems)
        except RequestRejected as rejected:
            return self._rejected(file, dropped, place, rejected)
        status = begin(place.name, self._record(file, dropped, place, parsed.entries), now)
        if parsed.validate_only:
            return end(status, State.VALIDATED, now)
        status = refresh(status, first_clips(parsed.entries, now, settings.delay_s), now)
        if place.found is None:
            return status
        kept = redrop.keep_finished(place.found, status, self._clip_is_whole(place.name))
        return refresh(status, kept, now)

    def _rejected(self, file: str, dropped: DropFile, place: "_Place", rejected: RequestRejected) -> Status:
        now = self._clock.now()
        error = Failure(
            code=rejected.code,
            message=rejected.message,
            hint=rejected.hint,
            at=now,
            problems=rejected.problems,
        )
        status = begin(place.name, self._record(file, dropped, place), now)
        return end(replace(status, error=error), State.REJECTED, now)

    def _record(
        self, file: str, dropped: DropFile, place: "_Place", entries: tuple[Entry, ...] = ()
    ) -> RequestRecord:
        earlier = self._earlier_copy(place.found.request) if place.found else None
        return RequestRecord(
            file=naming.printable(file),
            sha256=dropped.sha256,
            owner=dropped.owner,
            entries=entries,
            filed_before=earlier,
        )

    def _earlier_copy(self, earlier: RequestRecord) -> str | None:
        """Where the file of an earlier run lies in the mirror, unless something else has taken its place."""
        filed = earlier.filed_as or earlier.filed_before
        if filed is None or not earlier.sha256:  # one that could not be read is not known again
            return filed
        return filed if self._spool.where_filed(earlier.sha256, filed) == filed else None

    def _would_lose(self, found: Status, status: Status) -> bool:
        """True when an MP4 that `found` names would be named by no status any more."""
        kept = {clip.file.name for clip in status.clips if clip.file}
        is_whole = self._clip_is_whole(found.name)
        return any(clip.file and clip.file.name not in kept and is_whole(clip) for clip in found.clips)

    def last_event(self, name: str, clip: Clip) -> events.Event:
        """What ends a clip of a cancelled request: a kill may have come just after its MP4 was published."""
        published = clip.state is State.VERIFYING and self._clip_is_whole(name)(clip)
        return events.Published() if published else events.Cancelled()

    def _cancel(self, found: Status) -> None:
        """End the earlier version of a request whose record has to stay."""
        if found.state.final:
            return
        now = self._clock.now()
        clips = tuple(
            clip
            if clip.state.final
            else advance(clip, self.last_event(found.name, clip), now, give_up_after_s=0)[0]
            for clip in found.clips
        )
        self._spool.save_status(refresh(found, clips, now))
        self._spool.discard_parts(found.name)

    def _repeat(self, found: Status) -> Status:
        now = self._clock.now()
        repeated = replace(found, repeated_at=now, updated_at=now)
        self._spool.save_status(repeated)
        log.info("request_repeated", request=found.name)
        return repeated

    def _save(self, status: Status) -> Status:
        self._spool.save_status(status)
        if status.state is State.REJECTED and status.error:
            log.info(
                "request_rejected", request=status.name, code=status.error.code, problem=status.error.message
            )
        else:
            log.info("request_accepted", request=status.name, clips=len(status.clips), state=status.state)
        return status

    def _is_whole(self, status: Status) -> bool:
        return all(self._clip_is_whole(status.name)(clip) for clip in status.clips)

    def _clip_is_whole(self, name: str) -> Callable[[Clip], bool]:
        return lambda clip: clip.file is not None and self._spool.is_whole(name, clip.file)


@dataclass(frozen=True, slots=True)
class _Place:
    """A name for a request, what the file means under it, and the status that stands there already.

    `number` is the one in the name: 1 for the file's own stem.
    """

    name: str
    decision: Decision
    found: Status | None
    number: int = 1


def _is_earlier_refusal(found: Status, file: str) -> bool:
    return found.state is State.REJECTED and found.request.file == naming.printable(file)


def _crashed(file: str) -> RequestRejected:
    return RequestRejected(
        ErrorCode.INTERNAL,
        f"{naming.printable(file)} made camspool fail: an error of its own, which its log describes.",
        "Report the error, with the log and the file; nothing else was held up by it.",
    )


def _name_taken(file: str) -> RequestRejected:
    stem = naming.name_of(file)
    return RequestRejected(
        ErrorCode.NAME_TAKEN,
        f"Another request has the name {stem} already: what it makes would be called the same.",
        "Give the file another name and drop it again.",
    )
