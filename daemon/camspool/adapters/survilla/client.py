"""One call to the vendor's server: send a document, read the answer, name what went wrong."""

import asyncio
import http.cookiejar
import json
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn

import httpx
import structlog

from camspool.adapters.survilla import answers, documents, failures, schema_check
from camspool.adapters.survilla.schema_check import SchemaFindings
from camspool.core.clock_check import Reading
from camspool.core.errors import CamspoolError, OutcomeUnknown, ServiceTrouble
from camspool.core.http_dates import read_http_date
from camspool.core.ports import Answer, Clock, PrepareRecording, Question
from camspool.core.text import whole
from camspool.core.values import WaitReason

log = structlog.get_logger()

LARGEST_ANSWER: Final = 16 * 1024 * 1024
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")
"""The escape of half a surrogate pair, or of either half of a whole one."""


class Survilla:
    """`ports.Api` over HTTP.

    A `ServiceTrouble` raised for a PrepareRecording is a promise that nothing was started. Where that is not
    certain, each of the questions is answered by an OutcomeUnknown instead, and AskProgress will tell.

    Args:
        endpoint: the address of the GraphQL server.
        token: called before every call, so that a new token is used at once; may raise ServiceTrouble.
        clock: for the dates in Retry-After.
        timeout: the seconds that one call may take now, from connecting to the last byte of the answer.
        user_agent: the User-Agent header.
        verify: whose certificates are trusted, as httpx takes it.
        largest: bytes of the largest answer that is read.
    """

    def __init__(  # noqa: PLR0913 - the composition root calls it once, by keyword
        self,
        endpoint: str,
        token: Callable[[], str],
        clock: Clock,
        *,
        timeout: Callable[[], float] = lambda: 30.0,
        user_agent: str = "camspool",
        verify: ssl.SSLContext | bool = True,
        largest: int = LARGEST_ANSWER,
    ) -> None:
        self._endpoint = endpoint
        self._token = token
        self._clock = clock
        self._timeout = timeout
        self._largest = largest
        self._types = documents.USUAL_TYPES
        self._types_looked_up = False
        self.server_time: Reading | None = None
        """What the server's clock showed when it last answered, going by the header Date."""
        # A PHP session that outlives a change of the token must not be: cookies are never kept.
        no_cookies = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._client = httpx.AsyncClient(
            headers={"User-Agent": user_agent, "Accept": "application/json"},
            verify=verify,
            cookies=no_cookies,
            follow_redirects=False,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ask(self, questions: Sequence[Question]) -> Sequence[Answer | CamspoolError]:
        """Answer questions of one kind in one call; see `ports.Api`.

        Raises:
            ServiceTrouble: the call failed as a whole.
        """
        try:
            return await self._ask(questions)
        except failures.PerhapsCarriedOut as trouble:
            if not isinstance(questions[0], PrepareRecording):
                raise
            message = f"whether the preparation has started is not known: {trouble.message}"
            return [OutcomeUnknown(WaitReason.API_ERROR, message) for _ in questions]

    async def look_at_schema(self) -> SchemaFindings:
        """Compare the server's schema with what `ask` asks for.

        Raises:
            ServiceTrouble: the call failed, or the server does not tell its schema.
        """
        reply = await self._call({"query": documents.SCHEMA_QUESTION}, self._usable_token())
        if reply.data is None or not reply.data.get("__schema"):
            said = reply.complaints[0].message if reply.complaints else "nothing"
            raise ServiceTrouble(WaitReason.API_ERROR, f"the server does not tell its schema, saying: {said}")
        return schema_check.findings(reply.data["__schema"])

    async def _ask(self, questions: Sequence[Question]) -> Sequence[Answer | CamspoolError]:
        token = self._usable_token()
        reply = await self._call(documents.build(questions, self._types), token)
        if reply.refused_types and await self._learn_types(token):
            reply = await self._call(documents.build(questions, self._types), token)
        return answers.read(questions, reply, self._endpoint)

    async def _learn_types(self, token: str) -> bool:
        """Look the arguments' types up, once; True when they are other than was thought."""
        if self._types_looked_up:
            return False
        reply = await self._call({"query": documents.SCHEMA_QUESTION}, token)
        self._types_looked_up = True
        self._types = documents.read_types(reply.data)
        log.info("argument_types_looked_up", types=dict(self._types))
        return self._types != documents.USUAL_TYPES

    def _usable_token(self) -> str:
        token = self._token()
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ServiceTrouble(
                WaitReason.UNAUTHORISED,
                "the token is empty or has spaces or other characters that no token has; "
                "copy it again from the portal's API section",
            )
        return token

    async def _call(self, body: Mapping[str, Any], token: str) -> answers.Reply:
        limit_s = self._timeout()
        try:
            async with asyncio.timeout(limit_s):
                response, answer = await self._exchange(body, token, _timeouts(limit_s))
        except failures.ON_THE_WAY as error:
            # `from None`: the exception carries the request, and with it the token.
            raise failures.on_the_way(error, self._host, limit_s) from None
        reply = answers.take_apart(_decoded(answer), token) if _speaks_graphql(response) else None
        if reply is None:
            raise failures.of_status(response, answer, token, self._clock.now())
        return reply

    async def _exchange(
        self, body: Mapping[str, Any], token: str, timeouts: httpx.Timeout
    ) -> tuple[httpx.Response, bytes]:
        answer = bytearray()
        headers = {"Authorization": f"Bearer {token}"}
        async with self._client.stream(
            "POST", self._endpoint, json=body, headers=headers, timeout=timeouts
        ) as response:
            self._note_date(response.headers.get("Date"))
            async for chunk in response.aiter_bytes():
                answer += chunk
                if len(answer) > self._largest:
                    self._refuse_size()
        return response, bytes(answer)

    def _note_date(self, date: str | None) -> None:
        if (at := read_http_date(date)) is not None:
            self.server_time = Reading(at, self._clock.monotonic())

    def _refuse_size(self) -> NoReturn:
        raise failures.PerhapsCarriedOut(
            WaitReason.API_ERROR, f"{self._host}: the answer is larger than {self._largest} bytes"
        )

    @property
    def _host(self) -> str:
        return httpx.URL(self._endpoint).host or "api.endpoint"


def _speaks_graphql(response: httpx.Response) -> bool:
    """GraphQL answers come with 2xx, or with 4xx when refusing; these three mean what HTTP says they mean."""
    return response.is_success or (response.is_client_error and response.status_code not in {401, 403, 429})


def _decoded(answer: bytes) -> Any:
    """The JSON value, or None where there is none, as in a million opening brackets.

    This is the door by which the server's texts come in: all of them are whole from here on.
    """
    text = answer.decode("utf-8-sig", "replace")
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
        # Only an escape can still make half a character. A list of 100,000 cameras is not walked for nothing.
        return whole(document) if _HALF.search(text) else document
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _timeouts(seconds: float) -> httpx.Timeout:
    """Half the time for connecting, so that what ends meanwhile is known never to have been sent."""
    return httpx.Timeout(seconds, connect=seconds / 2)
