"""The loop around the steps: one step after the other, each saved before the next, trouble sorted out."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto
from typing import Final

from camspool.core import backoff, events, expiry
from camspool.core.errors import BadVideo, ClipTrouble, RecordingExpired, SharedTrouble, StorageTrouble
from camspool.core.status_document import Clip
from camspool.core.values import State, WaitReason
from camspool.pipeline.camera_directory import CameraDirectory
from camspool.pipeline.disk_space import DiskSpace
from camspool.pipeline.host_troubles import LONGEST_RETRY_AFTER_S, MOST_TURNS, TURN_S
from camspool.pipeline.jobs import Job
from camspool.pipeline.outages import Cause, Outages
from camspool.pipeline.steps.context import StepContext
from camspool.pipeline.steps.downloading import Downloading
from camspool.pipeline.steps.listing import LONGEST_PAUSE_S, Listing
from camspool.pipeline.steps.preparing import Preparing


class Lane(Enum):
    """What a clip needs a slot for; each lane has its own limit."""

    PREPARING = auto()
    DOWNLOADING = auto()


LANES: Final = {
    State.SCHEDULED: Lane.PREPARING,
    State.QUEUED: Lane.PREPARING,
    State.LISTING: Lane.PREPARING,
    State.PREPARING: Lane.PREPARING,
    State.DOWNLOADING: Lane.DOWNLOADING,
    State.VERIFYING: Lane.DOWNLOADING,
}


class Workflow:
    """Carries clips; one instance serves them all."""

    def __init__(
        self, context: StepContext, camera_directory: CameraDirectory, disk_space: DiskSpace, outages: Outages
    ) -> None:
        self._context = context
        self._disk_space = disk_space
        self._outages = outages
        listing, preparing = Listing(context, camera_directory), Preparing(context)
        downloading = Downloading(context, outages)
        self._steps: dict[State, Callable[[Job, Clip], Awaitable[None]]] = {
            State.SCHEDULED: listing.become_due,
            State.QUEUED: listing.begin,
            State.LISTING: listing.find_recordings,
            State.PREPARING: preparing.prepare,
            State.DOWNLOADING: downloading.download,
            State.VERIFYING: downloading.verify_and_publish,
        }

    async def carry(self, job: Job, key: str, lane: Lane) -> None:
        """Work on a clip until it has ended, has to wait, or needs a slot in another lane."""
        while self._goes_on(job.clip(key), lane):
            try:
                await self._step(job, key)
            except StorageTrouble as trouble:
                await self._sit_out(job, key, trouble)

    async def _step(self, job: Job, key: str) -> None:
        """Do the next step of a clip; what goes wrong with this clip alone is an event like any other."""
        await self._outages.passable(Cause.MIRROR)
        await job.save()
        clip = job.clip(key)
        try:
            await self._steps[clip.state](job, clip)
        except SharedTrouble as shared:
            await job.apply(key, self._context.hold_up(shared))
        except ClipTrouble as trouble:
            await job.apply(key, self._context.wait(job.clip(key), trouble.reason, trouble.message))
        except RecordingExpired as expired:
            await self._expired(job, key, str(expired))
        except BadVideo as bad:
            await self._found_bad(job, key, str(bad))

    async def _expired(self, job: Job, key: str, message: str) -> None:
        """Doubt what by its clock is still good, and ask once more after a pause; make all else anew."""
        clip, context = job.clip(key), self._context
        good = expiry.is_good(clip, context.clock.now(), context.settings.lifetimes)
        if good and clip.recording and not clip.recording.doubted:
            counted = replace(clip, verdict=replace(clip.verdict, made_anew=clip.verdict.made_anew + 1))
            pause = context.pause_before_more_work(counted, WaitReason.API_ERROR, message)
            await job.apply(key, events.Doubted(pause))
            return
        await job.apply(key, events.Expired(message, early=good))

    async def _found_bad(self, job: Job, key: str, message: str) -> None:
        await job.apply(key, events.VideoFoundBad(message, self._context.settings.retry_longest))
        clip = job.clip(key)
        if not clip.state.final:
            await job.apply(key, events.Waits(self._context.pause_after_bad_video(clip, message)))

    def park(self, job: Job, key: str) -> None:
        """Let a clip wait whose step has crashed."""
        clip = job.clip(key)
        if clip.state.final:
            return
        message = "camspool met an error of its own with this clip; its log says more. It will try again."
        job.note(key, self._context.wait(clip, WaitReason.API_ERROR, message))

    def due(self, clip: Clip) -> datetime | None:
        """When there is something to do for a clip; None for at once."""
        until = self._waits_until(clip)
        if clip.state is not State.SCHEDULED:
            return until
        over = backoff.after(clip.end, self._context.settings.delay)
        return max(over, until) if until else over

    def _waits_until(self, clip: Clip) -> datetime | None:
        """The end of the clip's wait; none once the host that it waits for is well again.

        One that lies further off than any wait that is ever begun counts as none: it was dated by a clock
        that has been put back since, and might last for years.
        """
        waiting, held_by = clip.waiting, clip.runtime.held_by
        if waiting is None or waiting.until is None or (held_by and not self._outages.get(held_by)):
            return None
        longest = max(self._context.settings.retry_longest, LONGEST_PAUSE_S) + MOST_TURNS * TURN_S
        if waiting.reason is WaitReason.RATE_LIMITED:
            longest = max(longest, LONGEST_RETRY_AFTER_S)
        begun_before = backoff.after(self._context.clock.now(), longest)
        return waiting.until if waiting.until <= begun_before else None

    def _goes_on(self, clip: Clip, lane: Lane) -> bool:
        due = self.due(clip)
        return LANES.get(clip.state) is lane and (due is None or due <= self._context.clock.now())

    async def _sit_out(self, job: Job, key: str, trouble: StorageTrouble) -> None:
        """Wait with everybody when a whole folder is in trouble, else let only this clip wait."""
        ended = job.clip(key).state.final  # `Intake.ended` saves what could not be saved here
        if not ended and not await self._disk_space.is_down():
            job.note(key, self._context.wait(job.clip(key), trouble.reason, trouble.message))
