"""Serves prepared MP4s: ranges, validators, expiry, and the faults of downloads."""

import asyncio
import email.utils
import gzip
import hashlib
import itertools
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from camspool.simulator.api import ERROR_PAGE, retry_after
from camspool.simulator.clips import Clip
from camspool.simulator.delivery import Delivery
from camspool.simulator.faults import Fault, Faults, Target
from camspool.simulator.portal import Portal, Recording
from camspool.simulator.record import Download, Record, Strike
from camspool.simulator.wire import Wires

_RANGE = re.compile(r"bytes=(?:(?P<first>\d{1,18})-(?P<last>\d{0,18})|-(?P<suffix>\d{1,18}))")


@dataclass(frozen=True, slots=True)
class Body:
    """The MP4 that a URL stands for, or what a fault gives in its place."""

    source: Path | bytes
    size: int
    etag: str
    modified: float

    @property
    def validators(self) -> dict[str, str]:
        return {"ETag": self.etag, "Last-Modified": email.utils.formatdate(self.modified, usegmt=True)}

    def in_place(self, data: bytes) -> "Body":
        return Body(data, len(data), _etag(data), self.modified)


class Downloads:
    """The ASGI application below /download/."""

    def __init__(self, portal: Portal, faults: Faults, record: Record, wires: Wires) -> None:
        self._portal = portal
        self._faults = faults
        self._record = record
        self._wires = wires
        self._versions = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        recording = self._portal.by_url(request.path_params["key"])
        clock = self._portal.clock
        download = Download(
            clock.now(), recording.recording_id if recording else None, request.method, dict(request.headers)
        )
        self._record.add(download)
        try:
            await self._serve(request, send, recording, download)
        finally:
            download.finished_at = download.finished_at or clock.now()

    async def _serve(
        self, request: Request, send: Send, recording: Recording | None, download: Download
    ) -> None:
        wire = self._wires.of(request.scope, request.receive)
        if recording is None:
            return await self._send(_plain(404, "Not found"), request, send, download)
        fault = None if self._refused(request, recording) else self._struck(request, recording, download)
        match fault.name if fault else None:
            case "download_hang":
                return await wire.gone()
            case "download_reset":
                return await wire.reset()
            case "download_expired":
                recording.revoked = True
        delivery = self._refused(request, recording) or await self._delivery(request, recording, fault)
        return await self._send(delivery, request, send, download)

    async def _send(self, delivery: Delivery, request: Request, send: Send, download: Download) -> None:
        download.status, download.range_start = delivery.status, delivery.start
        whole = isinstance(delivery.source, Path) and delivery.end == delivery.source.stat().st_size

        # All is noted before the bytes leave: a client that has the last one may look at the record at once.
        def sending(count: int) -> None:
            download.sent += count
            if whole and download.sent == delivery.length:
                self._finish(download)

        wire = self._wires.of(request.scope, request.receive)
        await delivery.send(send, wire, sending, body=request.method != "HEAD")

    def _finish(self, download: Download) -> None:
        download.complete, download.finished_at = True, self._portal.clock.now()
        if recording := self._portal.known(download.recording_id or ""):
            self._portal.downloaded(recording)

    def _struck(self, request: Request, recording: Recording, download: Download) -> Fault | None:
        # A redirect that is being followed is the same strike still; else the client would never arrive.
        if "hops" in request.query_params:
            return None
        target = Target("download", "", recording.node.node_id, recording.recording_id)
        fault = self._faults.strike("download", [target])
        if fault:
            download.fault = fault.name
            self._record.add(Strike(self._portal.clock.now(), fault.name, recording.recording_id))
        return fault

    def _refused(self, request: Request, recording: Recording) -> Delivery | None:
        if request.query_params.get("signature") != recording.signature:
            return _plain(403, "Signature does not match")
        if self._portal.expired(recording):
            return _plain(self._portal.settings.expired_download, "The link has expired")
        if request.method not in {"GET", "HEAD"}:
            return _plain(405, "Only GET and HEAD")
        return None

    async def _delivery(self, request: Request, recording: Recording, fault: Fault | None) -> Delivery:
        if hops := int(request.query_params.get("hops", 0)):
            return _redirect(request, hops - 1, None, 302)
        if fault and (answer := _without_video(fault, request)):
            return answer
        body = await asyncio.to_thread(self._body, recording, fault)
        return self._plan(request, body, fault)

    def _body(self, recording: Recording, fault: Fault | None) -> Body:
        clip = recording.prepared_clip()
        if fault and fault.name == "download_other_height":
            clip = replace(clip, height=fault["height"])
        if fault and fault.name == "download_other_duration":
            clip = replace(clip, end=clip.start + fault["seconds"])
        if fault and fault.name == "download_gap":
            clip = replace(clip, gap=(fault["at"], fault["seconds"]))
        body = self._file(clip)
        if fault and fault.name in _SPOILED:
            return body.in_place(_SPOILED[fault.name](self._portal.clips.path(clip).read_bytes(), fault))
        return body

    def _file(self, clip: Clip) -> Body:
        path = self._portal.clips.path(clip)
        return Body(path, path.stat().st_size, _etag(clip.name.encode()), clip.end)

    def _plan(self, request: Request, body: Body, fault: Fault | None) -> Delivery:
        ranged = None if fault and fault.name == "download_ignores_range" else _asked_range(request, body)
        headers = {"Content-Type": "video/mp4", "Accept-Ranges": "bytes", **body.validators}
        if ranged and ranged[0] >= body.size:
            return Delivery(416, headers | {"Content-Range": f"bytes */{body.size}"})
        start, end = ranged or (0, body.size)
        delivery = Delivery(206 if ranged else 200, headers, body.source, start, end)
        delivery.rate = self._portal.settings.throttle
        if ranged:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{body.size}"
        if fault:
            self._break(delivery, fault, body)
        return delivery

    def _break(self, delivery: Delivery, fault: Fault, body: Body) -> None:
        """Turns a correct delivery into the one that `fault` asks for."""
        match fault.name:
            case "download_cut":
                delivery.stop_after, delivery.stop = fault["at"], fault["how"]
                delivery.framing = fault["framing"]
            case "download_slow":
                delivery.rate = fault["rate"]
            case "download_unframed":
                delivery.framing = fault["framing"]
            case "download_wrong_length":
                delivery.announced = delivery.length + fault["by"]
            case "download_wrong_range" if delivery.status == 206:
                delivery.start = min(max(0, delivery.start + fault["shift"]), delivery.end - 1)
                span = f"bytes {delivery.start}-{delivery.end - 1}/{body.size}"
                delivery.headers["Content-Range"] = span
            case _:
                self._break_headers(delivery.headers, fault, body)

    def _break_headers(self, headers: dict[str, str], fault: Fault, body: Body) -> None:
        match fault.name:
            case "download_etag_changes":
                headers["ETag"] = _etag(f"{body.etag} {next(self._versions)}".encode())
            case "download_etag_weak":
                headers["ETag"] = f"W/{body.etag}"
                del headers["Last-Modified"]
            case "download_date_only":
                del headers["ETag"]
            case "download_calls_it":
                headers["Content-Type"] = fault["type"]
                headers |= {"Content-Encoding": fault["coding"]} if fault["coding"] is not None else {}
            case "download_etag_none":
                del headers["ETag"], headers["Last-Modified"]
            case "download_gzip":
                headers["Content-Encoding"] = "gzip"


