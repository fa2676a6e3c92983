"""What must never be written: the API token, bearer tokens, and the queries and users of URLs.

A download URL's query is a key to the footage. It does not know where the texts go afterwards.
"""

import re
from typing import Final

from camspool.core.text import without_queries

REDACTED: Final = "[redacted]"

SECRET_KEYS: Final = ("token", "authorization")
"""Endings of the names of fields whose values are secret, whatever they look like."""

# Each of these takes a word once: none looks for its end again from every place where it could begin.
_URL_USER: Final = re.compile(r"(https?:[\\/]{1,8})[^\s/\\?@]+@", re.IGNORECASE)
# Eight characters at least, so that "the bearer token was refused" stays readable.
_BEARER: Final = re.compile(r"\b(bearer\s{1,8})[\w.~+/=-]{8,}", re.IGNORECASE)
_DOTTED: Final = re.compile(r"(?<![\w-])[\w-]+\.[\w-]+\.[\w-]*")
_JSON_WEB_TOKEN: Final = re.compile(r"\beyJ[\w-]{8}")

_secrets: list[str] = []


def redact(secret: str) -> None:
    """Never write `secret` again, wherever it appears; surrounding white space does not count."""
    secret = secret.strip()
    if secret and secret not in _secrets:
        _secrets.append(secret)
        _secrets.sort(key=len, reverse=True)  # a secret inside a longer one must not leave the rest


def without_secrets(text: str) -> str:
    """The text with registered secrets, bearer tokens, and users and queries of URLs replaced."""
    for secret in _secrets:
        text = text.replace(secret, REDACTED)
    text = without_queries(text, REDACTED)
    text = _URL_USER.sub(rf"\1{REDACTED}@", text)
    text = _BEARER.sub(rf"\1{REDACTED}", text)
    return _DOTTED.sub(lambda found: _without_json_web_token(found[0]), text)


def _without_json_web_token(word: str) -> str:
    begins = _JSON_WEB_TOKEN.search(word, 0, word.index("."))
    return word[: begins.start()] + REDACTED if begins else word
