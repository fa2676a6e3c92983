"""Addresses, commands and lists of words from the configuration, as people write them there.

Every parser raises `Unexpected`, whose text says what would have been right. A list may be one text, because
that is what an environment variable is.
"""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from camspool.core.notices import Occasion
from camspool.core.problems import Unexpected
from camspool.core.text import is_clean

_LONGEST_LIST: Final = 8192
"""Characters of a list that is one text."""
_LONGEST_ADDRESS: Final = 8000
"""Characters of a URL, as RFC 9110 (4.1) would have every server take."""
_LONGEST_HOST: Final = 300
"""Characters: a name of 253 at most (RFC 1035), and a port."""
_BLANK: Final = re.compile(r"[\x00-\x20\x7f]")
_LISTEN: Final = re.compile(
    r"(?:(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:\[\]]+)):)?(?P<port>\d{1,5})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_web_address(text: str) -> bool:
    """True for an HTTP or HTTPS address that could exist."""
    if len(text) > _LONGEST_ADDRESS or not is_clean(text):
        return False
    try:
        url = urlsplit(text)
        usable = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        return False
    return bool(usable) and not _BLANK.search(text)


def listen(value: Any) -> Address | None:
    """Where to listen: `9745` (on 127.0.0.1), `"0.0.0.0:9745"`, `"[::1]:9745"`; None for nowhere."""
    if value is None:
        return None
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    found = _LISTEN.fullmatch(text.strip()) if len(text) <= _LONGEST_HOST else None
    host = (found["ipv6"] or found["host"] or "127.0.0.1") if found else ""
    if not found or not _could_be_host(host) or not 1 <= int(found["port"]) <= 65535:
        raise Unexpected("a port such as 9745, for this machine alone, or 192.0.2.7:9745, or null for none")
    return Address(host, int(found["port"]))


def _could_be_host(text: str) -> bool:
    """False for names that cannot even be looked up: with an empty label, or one of over 63 characters."""
    try:
        text.encode("idna")
    except UnicodeError:
        return False
    return True


def webhook(value: Any) -> SecretStr | None:
    """An HTTP address with whatever keys in it, or None."""
    if value is None:
        return None
    text = value.strip() if isinstance(value, str) else ""
    if not is_web_address(text):
        raise Unexpected("an address such as https://example.org/hook, or null for none")
    return SecretStr(text)


def services(value: Any) -> tuple[SecretStr, ...]:
    """Apprise's addresses; only Apprise itself can tell whether they are valid."""
    texts = _texts(value, str.split, "a list of Apprise's addresses, such as [mailto://...]")
    return tuple(SecretStr(text.strip()) for text in texts)


def occasions(value: Any) -> frozenset[Occasion]:
    """The occasions for which notices are sent."""
    expected = "a list of some of " + ", ".join(Occasion)
    words = _texts(value, lambda text: text.replace(",", " ").split(), expected)
    if not set(words) <= set(Occasion):
        raise Unexpected(expected)
    return frozenset(map(Occasion, words))


def command(value: Any) -> tuple[str, ...]:
    """A program and its arguments, or nothing. A text is split as a shell would, though none is ever used."""
    expected = "a program and its arguments, such as [/usr/local/bin/archive, --quiet]"
    words = tuple(_texts(value, shlex.split, expected))
    if any("\0" in word for word in words):
        raise Unexpected(expected)
    return words


def _texts(value: Any, split: Callable[[str], list[str]], expected: str) -> list[str]:
    if isinstance(value, str) and len(value) > _LONGEST_LIST:
        raise Unexpected(f"{expected}; at most {_LONGEST_LIST} characters")
    try:
        found = split(value) if isinstance(value, str) else value
    except ValueError:  # a quotation that does not end
        raise Unexpected(expected) from None
    if not isinstance(found, list | tuple | frozenset):
        raise Unexpected(expected)
    if not all(isinstance(each, str) and each.strip() for each in found):
        raise Unexpected(expected)
    return list(found)
