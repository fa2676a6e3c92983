"""Step 2: have the recording prepared, and ask how far it is until there is a URL."""

from typing import Final

from camspool.core import backoff, events, expiry
from camspool.core.errors import ClipTrouble, OutcomeUnknown, RecordingUnknown
from camspool.core.status_document import Clip
from camspool.core.values import ErrorCode, State, WaitReason
from camspool.pipeline.jobs import Job
from camspool.pipeline.steps.context import StepContext, id_of

BEGUN_WITHIN_POLLS: Final = 2
"""A preparation whose call got no answer, and that shows no progress for so many of the slowest polls, was
never begun."""


class Preparing:
    """The step of a clip that is preparing."""

    def __init__(self, context: StepContext) -> None:
        self._context = context

    async def prepare(self, job: Job, clip: Clip) -> None:
        """Ask for the preparation, unless that was done before a restart, and wait for its end."""
        if clip.prepare.requested_at is not None:
            await self._follow(job, clip, None)
        elif await self._request(job, clip):
            await self._follow(job, clip, 0.0)

    async def _request(self, job: Job, clip: Clip) -> bool:
        # Saved before the call: after a crash in between, the server is asked for its progress first.
        await job.apply(clip.key, events.PrepareRequested())
        if (refusal := await self._refusal(clip)) is not None:
            await self._refused(job, clip.key, refusal)
            return False
        await job.apply(clip.key, events.PrepareAccepted())
        return True

    async def _refused(self, job: Job, key: str, refusal: events.PrepareRefused) -> None:
        await job.apply(key, refusal)
        clip = job.clip(key)
        if not clip.state.final:  # what refuses now may not refuse in a while
            await job.apply(key, self._context.wait(clip, WaitReason.API_ERROR, refusal.message))

    async def _refusal(self, clip: Clip) -> events.PrepareRefused | None:
        """Make the call; an answer that is an error says as clearly as `false` that nothing has begun."""
        height = clip.recording.height if clip.recording else 0
        refused = "The server would not prepare the recording"
        try:
            if await self._context.recordings.prepare(id_of(clip), height):
                return None
        except OutcomeUnknown:
            raise
        except ClipTrouble as trouble:
            refused += f" ({trouble.message})"
        return events.PrepareRefused(refused)

    async def _follow(self, job: Job, clip: Clip, first: float | None) -> None:
        """Ask until the preparation is over.

        The time without progress is the sum of the pauses made: neither an outage of the API nor a clock that
        jumps nor a restart counts as a stall. Only what it has never reached before is progress: one that
        goes to and fro would keep its slot for ever.

        Args:
            job: the request.
            clip: its clip.
            first: the progress at this moment; None when it began before a restart, and has to be asked for.
        """
        clock, settings = self._context.clock, self._context.settings
        begun, still, percent = clock.monotonic(), 0.0, clip.prepare.percent
        if first is not None:
            await clock.sleep(settings.poll_fastest)
        while True:
            event = await self._ask(clip, percent, still)
            if isinstance(event, events.PrepareProgressed):
                percent, still = event.percent, 0.0
            elif event is None:
                event = self._given_up(job.clip(clip.key), still)
            if event is not None:
                await job.apply(clip.key, event)
            if job.clip(clip.key).state is not State.PREPARING:
                return
            first = percent if first is None else first
            now = clock.monotonic()
            pause = backoff.poll_interval(
                now - begun, percent - first, percent, settings.poll_fastest, settings.poll_slowest
            )
            pause = backoff.in_step(now, pause, settings.poll_fastest / 4)
            still += pause
            await clock.sleep(pause)

    async def _ask(self, clip: Clip, percent: float, still: float) -> events.Event | None:
        """The news, if it has got beyond `percent`, which took it `still` seconds by now."""
        try:
            preparation = await self._context.recordings.progress(id_of(clip))
        except RecordingUnknown:
            if self._is_early(clip, still):
                return None
            raise
        if preparation.download_url is not None:
            now, lifetimes = self._context.clock.now(), self._context.settings.lifetimes
            return events.Prepared(preparation.download_url, expiry.url_expires(now, lifetimes))
        if preparation.percent is not None and preparation.percent > percent:
            return events.PrepareProgressed(preparation.percent)
        return None

    def _is_early(self, clip: Clip, still: float) -> bool:
        """True while a server that knows nothing of a fresh id may not have got round to it yet."""
        fresh = expiry.id_is_fresh(clip.recording, self._context.clock.now())
        return fresh and still <= BEGUN_WITHIN_POLLS * self._context.settings.poll_slowest

    def _given_up(self, clip: Clip, still: float) -> events.Event | None:
        """The event that ends a preparation without progress for `still` seconds, once that is too long."""
        if still > BEGUN_WITHIN_POLLS * self._context.settings.poll_slowest and not clip.prepare.accepted:
            return events.PrepareRefused("The server did not begin to prepare the recording")
        if still > self._context.settings.stalled:
            return events.Failed(
                ErrorCode.PREPARE_STALLED,
                f"The preparation has stood at {clip.prepare.percent:g} % for {still:.0f} seconds.",
                "Local storage needs the site's uplink: check it, then move the request back to drop/.",
            )
        return None