def _without_video(fault: Fault, request: Request) -> Delivery | None:
    """The complete answer of a fault that never reaches an MP4."""
    match fault.name:
        case "download_status":
            answer = _plain(fault["status"], "Fault on request")
            answer.headers |= retry_after(fault)
            return answer
        case "download_html":
            page = ERROR_PAGE.encode()
            return Delivery(200, {"Content-Type": "text/html; charset=utf-8"}, page, end=len(page))
        case "download_redirect":
            if fault["location"]:
                return Delivery(fault["status"], {"Location": fault["location"]})
            return _redirect(request, fault["hops"] - 1, fault["host"], fault["status"])
    return None


def _plain(status: int, text: str) -> Delivery:
    body = f"{text}\n".encode()
    return Delivery(status, {"Content-Type": "text/plain; charset=utf-8"}, body, end=len(body))


def _redirect(request: Request, hops: int, host: str | None, status: int) -> Delivery:
    """To the same URL, where `hops` more redirects wait."""
    url = request.url.include_query_params(hops=hops)
    if host:
        url = url.replace(netloc=f"{host}:{urlsplit(str(url)).port}")
    return Delivery(status, {"Location": str(url)})


def _asked_range(request: Request, body: Body) -> tuple[int, int] | None:
    """First byte and the one after the last, or None if everything is to be sent (RFC 9110, 14.2)."""
    found = _RANGE.fullmatch(request.headers.get("range", ""))
    condition = request.headers.get("if-range")
    if not found or (condition is not None and condition not in body.validators.values()):
        return None
    if found["suffix"]:
        return max(0, body.size - int(found["suffix"])), body.size
    first = int(found["first"])
    last = int(found["last"]) if found["last"] else max(first, body.size - 1)
    return (first, min(last + 1, body.size)) if last >= first else None


def _etag(what: bytes) -> str:
    return f'"{hashlib.sha256(what).hexdigest()[:24]}"'


def _flipped(data: bytes, at: int | None) -> bytes:
    """`data` with one byte inverted; by default one that no decoder can take for picture content."""
    position = _unit_after_middle(data) if at is None else at
    return data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]


def _noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # noqa: S311  not a secret, and the same each time


_SPOILED: Mapping[str, Callable[[bytes, Fault], bytes]] = {
    "download_not_video": lambda data, _: _noise(len(data)),
    "download_flipped_byte": lambda data, fault: _flipped(data, fault["at"]),
    "download_gzip": lambda data, _: gzip.compress(data, mtime=0),
    "download_truncated": lambda data, _: data[: _middle(data)],
    "download_trailing_bytes": lambda data, fault: (
        data + (bytes(fault["size"]) if fault["fill"] == "zeros" else _noise(fault["size"]))
    ),
}
"""What is sent in the place of the MP4."""


def _middle(data: bytes) -> int:
    """The middle of the content of `mdat`."""
    position = data.index(b"mdat") + 4
    return position + (int.from_bytes(data[position - 8 : position - 4], "big") - 8) // 2


def _unit_after_middle(data: bytes) -> int:
    """Where the first coded picture in the second half of `mdat` has its length."""
    position = data.index(b"mdat") + 4
    length = int.from_bytes(data[position - 8 : position - 4], "big") - 8
    middle, unit = _middle(data), position
    while unit < middle:
        unit += 4 + int.from_bytes(data[unit : unit + 4], "big")
    return unit if unit < position + length else position
