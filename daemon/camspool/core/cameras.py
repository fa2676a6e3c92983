"""Which camera a request means: by node id, by the customer's external id, or by a name that only one has."""

from collections.abc import Sequence
from dataclasses import dataclass

from camspool.core.values import Camera, CameraRef, ErrorCode


@dataclass(frozen=True, slots=True)
class NoSuchCamera:
    """Nothing, or more than one thing, goes by the name; texts for the error of a clip."""

    code: ErrorCode
    message: str
    hint: str


def find(cameras: Sequence[Camera], ref: CameraRef) -> Camera | NoSuchCamera:
    """The camera that `ref` means; an external id, being unique, goes before a name."""
    if isinstance(ref, int):
        found = [camera for camera in cameras if camera.node_id == ref]
    else:
        found = [camera for camera in cameras if camera.external_id == ref]
        found = found or [camera for camera in cameras if camera.name == ref]
    if len(found) == 1:
        return found[0]
    return _ambiguous(found, ref) if found else _unknown(cameras, ref)


def _ambiguous(found: Sequence[Camera], ref: CameraRef) -> NoSuchCamera:
    ids = ", ".join(str(camera.node_id) for camera in found[:10])
    return NoSuchCamera(
        ErrorCode.CAMERA_AMBIGUOUS,
        f"{len(found)} cameras are called {ref!r}: node ids {ids}.",
        "Name the camera by its node id or external id.",
    )


def _unknown(cameras: Sequence[Camera], ref: CameraRef) -> NoSuchCamera:
    kind = "node id" if isinstance(ref, int) else "external id or name"
    return NoSuchCamera(
        ErrorCode.CAMERA_NOT_FOUND,
        f"No camera has the {kind} {ref!r} among the {len(cameras)} that the token may see.",
        "Look in the portal: it may have been renamed, or hidden from the token's user.",
    )
