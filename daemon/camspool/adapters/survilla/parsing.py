"""What a server may say a recording, a preparation or a camera is: each value checked and bounded. Pure.

Each function raises `ClipTrouble` (`api_error`) naming the value that cannot be: what comes from outside ends
up in files that people read and in addresses that are fetched.
"""

import contextlib
import math
import re
import reprlib
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from camspool.adapters.survilla.failures import excerpt
from camspool.core.errors import ClipTrouble
from camspool.core.text import one_line
from camspool.core.values import Camera, Listed, Preparation, WaitReason
from camspool.core.web_address import encoded

LONGEST_S: Final = 31 * 86400.0
MOST_RECORDINGS: Final = 2000
"""Of one range; a day in pieces of a minute has 1440."""
MOST_NODES: Final = 100_000
_DEEPEST: Final = 20
HEIGHTS: Final = range(1, 10_001)
MOST_HEIGHTS: Final = 32
"""Heights of one recording that are kept; the portal offers three."""
LONGEST_NAME: Final = 255
LONGEST_ID: Final = 200
_RECORDED_TYPES: Final = {"camera", "videochannel"}


def cameras(nodes: Any) -> tuple[Camera, ...]:
    """The nodes that have recordings; one without a usable node id cannot be asked about and is left out."""
    listed = [node for node in _list(nodes, MOST_NODES, "nodes") if isinstance(node, dict)]
    tree = {
        _number(node.get("node_id")): (_label(node.get("name")) or "", _number(node.get("parent_node_id")))
        for node in listed
    }
    return tuple(camera for node in listed if (camera := _camera(node, tree)))


_Tree = Mapping[float | None, tuple[str, float | None]]
"""Of each node by its id: its name, and the id of the node that it lies in."""


def _camera(node: Mapping[str, Any], tree: _Tree) -> Camera | None:
    node_id, parent = _number(node.get("node_id")), _number(node.get("parent_node_id"))
    kind = _label(node.get("type")) or ""
    # The vendor writes `videoChannel`; GraphQL enumerations are often VIDEO_CHANNEL.
    if kind.replace("_", "").lower() not in _RECORDED_TYPES or node_id is None or not node_id.is_integer():
        return None
    return Camera(
        node_id=int(node_id),
        name=_label(node.get("name")) or "",
        external_id=_label(node.get("external_id")),
        parent_node_id=None if parent is None else int(parent),
        type=kind,
        place=_place(parent, tree),
    )


def _place(parent: float | None, tree: _Tree) -> tuple[str, ...]:
    """The names from the root down; a tree that goes round in a circle is left after a few steps."""
    names: list[str] = []
    while parent is not None and parent in tree and len(names) < _DEEPEST:
        name, parent = tree[parent]
        names.insert(0, name)
    return tuple(names)


def _label(value: Any) -> str | None:
    """A name as people may read it, whatever it was made of; None where there is none."""
    is_text = isinstance(value, str | int) and not isinstance(value, bool)
    return one_line(str(value), LONGEST_NAME) or None if is_text else None


def listed(recordings: Any) -> tuple[Listed, ...]:
    """The recordings of one listing, in the server's order."""
    return tuple(_listed(recording) for recording in _list(recordings, MOST_RECORDINGS, "recordings"))


def _listed(recording: Any) -> Listed:
    found = _object(recording, "a recording")
    duration = _number(found.get("duration"))
    if duration is None or not 0 <= duration < LONGEST_S:
        raise _absurd("the duration of a recording", found.get("duration"), "seconds, less than 31 days")
    heights = islice(dict.fromkeys(_heights(found.get("outputs"))), MOST_HEIGHTS)
    return Listed(_recording_id(found.get("recording_id")), duration, tuple(heights))


def _recording_id(value: Any) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST_ID or not text.isprintable():
        raise _absurd("a recording id", value, f"1 to {LONGEST_ID} printable characters")
    return text


def _heights(outputs: Any) -> Iterator[int]:
    """Heights that a video can have; others are no offer, and the recording's other heights still are."""
    for output in outputs if isinstance(outputs, list) else []:
        height = _number(output.get("height")) if isinstance(output, dict) else None
        if height in HEIGHTS and height is not None:
            yield int(height)


def preparation(recording: Any, endpoint: str) -> Preparation:
    """How far a preparation is; `progress` is clamped to 0..100, the URL absolute."""
    found = _object(recording, "a recording")
    said = found.get("progress")
    percent = _number(said)
    if percent is None and said is not None:
        raise _absurd("the progress of a preparation", said, "percent, or null")
    return Preparation(
        percent=None if percent is None else min(max(percent, 0.0), 100.0),
        download_url=_download_url(found.get("download_url"), endpoint),
    )


def _download_url(value: Any, endpoint: str) -> str | None:
    """An http(s) address, encoded where that is needed; a relative one is on the endpoint's host.

    The vendor's page speaks of the value "null".
    """
    if value in (None, "", "null"):
        return None
    if isinstance(value, str) and len(value) < 8192:
        with contextlib.suppress(ValueError):  # how urllib refuses a port or an IPv6 host that is none
            address = encoded(value)
            url = address if urlsplit(address).scheme else urljoin(endpoint, address)
            parts = urlsplit(url)
            is_web = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
            if is_web and not re.search(r"[\x00-\x20\x7f]", url):
                return url
    shown = value.partition("?")[0] if isinstance(value, str) else value
    raise _absurd("the download URL", shown, "an http or https address")


def _list(value: Any, most: int, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise _absurd(f"a list of {what}", value, "a list")
    if len(value) > most:
        raise _absurd(f"a list of {what}", f"{len(value)} of them", f"at most {most}")
    return value


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _absurd(what, value, "an object")
    return value


def _number(value: Any) -> float | None:
    """A finite number, also one written as a text as PHP servers do; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", value, re.ASCII):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e15:
        return None
    return float(value) if math.isfinite(value) else None


def _absurd(what: str, found: Any, expected: str) -> ClipTrouble:
    shown = excerpt(reprlib.repr(found), longest=80)
    return ClipTrouble(WaitReason.API_ERROR, f"{what} came as {shown}, expected {expected}")
