"""The outstanding requests in memory, each the exact image of its status file.

A `Job` is the only way to change a status: the change is made, saved, and only then does work go on. What is
no longer outstanding is forgotten here; its status file stays.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import structlog

from camspool.aio import in_thread
from camspool.core.errors import StorageTrouble
from camspool.core.events import Event
from camspool.core.figures import Figures
from camspool.core.lifecycle import advance
from camspool.core.overview import refresh
from camspool.core.ports import Clock, StatusFiles
from camspool.core.status_document import Clip, Status
from camspool.core.values import State, WaitReason
from camspool.pipeline.outages import Outages

log = structlog.get_logger()

PROGRESS_EVERY_S: Final = 1.0
"""How often progress is written at most (contract, "The status file")."""


@dataclass(slots=True)
class JobContext:
    """What every job needs to change and save its status; `give_up_after_s` is the setting in force."""

    files: StatusFiles
    clock: Clock
    outages: Outages
    give_up_after_s: Callable[[], float]
    figures: Figures = field(default_factory=Figures)


class Job:
    """One outstanding request.

    `file` is where its file lies in drop/ now, by its real name, whose bytes need not be UTF-8. A request
    that was moved back by the name under which it was filed (`b~2.json`) is not where it was accepted from
    (`b.json`). `is_news`: its end has not been announced yet; it did not end and get filed before, and was
    only dropped again.
    """

    __slots__ = ("_context", "_durable", "_logged", "_saved", "_saving", "file", "is_news", "status")

    def __init__(
        self, status: Status, job_context: JobContext, *, saved: bool, file: str | None = None
    ) -> None:
        self.status = status
        self.file = status.request.file if file is None else file
        self.is_news = status.request.filed_as is None
        self._context = job_context
        self._saved: Status | None = status if saved else None
        self._durable: Status | None = self._saved
        self._saving = asyncio.Lock()
        self._logged: dict[str, set[str]] = {}

    @property
    def name(self) -> str:
        """The request's name."""
        return self.status.name

    def clip(self, key: str) -> Clip:
        """The clip with this key, as it is now.

        Raises:
            KeyError: there is none.
        """
        for clip in self.status.clips:
            if clip.key == key:
                return clip
        raise KeyError(key)

    async def apply(self, key: str, event: Event) -> None:
        """Let an event happen to a clip, and save what came of it; routine news is left to `save_progress`.

        Raises:
            IllegalEvent: the clip's state does not know the event; nothing has changed.
            StorageTrouble: the change is made, but could not be saved; `save` tries again.
        """
        self.note(key, event)
        if not event.routine:
            await self.save()

    def note(self, key: str, event: Event) -> None:
        """Let an event happen to a clip without saving it yet."""
        before, now = self.clip(key), self._context.clock.now()
        after = advance(before, event, now, self._context.give_up_after_s())
        keys = [clip.key for clip in self.status.clips]
        place = keys.index(key)
        clips = (*self.status.clips[:place], *after, *self.status.clips[place + 1 :])
        self._set_clips(clips)
        if after[0].state is not before.state or after[0].waiting != before.waiting:
            self._log_change(before, after[0], event)
            for clip in after:
                self._context.figures.clip_changed(self.name, before, clip, self._context.clock.monotonic())

    def is_first(self, key: str, what: str) -> bool:
        """True when `what` has not been logged of this clip since it got into a state that was new to it.

        A clip that goes round in circles says nothing that it has said before.
        """
        logged = self._logged.setdefault(key, set())
        if what in logged:
            return False
        logged.add(what)
        return True

    def refresh(self) -> None:
        """Bring up to date what does not depend on the clips: what the whole service waits for."""
        if not self.status.state.final:
            self._set_clips(self.status.clips)

    def amend(self, status: Status) -> None:
        """Replace the status as a whole; `save` writes it."""
        self.status = status

    async def save(self, *, durable: bool = True) -> None:
        """Write the status file, unless what is there is as good.

        Raises:
            StorageTrouble: it cannot be written now.
        """
        async with self._saving:
            status = self.status
            if status is (self._durable if durable else self._saved):
                return
            if not durable and status.state.final:
                return  # it ended while this waited: a durable save is next, and nothing less may be there
            await in_thread(self._context.files.save_status, status, durable=durable)
            self._saved = status
            if durable:
                self._durable = status

    @property
    def behind(self) -> bool:
        """True when the status file does not show the latest."""
        return self.status is not self._saved

    def _log_change(self, before: Clip, after: Clip, event: Event) -> None:
        """One line for each change, none for each round."""
        if after.reached.state is not before.reached.state:
            self._logged.pop(before.key, None)
        if after.waiting is None and after.state is before.state:
            return
        news = f"waits {after.waiting.reason}" if after.waiting else after.state
        if self.is_first(after.key, news) or after.state.final:
            log.info(
                "clip_waits" if after.waiting else f"clip_{after.state}",
                request=self.name,
                clip=after.key,
                because=type(event).__name__,
                **_facts(after),
            )

    def _set_clips(self, clips: tuple[Clip, ...]) -> None:
        now = self._context.clock.now()
        status = refresh(self.status, clips, now)
        held = self._context.outages.holding_up(status)
        self.status = replace(status, waiting=held) if held and not status.state.final else status


