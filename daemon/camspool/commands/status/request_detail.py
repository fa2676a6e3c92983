"""One request in full, on a terminal or in a pipe: what its status says, its clips and its history."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from camspool.commands.status import phrases
from camspool.commands.status.render import bar, safe, styled
from camspool.core import clip_plan, naming
from camspool.core.durations import written
from camspool.core.status_document import Clip, Failure, Status
from camspool.core.values import Entry, State

_MOST: Final = 100
"""Entries and clips that are shown."""

_Facts = Iterator[tuple[str, Text | ProgressBar]]


class RequestDetail:
    """A request.

    Args:
        status: its status.
        mirror: where its files are.
        now: the time now.
        zone: where times are shown.
    """

    def __init__(self, status: Status, mirror: Path, now: datetime, zone: ZoneInfo) -> None:
        self._status = status
        self._mirror = mirror
        self._now = now
        self._zone = zone

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Called by rich: the request, each clip, the history."""
        status, clips = self._status, self._status.clips
        yield Text.assemble(safe(status.name, "bold"), "  ", styled(status.state))
        yield _table(self._about_all())
        for number, clip in enumerate(clips[:_MOST], start=1):
            yield Text.assemble((f"\nclip {number} of {len(clips)}", "bold"), "  ", styled(clip.state))
            yield Padding(_table(self._about(clip)), (0, 0, 0, 2), expand=False)
        if len(clips) > _MOST:
            yield Text(f"\n... and {len(clips) - _MOST:,} clips more, which --json shows")
        yield Text("\nhistory", "bold")
        yield Padding(_table(self._history()), (0, 0, 0, 2), expand=False)

    def _about_all(self) -> _Facts:
        status = self._status
        yield "file", safe(status.request.filed_as or status.request.file)
        yield "status", safe(str(self._mirror / naming.status_path(status.name)))
        for entry in status.request.entries[:_MOST]:
            yield "asked for", safe(self._asked(entry))
            if entry.metadata:
                yield "metadata", safe(json.dumps(entry.metadata, ensure_ascii=False))
        if status.clips:
            yield "footage", Text(_coverage(status))
        if not status.state.final:
            percent = f"{status.progress.percent:.0f} %"
            yield "progress", bar(status)
            yield "", safe(f"{percent}, {phrases.news(status, self._now, self._zone)}")
        if status.error:
            yield from _error(status.error)
        for label in ("created_at", "finished_at", "repeated_at"):
            if moment := getattr(status, label):
                yield label.removesuffix("_at"), Text(self._at(moment))

    def _asked(self, entry: Entry) -> str:
        cameras = ", ".join(str(camera) for camera in clip_plan.cameras(entry))
        span = phrases.time_range(entry.start, entry.end, self._zone)
        more = f", in parts of {written(entry.split_s)}" if entry.split_s else ""
        more += f", priority {entry.priority}" if entry.priority else ""
        return f"{cameras}: {span} {self._zone.key}, height {entry.height}{more}"

    def _about(self, clip: Clip) -> _Facts:
        camera = f"{clip.camera_name} ({clip.camera})" if clip.camera_name else str(clip.camera)
        piece = f", piece {clip.piece} of {clip.pieces}" if clip.piece else ""
        yield "camera", safe(camera)
        yield "range", Text(phrases.time_range(clip.start, clip.end, self._zone) + piece)
        if clip.recording:
            heights = ", ".join(map(str, clip.recording.heights))
            length = _length(clip.recording.duration_s)
            yield "recording", Text(f"{length}, height {clip.recording.height} of {heights}")
        if clip.state in {State.PREPARING, State.DOWNLOADING}:
            yield "now", Text(_step(clip))
        if clip.waiting:
            yield "waits", safe(phrases.waiting(clip.waiting, self._now, self._zone))
        if clip.file:
            path = self._mirror / naming.folder_of(self._status.name) / clip.file.name
            file = clip.file
            yield "file", safe(str(path))
            size = f"{phrases.size(file.bytes)}, {_length(file.duration_s)}"
            yield "", safe(f"{size}, {file.width}x{file.height}, {file.codec}")
            yield "sha256", safe(file.sha256)
        for remark in clip.remarks:
            yield "remark", safe(remark.message)
        if clip.error:
            yield from _error(clip.error)

    def _history(self) -> _Facts:
        for entry in self._status.history:
            yield self._at(entry.at), styled(entry.state)

    def _at(self, moment: datetime) -> str:
        return f"{phrases.local(moment, self._zone):%Y-%m-%d %H:%M:%S}"


def _table(facts: _Facts) -> Table:
    grid = Table.grid(Column(min_width=10, no_wrap=True), Column(overflow="fold"), padding=(0, 1))
    for label, what in facts:
        grid.add_row(Text(label, "dim"), what)
    return grid


def _error(failure: Failure) -> _Facts:
    for problem in failure.problems or ():
        yield "error", safe(problem.sentence, "red")
    if not failure.problems:
        yield "error", safe(failure.message, "red")
    if failure.hint:
        yield "", safe(failure.hint, "italic")


def _coverage(status: Status) -> str:
    coverage, progress = status.coverage, status.progress
    return (
        f"{_length(coverage.delivered_s)} of {_length(coverage.requested_s)}, "
        f"{progress.clips_done} of {progress.clips_total} clips"
    )


def _step(clip: Clip) -> str:
    if clip.state is State.PREPARING:
        return f"the portal has prepared {clip.prepare.percent:.0f} %"
    download = clip.download
    total = f" of {phrases.size(download.total_bytes)}" if download.total_bytes else ""
    speed = f", {phrases.size(download.bytes_per_s)}/s" if download.bytes_per_s else ""
    return f"{phrases.size(download.bytes)}{total}{speed}"


def _length(seconds: float) -> str:
    return written(round(seconds)) or "0s"
