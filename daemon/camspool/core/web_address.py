"""Download addresses as the vendor's API gives them. Pure; opens nothing."""

from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}


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
