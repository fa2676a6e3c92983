"""The document with the cameras that the token sees: `mirror/_cameras.json`, `camspool cameras --json`. Pure.

It lets people who may not read the token name cameras.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from camspool.core.values import Camera

SCHEMA: Final = "camspool/cameras/1"
CAMERAS_FILE: Final = "_cameras.json"
"""Its path below the mirror, where the daemon leaves it."""
LONGEST: Final = 64 * 1024 * 1024
"""The most bytes of it that are read."""


@dataclass(frozen=True, slots=True)
class CameraList:
    """The cameras, when they were listed, and by which API."""

    cameras: tuple[Camera, ...]
    listed_at: datetime
    endpoint: str


def dump(listed: CameraList) -> bytes:
    """The document; `path` has the names from the root of the tree down."""
    document = {
        "schema": SCHEMA,
        "endpoint": listed.endpoint,
        "listed_at": f"{listed.listed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "cameras": [_as_document(camera) for camera in listed.cameras],
    }
    return json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def load(data: bytes) -> CameraList:
    """The list in a document.

    Raises:
        ValueError: it is no such document; anybody may have edited it.
    """
    try:
        document = json.loads(data)
        if document["schema"] != SCHEMA:
            raise ValueError(document["schema"])
        cameras = tuple(_of_document(camera) for camera in document["cameras"])
        listed_at = datetime.fromisoformat(document["listed_at"])
        return CameraList(cameras, listed_at.astimezone(UTC), str(document["endpoint"]))
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _as_document(camera: Camera) -> dict[str, Any]:
    return {
        "node_id": camera.node_id,
        "external_id": camera.external_id,
        "name": camera.name,
        "type": camera.type,
        "path": camera.place,
    }


def _of_document(found: dict[str, Any]) -> Camera:
    external_id, path = found["external_id"], found["path"]
    return Camera(
        node_id=int(found["node_id"]),
        name=str(found["name"]),
        external_id=None if external_id is None else str(external_id),
        type=str(found["type"]),
        place=tuple(str(name) for name in path),
    )


def differ(one: Sequence[Camera], other: Sequence[Camera]) -> bool:
    """Whether the documents of two lists would show different cameras."""
    return [_as_document(camera) for camera in one] != [_as_document(camera) for camera in other]
