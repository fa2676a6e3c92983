"""Step 2: have the recording prepared, and ask how far it is until there is a URL."""

from typing import Final

from camspool.core import backoff, events, expiry
from camspool.core.errors import (
    ClipTrouble,
    OutcomeUnknown,
    RecordingExpired,
    RecordingUnknown,
    SharedTrouble,
)
from camspool.core.status_document import Clip
from camspool.core.values import PREPARATION, PROGRESS, ErrorCode, Preparation, State, WaitReason
from camspool.pipeline.jobs import Job
from camspool.pipeline.steps.context import StepContext, id_of

BEGUN_WITHIN_POLLS: Final = 2
"""A preparation whose call got no answer, and that shows no progress for so many of the slowest polls, was
never begun."""

STANDS_AFTER_POLLS: Final = 10
"""A preparation without progress for so many of the slowest polls gives its slot back between questions."""


class Preparing:
    """The step of a clip that is preparing."""

    def __init__(self, context: StepContext) -> None:
        self._context = context

    async def prepare(self, job: Job, clip: Clip) -> None:
        """Ask for the preparation, unless that was done before a restart, and wait for its end."""
        if clip.prepare.requested_at is not None:
            await self._follow(job, clip, None)
        elif await self._request(job, clip):
            await self._follow(job, job.clip(clip.key), 0.0)

    async def _request(self, job: Job, clip: Clip) -> bool:
        """Have the preparation begin; False when it has not."""
        try:
            async with self._context.host_troubles.visit(PREPARATION, (job.name, clip.key), patient=True):
                accepted = await self._has_begun(job, clip) or await self._call(job, clip)
        except ClipTrouble as trouble:
            failed = job.clip(clip.key).prepare.requested_at is not None
            if not failed or OutcomeUnknown in {type(trouble), type(trouble.__cause__)}:
                raise
            await self._call_again(job, clip.key, trouble)
            return False
        if not accepted:
            await self._refused(job, clip.key)
            return False
        await job.apply(clip.key, events.PrepareAccepted())
        return True

    async def _has_begun(self, job: Job, clip: Clip) -> bool:
        """Whether an earlier call has worked although its answer was an error: it must not be made twice."""
        if not clip.verdict.made_anew:
            return False
        try:
            preparation = await self._progress(job, clip)
        except RecordingExpired:
            return False  # some servers know an id only once it is in preparation
        return bool(preparation.download_url or preparation.percent)

    async def _call(self, job: Job, clip: Clip) -> bool:
        # Saved before the call: after a crash in between, the server is asked for its progress first.
        await job.apply(clip.key, events.PrepareRequested())
        height = clip.recording.height if clip.recording else 0
        return await self._context.recordings.prepare(id_of(clip), height)

    async def _call_again(self, job: Job, key: str, trouble: ClipTrouble) -> None:
        """Nothing has begun, as an answer that is an error says: call again after a pause."""
        await job.apply(key, events.PrepareFailed())
        if isinstance(trouble, SharedTrouble):
            raise trouble
        await self._pause(job, key, trouble.message)

    async def _refused(self, job: Job, key: str) -> None:
        message = "The server would not prepare the recording"
        await job.apply(key, events.PrepareRefused(message))
        if not job.clip(key).state.final:  # what is refused now may be accepted in a while
            await self._pause(job, key, message)

    async def _pause(self, job: Job, key: str, message: str) -> None:
        pause = self._context.pause_before_more_work(job.clip(key), WaitReason.API_ERROR, message)
        await job.apply(key, events.Waits(pause))

    async def _follow(self, job: Job, clip: Clip, first: float | None) -> None:
        """Ask until the preparation is over, or stands still for so long that another may have the slot.

        The time without progress is the sum of the pauses made: neither an outage of the API nor a clock
        that jumps nor a restart counts as a stall. Only what has never been reached before is progress: a
        preparation that goes back and forth would keep its slot for ever.

        Args:
            job: the request.
            clip: its clip.
            first: the progress at this moment; None when it began before a restart, and has to be asked for.
        """
        clock, settings = self._context.clock, self._context.settings
        begun, still, percent = clock.monotonic(), clip.prepare.still_s, clip.prepare.percent
        if first is not None:
            await clock.sleep(settings.poll_fastest)
        while True:
            event = await self._ask(job, job.clip(clip.key), still)
            if isinstance(event, events.PrepareProgressed):
                percent, still = event.percent, 0.0
            elif event is None:
                event = self._standing(job.clip(clip.key), still)
            if event is not None:
                await job.apply(clip.key, event)
            if isinstance(event, events.PrepareFailed):
                await self._pause(job, clip.key, "The server did not begin to prepare the recording")
            gives_slot_back = isinstance(event, events.PrepareFailed | events.PrepareStands)
            if gives_slot_back or job.clip(clip.key).state is not State.PREPARING:
                return
            first = percent if first is None else first
            now = clock.monotonic()
            pause = backoff.poll_interval(
                now - begun, percent - first, percent, settings.poll_fastest, settings.poll_slowest
            )
            pause = backoff.in_step(now, pause, settings.poll_fastest / 4)
            still += pause
            await clock.sleep(pause)

    async def _ask(self, job: Job, clip: Clip, still: float) -> events.Event | None:
        """The news, if there is any; it has been without progress for `still` seconds by now."""
        try:
            preparation = await self._progress(job, clip)
        except RecordingUnknown:
            if self._is_early(clip, still):
                return None
            raise
        if preparation.download_url is not None:
            now, lifetimes = self._context.clock.now(), self._context.settings.lifetimes
            return events.Prepared(preparation.download_url, expiry.url_expires(now, lifetimes))
        if preparation.percent is not None and preparation.percent > clip.prepare.percent:
            return events.PrepareProgressed(preparation.percent)
        return None

    async def _progress(self, job: Job, clip: Clip) -> Preparation:
        async with self._context.host_troubles.visit(PROGRESS, (job.name, clip.key), patient=True):
            return await self._context.recordings.progress(id_of(clip))

    def _is_early(self, clip: Clip, still: float) -> bool:
        """True while a server that knows nothing of a fresh id may not have got round to it yet."""
        if clip.recording and clip.recording.doubted:
            return False
        fresh = expiry.id_is_fresh(clip.recording, self._context.clock.now())
        return fresh and still <= BEGUN_WITHIN_POLLS * self._context.settings.poll_slowest

    def _standing(self, clip: Clip, still: float) -> events.Event | None:
        """What becomes of a preparation that has been without progress for `still` seconds, if anything."""
        settings, percent = self._context.settings, clip.prepare.percent
        if still > BEGUN_WITHIN_POLLS * settings.poll_slowest and not clip.prepare.accepted:
            return events.PrepareFailed()
        message = f"The preparation has stood at {percent:g} % for {still:.0f} seconds."
        if percent > 0 and still > settings.stalled:
            hint = "Local storage needs the site's uplink: check it, then move the request back to drop/."
            return events.Failed(ErrorCode.PREPARE_STALLED, message, hint)
        if still <= STANDS_AFTER_POLLS * settings.poll_slowest:
            return None
        waiting = self._context.pause(clip, WaitReason.API_ERROR, message, least=settings.poll_slowest)
        return events.PrepareStands(waiting, still + self._context.length_of(waiting))
