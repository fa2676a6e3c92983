"""Whether the vendor's server can be reached at all: one GET without a token, and what its answer tells."""

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from camspool.adapters.survilla import failures
from camspool.core.http_dates import read_http_date


@dataclass(frozen=True, slots=True)
class Reached:
    """An answer, whatever it says: how long it took, and how far the server's clock is ahead of ours.

    `ahead_s` is None where the answer has no usable Date; such a date is exact to a second.
    """

    seconds: float
    ahead_s: float | None


async def reach(
    endpoint: str,
    limit: float,
    user_agent: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    verify: ssl.SSLContext | bool = True,  # noqa: FBT001, FBT002 - as httpx takes it
) -> Reached:
    """Ask the server for nothing in particular.

    Args:
        endpoint: its address.
        limit: seconds for all of it.
        user_agent: the User-Agent header.
        now: the wall clock, aware.
        verify: whose certificates are trusted, as httpx takes it.

    Raises:
        ServiceTrouble: no answer came; the text says how far the way led.
    """
    try:
        async with (
            httpx.AsyncClient(headers={"User-Agent": user_agent}, timeout=limit, verify=verify) as client,
            asyncio.timeout(limit),
        ):
            began = time.monotonic()
            response = await client.send(client.build_request("GET", endpoint), stream=True)
            await response.aclose()
            return Reached(time.monotonic() - began, _ahead(response.headers.get("date"), now()))
    except failures.ON_THE_WAY as error:
        host = httpx.URL(endpoint).host or "api.endpoint"
        raise failures.on_the_way(error, host, limit) from None


def _ahead(date: str | None, now: datetime) -> float | None:
    moment = read_http_date(date)
    return None if moment is None else (moment - now).total_seconds()
