"""When a file in drop/ may be taken: arithmetic on observations, without files or clocks.

Changes are dated by when they were observed (monotonic seconds), never by the file's own times, which may lie
in the future. The one exception is a file found at start: its age stands for the time not watched.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from camspool.core import naming

OTHER_TYPE_FOR: Final = 60.0
"""Seconds until a file that is no request by its name is answered: it may be on its way to another name."""
EMPTY_FOR: Final = 60.0
"""Seconds until an empty file is taken (and rejected): many tools create a file first and fill it later."""


class Signature(NamedTuple):
    """What distinguishes versions of a file; equal signatures mean the same content.

    `changed_ns` (ctime) is part of it, because a file that is moved away and back keeps everything else.
    """

    size: int
    modified_ns: int
    changed_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """A version of a file that is not settled yet: since when it is unchanged, did it come by a rename."""

    signature: Signature
    unchanged_since: float
    renamed: bool = False


def sighted(
    before: Sighting | None, signature: Signature, now: float, *, renamed: bool = False, age: float = 0.0
) -> Sighting:
    """What is known of a file after one more observation.

    Args:
        before: what was known until now.
        signature: what it looks like now.
        now: monotonic seconds.
        renamed: a rename brought it here, so that its writer had finished.
        age: seconds that it is known not to have changed before it was first seen.
    """
    if before is not None and before.signature == signature:
        return replace(before, renamed=before.renamed or renamed)
    return Sighting(signature, now - max(age, 0.0), renamed)


def age_at_start(signature: Signature, wall_clock: float) -> float:
    """Seconds that a file had been lying unchanged when first seen; 0 when it is from the future."""
    return max(0.0, wall_clock - max(signature.modified_ns, signature.changed_ns) / 1e9)


def settled_at(file: str, sighting: Sighting, settle: float) -> float:
    """The monotonic time at which the file is settled if it stays as it is; `settle` is in seconds."""
    wait = settle if naming.is_request(file) else max(settle, OTHER_TYPE_FOR)
    if not sighting.signature.size:
        wait = max(wait, EMPTY_FOR)
    return sighting.unchanged_since + wait


def settled_once_it_parses(file: str, sighting: Sighting) -> bool:
    """True when the file may be taken before `settled_at`, provided that it parses.

    Half a JSON object never parses; half a YAML mapping does, so it must have come whole, by a rename.
    """
    whole = naming.is_json(file) or sighting.renamed
    return whole and naming.is_request(file) and sighting.signature.size > 0
