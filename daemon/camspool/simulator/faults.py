"""Faults on request: the catalogue, and which of them strikes when.

This module only decides; the places that answer (API, fields, downloads) carry the faults out.
"""

import difflib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Stage = Literal["call", "field", "download"]
OPERATIONS = ("nodeList", "camera", "recording", "recordingPrepare", "__schema")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a fault does, where it strikes, and its parameters with their defaults.

    `operations` are those that it can strike; if empty, all of its stage.
    """

    stage: Stage
    does: str
    parameters: Mapping[str, Any]
    operations: tuple[str, ...] = ()


def _kind(stage: Stage, does: str, operations: tuple[str, ...] = (), **parameters: Any) -> Kind:
    return Kind(stage, does, MappingProxyType(parameters), operations)


_CHOICES = {
    "how": ("fin", "reset", "stall"),
    "framing": ("length", "chunked", "close"),
    "fill": ("zeros", "noise"),
}


CATALOGUE: Mapping[str, Kind] = MappingProxyType(
    {
        "api_status": _kind(
            "call",
            "answers with an HTTP status; retry_after in seconds, as an HTTP date with retry_date",
            status=503,
            retry_after=None,
            retry_date=False,
            body="Service Unavailable",
        ),
        "api_html": _kind("call", "answers with an HTML page", status=200),
        "api_broken_json": _kind("call", "answers with half of a JSON document"),
        "api_error": _kind(
            "call",
            "answers 200 with errors and no data",
            message="Internal server error",
            code=None,
            status=200,
        ),
        "api_null_data": _kind("call", 'answers {"data": null}'),
        "api_replace": _kind("call", "answers with any JSON value instead", answer=[]),
        "api_batch_limit": _kind("call", "refuses calls of more aliases than limit", limit=10, status=200),
        "api_hang": _kind("call", "never answers"),
        "api_slow": _kind("call", "waits before it goes on as usual", seconds=1.0),
        "api_reset": _kind(
            "call", "resets the connection; with after_work the work is done first", after_work=False
        ),
        "api_huge": _kind("call", "answers with that many bytes of junk", size=100_000_000),
        "field_error": _kind(
            "field", "fails one alias with an error that has its path", message="Internal error", code=None
        ),
        "field_null": _kind("field", "answers null for one alias, without an error"),
        "field_value": _kind(
            "field",
            "replaces every value called key below the alias, or with key=None the alias itself",
            key=None,
            value=None,
        ),
        "prepare_answer": _kind(
            "field", "answers without starting anything", ("recordingPrepare",), value=False
        ),
        "prepare_stall": _kind(
            "field", "lets this preparation stand still for ever", ("recordingPrepare",), percent=40
        ),
        "id_expired": _kind("field", "lets the id expire before its time", ("recordingPrepare", "recording")),
        "download_status": _kind("download", "answers with an HTTP status", status=503, retry_after=None),
        "download_expired": _kind("download", "lets the URL expire before its time"),
        "download_html": _kind("download", "answers 200 with an HTML page"),
        "download_hang": _kind("download", "never answers"),
        "download_reset": _kind("download", "resets the connection before any answer"),
        "download_cut": _kind(
            "download",
            "ends after that many bytes: how is fin, reset or stall, framing is length, chunked or close",
            at=1000,
            how="fin",
            framing="length",
        ),
        "download_slow": _kind("download", "sends that many bytes per second", rate=10_000),
        "download_unframed": _kind(
            "download", "sends all without Content-Length: framing is chunked or close", framing="chunked"
        ),
        "download_ignores_range": _kind("download", "answers 200 with everything"),
        "download_wrong_range": _kind(
            "download", "answers 206 with the bytes and a Content-Range that are off by that many", shift=-100
        ),
        "download_wrong_length": _kind("download", "announces that many bytes more than it sends", by=100),
        "download_etag_changes": _kind("download", "gives another strong ETag each time"),
        "download_etag_weak": _kind("download", "gives a weak ETag and no Last-Modified"),
        "download_etag_none": _kind("download", "gives neither ETag nor Last-Modified"),
        "download_date_only": _kind("download", "gives Last-Modified and no ETag"),
        "download_calls_it": _kind(
            "download",
            "sends the video with that Content-Type, and Content-Encoding if there is one",
            type="text/html; charset=utf-8",
            coding=None,
        ),
        "download_gzip": _kind("download", "sends the body with Content-Encoding: gzip"),
        "download_redirect": _kind(
            "download",
            "redirects hops times, if wanted to another host on the same port, or to a literal location",
            hops=1,
            host=None,
            location=None,
            status=302,
        ),
        "download_not_video": _kind("download", "sends junk of the right length"),
        "download_other_height": _kind("download", "sends a video of another height", height=64),
        "download_other_duration": _kind("download", "sends a video of that many seconds", seconds=1),
        "download_gap": _kind(
            "download",
            "sends a video that lacks so many seconds, from at seconds into it",
            at=1,
            seconds=2,
        ),
        "download_trailing_bytes": _kind(
            "download", "sends so many bytes behind the video: fill is zeros or noise", size=512, fill="zeros"
        ),
        "download_truncated": _kind(
            "download", "sends the video up to the middle of its pictures, as if that were all of it"
        ),
        "download_flipped_byte": _kind(
            "download", "flips one byte, near the middle of the video data unless at says where", at=None
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a fault may hit: one alias of a call, or one download."""

    operation: str
    alias: str = ""
    node_id: int | None = None
    recording_id: str | None = None


