"""One download, from request to durable file: a plain loop of read, hash and write, for a worker thread."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

import httpx
import structlog

from camspool.adapters.download import answer, opening, validators
from camspool.adapters.download.body import Piece, pieces
from camspool.adapters.download.pace import Meter, RateLimit, Share
from camspool.adapters.download.part import PartFile
from camspool.adapters.download.session import Session
from camspool.adapters.download.validators import Validator
from camspool.core.ports import Downloaded, DownloadOrder, DownloadProgress
from camspool.core.values import DownloadFault
from camspool.core.web_address import origin

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TransferSettings:
    """What holds for every transfer: seconds without a byte, longest file in bytes, clocks, limit."""

    timeout: float
    largest: int
    monotonic: Callable[[], float]
    now: Callable[[], datetime]
    limit: RateLimit


class Transfer:
    """Fetches one order. `run` belongs to the worker's thread, `cancel` to any other."""

    def __init__(
        self,
        order: DownloadOrder,
        session: Session,
        settings: TransferSettings,
        report: Callable[[DownloadProgress], object],
    ) -> None:
        self._order = order
        self._source = answer.Source(origin(order.url or ""))
        self._validator = validators.usable(order.etag, order.last_modified)
        self._session = session
        self._settings = settings
        self._report = report
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._writing = False
        self.progressed_at = settings.monotonic()

    def cancel(self) -> bool:
        """Make `run` end soon with CancelledError.

        Returns:
            True when it is writing the file: wait for its end before you touch that. False when it is not
            and never will: it may hang in a name look-up for a while, and need not be waited for.
        """
        with self._lock:
            self._cancelled.set()
            writing = self._writing
        self._session.interrupt()
        return writing

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled.is_set()

    def run(self) -> Downloaded:
        """Download; see the port for what is raised."""
        with closing(PartFile(self._order.part, self._order.open_folder)) as part:
            if part.bytes and part.bytes == self._order.total_bytes:
                # It was cut short between the last byte and the status that records it.
                part.keep(self._check)
                self._begin_writing()
                return part.sync()
            url = answer.parse_url(self._order.url or "", self._source)
            try:
                return self._fetch(url, part)
            except answer.HTTPX_ERRORS as error:
                self._check()
                raise answer.classify(
                    error, answer.place(url), self._settings.timeout, self._source
                ) from None

    def _fetch(self, url: httpx.URL, part: PartFile) -> Downloaded:
        if self._can_resume(part):
            downloaded = self._resume(url, part)
            if downloaded is not None:
                return downloaded
            log.info("download_not_resumable", source=answer.place(url), bytes=part.bytes)
        with closing(self._ask(url, {})) as response:
            return self._whole(response, part)

    def _can_resume(self, part: PartFile) -> bool:
        total = self._order.total_bytes
        return bool(self._validator) and part.bytes > 0 and (total is None or part.bytes < total)

    def _resume(self, url: httpx.URL, part: PartFile) -> Downloaded | None:
        """Fetch what is missing; None when the answer is of no use and the whole must be asked for."""
        condition = self._validator.condition or ""
        part.keep(self._check)
        with closing(self._ask(url, {"Range": f"bytes={part.bytes}-", "If-Range": condition})) as response:
            total = validators.resumed_total(response, part.bytes, self._validator, self._order.total_bytes)
            if total is not None:
                answer.check_length_announced(response, self._settings.largest, self._source)
                self._begin_writing()
                return self._receive(response, self._body(response), part, total, self._validator)
            return self._whole(response, part) if response.status_code not in (206, 416) else None

    def _whole(self, response: httpx.Response, part: PartFile) -> Downloaded:
        """Fetch all of it. The file is emptied only once the answer has turned out to be an MP4."""
        answer.check_status(response, self._source, self._settings.now())
        answer.check_length_announced(response, self._settings.largest, self._source)
        body = self._body(response)
        first = b""
        for chunk in body:
            first += chunk
            if len(first) >= opening.NEEDED:
                break
        self._check()
        answer.check_opening(first, response, self._source)
        self._begin_writing()
        part.start_over()
        total, validator = answer.announced_bytes(response), validators.validator_of(response)
        return self._receive(response, chain((first,), body), part, total, validator)

    def _ask(self, url: httpx.URL, headers: dict[str, str]) -> httpx.Response:
        """The answer, after redirects; its body is not read yet."""
        request = self._session.get(url, headers)
        for _ in range(answer.MOST_REDIRECTS + 1):
            self._check()
            response = self._send(request)
            if response.next_request is None:
                return response
            response.close()
            answer.check_redirect(request.url, response.next_request.url, self._source)
            request = response.next_request
        message = f"{answer.place(url)} redirects more than {answer.MOST_REDIRECTS} times"
        raise self._source.trouble(DownloadFault.BAD_ADDRESS, message)

    def _send(self, request: httpx.Request) -> httpx.Response:
        """The answer. A server may end a kept connection just as it is used again: then a new one is made."""
        try:
            return self._session.send(request)
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
            if not self._session.reused:
                raise
        self._check()
        return self._session.send(request)

    def _body(self, response: httpx.Response) -> Iterator[Piece]:
        return pieces(response, self._settings.timeout, lambda: self._settings.limit.piece)

    def _receive(
        self,
        response: httpx.Response,
        body: Iterator[Piece],
        part: PartFile,
        total: int | None,
        validator: Validator,
    ) -> Downloaded:
        complete = False
        try:
            self._copy(body, part, total, validator)
            answer.check_length(part.bytes, total, response, self._source)
            complete = True
        finally:
            if not complete and not validator:
                part.start_over()  # it can never be resumed, and would only take room
            downloaded = part.sync()
        return downloaded

    def _copy(self, body: Iterator[Piece], part: PartFile, total: int | None, validator: Validator) -> None:
        meter, share = Meter(part.bytes, self._settings.monotonic), Share(self._settings.limit)
        most = self._settings.largest if total is None else total
        known = validator.etag, validator.last_modified
        self._report(DownloadProgress(part.bytes, total, None, *known))
        for chunk in body:
            self._check()
            if part.bytes + len(chunk) > most:
                part.start_over()  # what is longer than it can be is of no use, and would only take room
                message = f"the server sends more than the {most:,} bytes that there can be"
                raise self._source.trouble(DownloadFault.NO_VIDEO, message)
            part.write(chunk)
            if meter.due():
                self._report(DownloadProgress(part.bytes, total, meter.speed(part.bytes), *known))
            share.take(len(chunk))
            while (pause := share.wait_s()) > 0:
                self._cancelled.wait(pause)
                self._check()
        share.end()

    def _begin_writing(self) -> None:
        with self._lock:
            self._check()
            self._writing = True

    def _check(self) -> None:
        """Called wherever there is progress: note that, and end if `cancel` was called."""
        self.progressed_at = self._settings.monotonic()
        if self._cancelled.is_set():
            raise CancelledError
