"""The simulator's MP4s: real video, of the right size and length, and the same bytes each time."""

import os
import time
from dataclasses import replace
from pathlib import Path

import av
import pytest

from camspool.simulator.clips import Clip, ClipStore, cache_folder, write_mp4

PAGE = Clip(62303, "ACCC8EE8A9CA", 1589190089, 1589190099, 64)


def _frames(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


@pytest.mark.parametrize(
    ("seconds", "height", "width"),
    [(1, 64, 114), (10, 144, 256), (90, 96, 170), (3600, 64, 114), (86400, 32, 56)],
)
def test_height_duration_and_codec_are_as_asked(
    tmp_path: Path, seconds: int, height: int, width: int
) -> None:
    path = tmp_path / "clip.mp4"
    write_mp4(replace(PAGE, end=PAGE.start + seconds, height=height), path)
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.width, video.height) == ("h264", width, height)
        assert video.duration is not None
        assert video.time_base is not None
        assert video.duration * video.time_base == seconds
        assert sum(1 for _ in container.decode(video)) == min(seconds, video.frames)


def test_each_picture_differs_since_the_clock_runs(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_mp4(PAGE, path)
    pictures = [bytes(frame.planes[0]) for frame in _frames(path)]
    assert len(set(pictures)) == PAGE.duration


def test_the_first_line_is_the_cameras_own(tmp_path: Path) -> None:
    clips = [
        PAGE,
        replace(PAGE, title="OTHER"),
        replace(PAGE, start=PAGE.start + 86400, end=PAGE.end + 86400),
    ]
    tops = []
    for clip in clips:
        write_mp4(clip, tmp_path / "clip.mp4")
        frame = _frames(tmp_path / "clip.mp4")[0]
        tops.append([row > 120 for row in bytes(frame.planes[0])[: frame.planes[0].line_size * 9]])
    assert tops[0] == tops[2]
    assert tops[0] != tops[1]


def test_the_index_comes_before_the_pictures(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_mp4(PAGE, path)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_padding_makes_a_large_file_that_is_still_a_video(tmp_path: Path) -> None:
    write_mp4(PAGE, tmp_path / "small.mp4")
    write_mp4(replace(PAGE, padding=5_000_000), tmp_path / "large.mp4")
    small, large = (tmp_path / "small.mp4").read_bytes(), (tmp_path / "large.mp4").read_bytes()
    assert len(large) == len(small) + 5_000_000
    assert large[len(small) + 4 : len(small) + 8] == b"free"
    assert len(set(large[-1000:])) > 100
    assert len(_frames(tmp_path / "large.mp4")) == PAGE.duration


def test_two_stores_on_one_folder_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = ClipStore(tmp_path / "a"), ClipStore(tmp_path / "b")
    again = ClipStore(tmp_path / "a")
    made = first.path(PAGE)
    assert second.path(PAGE).read_bytes() == made.read_bytes()
    before = made.stat().st_ino
    assert again.path(PAGE).stat().st_ino == before
    assert [path.name for path in (tmp_path / "a").iterdir()] == [PAGE.name]
    for store in (first, second, again):
        store.close()


def test_only_its_own_old_clips_are_dropped(tmp_path: Path) -> None:
    for name in (PAGE.name, f"{PAGE.name}x1_.part", "evening-1.mp4", replace(PAGE, height=96).name):
        (tmp_path / name).touch()
        if "-96-" not in name:
            os.utime(tmp_path / name, (0, time.time() - 8 * 86400))
    ClipStore(tmp_path).close()
    assert {path.name for path in tmp_path.iterdir()} == {"evening-1.mp4", replace(PAGE, height=96).name}


def test_clips_are_kept_below_the_cache_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "camspool" / "simulator"
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cache_folder().parent == tmp_path
