"""A request as a whole, made from its clips: state, progress, coverage, what it waits for, its history."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from camspool.core.backoff import after
from camspool.core.clip_plan import asks
from camspool.core.coverage import WITH_FOOTAGE, covered, dated, falls_short, shortfall
from camspool.core.status_document import (
    Clip,
    Coverage,
    Failure,
    HistoryEntry,
    Progress,
    RequestRecord,
    Status,
    Waiting,
)
from camspool.core.values import Entry, State, WaitReason

HISTORY_LIMIT: Final = 200
"""A request of a thousand clips changes its state often; the first entry and the latest ones are kept."""

BUSIEST_FIRST: Final = (
    (State.DOWNLOADING, frozenset({State.DOWNLOADING, State.VERIFYING})),
    (State.PREPARING, frozenset({State.PREPARING})),
    (State.LISTING, frozenset({State.LISTING})),
    (State.QUEUED, frozenset({State.QUEUED})),
    (State.SCHEDULED, frozenset({State.SCHEDULED})),
)
_SOME_DAY: Final = datetime.max.replace(tzinfo=UTC)
_BUSY: Final = frozenset({State.LISTING, State.PREPARING, State.DOWNLOADING, State.VERIFYING})


def begin(name: str, record: RequestRecord, now: datetime) -> Status:
    """The status of a request that was just found, before anything is known of its clips."""
    return Status(name=name, state=State.QUEUED, request=record, created_at=now, updated_at=now)


def end(status: Status, state: State, now: datetime) -> Status:
    """The status of a request that ends without clips: rejected, or only validated."""
    entry = HistoryEntry(now, state)
    return replace(status, state=state, history=(*status.history, entry), updated_at=now, finished_at=now)


def first_clips(entries: Sequence[Entry], now: datetime, delay_s: float) -> tuple[Clip, ...]:
    """The clips of a new request; ranges that are not over yet are scheduled until `delay_s` after it."""
    return tuple(_scheduled(clip, now, delay_s) for clip in asks(entries))


def _scheduled(clip: Clip, now: datetime, delay_s: float) -> Clip:
    if clip.end <= now:
        return clip
    message, due = "The range is not over yet.", after(clip.end, delay_s)
    waiting = Waiting(reason=WaitReason.RECORDING_NOT_YET_THERE, message=message, until=due)
    return replace(clip, state=State.SCHEDULED, waiting=waiting)


def refresh(status: Status, clips: tuple[Clip, ...], now: datetime) -> Status:
    """The status with new clips, and everything that follows from them.

    Args:
        status: the status before.
        clips: the request's clips now.
        now: the time of the change.
    """
    clips = dated(clips)
    state = overall_state(clips)
    coverage = covered(clips)
    if state is State.DONE and falls_short(clips):
        state = State.PARTIAL
    changed = state is not status.state or not status.history
    return replace(
        status,
        state=state,
        clips=clips,
        progress=_progress(clips, status.history, now),
        coverage=coverage,
        waiting=None if state.final else _waiting(clips),
        error=_error(state, clips, coverage, now) if changed and state is not State.REMOVED else status.error,
        history=_remember(status.history, HistoryEntry(now, state)) if changed else status.history,
        updated_at=now,
        finished_at=(status.finished_at or now) if state.final else None,
    )


def overall_state(clips: Sequence[Clip]) -> State:
    """The state of a request with these clips: the busiest one's, or the sum of how they ended."""
    if len(clips) == 1:
        return clips[0].state
    states = {clip.state for clip in clips}
    for state, busy in BUSIEST_FIRST:
        if states & busy:
            return state
    if State.CANCELLED in states:
        return State.CANCELLED
    if len(states) == 1:
        return states.pop()
    if State.DONE in states:
        return State.PARTIAL
    return State.REMOVED if State.REMOVED in states else State.FAILED


def _progress(clips: Sequence[Clip], history: Sequence[HistoryEntry], now: datetime) -> Progress:
    percent = sum(_percent(clip) for clip in clips) / max(1, len(clips))
    return Progress(
        percent=round(percent, 1),
        clips_done=sum(clip.state in WITH_FOOTAGE for clip in clips),
        clips_total=len(clips),
        eta_s=_remaining(clips, percent, history, now),
    )


def _percent(clip: Clip) -> float:
    """Preparing and downloading count half each; an ended clip has nothing left to do."""
    if clip.state.final:
        return 100.0
    total = clip.download.total_bytes
    return clip.prepare.percent / 2 + (50 * min(1.0, clip.download.bytes / total) if total else 0.0)


def _remaining(
    clips: Sequence[Clip], percent: float, history: Sequence[HistoryEntry], now: datetime
) -> int | None:
    """Seconds: what is left of the last download at its speed, else at the pace since the work began."""
    open_clips = [clip for clip in clips if not clip.state.final]
    if len(open_clips) == 1 and (download := open_clips[0].download).bytes_per_s and download.total_bytes:
        return max(0, round((download.total_bytes - download.bytes) / download.bytes_per_s))
    began = next((entry.at for entry in history if entry.state in _BUSY), None)
    if began is None or not open_clips or percent < 5:
        return None
    return max(0, round((now - began).total_seconds() * (100 - percent) / percent))


def _waiting(clips: Sequence[Clip]) -> Waiting | None:
    """The first thing that will happen, when every clip that has not ended waits for something."""
    waits = [clip.waiting for clip in clips if not clip.state.final]
    known = [wait for wait in waits if wait]
    if not known or len(known) < len(waits):
        return None
    return min(known, key=lambda wait: wait.until or _SOME_DAY)


def _error(state: State, clips: Sequence[Clip], coverage: Coverage, now: datetime) -> Failure | None:
    if state not in {State.PARTIAL, State.FAILED}:
        return None
    first = next((clip.error for clip in clips if clip.error), None)
    return first or shortfall(clips, coverage, now)


def _remember(history: tuple[HistoryEntry, ...], entry: HistoryEntry) -> tuple[HistoryEntry, ...]:
    longer = (*history, entry)
    return longer if len(longer) <= HISTORY_LIMIT else (longer[0], *longer[2:])