@dataclass(slots=True)
class Fault:
    """One fault that was asked for.

    `times` is how often it strikes (None: for ever), `skip` how many matching chances pass before. With
    `lasts` it strikes each time, for so many seconds from the moment at which it was asked for.
    `operation`, `node_id` and `recording_id` restrict it to what matches all that are given.
    """

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    times: int | None = 1
    skip: int = 0
    operation: str | None = None
    node_id: int | None = None
    recording_id: str | None = None
    lasts: float | None = None
    ends_at: float | None = None
    struck: int = 0

    def __post_init__(self) -> None:
        kind = CATALOGUE.get(self.name)
        if kind is None:
            raise ValueError(f"no fault is called {self.name!r}{_nearest(self.name, list(CATALOGUE))}")
        for name in self.parameters:
            if name not in kind.parameters:
                nearest = _nearest(name, list(kind.parameters))
                raise ValueError(f"fault {self.name} has no parameter {name!r}{nearest}")
        for name, choices in _CHOICES.items():
            if name in self.parameters and self[name] not in choices:
                raise ValueError(f"{name} is one of {', '.join(choices)}, found {self[name]!r}")
        if self.operation is not None and self.operation not in OPERATIONS:
            raise ValueError(
                f"no operation is called {self.operation!r}{_nearest(self.operation, OPERATIONS)}"
            )

    def __getitem__(self, parameter: str) -> Any:
        return self.parameters.get(parameter, CATALOGUE[self.name].parameters[parameter])

    @property
    def stage(self) -> Stage:
        return CATALOGUE[self.name].stage

    @property
    def over(self) -> bool:
        """True when it has struck as often as it was to."""
        return self.lasts is None and self.times is not None and self.struck >= self.times

    def matches(self, targets: Sequence[Target]) -> bool:
        if self.name == "api_batch_limit" and len(targets) <= self["limit"]:
            return False
        if not targets:
            return self.operation is None and self.node_id is None and self.recording_id is None
        return any(self._hits(target) for target in targets)

    def _hits(self, target: Target) -> bool:
        possible = CATALOGUE[self.name].operations
        return (
            (not possible or target.operation in possible)
            and self.operation in (None, target.operation)
            and self.node_id in (None, target.node_id)
            and self.recording_id in (None, target.recording_id)
        )


class Faults:
    """The faults that are waiting to strike, in the order in which they were asked for.

    `now` is the time in seconds, for those that last.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(  # noqa: PLR0913  what a fault may match, by keyword
        self,
        name: str,
        *,
        times: int | None = 1,
        skip: int = 0,
        operation: str | None = None,
        node_id: int | None = None,
        recording_id: str | None = None,
        lasts: float | None = None,
        **parameters: Any,
    ) -> Fault:
        """Asks for the fault `name` of CATALOGUE. Raises ValueError for an unknown name or parameter."""
        ends_at = None if lasts is None else self._now() + lasts
        fault = Fault(name, parameters, times, skip, operation, node_id, recording_id, lasts, ends_at)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def waiting(self) -> list[Fault]:
        with self._lock:
            return [fault for fault in self._faults if not self._is_over(fault)]

    def _is_over(self, fault: Fault) -> bool:
        return fault.over or (fault.ends_at is not None and self._now() >= fault.ends_at)

    def strike(self, stage: Stage, targets: Sequence[Target]) -> Fault | None:
        """The first fault of `stage` that hits one of `targets` now, counted as struck."""
        with self._lock:
            for fault in self._faults:
                if fault.stage != stage or self._is_over(fault) or not fault.matches(targets):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.struck += 1
                return fault
        return None


def _nearest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"
