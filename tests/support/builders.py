"""Values of the core for tests, with everything filled in that a test does not care about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from camspool.core.status_document import Clip, Failure, OutputFile, Recording, RequestRecord, Status, Waiting
from camspool.core.values import Entry, ErrorCode, State, WaitReason

START = datetime(2020, 5, 11, 9, 41, 29, tzinfo=UTC)
END = START + timedelta(seconds=600)
NOW = datetime(2020, 5, 11, 12, 0, 0, tzinfo=UTC)
"""Long after the range: footage that is not there by now will not come."""


def later(seconds: float) -> datetime:
    """So many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def an_entry(**changes: Any) -> Entry:
    return replace(Entry(camera=62303, start=START, end=END), **changes)


def a_recording(**changes: Any) -> Recording:
    recording = Recording(
        id="xRMElmAkh3",
        duration_s=598.0,
        heights=(480, 720, 800),
        height=720,
        listed_at=NOW,
        id_expires_at=later(3600),
    )
    return replace(recording, **changes)


def a_file(duration_s: float = 600.0, name: str = "evening.mp4") -> OutputFile:
    return OutputFile(
        name=name,
        bytes=8_388_608,
        sha256="5" * 64,
        duration_s=duration_s,
        width=1280,
        height=720,
        codec="h264",
    )


def a_failure(code: ErrorCode = ErrorCode.NO_RECORDING, message: str = "Nothing was recorded.") -> Failure:
    return Failure(code=code, message=message, hint="Look in the portal.", at=NOW)


def a_wait(
    reason: WaitReason = WaitReason.API_ERROR, until: datetime | None = None, message: str = "The API broke."
) -> Waiting:
    return Waiting(reason=reason, message=message, until=until)


def a_clip(state: State = State.QUEUED, **changes: Any) -> Clip:
    """A clip as it is in `state`: with a recording once listed, a file once done, an error once failed."""
    clip = Clip(state=state, camera=62303, start=START, end=END)
    if state in {State.PREPARING, State.DOWNLOADING, State.VERIFYING, State.DONE, State.REMOVED}:
        clip = replace(clip, recording=a_recording())
    if state in {State.DONE, State.REMOVED}:
        clip = replace(clip, file=a_file())
    if state is State.FAILED:
        clip = replace(clip, error=a_failure())
    return replace(clip, **changes)


def clips_in(*states: State) -> tuple[Clip, ...]:
    """One ask each."""
    return tuple(a_clip(state, ask=ask) for ask, state in enumerate(states, start=1))


def a_status(*clips: Clip, state: State = State.QUEUED, **changes: Any) -> Status:
    entries = tuple(an_entry() for _ in range(max((clip.entry for clip in clips), default=0) + 1))
    record = RequestRecord(file="store-12/evening.json", sha256="a" * 64, entries=entries)
    status = Status(
        name="store-12/evening", state=state, request=record, clips=clips, created_at=NOW, updated_at=NOW
    )
    return replace(status, **changes)
