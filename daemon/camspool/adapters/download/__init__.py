"""Fetches a video over HTTP into a `.part` file, and continues where an earlier attempt ended.

Each running download has a worker thread and an httpx client of its own; the event loop only hears of the
progress. Does not know whether the video is the right one, and does not try again: both are the caller's.
"""

import asyncio
import contextvars
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from camspool.adapters.download.pace import Rate, RateLimit
from camspool.adapters.download.session import Session, SessionSettings
from camspool.adapters.download.transfer import Transfer, TransferSettings
from camspool.core.errors import CamspoolError, ConfigurationError
from camspool.core.ports import Downloaded, DownloadOrder, DownloadProgress
from camspool.core.values import Problem

LARGEST = 1 << 40  # bytes; a day of 4K at 100 Mbit/s
COURTESY = 5
"""Steps by which a download is nicer than the rest of the daemon, whose work is short and waited for."""


@dataclass(frozen=True, slots=True)
class DownloadSettings:
    """What may change while downloads run.

    Args:
        timeout: seconds without a byte after which a download is interrupted.
        rate: bytes per second that all downloads together may take now; None for no limit.
    """

    timeout: float = 30.0
    rate: Rate = lambda: None


class HttpDownloads:
    """The port `Downloads`.

    Args:
        settings: those in force now: the rate holds for what runs too, the timeout for later downloads.
        connect_timeout: seconds for a connection to come about.
        largest: bytes; a longer file is refused.
        verify: how certificates are checked, as httpx takes it.
        user_agent: what we call ourselves.
        monotonic: a clock in seconds that never steps back.
        now: the time of day, for dates in Retry-After.

    Raises:
        ConfigurationError: a proxy or certificate named in the environment cannot be used.
    """

    def __init__(  # noqa: PLR0913  the composition root calls it once, by keyword
        self,
        settings: Callable[[], DownloadSettings] = DownloadSettings,
        *,
        connect_timeout: float = 10.0,
        largest: int = LARGEST,
        verify: ssl.SSLContext | bool = True,
        user_agent: str = "camspool",
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._running: set[Transfer] = set()
        self._settings = settings
        self._largest = largest
        self._monotonic = monotonic
        self._now = now
        self._limit = RateLimit(lambda: settings().rate(), monotonic)
        self._connect_timeout = connect_timeout
        self._user_agent = user_agent
        with _usable():
            # One for all sessions: loading certificates takes 50 ms and more than a megabyte each time.
            self._trusted = (
                verify if isinstance(verify, ssl.SSLContext) else httpx.create_ssl_context(verify=verify)
            )
            self._idle = [Session(self._session_settings())]

    async def fetch(
        self, order: DownloadOrder, on_progress: Callable[[DownloadProgress], None]
    ) -> Downloaded:
        """See the port. When this is cancelled, nothing writes to the part any more once it has ended."""
        loop = asyncio.get_running_loop()

        def report(progress: DownloadProgress) -> None:
            if not transfer.cancelled:
                on_progress(progress)

        session = self._session()
        settings = TransferSettings(
            session.settings.timeout, self._largest, self._monotonic, self._now, self._limit
        )
        transfer = Transfer(
            order, session, settings, lambda progress: loop.call_soon_threadsafe(report, progress)
        )
        self._running.add(transfer)
        try:
            outcome = await _outcome(transfer, session)
        finally:
            self._running.discard(transfer)
        self._idle.append(session)
        return outcome.result()

    def progressed_at(self) -> float:
        """When the slowest running download last made progress, in monotonic seconds; now if none runs."""
        return min((transfer.progressed_at for transfer in self._running), default=self._monotonic())

    def close(self) -> None:
        """Close the connections that are kept; downloads that run are ended by cancelling their tasks."""
        while self._idle:
            self._idle.pop().close()

    def _session(self) -> Session:
        """One that is idle, or a new one; the idle ones of another time limit are closed."""
        wanted = self._session_settings()
        while self._idle:
            session = self._idle.pop()
            if session.settings == wanted:
                return session
            session.close()
        return Session(wanted)

    def _session_settings(self) -> SessionSettings:
        return SessionSettings(
            self._settings().timeout, self._connect_timeout, self._trusted, self._user_agent
        )


@contextmanager
def _usable() -> Iterator[None]:
    """Turn what httpx says of the environment into ConfigurationError."""
    try:
        yield
    except (OSError, ValueError, ImportError) as error:
        variables = "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, SSL_CERT_FILE"
        expected = "proxies (http, https) and certificates that httpx can use"
        problem = Problem(variables, type(error).__name__, expected)
        raise ConfigurationError((problem,), "environment") from None


async def _outcome(transfer: Transfer, session: Session) -> "asyncio.Future[Downloaded]":
    """Run a transfer in a thread; when cancelled, see to it that it has let go of its file."""
    work = _in_thread(transfer.run)
    outcome = asyncio.wrap_future(work)
    try:
        await asyncio.wait((outcome,))
    except asyncio.CancelledError:
        writing = transfer.cancel()
        work.add_done_callback(lambda _: session.close())
        if writing:
            await asyncio.wait((outcome,))
        if not outcome.cancel():
            outcome.exception()  # nothing waits for it any more, and asyncio would log it as never retrieved
        raise
    return outcome


def _in_thread(run: Callable[[], Downloaded]) -> "Future[Downloaded]":
    """Run in a daemon thread: one that hangs in a name look-up must not keep the process from ending."""
    future: Future[Downloaded] = Future()
    future.set_running_or_notify_cancel()

    def work() -> None:
        # On Linux this is for the one thread; a sandbox that denies it costs no more than the courtesy.
        with suppress(OSError):
            os.nice(COURTESY)
        try:
            downloaded = run()
        except CamspoolError as error:
            # What led to it stays behind: httpx's errors and the frames that saw them hold the URL.
            error.__context__ = None
            future.set_exception(error.with_traceback(None))
        except BaseException as error:  # noqa: BLE001  it is raised in the loop
            future.set_exception(error)
        else:
            future.set_result(downloaded)

    # In the context of the caller, so that log lines carry the request's name.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name="download", daemon=True).start()
    return future
