"""The MP4s of the mirror, read and inspected without the daemon's lock, memory and permissions."""

import os
from pathlib import Path

from camspool.adapters.mp4 import Verify, inspect_file
from camspool.adapters.spool import MirrorReader
from camspool.adapters.spool.durable import as_storage_trouble, sha256_of
from camspool.adapters.spool.markers import ObservedFolder
from camspool.commands.verify.verdicts import VideoRead
from camspool.core.errors import BadVideo
from camspool.core.status_document import OutputFile


class Mirror(MirrorReader):
    """The mirror of a daemon that may be running.

    Args:
        root: the folder.
        verify: how far to look into each MP4.
    """

    def __init__(self, root: Path, verify: Verify = "structure") -> None:
        super().__init__(ObservedFolder(root))
        self._verify = verify

    def examine(self, path: str, file: OutputFile) -> VideoRead | None:
        """Read an MP4, no further than to where it differs; None when no regular file has this name.

        Raises:
            StorageTrouble: it cannot be read.
        """
        with self.opened(path) as descriptor, as_storage_trouble(self.root / path):
            if descriptor is None:
                return None
            size = os.fstat(descriptor).st_size
            if size != file.bytes:
                return VideoRead(size)
            sha256 = sha256_of(descriptor)
        return VideoRead(size, sha256, self._damage(path) if sha256 == file.sha256 else None)

    def _damage(self, path: str) -> str | None:
        try:
            inspect_file(self.root / path, self._verify)
        except BadVideo as bad:
            return str(bad)
        return None
