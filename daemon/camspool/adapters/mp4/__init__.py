"""Tells a whole MP4 from a damaged one, and reads what it says about itself.

Does not know what was asked for: comparing the facts with a request is the caller's.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Literal

from camspool.adapters.mp4.decode import check_available as check_decoder
from camspool.adapters.mp4.decode import decode
from camspool.adapters.mp4.scan import Scan
from camspool.core.errors import StorageTrouble
from camspool.core.ports import VideoFacts
from camspool.core.values import WaitReason

_MOST_THREADS = 64  # as many as there can be downloads

Verify = Literal["size", "structure", "decode"]


class Mp4Videos:
    """The port `Videos`. `verify` tells how far to look now; each level includes what is before it.

    `size`: there is a table of contents with a video (its length was checked by the download). `structure`:
    nothing is cut, missing or left over, all samples lie in the file. `decode`: each picture can be decoded.
    """

    def __init__(self, verify: Callable[[], Verify]) -> None:
        self._verify = verify
        # Threads of its own: decoding takes minutes, and must not keep the short work on files waiting.
        self._threads = ThreadPoolExecutor(_MOST_THREADS, "inspect")

    async def inspect(self, path: Path) -> VideoFacts:
        """See the port; cancelling ends the decoding too."""
        stop = Event()
        try:
            looking = asyncio.get_running_loop().run_in_executor
            return await looking(self._threads, inspect_file, path, self._verify(), stop)
        finally:
            stop.set()


def check_available(verify: Verify) -> None:
    """Raise ConfigurationError when `decode` is asked for and PyAV is not installed."""
    if verify == "decode":
        check_decoder()


def inspect_file(path: Path, verify: Verify = "structure", stop: Event | None = None) -> VideoFacts:
    """Check a file and read what it is; blocking.

    Args:
        path: the file.
        verify: how far to look, see `Mp4Videos`.
        stop: once set, decoding ends with `concurrent.futures.CancelledError`.

    Raises:
        BadVideo: it is not a whole MP4 with a video track.
        StorageTrouble: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            scan = Scan(file.fileno(), strict=verify != "size")
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, message) from error
    facts = scan.facts()
    if verify == "decode":
        decode(path, scan.pictures(), stop or Event())
    return facts
