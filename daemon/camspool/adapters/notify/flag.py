"""One bit that outlives the daemon: a file that is there or not."""

from pathlib import Path

from camspool.core.errors import StorageTrouble
from camspool.core.values import WaitReason


class Flag:
    """Up while the file `path` exists. Its methods block.

    Raises:
        StorageTrouble: by every method, where the file's folder cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def is_up(self) -> bool:
        """True when it was put up."""
        try:
            return self._path.exists()
        except OSError as error:
            raise self._trouble(error) from error

    def put(self, *, up: bool) -> None:
        """Put it up, or take it down."""
        try:
            if up:
                self._path.touch()
            else:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            raise self._trouble(error) from error

    def _trouble(self, error: OSError) -> StorageTrouble:
        return StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, f"{self._path}: {error.strerror}")
