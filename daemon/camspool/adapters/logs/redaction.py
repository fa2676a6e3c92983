"""What must never be written: the API token, bearer tokens, and the queries and users of URLs.

A download URL's query is a key to the footage. Where texts go afterwards is none of this module's business.
"""

import re
from typing import Final

REDACTED: Final = "[redacted]"

SECRET_KEYS: Final = ("token", "authorization")
"""Endings of the names of fields whose values are secret, whatever they look like."""

# A server written in PHP escapes slashes in JSON (https:\/\/host\/...), and repr() doubles the backslash.
# The limit keeps a long text of many addresses, without a space in it, from taking quadratic time.
_URL_QUERY: Final = re.compile(r"(https?:[\\/]+[^\s?]{0,2000}\?)\S+", re.IGNORECASE)
_URL_USER: Final = re.compile(r"(https?:[\\/]+)[^\s/\\?@]+@", re.IGNORECASE)
# Eight characters at least, so that "the bearer token was refused" stays readable.
_BEARER: Final = re.compile(r"\b(bearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_JSON_WEB_TOKEN: Final = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*")

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
    text = _URL_QUERY.sub(rf"\1{REDACTED}", text)
    text = _URL_USER.sub(rf"\1{REDACTED}@", text)
    text = _BEARER.sub(rf"\1{REDACTED}", text)
    return _JSON_WEB_TOKEN.sub(REDACTED, text)
