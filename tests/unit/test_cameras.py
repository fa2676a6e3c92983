"""Which camera a request means."""

import pytest

from camspool.core.cameras import CameraIndex, NoSuchCamera
from camspool.core.values import Camera, CameraRef, ErrorCode

CAMERAS = [
    Camera(1, "gate", "E-1"),
    Camera(2, "door", "E-2"),
    Camera(3, "door", None),
    Camera(4, "E-1", "E-4"),  # called like another one's external id
    Camera(5, "yard", None, parent_node_id=4, type="videoChannel"),
    Camera(6, "1", "62303"),  # names and ids that look like node ids
    Camera(62303, "ACCC8EE8A9CA", None),
    Camera(7, "7", "7"),
    Camera(8, "Vchod \u017elut\u00fd", None),
]


def find(cameras: list[Camera], ref: CameraRef) -> Camera | NoSuchCamera:
    return CameraIndex(cameras).find(ref)


@pytest.mark.parametrize(
    ("ref", "node_id"),
    [
        (2, 2),
        ("E-2", 2),
        ("gate", 1),
        ("E-1", 1),  # an external id is unique: it goes before a name
        ("yard", 5),  # channels have recordings too
        ("1", 6),  # a text is an external id or name first
        ("62303", 6),
        ("5", 5),  # else a node id
        (" 5 ", 5),
        (5, 5),
        (7, 7),  # it is all of them itself
        ("7", 7),
        ("Vchod z\u030cluty\u0301", 8),  # as a Mac writes it
        (" Vchod\u00a0 \u017elut\u00fd\u202e", 8),
    ],
)
def test_a_camera_goes_by_node_id_external_id_or_unique_name(ref: CameraRef, node_id: int) -> None:
    found = find(CAMERAS, ref)
    assert isinstance(found, Camera)
    assert found.node_id == node_id


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        (99, "node id 99"),
        ("attic", "'attic'"),
        ("Gate", "'Gate'"),
        ("", "''"),
        ("99", "'99'"),
        ("9" * 255, "'999"),
        ("\u0665", "'\u0665'"),
    ],
)
def test_an_unknown_camera_is_named(ref: CameraRef, words: str) -> None:
    found = find(CAMERAS, ref)
    assert isinstance(found, NoSuchCamera)
    assert found.code is ErrorCode.CAMERA_NOT_FOUND
    assert words in found.message
    assert "portal" in found.hint


def test_a_name_of_several_cameras_shows_which_they_are() -> None:
    found = find(CAMERAS, "door")
    assert isinstance(found, NoSuchCamera)
    assert found.code is ErrorCode.CAMERA_AMBIGUOUS
    assert "2, 3" in found.message
    assert "node id" in found.hint


@pytest.mark.parametrize("ref", [1, 62303])
def test_a_number_that_is_another_ones_name_or_external_id_is_refused(ref: int) -> None:
    found = find(CAMERAS, ref)
    assert isinstance(found, NoSuchCamera)
    assert found.code is ErrorCode.CAMERA_AMBIGUOUS
    assert f"node ids {ref}, 6" in found.message
    assert f'"{ref}" in quotes' in found.hint


def test_a_number_that_is_no_node_id_is_an_external_id_without_its_quotes() -> None:
    assert find([Camera(6, "gate", "4711")], 4711) == Camera(6, "gate", "4711")


def test_a_name_of_very_many_cameras_makes_a_short_message() -> None:
    found = find([Camera(number, "same", None) for number in range(5000)], "same")
    assert isinstance(found, NoSuchCamera)
    assert "5000 cameras" in found.message
    assert len(found.message) < 200


def test_a_token_that_sees_nothing_finds_nothing() -> None:
    assert isinstance(find([], 1), NoSuchCamera)
