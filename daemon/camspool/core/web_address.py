"""Download addresses as the vendor's API gives them. Pure; opens nothing."""

import re
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}

_AROUND: Final = "".join(map(chr, range(0x21)))
"""Space and control characters, which browsers cut off at either end (WHATWG URL, 4.4)."""

_AUTHORITY: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*", re.ASCII)
_TO_BE_ENCODED: Final = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]", re.ASCII)
"""All that RFC 3986 does not allow behind the host, and a percent sign that encodes nothing."""


def encoded(address: str) -> str:
    """The address with each character percent-encoded that belongs so; what is encoded already stays.

    Servers put file names into addresses as they are: with spaces, umlauts, brackets. The host is left alone,
    since a host's name is not encoded like that. Encoding twice changes nothing.
    """
    text = address.strip(_AROUND)
    authority = _AUTHORITY.match(text)
    rest = authority.end() if authority else 0
    return text[:rest] + _TO_BE_ENCODED.sub(_percent, text[rest:])


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace"))


def origin(address: str) -> str:
    """Scheme, name and port of a web address, the port always written: `https://host.example:443`.

    Returns:
        An empty text for anything that is no HTTP or HTTPS address.
    """
    try:
        parts = urlsplit(address)
        name, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return ""
    if not name or parts.scheme not in _PORTS:
        return ""
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}:{port}"
