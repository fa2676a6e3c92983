"""What the file systems of drop/ and mirror/ can and cannot do, and which mounts lie below the folders."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from camspool.adapters.spool import FolderRegistry, FolderTraits, MarkedFolder, mounts_below, traits
from camspool.adapters.watch import file_system_of
from camspool.commands.check.folders import is_there, opened, recognised
from camspool.commands.check.result import Result, not_checked, ok, warning
from camspool.core.errors import StorageTrouble

_LONGEST: Final = 255


def results(name: str, root: Path, state: Path) -> Iterator[Result]:
    """What was found by trying; nothing of a folder that the first start is to create.

    Args:
        name: `drop` or `mirror`.
        root: the folder.
        state: where the daemon remembers its marker.
    """
    check = f"{name} files"
    try:
        recognised(root, state)
        away = _away(root, state)
        if not is_there(root):
            return
        with opened(root) as folder:
            found = traits(folder)
    except (OSError, StorageTrouble):
        yield not_checked(check, f"{root} cannot be written")
        return
    yield of_traits(check, file_system_of(root), found)
    for trouble in away:
        yield warning(check, trouble.message, "What lies below it waits, and everything else goes on.")
    if mounts := sorted(mounts_below(root)):
        yield ok(check, f"mounts of their own below it: {', '.join(mounts)}")


def _away(root: Path, state: Path) -> list[StorageTrouble]:
    """The mounts below the folder that the daemon knows and that are not there."""
    registry = FolderRegistry(state)
    registry.look()
    known = registry.id_of(root) is not None
    return list(MarkedFolder(root, registry).away().values()) if known else []


def of_traits(check: str, file_system: str, found: FolderTraits) -> Result:
    """What there is to say of a file system; only what costs requests their names is a warning."""
    facts = [f"{file_system} refuses {call} ({why}), which is harmless" for call, why in found.refused]
    limits = list(_limits(found))
    said = "; ".join([*limits, *facts])
    if limits:
        return warning(check, f"{file_system}: {said}", "Requests with such names are rejected (bad_name).")
    return ok(check, said or f"{file_system} takes names of {_LONGEST} bytes, any character, modes and times")


def _limits(found: FolderTraits) -> Iterator[str]:
    if found.longest_name < _LONGEST:
        yield f"names have at most {found.longest_name} bytes"
    if found.forbidden:
        yield f"names cannot have any of {' '.join(found.forbidden)}"
    if found.ends:
        yield f"names cannot end in {' or '.join(map(repr, found.ends))}"
    if found.ignores_case:
        yield "upper and lower case are the same"
