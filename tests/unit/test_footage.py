"""What an MP4 turned out to be, and the remarks on what is odd about it."""

from dataclasses import replace

import pytest

from camspool.core.footage import described, is_too_low, remarks
from camspool.core.ports import VideoFacts
from camspool.core.status_document import Gap
from camspool.core.values import State
from support.builders import a_clip, a_file, a_recording

GAPS = (Gap(at_s=10.0004, length_s=2.0001), Gap(at_s=40, length_s=7.5))


def facts(
    duration_s: float = 598, height: int = 720, gaps: tuple[Gap, ...] = (), trailing_bytes: int = 0
) -> VideoFacts:
    return VideoFacts(duration_s, 1280, height, "h264", gaps, trailing_bytes)


ODD: dict[str, tuple[VideoFacts, list[tuple[str, str]]]] = {
    "as listed": (facts(), []),
    "a little shorter": (facts(586.1), []),
    "shorter": (facts(586.04), [("other_duration", "The MP4 is 586.04 s long; 598 s were listed.")]),
    "longer": (facts(610), [("other_duration", "The MP4 is 610 s long; 598 s were listed.")]),
    "encoders round": (facts(height=736), []),
    "higher": (facts(height=737), [("other_height", "The pictures are 737 lines high; 720 were chosen.")]),
    "encoders round down": (facts(height=704), []),
    "lower": (facts(height=703), [("other_height", "The pictures are 703 lines high; 720 were chosen.")]),
    "gaps": (
        facts(gaps=GAPS),
        [
            (
                "gaps",
                "9.5 s are missing inside of the MP4 (gaps: 2; the longest, 7.5 s, begins 40 s into it).",
            )
        ],
    ),
    "bytes behind it": (
        facts(trailing_bytes=1234),
        [("trailing_bytes", "1,234 bytes follow the end of the video; players do not read them.")],
    ),
    "no times": (facts(0), [("no_times", "The MP4 has no usable times: its length is unknown.")]),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_is_said(name: str) -> None:
    found, expected = ODD[name]
    assert [(remark.code, remark.message) for remark in remarks(a_recording(), found)] == expected


def test_all_of_it_is_said() -> None:
    codes = [remark.code for remark in remarks(a_recording(), facts(60, 480, GAPS, 3))]
    assert codes == ["other_duration", "other_height", "gaps", "trailing_bytes"]


@pytest.mark.parametrize(
    ("listed", "found", "odd"), [(4, 2.1, False), (4, 2, True), (30, 24, True), (1, 1.4, False)]
)
def test_half_of_a_short_clip_does_not_pass_for_all_of_it(listed: float, found: float, *, odd: bool) -> None:
    assert bool(remarks(a_recording(duration_s=listed), facts(found))) == odd


def test_without_a_recording_there_is_nothing_to_compare_with() -> None:
    assert remarks(None, facts(1, 1)) == ()


def test_the_file_is_described_to_the_millisecond() -> None:
    file = described("evening.mp4", 5, "5" * 64, facts(598.12345, gaps=GAPS))
    assert (file.duration_s, file.height, file.bytes) == (598.123, 720, 5)
    assert file.gaps == (Gap(at_s=10.0, length_s=2.0), Gap(at_s=40, length_s=7.5))
    assert file.footage_s == pytest.approx(588.623)


@pytest.mark.parametrize(("height", "too_low"), [(720, False), (704, False), (703, True), (1080, False)])
def test_pictures_clearly_smaller_than_chosen_are_too_low(height: int, *, too_low: bool) -> None:
    assert is_too_low(a_clip(State.DONE, file=replace(a_file(), height=height))) == too_low


def test_a_clip_without_a_file_is_not_too_low() -> None:
    assert not is_too_low(a_clip(State.PREPARING))
