"""Which changes are worth a notice to people, and its words; not how it reaches them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from camspool.core import document, health
from camspool.core.durations import written
from camspool.core.health import ServiceStatus
from camspool.core.status_document import Status
from camspool.core.values import State


class Occasion(StrEnum):
    """The changes that there are notices of: of a request that has ended, and of the service."""

    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    REJECTED = "rejected"
    DEGRADED = "degraded"
    RECOVERED = "recovered"


DEGRADED_FOR_S: Final = 30.0
"""Trouble is notified once it has lasted this long: what comes and goes must not ring phones each time."""

_OF_A_TEXT: Final = 64
"""Bytes that Python takes for a text beside its letters."""

_ENDS: Final = {
    State.DONE: Occasion.DONE,
    State.PARTIAL: Occasion.PARTIAL,
    State.FAILED: Occasion.FAILED,
    State.REJECTED: Occasion.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One change, for machines and for people.

    Args:
        occasion: what has happened.
        title: that in one line.
        text: what there is to say about it.
        document: the status file or the service file as it was then, as JSON.
        name: of the request; None for the service.
        mp4s: the file names of the request's MP4s, which lie beside its status.
    """

    occasion: Occasion
    title: str
    text: str
    document: bytes
    name: str | None = None
    mp4s: tuple[str, ...] = ()

    @property
    def weight(self) -> int:
        """Bytes of memory that it takes, about."""
        texts = (self.title, self.text, self.name or "", *self.mp4s)
        return len(self.document) + sum(_OF_A_TEXT + len(text) for text in texts)


def of_request(status: Status) -> Notice | None:
    """The notice of a request that has ended; None if somebody wanted it to end so: cancelled, validated."""
    occasion = _ENDS.get(status.state)
    if occasion is None:
        return None
    mp4s = tuple(clip.file.name for clip in status.clips if clip.file and clip.state is State.DONE)
    title = f"{status.name}: {occasion}"
    return Notice(occasion, title, _about(status), document.dump(status), status.name, mp4s)


def of_service(status: ServiceStatus, occasion: Occasion) -> Notice:
    """The notice of a service that is degraded now, or has recovered."""
    problems = [problem.message for problem in status.problems]
    words = {Occasion.DEGRADED: "something is wrong", Occasion.RECOVERED: "all is well again"}
    return Notice(occasion, f"camspool: {words[occasion]}", "\n".join(problems), health.dump(status))


def _about(status: Status) -> str:
    lines = [_footage(status)] if status.clips else []
    lines += [status.error.message, status.error.hint] if status.error else []
    return "\n".join(line for line in lines if line)


def _footage(status: Status) -> str:
    progress, coverage = status.progress, status.coverage
    asked, delivered = (written(round(s)) or "0s" for s in (coverage.requested_s, coverage.delivered_s))
    return f"{progress.clips_done} of {progress.clips_total} MP4s, {delivered} of the {asked} asked for."
