"""Fetches a video over HTTP into a `.part` file, and goes on where an earlier attempt ended.

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
from dataclasses import replace

import httpx

from camspool.adapters.download.pace import Rate, RateLimit
from camspool.adapters.download.session import Session, SessionSettings
from camspool.adapters.download.transfer import Terms, Transfer
from camspool.core.errors import CamspoolError, ConfigurationError
from camspool.core.ports import Downloaded, DownloadOrder, DownloadProgress
from camspool.core.values import Problem

LARGEST = 1 << 40  # bytes; a day of 4K at 100 Mbit/s
COURTESY = 5
"""Steps by which a download is nicer than the rest of the daemon, whose work is short and waited for."""


class HttpDownloads:
    """The port `Downloads`.

    Args:
        timeout: seconds without a byte after which a download is interrupted.
        connect_timeout: seconds for a connection to come about.
        rate: bytes per second that all downloads together may take now; None for no limit.
        largest: bytes; a longer file is refused.
        verify: how certificates are checked, as httpx takes it.
        user_agent: what we call ourselves.
        monotonic: a clock in seconds that never steps back.

    Raises:
        ConfigurationError: a proxy or certificate named in the environment cannot be used.
    """

    def __init__(  # noqa: PLR0913  the composition root calls it once, by keyword
        self,
        *,
        timeout: float = 30.0,
        connect_timeout: float = 10.0,
        rate: Rate = lambda: None,
        largest: int = LARGEST,
        verify: ssl.SSLContext | bool = True,
        user_agent: str = "camspool",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._running: set[Transfer] = set()
        self._limit = RateLimit(rate, monotonic)
        self._terms = Terms(timeout, largest, monotonic, self._limit)
        with _usable():
            # One for all sessions: loading certificates takes 50 ms and more than a megabyte each time.
            trusted = (
                verify if isinstance(verify, ssl.SSLContext) else httpx.create_ssl_context(verify=verify)
            )
            self._settings = SessionSettings(timeout, connect_timeout, trusted, user_agent)
            self._idle = [Session(self._settings)]

    async def fetch(
        self, order: DownloadOrder, on_progress: Callable[[DownloadProgress], None]
    ) -> Downloaded:
        """See the port. When this is cancelled, nothing writes to the part any more once it has ended."""
        loop = asyncio.get_running_loop()

        def tell(progress: DownloadProgress) -> None:
            if not transfer.cancelled:
                on_progress(progress)

        session = self._idle.pop() if self._idle else Session(self._settings)
        transfer = Transfer(
            order, session, self._terms, lambda progress: loop.call_soon_threadsafe(tell, progress)
        )
        self._running.add(transfer)
        try:
            outcome = await _outcome(transfer, session)
        finally:
            self._running.discard(transfer)
        if session.settings is self._settings:
            self._idle.append(session)
        else:
            session.close()
        return outcome.result()

    def configure(self, *, timeout: float, rate: Rate) -> None:
        """Let later downloads be patient for other `timeout` seconds; the new rate counts for all at once."""
        self._limit.change(rate)
        self._terms = replace(self._terms, timeout=timeout)
        self._settings = replace(self._settings, timeout=timeout)
        self.close()  # the connections that wait have the old time limit

    def progressed_at(self) -> float:
        """When the slowest of the running downloads last got on, in monotonic seconds; now without any."""
        return min((transfer.progressed_at for transfer in self._running), default=self._terms.monotonic())

    def close(self) -> None:
        """Close the connections that are kept; downloads that run are ended by cancelling their tasks."""
        while self._idle:
            self._idle.pop().close()


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
            outcome.exception()  # nobody waits for it any more, and asyncio would complain of that
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
