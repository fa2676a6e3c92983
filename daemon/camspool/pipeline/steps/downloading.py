"""Step 3: download the MP4, make sure that it is whole, and publish it in the mirror."""

import asyncio
from functools import partial
from pathlib import Path

from camspool.aio import to_the_end
from camspool.core import events, expiry, footage, web_address
from camspool.core.errors import AddressRefused, NameTaken, RecordingExpired, SharedTrouble
from camspool.core.naming import mp4_name, stem_of
from camspool.core.ports import Downloaded, DownloadOrder, DownloadProgress, VideoFacts
from camspool.core.status_document import Clip, Download, OutputFile
from camspool.core.values import PROGRESS, HostAction, WaitReason
from camspool.pipeline.jobs import Job
from camspool.pipeline.outages import Cause, Outages
from camspool.pipeline.steps.context import StepContext, id_of


class Downloading:
    """The steps of a clip that is downloading or verifying."""

    def __init__(self, context: StepContext, outages: Outages) -> None:
        self._context = context
        self._outages = outages

    async def download(self, job: Job, clip: Clip) -> None:
        """Fetch what is not on disk yet."""
        await self._outages.passable(Cause.ROOM)
        order = await self._order(job, clip)
        try:
            done = await self._fetch(job, clip, order)
        except SharedTrouble as shared:
            untried = None if shared.__cause__ else order.url
            await job.apply(clip.key, self._context.hold_up(shared, untried))
            return
        except AddressRefused as refused:
            await self._doubt(job, clip, order.url, str(refused))
            return
        now, lifetimes = self._context.clock.now(), self._context.settings.lifetimes
        expires = expiry.url_expires_after_download(clip.recording, now, lifetimes)
        await job.apply(clip.key, events.DownloadCompleted(done.bytes, done.sha256, expires))

    async def _fetch(self, job: Job, clip: Clip, order: DownloadOrder) -> Downloaded:
        """Download; the first bytes already show the others that the host is well."""
        place = _downloads_of(order.url)
        async with self._context.host_troubles.visit(place, (job.name, clip.key), patient=False) as visit:
            await job.apply(clip.key, events.DownloadBegan())
            had: int | None = None

            def on_progress(progress: DownloadProgress) -> None:
                nonlocal had
                had = progress.bytes if had is None else had
                if progress.bytes > had:
                    visit.succeed()
                job.note(clip.key, events.DownloadProgressed(_as_download(progress)))

            return await self._context.downloads.fetch(order, on_progress)

    async def _doubt(self, job: Job, clip: Clip, url: str | None, message: str) -> None:
        """Ask later whether an address that was refused is still the one; make it anew when it is not.

        Raises:
            RecordingExpired: its time was over, or it is not the one that was refused before.
        """
        now, lifetimes = self._context.clock.now(), self._context.settings.lifetimes
        if not expiry.is_good(clip, now, lifetimes) or clip.runtime.refused_url not in (None, url):
            raise RecordingExpired(message)
        pause = self._context.pause(clip, WaitReason.DOWNLOAD_INTERRUPTED, message)
        await job.apply(clip.key, events.Doubted(pause, url))

    async def verify_and_publish(self, job: Job, clip: Clip) -> None:
        """Check the complete download, save what it is, and give it its name."""
        spool = self._context.spool
        if clip.file is not None and await asyncio.to_thread(spool.is_whole, job.name, clip.file):
            await job.apply(clip.key, events.Published())  # a restart came between the rename and this line
            return
        part = await asyncio.to_thread(spool.part_path, job.name, clip.ask, clip.piece)
        if clip.runtime.sha256 is None or not await asyncio.to_thread(_has_size, part, clip.download.bytes):
            await job.apply(clip.key, events.Reopened())
            return
        facts = await self._context.videos.inspect(part)
        file = await self._describe(job, clip, facts, clip.runtime.sha256)
        await job.apply(clip.key, events.Verified(file, footage.remarks(clip.recording, facts)))
        await to_the_end(self._publish(job, clip, part, file))

    async def _publish(self, job: Job, clip: Clip, part: Path, file: OutputFile) -> None:
        try:
            await asyncio.to_thread(self._context.spool.publish, part, job.name, file.name)
        except NameTaken:
            return  # by somebody, since it was chosen: the step is done again with the next name
        await job.apply(clip.key, events.Published())

    async def _order(self, job: Job, clip: Clip) -> DownloadOrder:
        part = await asyncio.to_thread(self._context.spool.part_path, job.name, clip.ask, clip.piece)
        download = clip.download
        complete = download.total_bytes and await asyncio.to_thread(_has_size, part, download.total_bytes)
        url = None if complete else await self._url(job, clip)
        open_folder = partial(self._context.spool.part_folder, job.name)
        return DownloadOrder(
            url, part, download.etag, download.total_bytes, download.last_modified, open_folder
        )

    async def _url(self, job: Job, clip: Clip) -> str:
        """The URL as remembered, or, after a restart or in trouble, as the server gives it now."""
        if clip.runtime.url is not None:
            return clip.runtime.url
        async with self._context.host_troubles.visit(PROGRESS, (job.name, clip.key), patient=True):
            preparation = await self._context.recordings.progress(id_of(clip))
        if preparation.download_url is None:
            raise RecordingExpired("The download URL of the recording is gone")
        return preparation.download_url

    async def _describe(self, job: Job, clip: Clip, facts: VideoFacts, sha256: str) -> OutputFile:
        asks = max(each.ask for each in job.status.clips)
        wanted = mp4_name(stem_of(job.name), asks, clip.ask, clip.piece)
        name = await asyncio.to_thread(self._context.spool.free_mp4_name, job.name, wanted)
        return footage.described(name, clip.download.bytes, sha256, facts)


def _downloads_of(url: str | None) -> HostAction:
    """What is asked of which host; of none when there is nothing to ask for."""
    return HostAction(web_address.origin(url) if url else "", "download")


def _as_download(progress: DownloadProgress) -> Download:
    return Download(
        bytes=progress.bytes,
        total_bytes=progress.total_bytes,
        bytes_per_s=progress.bytes_per_s,
        etag=progress.etag,
        last_modified=progress.last_modified,
    )


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False
