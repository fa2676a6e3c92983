"""Apprise itself, in a process of its own, and a server of ours behind one of its addresses."""

import json
import os
import sys
from dataclasses import replace

import pytest
from pydantic import SecretStr

from camspool.adapters.notify import NotSent, Services, check_available
from camspool.core.errors import ConfigurationError
from camspool.core.notices import Occasion
from camspool.core.values import State
from support.notices import a_notice
from support.servers import FaultyServer

KEY = "k3y-of-the-service"


def services(*urls: str) -> Services:
    environ = {"PATH": os.environ["PATH"], "CAMSPOOL_API__TOKEN": "secret"}
    return Services(tuple(map(SecretStr, urls)), frozenset(Occasion), 30.0, environ)


async def test_each_address_gets_the_words_and_only_those_that_failed_are_tried_again() -> None:
    with FaultyServer(
        lambda each: each.answer(b"", 200 if each.request.target == "/good" else 500)
    ) as server:
        host = server.url("").removeprefix("http://")
        bad = f"json://{host}/{KEY}"
        with pytest.raises(NotSent) as caught:
            await services(f"json://{host}/good", bad, f"nonsense://{KEY}", KEY).send(a_notice(State.FAILED))
    assert caught.value.problem == "Apprise could not send to json://..., nonsense://..., what is no address"
    assert caught.value.again == services(bad, f"nonsense://{KEY}", KEY)
    assert KEY not in repr(caught.value) + repr(caught.value.again)
    good = next(request for request in server.requests if request.target == "/good")
    notification = json.loads(good.body)
    assert (notification["title"], notification["type"]) == ("store-12/evening: failed", "failure")
    assert notification["message"] == "1 of 1 MP4s, 10m of the 10m asked for."


async def test_what_libraries_say_does_not_hide_which_addresses_have_taken_it() -> None:
    with FaultyServer(lambda each: each.answer(b"")) as server:
        talkative = services(server.url("/good").replace("http://", "json://"))
        environ = {**talkative.environ, "PYTHONVERBOSE": "1"}  # which says most at the end
        await replace(talkative, environ=environ).send(a_notice())
    assert len(server.requests) == 1


def test_without_apprise_the_configuration_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    check_available()
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigurationError, match=r"notify\.urls: .*pip install camspool\[notify\]"):
        check_available()
