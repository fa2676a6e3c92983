"""A POST of the status file, as JSON, to an address of the administrator's choice."""

import asyncio
import ssl
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

import httpx
from pydantic import SecretStr

from camspool.adapters.notify.channel import NotSent
from camspool.core.notices import Notice, Occasion

_TRANSIENT: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Webhook:
    """`Channel` to an HTTP address.

    Args:
        url: the address, which may be a secret; None for no webhook.
        occasions: the notices that are wanted.
        timeout: seconds for a POST, until its answer's headers.
        user_agent: the User-Agent header.
        verify: whose certificates are trusted; None for the system's store.
    """

    url: SecretStr | None
    occasions: frozenset[Occasion]
    timeout: float
    user_agent: str
    verify: ssl.SSLContext | None = field(default=None, repr=False, compare=False)
    name: str = field(default="webhook", init=False)

    def wants(self, notice: Notice) -> bool:
        """See `Channel`."""
        return self.url is not None and notice.occasion in self.occasions

    def kept(self, notice: Notice) -> Notice:
        """See `Channel`."""
        return replace(notice, text="", mp4s=())

    async def send(self, notice: Notice) -> None:
        """See `Channel`. The answer's body is not read: it may never end."""
        try:
            async with asyncio.timeout(self.timeout):
                status = await self._post(notice.document)
        except TimeoutError:
            raise NotSent(f"no answer within {self.timeout:g} seconds", self) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            # `from None`: the exception carries the request, and with it the address.
            raise NotSent(f"{type(error).__name__}: {error}", self) from None
        if not httpx.codes.is_success(status):
            again = self if status >= 500 or status in _TRANSIENT else None
            raise NotSent(f"the answer has status {status}, expected 200 to 299", again)

    async def _post(self, document: bytes) -> int:
        url = self.url.get_secret_value() if self.url else ""
        headers = {"User-Agent": self.user_agent, "Content-Type": "application/json"}
        trusted = self.verify or _system_store()
        async with (
            httpx.AsyncClient(verify=trusted, timeout=None, follow_redirects=False) as client,  # noqa: S113
            client.stream("POST", url, content=document, headers=headers) as answer,
        ):
            return answer.status_code


@cache
def _system_store() -> ssl.SSLContext:
    """Made once: reading all the certificates takes a small box a good part of a second."""
    return ssl.create_default_context()
