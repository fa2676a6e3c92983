"""Step 1: which recordings there are of the range, and which of them are fetched."""

from datetime import datetime
from math import ceil, floor
from typing import Final

from camspool.core import backoff, events, expiry, selection
from camspool.core.cameras import NoSuchCamera
from camspool.core.errors import CameraNotFound, ClipTrouble
from camspool.core.status_document import MOST_CLIPS, Clip, Recording, Waiting
from camspool.core.values import CAMERAS, LISTING, Camera, Entry, ErrorCode, Listed, WaitReason
from camspool.pipeline.camera_directory import CameraDirectory
from camspool.pipeline.jobs import Job
from camspool.pipeline.steps.context import StepContext

LONGEST_PAUSE_S: Final = 60.0
"""Between listings of a range whose footage may still be on its way."""


class Listing:
    """The steps of a clip that is scheduled, queued or listing."""

    def __init__(self, context: StepContext, camera_directory: CameraDirectory) -> None:
        self._context = context
        self._camera_directory = camera_directory

    async def become_due(self, job: Job, clip: Clip) -> None:
        """The range is over: into the queue."""
        await job.apply(clip.key, events.Due())

    async def begin(self, job: Job, clip: Clip) -> None:
        """The clip has a slot: list, unless it is a piece whose id is still good from the first listing."""
        if expiry.id_is_fresh(clip.recording, self._context.clock.now()):
            await job.apply(clip.key, events.IdStillFresh())
        else:
            await job.apply(clip.key, events.ListingBegan())

    async def find_recordings(self, job: Job, clip: Clip) -> None:
        """List the range, and choose."""
        if clip.waiting is not None:  # not the first time
            await job.apply(clip.key, events.ListingBegan())
            clip = job.clip(clip.key)
        camera = await self._camera_directory.find(clip.camera) or await self._look_again(job, clip)
        if isinstance(camera, NoSuchCamera):
            await job.apply(clip.key, events.Failed(camera.code, camera.message, camera.hint))
            return
        await job.apply(clip.key, events.CameraFound(camera.node_id, camera.name or None))
        event = await self._ask(job, clip, camera)
        if (
            isinstance(event, events.Listed)
            and len(job.status.clips) + len(event.recordings) > MOST_CLIPS + 1
        ):
            event = self._context.wait(clip, WaitReason.API_ERROR, _too_many(len(event.recordings)))
        await job.apply(clip.key, event)

    async def _look_again(self, job: Job, clip: Clip) -> Camera | NoSuchCamera:
        async with self._context.host_troubles.visit(CAMERAS, (job.name, clip.key), patient=True):
            return await self._camera_directory.look_again(clip.camera)

    async def _ask(self, job: Job, clip: Clip, camera: Camera) -> events.Event:
        asked_at = self._context.clock.now()  # an id lives from its listing: count from before the call
        try:
            async with self._context.host_troubles.visit(LISTING, (job.name, clip.key), patient=True):
                listed = await self._list(clip, camera)
        except CameraNotFound as refusal:
            hint = "Look in the portal for the camera's node id, and whether the token's user may see it."
            return events.Failed(ErrorCode.CAMERA_NOT_FOUND, str(refusal), hint)
        entry = job.status.request.entries[clip.entry]
        choices = selection.choose(listed, entry.height, entry.take, clip.asked_s)
        chosen = [choice.recording for choice in choices] if isinstance(choices, tuple) else listed
        covered = sum(recording.duration_s for recording in chosen)
        return self._early(clip, covered) or self._chosen(clip, entry, choices, asked_at)

    async def _list(self, clip: Clip, camera: Camera) -> tuple[Listed, ...]:
        """The recordings of the range.

        Raises:
            CameraNotFound: the server refuses the camera, and a list that was read since does not have it.
            ClipTrouble: anything else, a refusal of a camera that the list has included.
        """
        try:
            return await self._context.recordings.list_recordings(
                camera.node_id, floor(clip.start.timestamp()), ceil(clip.end.timestamp())
            )
        except CameraNotFound as refusal:
            if not await self._camera_directory.lists_still(camera.node_id):
                raise
            message = f"{refusal}, although it lists the camera"
            raise ClipTrouble(WaitReason.API_ERROR, message) from None

    def _early(self, clip: Clip, covered: float) -> events.Waits | None:
        """The wait for footage that may still be on its way, if the range ended recently enough.

        Args:
            clip: the clip.
            covered: seconds of footage that would be fetched now.
        """
        now, settings = self._context.clock.now(), self._context.settings
        grace_ends = backoff.after(clip.end, settings.grace)
        if selection.covers(covered, clip.asked_s) or now >= grace_ends:
            return None
        pause = backoff.backoff(
            clip.attempts.list, settings.retry_first, LONGEST_PAUSE_S, self._context.random()
        )
        return events.Waits(
            Waiting(
                reason=WaitReason.RECORDING_NOT_YET_THERE,
                message=f"{covered:g} of {clip.asked_s:g} seconds are listed; more may still be on its way.",
                until=min(grace_ends, backoff.after(now, pause)),
            )
        )

    def _chosen(
        self,
        clip: Clip,
        entry: Entry,
        choices: tuple[selection.Choice, ...] | selection.HeightNotOffered,
        listed_at: datetime,
    ) -> events.Event:
        if isinstance(choices, selection.HeightNotOffered):
            return _height_not_offered(entry, choices)
        if not choices:
            return _nothing_listed(clip)
        if clip.piece and clip.pieces:
            again = selection.choose_again(choices, clip.piece, clip.pieces)
            if again is None:
                return _not_listed_as_before(clip, len(choices))
            choices = (again,)
        return events.Listed(tuple(self._recording(choice, listed_at) for choice in choices))

    def _recording(self, choice: selection.Choice, listed_at: datetime) -> Recording:
        return Recording(
            id=choice.recording.recording_id,
            duration_s=choice.recording.duration_s,
            heights=choice.recording.heights,
            height=choice.height,
            listed_at=listed_at,
            id_expires_at=expiry.id_expires(listed_at, self._context.settings.lifetimes),
        )


def _too_many(pieces: int) -> str:
    return f"the range is listed in {pieces} pieces; a request holds {MOST_CLIPS} MP4s at most"


def _height_not_offered(entry: Entry, offer: selection.HeightNotOffered) -> events.Failed:
    heights = ", ".join(str(height) for height in offer.heights) or "none"
    return events.Failed(
        ErrorCode.HEIGHT_NOT_OFFERED,
        f"The height {entry.height!r} is not offered; these are: {heights}.",
        'Ask for one of these, or for "best" or "smallest".',
    )


def _nothing_listed(clip: Clip) -> events.Failed:
    return events.Failed(
        ErrorCode.NO_RECORDING,
        f"Camera {clip.camera!r} has no recording between {clip.start:%Y-%m-%d %H:%M:%SZ} "
        f"and {clip.end:%Y-%m-%d %H:%M:%SZ}.",
        "Look in the portal whether the camera is recording, and was recording at that time.",
    )


def _not_listed_as_before(clip: Clip, now: int) -> events.Failed:
    return events.Failed(
        ErrorCode.NO_RECORDING,
        f"Piece {clip.piece} of {clip.pieces} had to be listed anew, and the range is in {now} pieces now: "
        "which of them it is cannot be determined.",
        "Drop the request again to fetch the whole range anew.",
    )
