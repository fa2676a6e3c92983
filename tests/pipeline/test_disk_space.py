"""What is known of the mirror's room, and what follows from it."""

from collections.abc import Callable
from typing import cast

import pytest

from camspool.core.errors import StorageTrouble
from camspool.core.ports import Spool
from camspool.core.values import WaitReason
from camspool.pipeline.disk_space import DiskSpace, DiskSpaceSettings
from camspool.pipeline.outages import Cause, Outages
from support.fake_clock import FakeClock

GB = 10**9


class Disk:
    """A file system that says what it is asked to say; as much of the port as is used here."""

    def __init__(self, said: Callable[[], tuple[int, int]]) -> None:
        self.free_bytes = said

    def check_mirror(self) -> None:
        """It is there."""


def fails() -> tuple[int, int]:
    raise StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, "input/output error")


def disk_space(said: Callable[[], tuple[int, int]], min_free: int) -> DiskSpace:
    settings = DiskSpaceSettings(min_free, pause=5)
    return DiskSpace(cast(Spool, Disk(said)), Outages(lambda: None), FakeClock(), lambda: settings)


def test_nothing_is_known_before_it_was_measured() -> None:
    space = disk_space(lambda: (GB, 100 * GB), GB)
    assert (space.free_bytes, space.kept_free_bytes) == (None, None)


@pytest.mark.parametrize(
    ("said", "min_free", "free", "has_room"),
    [
        (lambda: (GB, 100 * GB), GB, GB, True),
        (lambda: (GB - 1, 100 * GB), GB, GB - 1, False),
        (lambda: (0, 100 * GB), GB, 0, False),
        (lambda: (0, 100 * GB), 1, 0, False),
        (lambda: (0, 100 * GB), 0, 0, True),
        (lambda: (0, 0), 0, None, True),
        (fails, 0, None, True),
        (fails, GB, None, False),
    ],
)
async def test_without_a_minimum_free_space_is_not_looked_at(
    said: Callable[[], tuple[int, int]],
    min_free: int,
    free: int | None,
    has_room: bool,  # noqa: FBT001
) -> None:
    space = disk_space(said, min_free)
    await space.check()
    assert (space.free_bytes, space.has_room()) == (free, has_room)
    assert (space.outages.get(Cause.ROOM) is None) is has_room
