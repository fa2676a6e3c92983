"""A program of its own: the MP4 on standard input becomes a small JPEG on standard output.

Apart from the daemon, so that no file and no decoder can hurt it: what hangs or crashes here costs one
poster. Needs PyAV, and nothing of camspool.
"""

import contextlib
import os
import resource
import sys
from fractions import Fraction
from typing import BinaryIO

WIDTH = 320
QUALITY = 5  # of 2 (best) to 31
LONGEST_S = 20  # of computing
MOST_MEMORY = 1 << 30
MOST_PIXELS = 64 << 20


def picture(file: BinaryIO) -> bytes:
    """A picture out of the middle of a video, as JPEG.

    Raises:
        av.error.FFmpegError, StopIteration: it has none that can be decoded.
    """
    import av  # noqa: PLC0415 - an extra

    with av.open(file, "r", format="mp4") as container:
        video = container.streams.video[0]
        video.codec_context.thread_count = 1
        video.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
        container.seek((container.duration or 0) // 2)  # goes to the key picture before it
        frame = next(container.decode(video))
        shape = video.sample_aspect_ratio or 1
    height = max(2, round(WIDTH * frame.height / (frame.width * shape) / 2) * 2)
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, min(height, 2 * WIDTH), "yuvj420p"
    encoder.time_base = Fraction(1, 25)  # of a single picture, but it has to be something
    encoder.flags |= av.codec.context.Flags.qscale
    encoder.options = {"global_quality": str(QUALITY * 118)}  # FF_QP2LAMBDA of libavutil
    small = frame.reformat(encoder.width, encoder.height, encoder.pix_fmt)
    return b"".join(bytes(packet) for packet in (*encoder.encode(small), *encoder.encode(None)))


def main() -> None:
    """Give way to everything else, and stay within bounds."""
    with contextlib.suppress(PermissionError):  # the unit's sandbox lets no process change its priority
        os.nice(19)
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_S, LONGEST_S))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    sys.stdout.buffer.write(picture(sys.stdin.buffer))


if __name__ == "__main__":
    main()
