"""The services that Apprise knows: mail, telephones, chats. Each is an address with its key in it.

Apprise works in a process of its own: its services may hang, its libraries weigh as much as the daemon, and
nothing that they print about their addresses gets into our log.
"""

import importlib.util
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from camspool.adapters.notify import program
from camspool.adapters.notify.channel import NotSent
from camspool.core.errors import ConfigurationError
from camspool.core.notices import Notice, Occasion
from camspool.core.values import Problem

_SENDER: Final = Path(__file__).with_name("apprise_sender.py")
_START_S: Final = 20.0
"""What a small box may need to start Python and load Apprise."""

_TYPES: Final = {
    Occasion.DONE: "success",
    Occasion.PARTIAL: "warning",
    Occasion.FAILED: "failure",
    Occasion.REJECTED: "failure",
    Occasion.DEGRADED: "warning",
    Occasion.RECOVERED: "success",
}


def check_available() -> None:
    """Raise ConfigurationError when Apprise is not installed."""
    if importlib.util.find_spec("apprise") is None:
        remedy = "the package `apprise` for it (`pip install camspool[notify]`), or none"
        raise ConfigurationError((Problem("notify.urls", "addresses", remedy),), "configuration")


@dataclass(frozen=True, slots=True)
class Services:
    """`Channel` to Apprise's addresses.

    Args:
        urls: the addresses; all of them are secrets.
        occasions: the notices that are wanted.
        timeout: seconds for all of them together, which are sent at once.
        environ: the environment, where a proxy may be.
    """

    urls: tuple[SecretStr, ...]
    occasions: frozenset[Occasion]
    timeout: float
    environ: Mapping[str, str] = field(repr=False)
    name: str = field(default="apprise", init=False)

    def wants(self, notice: Notice) -> bool:
        """See `Channel`."""
        return bool(self.urls) and notice.occasion in self.occasions

    def kept(self, notice: Notice) -> Notice:
        """See `Channel`."""
        return replace(notice, document=b"", mp4s=())

    async def send(self, notice: Notice) -> None:
        """See `Channel`. Only the addresses that have failed are tried again."""
        order = {
            "urls": [url.get_secret_value() for url in self.urls],
            "title": notice.title,
            "body": notice.text or notice.title,
            "type": _TYPES[notice.occasion],
        }
        environ = program.without_ours(self.environ)
        argv = (sys.executable, "-P", str(_SENDER))
        try:
            ended = await program.run(argv, environ, _START_S + self.timeout, json.dumps(order).encode())
        except OSError as error:
            raise NotSent(f"Apprise cannot be started: {error.strerror}", self) from None
        failed = tuple(
            url for number, url in enumerate(self.urls) if f"sent {number}" not in ended.output.split("\n")
        )
        if failed:
            schemes = ", ".join(_scheme(url) for url in failed)
            raise NotSent(f"Apprise could not send to {schemes}", replace(self, urls=failed))


def _scheme(url: SecretStr) -> str:
    """The only part of an address that may be shown."""
    found = re.match(r"[a-z]+(?=://)", url.get_secret_value())
    return f"{found[0]}://..." if found else "what is no address"
