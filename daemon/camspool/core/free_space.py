"""How much room downloads leave free on the mirror's file system. What is free is measured elsewhere."""

from typing import Final

LARGEST_SHARE: Final = 0.05
"""`cleanup.min_free` never keeps more than this part of the file system free (contract, Rulings)."""

LEAST_ROOM: Final = 1 << 20
"""Bytes that stay free though `cleanup.min_free` says less, so that status files can still be written."""


def room_to_keep(min_free: int, size: int) -> int:
    """Bytes that downloads leave free.

    Args:
        min_free: `cleanup.min_free`, in bytes; 0 leaves nothing free.
        size: the size of the file system, in bytes.
    """
    if min_free == 0:
        return 0
    return min(max(min_free, LEAST_ROOM), int(size * LARGEST_SHARE))
