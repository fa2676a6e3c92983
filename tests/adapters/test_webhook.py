"""The status file is posted; whatever the other side does, it is known whether it got through."""

import json
import socket
from collections.abc import Callable

import pytest
from pydantic import SecretStr

from camspool.adapters.notify import NotSent, Webhook
from camspool.core.notices import Occasion
from camspool.core.values import State
from support.notices import a_notice
from support.servers import Exchange, FaultyServer

KEY = "k3y-of-the-hook"
TARGET = f"/hooks/{KEY}?sig={KEY}"


def webhook(url: str, timeout: float = 10.0) -> Webhook:
    return Webhook(SecretStr(url), frozenset(Occasion), timeout, "camspool/test")


async def test_the_document_is_posted_as_json() -> None:
    with FaultyServer(lambda exchange: exchange.answer(b"thanks", 204)) as server:
        await webhook(server.url(TARGET)).send(a_notice())
    (request,) = server.requests
    assert request.target == TARGET
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == "camspool/test"
    assert json.loads(request.body)["schema"] == "camspool/status/1"


def endless(exchange: Exchange) -> None:
    exchange.head(200)
    while not exchange.released.is_set():
        exchange.send(b"x" * 65536)


async def test_the_answers_body_is_not_waited_for() -> None:
    with FaultyServer(endless) as server:
        await webhook(server.url(TARGET)).send(a_notice())


@pytest.mark.parametrize(
    ("script", "words", "helps"),
    [
        (lambda exchange: exchange.answer(b"", 500), "status 500", True),
        (lambda exchange: exchange.answer(b"", 429), "status 429", True),
        (lambda exchange: exchange.answer(b"", 404), "status 404", False),
        (lambda exchange: exchange.answer(b"", 302, location="/other"), "status 302", False),
        (Exchange.reset, "Error", True),
        (Exchange.close, "Error", True),
        (lambda exchange: exchange.send(b"nonsense\r\n\r\n"), "Error", True),
        (Exchange.stall, "no answer within 0.3 seconds", True),
    ],
)
async def test_a_failure_is_reported_without_the_address(
    script: Callable[[Exchange], None], words: str, *, helps: bool
) -> None:
    with FaultyServer(script) as server:
        way = webhook(server.url(TARGET), 0.3)
        with pytest.raises(NotSent, match=words) as caught:
            await way.send(a_notice())
    assert caught.value.again == (way if helps else None)
    assert len(server.requests) == 1
    assert KEY not in repr(caught.value) + repr(caught.value.__cause__) + repr(way)


async def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotSent, match="ConnectError"):
        await webhook(f"http://127.0.0.1:{port}{TARGET}").send(a_notice())


def test_only_what_is_asked_for_is_wanted() -> None:
    way = Webhook(SecretStr("http://127.0.0.1/"), frozenset({Occasion.FAILED}), 10.0, "camspool/test")
    assert way.wants(a_notice(State.FAILED))
    assert not way.wants(a_notice(State.DONE))
    assert not Webhook(None, frozenset(Occasion), 10.0, "camspool/test").wants(a_notice())
