"""Going down a path from an open folder, one component after the other, without following a link."""

import contextlib
import os

from camspool.adapters.spool.courtesy import sync_folder
from camspool.adapters.spool.durable import FOLDER
from camspool.adapters.spool.names import naming_folder
from camspool.core.file_errors import cannot_exist


def components(relative: str) -> list[str]:
    """The path's components.

    Raises:
        ValueError: it is absolute, or has an empty, `.` or `..` component.
    """
    parts = relative.split("/") if relative else []
    if any(part in {"", ".", ".."} or "\0" in part for part in parts):
        raise ValueError(f"{relative!r} is no path below a folder")
    return parts


def step(folder: int, component: str, *, create: bool = False) -> int:
    """A descriptor of the folder `component` in an open folder, made if `create`.

    Raises:
        FileNotFoundError: (never when `create`) there is none, or a file or link is in its place.
        NotADirectoryError: a file or link is in its place.
        NameRefused: it was to be made, and the file system does not take the name.
        OSError: anything else.
    """
    if create:
        with contextlib.suppress(FileExistsError), naming_folder(folder, component):
            os.mkdir(component, dir_fd=folder)
            sync_folder(folder)
    try:
        return os.open(component, FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        if not create and (isinstance(error, NotADirectoryError) or cannot_exist(error)):
            raise FileNotFoundError(component) from None
        raise
