"""The figures as Prometheus reads them: its text format, version 0.0.4.

Every label's value is a word of ours, so nothing has to be escaped.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from camspool.core.figures import BOUNDS_S, CALL_SUCCEEDED, Figures
from camspool.core.health import ServiceState, ServiceStatus
from camspool.core.values import State, WaitReason

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_OUTSTANDING: Final = tuple(state for state in State if not state.final)
_ENDS: Final = (
    State.DONE, State.PARTIAL, State.FAILED, State.REJECTED, State.CANCELLED, State.VALIDATED
)  # fmt: skip
_CLIP_ENDS: Final = (State.DONE, State.FAILED, State.CANCELLED)
_CALLS: Final = (
    CALL_SUCCEEDED,
    WaitReason.API_UNREACHABLE, WaitReason.API_ERROR, WaitReason.RATE_LIMITED, WaitReason.UNAUTHORISED,
)  # fmt: skip


def text(figures: Figures, service: ServiceStatus, waiting: Mapping[WaitReason, int]) -> bytes:
    """All figures.

    Args:
        figures: what was counted.
        service: what the service file says now.
        waiting: how many outstanding requests wait, by the reason.
    """
    return ("\n".join([*_of_service(service, waiting), *_of_work(figures)]) + "\n").encode()


def _of_service(service: ServiceStatus, waiting: Mapping[WaitReason, int]) -> Iterator[str]:
    now, oldest = service.updated_at, service.oldest_request_at
    age = max(0.0, (now - oldest).total_seconds()) if oldest else 0
    healthy = int(service.state is ServiceState.OK)
    yield from _gauge(
        "build_info", "Always 1; the version is in the label.", {f'version="{service.version}"': 1}
    )
    yield from _gauge("start_time_seconds", "When the daemon started, in Unix time.", _at(service.started_at))
    yield from _gauge("updated_time_seconds", "When this was written, in Unix time.", _at(now))
    yield from _gauge("healthy", "1 while the service file says ok, else 0.", {"": healthy})
    problems = {f'code="{problem.code}"': 1 for problem in service.problems}
    yield from _gauge("problem", "1 for each problem of the service file.", problems)
    yield from _gauge("requests", "Outstanding requests.", _by("state", _OUTSTANDING, service.queue))
    reasons = _by("reason", WaitReason, waiting)
    yield from _gauge("requests_waiting", "Outstanding requests that wait for something.", reasons)
    yield from _gauge("oldest_request_age_seconds", "Age of the oldest outstanding request, or 0.", {"": age})
    yield from _gauge("disk_free_bytes", "Free in the mirror.", _known(service.disk.free_bytes))
    least = _known(service.disk.min_free_bytes)
    yield from _gauge("disk_min_free_bytes", "Below this no download begins.", least)
    success = _at(service.api.last_success_at) if service.api.last_success_at else {}
    yield from _gauge("api_last_success_time_seconds", "When the API last answered, in Unix time.", success)


def _of_work(figures: Figures) -> Iterator[str]:
    ended = _by("state", _ENDS, figures.requests)
    yield from _counter("requests_ended_total", "Requests that have ended.", ended)
    yield from _counter(
        "clips_ended_total", "Clips that have ended.", _by("state", _CLIP_ENDS, figures.clips)
    )
    yield from _counter("mp4_bytes_total", "Bytes of MP4s published.", {"": figures.mp4_bytes})
    calls = _by("result", _CALLS, figures.calls)
    yield from _counter("api_calls_total", "Calls of the API, by what came of them.", calls)
    waits = _by("reason", WaitReason, figures.waits)
    yield from _counter("clip_waits_total", "How often a clip began to wait.", waits)
    yield from _histograms(figures)


def _histograms(figures: Figures) -> Iterator[str]:
    name = "camspool_step_duration_seconds"
    yield from _head(name, "histogram", "How long clips were in each step, waits included.")
    bounds = [*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"]
    for step, histogram in figures.steps.items():
        for bound, count in zip(bounds, histogram.at_most, strict=True):
            yield f'{name}_bucket{{step="{step}",le="{bound}"}} {count}'
        yield f'{name}_sum{{step="{step}"}} {histogram.sum_s!r}'
        yield f'{name}_count{{step="{step}"}} {histogram.at_most[-1]}'


def _by(label: str, words: Iterable[str], values: Mapping[Any, int]) -> dict[str, float]:
    """Every word, also those of which there are none yet: a rate needs a beginning."""
    return {f'{label}="{word}"': values.get(word, 0) for word in words}


def _known(value: int | None) -> dict[str, float]:
    return {} if value is None else {"": value}


def _at(moment: datetime) -> dict[str, float]:
    return {"": moment.timestamp()}


def _gauge(name: str, meaning: str, values: Mapping[str, float]) -> Iterator[str]:
    yield from _family(f"camspool_{name}", "gauge", meaning, values)


def _counter(name: str, meaning: str, values: Mapping[str, float]) -> Iterator[str]:
    yield from _family(f"camspool_{name}", "counter", meaning, values)


def _family(name: str, kind: str, meaning: str, values: Mapping[str, float]) -> Iterator[str]:
    yield from _head(name, kind, meaning)
    for labels, value in values.items():
        yield f"{name}{{{labels}}} {value!r}" if labels else f"{name} {value!r}"


def _head(name: str, kind: str, meaning: str) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"
