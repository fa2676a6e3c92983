"""Decodes every picture of a video with PyAV: finds damage inside of the pictures, which no table shows.

Not all of it: a codec reads some changed bytes as another picture (of single bytes about one in two).

PyAV is an extra (35 MB to fetch), so it is imported only when `verify: decode` asks for it.
"""

from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from camspool.core.errors import BadVideo, ConfigurationError, StorageTrouble
from camspool.core.values import Problem, WaitReason

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer

_MOST_PIXELS = 64 << 20  # of one picture: four times 4K; a damaged size would cost gigabytes otherwise


def check_available() -> None:
    """Raise ConfigurationError when PyAV is not installed."""
    try:
        import av  # noqa: F401, PLC0415  an extra
    except ImportError:
        remedy = "the package `av` for it (`pip install camspool[decode]`), or `structure`, or `size`"
        problem = Problem("download.verify", "decode", remedy)
        raise ConfigurationError((problem,), "configuration") from None


def decode(path: Path, pictures: int, stop: Event) -> None:
    """Decode the first video track, in this thread alone, and count its pictures.

    Args:
        path: the file, whose boxes have been found whole.
        pictures: how many there must be.
        stop: once set, the work ends with CancelledError.

    Raises:
        BadVideo: a picture is damaged or missing.
        StorageTrouble: the file cannot be read.
    """
    import av  # noqa: PLC0415  an extra

    found = 0
    try:
        # Without its edit list, for pictures that the list hides are counted in the sample table too.
        with av.open(str(path), format="mp4", options={"ignore_editlist": "1"}) as container:
            for picture in _pictures(container):
                if stop.is_set():
                    raise CancelledError
                if picture.is_corrupt:
                    raise BadVideo(f"picture {found + 1:,} is damaged")
                found += 1
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):
            raise StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, f"{path} cannot be read: {error}") from error
        raise BadVideo(f"after picture {found:,} the decoder fails ({error}): damaged") from error
    if found != pictures:
        raise BadVideo(f"{found:,} pictures could be decoded and {pictures:,} were expected: damaged")


def _pictures(container: "InputContainer") -> "Iterator[VideoFrame]":
    video = container.streams.video[0]
    video.codec_context.thread_count = 1
    video.codec_context.options = {"err_detect": "explode", "max_pixels": str(_MOST_PIXELS)}
    return container.decode(video)
