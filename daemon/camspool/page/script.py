"""The form in which the page gets what it shows. Pure.

A page that was opened from a folder may not fetch files, but it may run scripts that lie beside it: each file
of data is one call, `camspool.day({...});`.
"""

import base64
import hashlib
import json
import math
import re
from importlib import resources
from typing import Any, Final

MARK: Final = b"<!doctype html><!-- camspool's page: made by the daemon, which replaces it -->\n"
"""The first line of every page of ours; whatever else is called index.html is left alone."""

_SCRIPTS: Final = (
    "words",
    "data",
    "state",
    "footage",
    "work",
    "calendar",
    "lanes",
    "wall",
    "player",
    "preview",
    "main",
)
"""In this order; they share one scope."""

_CALL: Final = re.compile(rb"camspool\.(?P<name>[a-z]+)\((?P<value>.*)\);\n", re.DOTALL)


def dump(name: str, value: Any) -> bytes:
    """A script that hands `value` over to the page's function `name`.

    It is all ASCII, and free of `<`, so that no text in it can end a script or begin markup.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return f"camspool.{name}({text});\n".replace("<", "\\u003c").encode("ascii")


def load(name: str, data: bytes | None) -> Any:
    """The value that `dump` was given; None when `data` is anything else."""
    match = _CALL.fullmatch(data or b"")
    if match is None or match["name"] != name.encode():
        return None
    try:
        return json.loads(match["value"], parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        return None


def html() -> bytes:
    """The page, one file. It carries the hashes of its script and style, and nothing else may run in it."""
    text = _web("index.html")
    for tag, inline in (("style", _web("style.css")), ("script", _scripts())):
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        text = text.replace(f"{tag}-hash", f"sha256-{digest}", 1)
        text = text.replace(f"<{tag}></{tag}>", f"<{tag}>{inline}</{tag}>", 1)
    return MARK + text.encode()


def _scripts() -> str:
    return '"use strict";\n' + "".join(_web(f"{name}.js") for name in _SCRIPTS)


def _web(name: str) -> str:
    return resources.files("camspool.page").joinpath("web", name).read_text("utf-8")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number that could be written")
    return number
