"""Small real MP4s for the tests of mp4 and of downloads: 96x64, two seconds, with motion."""

from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream

FRAMES = 50
DURATION_S = 2.0
WIDTH, HEIGHT = 96, 64

LAYOUTS = {
    "faststart": {"movflags": "faststart"},
    "moov_last": {},
    "fragmented": {"movflags": "frag_keyframe+empty_moov+default_base_moof"},
    "fragmented_old": {"movflags": "frag_keyframe"},
}


def write_clip(
    path: Path, layout: str, codec: str = "libx264", left_out: range = range(0), reordered: int = 0
) -> Path:
    """Encode a clip with key frames every half second.

    Args:
        path: where to.
        layout: a key of LAYOUTS.
        codec: as FFmpeg calls its encoder.
        left_out: times at which there is no picture, in fiftieths of DURATION_S: a hole.
        reordered: how many pictures are stored behind the one that they are made from.
    """
    with av.open(str(path), "w", format="mp4", options=LAYOUTS[layout]) as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = 12
        stream.codec_context.max_b_frames = reordered
        for number in range(FRAMES):
            for packet in stream.encode(_picture(number, _moment(number, left_out))):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def _moment(number: int, left_out: range) -> int:
    return number + (len(left_out) if left_out and number >= left_out.start else 0)


def _picture(number: int, moment: int) -> av.VideoFrame:
    picture = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    for index, plane in enumerate(picture.planes):
        view = memoryview(plane).cast("B")
        for at in range(len(view)):
            view[at] = (at * (3 + index) + at // plane.line_size * number * 5 + number * 7) % 200 + 20
    picture.pts, picture.time_base = moment, Fraction(1, 25)
    return picture
