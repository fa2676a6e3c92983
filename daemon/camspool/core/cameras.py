"""Which camera a request means: by node id, by the customer's external id, or by a name that only one has.

A text is an external id or name first, else the digits of a node id. A number is a node id; as YAML takes an
unquoted external id for a number, one that is also another camera's external id or name means neither for
certain. Names are compared as people see them: see `text.comparable`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain, islice
from typing import Final

from camspool.core.text import comparable
from camspool.core.values import Camera, CameraRef, ErrorCode

_MOST_NAMED: Final = 10
"""Cameras that a message lists."""
_MOST_COMPARED: Final = 5000
"""How many names are searched for similar ones; it takes some milliseconds."""
_LONGEST_COMPARED: Final = 60
_LONGEST_NODE_ID: Final = 15
"""Digits; more than any node id has, and few enough to be read quickly."""


@dataclass(frozen=True, slots=True)
class NoSuchCamera:
    """The request names no camera, or more than one; the texts are for the error of a clip."""

    code: ErrorCode
    message: str
    hint: str


class CameraIndex:
    """The cameras that the token may see, found by whatever names them."""

    def __init__(self, cameras: Iterable[Camera] = ()) -> None:
        self._by_id: dict[int, Camera] = {}
        self._by_external_id: dict[str, list[Camera]] = defaultdict(list)
        self._by_name: dict[str, list[Camera]] = defaultdict(list)
        for camera in cameras:
            self._by_id[camera.node_id] = camera
            self._by_name[comparable(camera.name)].append(camera)
            if camera.external_id is not None:
                self._by_external_id[comparable(camera.external_id)].append(camera)

    def __contains__(self, node_id: int) -> bool:
        """True when there is a camera with this node id."""
        return node_id in self._by_id

    def find(self, ref: CameraRef) -> Camera | NoSuchCamera:
        """The camera that `ref` means; an external id, being unique, goes before a name."""
        found = self._numbered(ref) if isinstance(ref, int) else self._called(ref) or self._digits(ref)
        if len(found) == 1:
            return found[0]
        return _ambiguous(found, ref) if found else self._unknown(ref)

    def near(self, ref: CameraRef) -> list[str]:
        """Up to three names and external ids that look or sound like `ref`."""
        wanted = comparable(str(ref))[:_LONGEST_COMPARED].casefold()
        known = islice(chain(self._by_external_id, self._by_name), _MOST_COMPARED)
        by_case: dict[str, str] = {}
        for name in known:
            by_case.setdefault(name.casefold(), name)  # external ids come first
        alike = get_close_matches(wanted, by_case, n=3, cutoff=0.7)
        alike += [name for name in by_case if wanted and wanted in name and name not in alike]
        return [by_case[name] for name in alike[:3]]

    def _numbered(self, node_id: int) -> Sequence[Camera]:
        """The camera of a number, and the others that the number may mean."""
        called = self._called(str(node_id))
        own = self._by_id.get(node_id)
        return called if own is None else [own, *(camera for camera in called if camera is not own)]

    def _called(self, text: str) -> Sequence[Camera]:
        name = comparable(text)
        return self._by_external_id.get(name) or self._by_name.get(name, []) if name else []

    def _digits(self, text: str) -> Sequence[Camera]:
        digits = text.strip()
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= _LONGEST_NODE_ID):
            return []
        return [camera] if (camera := self._by_id.get(int(digits))) else []

    def _unknown(self, ref: CameraRef) -> NoSuchCamera:
        kind = "node id" if isinstance(ref, int) else "external id or name"
        near = " or ".join(repr(name) for name in self.near(ref))
        hint = "Look in the portal: it may have been renamed, or hidden from the token's user."
        return NoSuchCamera(
            ErrorCode.CAMERA_NOT_FOUND,
            f"No camera has the {kind} {ref!r} among the {len(self._by_id)} that the token may see.",
            f"Did you mean {near}? {hint}" if near else hint,
        )


def _ambiguous(found: Sequence[Camera], ref: CameraRef) -> NoSuchCamera:
    ids = ", ".join(str(camera.node_id) for camera in found[:_MOST_NAMED])
    if isinstance(ref, int):
        return NoSuchCamera(
            ErrorCode.CAMERA_AMBIGUOUS,
            f"{ref} is a node id, and the external id or name of another camera: node ids {ids}.",
            f'Write "{ref}" in quotes for the external id or name; or name the other one by its own.',
        )
    return NoSuchCamera(
        ErrorCode.CAMERA_AMBIGUOUS,
        f"{len(found)} cameras are called {ref!r}: node ids {ids}.",
        "Name the camera by its node id or external id.",
    )