class Jobs:
    """All outstanding requests, by name and by request file."""

    def __init__(self, job_context: JobContext) -> None:
        self.job_context = job_context
        self._by_name: dict[str, Job] = {}
        self._by_file: dict[str, Job] = {}
        self._unsaved: set[str] = set()

    def __len__(self) -> int:
        return len(self._by_name)

    def __iter__(self) -> Iterator[Job]:
        return iter(list(self._by_name.values()))

    def open(self, status: Status, file: str | None = None) -> Job:
        """Take up a request whose status file has been written; `file`: see Job."""
        job = Job(status, self.job_context, saved=True, file=file)
        self._by_name[status.name] = self._by_file[job.file] = job
        return job

    def close(self, job: Job) -> None:
        """Forget a request."""
        self._unsaved.discard(job.name)
        self.job_context.figures.request_gone(job.name)
        if self._by_name.get(job.name) is job:
            del self._by_name[job.name]
        if self._by_file.get(job.file) is job:
            del self._by_file[job.file]

    def of_file(self, file: str) -> Job | None:
        """The outstanding request whose file has this path below drop/."""
        return self._by_file.get(file)

    def is_outstanding(self, name: str) -> bool:
        """True while the request of this name has not ended."""
        return name in self._by_name

    def refresh(self) -> None:
        """Let every request show what the whole service waits for now."""
        for job in self:
            try:
                job.refresh()
            except Exception:  # a defect that one status meets must not keep the others from showing it
                log.exception("request_crashed", request=job.name)

    async def save_progress(self) -> None:
        """Write what has changed since the last time, without fsync; called once a second."""
        for job in self:
            if job.behind and not job.status.state.final:
                await self._save_quietly(job)

    async def save_all(self) -> None:
        """Write everything durably that is not yet; for the end of the service."""
        await asyncio.gather(*(self._save_quietly(job, durable=True) for job in self))

    def oldest(self) -> datetime | None:
        """When the request was accepted that has been outstanding for longest."""
        return min((job.status.created_at for job in self), default=None)

    async def _save_quietly(self, job: Job, *, durable: bool = False) -> None:
        """Save where nobody waits for it; the next change of state saves the same for those who need it."""
        try:
            await job.save(durable=durable)
        except StorageTrouble as trouble:
            if job.name not in self._unsaved:
                log.warning("status_not_saved", request=job.name, problem=trouble.message)
            self._unsaved.add(job.name)
        except Exception:  # a defect that one status meets must not keep the others from being saved
            if job.name not in self._unsaved:
                log.exception("status_not_saved", request=job.name)
            self._unsaved.add(job.name)
        else:
            self._unsaved.discard(job.name)

    def count_by_state(self) -> dict[State, int]:
        """How many requests are in which state."""
        counts: dict[State, int] = {}
        for job in self:
            counts[job.status.state] = counts.get(job.status.state, 0) + 1
        return counts

    def count_by_reason(self) -> dict[WaitReason, int]:
        """How many requests wait for which reason."""
        return dict(Counter(job.status.waiting.reason for job in self if job.status.waiting))


def _facts(clip: Clip) -> dict[str, str]:
    """What a log line says of a clip, as far as there is anything to say."""
    trouble = clip.error or clip.waiting
    known = {
        "recording": clip.recording.id if clip.recording else None,
        "waiting": clip.waiting.reason if clip.waiting else None,
        "problem": trouble.message if trouble else None,
    }
    return {key: value for key, value in known.items() if value is not None}
