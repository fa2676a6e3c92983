"""MP4s that are whole and odd: bytes behind the last box, holes in the time line, no usable times."""

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from camspool.adapters.mp4 import inspect_file
from camspool.adapters.mp4.tail import STRUCTURAL
from camspool.core.errors import BadVideo
from camspool.core.ports import VideoFacts
from support.mp4_boxes import UNIT, Fragment, box, movie
from support.mp4_files import DURATION_S, LAYOUTS, write_clip

PICTURE = 40
"""Milliseconds that a picture usually lasts."""
SECOND = [PICTURE] * 25

one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("clips")
    return {layout: write_clip(folder / f"{layout}.mp4", layout).read_bytes() for layout in LAYOUTS}


def inspected(folder: Path, content: bytes) -> VideoFacts:
    path = folder / "clip.mp4"
    path.write_bytes(content)
    return inspect_file(path)


def gaps(folder: Path, content: bytes) -> list[tuple[float, float]]:
    return [(round(gap.at_s, 3), round(gap.length_s, 3)) for gap in inspected(folder, content).gaps]


NOISE = random.Random(5).randbytes(5000)  # noqa: S311  the same on every run
TAILS: dict[str, bytes] = {
    "a zero": bytes(1),
    "seven zeros": bytes(7),
    "512 zeros": bytes(512),
    "more zeros than a block": bytes(3 << 20),
    "a line's end": b"\r\n",
    "noise": NOISE,
    "a message": b"<br />\n<b>Warning</b>: readfile(): unable to close",
    "half of a free box": box(b"free", bytes(100))[:50],
    "half of an unknown box": box(b"vend", bytes(100))[:50],
    "an impossible size": (3).to_bytes(4, "big") + b"free",
    "two thirds of a header": b"\0\0\0\x10fr",
}


@pytest.mark.parametrize("name", TAILS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_bytes_behind_the_last_box_are_counted(
    clips: dict[str, bytes], tmp_path: Path, layout: str, name: str
) -> None:
    facts = inspected(tmp_path, clips[layout] + TAILS[name])
    assert facts.trailing_bytes == len(TAILS[name])
    assert facts.duration_s == pytest.approx(DURATION_S)


@pytest.mark.parametrize("end", [box(b"free", bytes(9)), box(b"vend", NOISE), bytes(4) + b"free" + NOISE])
def test_a_whole_box_at_the_end_is_nothing_odd(clips: dict[str, bytes], tmp_path: Path, end: bytes) -> None:
    assert inspected(tmp_path, clips["faststart"] + end).trailing_bytes == 0


def joined(content: bytes, first: float, second: float) -> bytes:
    """The beginning of a file up to one place, and its end from another: what a bad resume leaves."""
    media = content.index(b"mdat") + 4
    at = [media + int(share * (len(content) - media)) for share in (first, second)]
    return content[: at[0]] + content[at[1] :]


def with_index(tail: bytes) -> Callable[[bytes], bytes]:
    """With `tail` in the place of the index at the end of a fragmented file."""
    return lambda content: content[: content.rindex(b"mfra") - 4] + tail


STILL_DAMAGED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "a byte twice": ("faststart", lambda c: c[: len(c) // 2] + c[len(c) // 2 - 1 :]),
    "a hundred bytes twice": ("faststart", lambda c: joined(c, 0.5, 0.4)),
    "half of it twice": ("faststart", lambda c: joined(c, 0.9, 0.4)),
    "a hundred bytes twice, then zeros": ("faststart", lambda c: joined(c, 0.5, 0.4) + bytes(512)),
    "started over": ("faststart", lambda c: c[: len(c) // 2] + c),
    "bytes twice in a fragment": ("fragmented", lambda c: joined(c, 0.5, 0.4)),
    "cut in the header of a fragment": ("fragmented", with_index((900).to_bytes(4, "big") + b"mo")),
    "cut before the kind of a fragment": ("fragmented", with_index(bytes(2))),
    "cut in a fragment's tables": ("fragmented", with_index((900).to_bytes(4, "big") + b"moof" + bytes(80))),
    "cut in its media": ("fragmented", with_index((900).to_bytes(4, "big") + b"mdat" + bytes(80))),
    "cut, then zeros": ("faststart", lambda c: c[: c.index(b"mdat") - 4] + bytes(5000)),
    "a picture lost, then noise": ("moov_last", lambda c: joined(c, 0.5, 0.6) + NOISE),
    "half of a second table of contents": ("faststart", lambda c: c + c[c.index(b"moov") - 4 :][:200]),
}


@pytest.mark.parametrize("name", STILL_DAMAGED)
def test_damage_is_no_left_over(clips: dict[str, bytes], tmp_path: Path, name: str) -> None:
    layout, damage = STILL_DAMAGED[name]
    content = damage(clips[layout])
    assert content != clips[layout]
    with pytest.raises(BadVideo):
        inspected(tmp_path, content)


@one_folder
@given(at=st.integers(1, 19_999), twice=st.integers(1, 3000))
def test_bytes_that_came_twice_are_found_wherever_it_was(tmp_path: Path, at: int, twice: int) -> None:
    content = movie([PICTURE] * 1000, moov_first=True)
    media = content.index(b"mdat") + 4
    twice = min(twice, at)
    damaged = content[: media + at] + content[media + at - twice :]
    last_picture = media + 999 * len(UNIT)
    if twice % len(UNIT) and media + at < last_picture:
        with pytest.raises(BadVideo):
            inspected(tmp_path, damaged)


@one_folder
@given(tail=st.binary(max_size=40) | st.integers(1, 40).map(bytes))
@example(b"\0\0\0\x10mdat")
@example(b"\0\0")
@example(b"\0\0\0\0s")  # perhaps a styp: the next fragment was cut
def test_a_whole_file_stays_one_whatever_follows(tmp_path: Path, tail: bytes) -> None:
    content = movie(SECOND) + tail
    begun = any(kind.startswith(tail[4:8]) for kind in STRUCTURAL) and len(tail) > 4
    if begun or any(letters in tail for letters in (b"mdat", b"moov", b"moof", b"ftyp")):
        return
    assert inspected(tmp_path, content).duration_s == pytest.approx(1)


def test_a_file_without_ftyp_is_whole_when_its_pictures_are_where_they_should_be(tmp_path: Path) -> None:
    content = movie(SECOND, moov_first=False)
    renamed = content.replace(b"ftyp", b"wide", 1)
    assert inspected(tmp_path, renamed).duration_s == pytest.approx(1)


# Holes in the time line

GAPS: dict[str, tuple[bytes, list[tuple[float, float]], float]] = {
    "none": (movie(SECOND * 10), [], 10),
    "a picture dropped": (movie([*SECOND, 2 * PICTURE, *SECOND]), [], 2.08),
    "a second dropped": (movie([*SECOND, 1040, *SECOND]), [], 3.04),
    "two seconds": (movie([*SECOND, PICTURE + 2000, *SECOND]), [(1.04, 2)], 4.04),
    "two seconds at one picture a second": (movie([1000] * 5 + [3000] + [1000] * 5), [(6, 2)], 13),
    "two of them": (
        movie([*SECOND, PICTURE + 2000, *SECOND, PICTURE + 5000, *SECOND]),
        [(1.04, 2), (4.08, 5)],
        10.08,
    ),
    "a lone picture between two": (movie([*SECOND, 3040, 4040, *SECOND]), [(1.04, 3), (4.08, 4)], 9.08),
    "at the end": (movie([*SECOND, PICTURE + 30_000]), [(1.04, 30)], 31.04),
    "fewer pictures for a while": (movie(SECOND + [2000] * 20 + SECOND), [], 42),
    "a picture every minute": (movie([60_000] * 30), [], 1800),
    "one picture": (movie([600_000]), [], 600),
    "only shown later": (movie([PICTURE] * 50, offsets=[0] * 25 + [3000] * 25), [(1, 3)], 5),
    "with pictures out of order": (
        movie([PICTURE] * 3 + [3000 + PICTURE] + [PICTURE] * 21, offsets=[40, 120, -40, -40, 40] * 5),
        [(0.16, 3)],
        4,
    ),
    "a pause at the beginning": (
        movie(SECOND * 5, edits=[(3000, -1), (5000, 0)]),
        [(0, 3)],
        8,
    ),
    "a pause that only aligns the sound": (movie(SECOND * 5, edits=[(80, -1), (5000, 0)]), [], 5),
    "a pause in the middle": (
        movie(SECOND * 5, edits=[(2000, 0), (7000, -1), (3000, 2000)]),
        [(2, 7)],
        12,
    ),
    "an edit list around a hole": (
        movie([*SECOND, PICTURE + 2000, *SECOND], edits=[(500, -1), (4040, 0)]),
        [(1.04, 2)],
        4.04,
    ),
    "an edit list that hides the hole": (
        movie([*SECOND, PICTURE + 2000, *SECOND], edits=[(1000, 0), (1000, 3040)]),
        [],
        2,
    ),
    "a fragment lost": (
        movie([], fragments=[Fragment(SECOND, 0), Fragment(SECOND, 1000), Fragment(SECOND, 5000)]),
        [(2, 3)],
        6,
    ),
    "a fragment lost behind what moov has": (
        movie(SECOND, fragments=[Fragment(SECOND, 4000)]),
        [(1, 3)],
        5,
    ),
    "fragments that begin anywhere": (
        movie([], fragments=[Fragment(SECOND, 10**9), Fragment(SECOND, 10**9 + 1000)]),
        [],
        2,
    ),
    "fragments without a clock": (movie([], fragments=[Fragment(SECOND), Fragment(SECOND)]), [], 2),
    "a hole in a fragment": (
        movie([], fragments=[Fragment([*SECOND, PICTURE + 2000, *SECOND], 0)]),
        [(1.04, 2)],
        4.04,
    ),
    "fragments after a pause": (
        movie([], fragments=[Fragment(SECOND, 0), Fragment(SECOND, 1000)], edits=[(4000, -1), (0, 0)]),
        [(0, 4)],
        6,
    ),
    "an edit list that shows the same twice": (
        movie([*SECOND, PICTURE + 2000, *SECOND], edits=[(4040, 0), (4040, 0)]),
        [(1.04, 2)],
        4.04,
    ),
    "fragments whose clocks run back": (
        movie([], fragments=[Fragment(SECOND, 5000), Fragment(SECOND, 0), Fragment(SECOND, 0)]),
        [],
        3,
    ),
}


@pytest.mark.parametrize("name", GAPS)
def test_holes_in_the_time_line_are_found(tmp_path: Path, name: str) -> None:
    content, expected, duration_s = GAPS[name]
    assert gaps(tmp_path, content) == expected
    assert inspected(tmp_path, content).duration_s == pytest.approx(duration_s)


@one_folder
@given(
    st.lists(st.tuples(st.integers(12, 60), st.integers(1100, 90_000)), min_size=1, max_size=6),
    st.sampled_from(["stts", "fragments"]),
)
def test_every_hole_is_found_where_it_is(
    tmp_path: Path, stretches: Sequence[tuple[int, int]], kind: str
) -> None:
    """Stretches of regular pictures, each but the last followed by a hole."""
    expected, at = [], 0
    durations: list[int] = []
    fragments: list[Fragment] = []
    for number, (pictures, hole) in enumerate(stretches):
        last = number == len(stretches) - 1
        fragments.append(Fragment([PICTURE] * pictures, at))
        durations += [PICTURE] * (pictures - 1) + [PICTURE + (0 if last else hole)]
        at += pictures * PICTURE
        if not last:
            expected.append((at / 1000, hole / 1000))
            at += hole
    content = movie(durations) if kind == "stts" else movie([], fragments=fragments)
    assert gaps(tmp_path, content) == expected
    assert inspected(tmp_path, content).duration_s == pytest.approx(at / 1000)


@one_folder
@given(st.lists(st.integers(0, 1000), min_size=1, max_size=200), st.integers(1, 90_000))
def test_gaps_never_exceed_the_duration(tmp_path: Path, durations: list[int], scale: int) -> None:
    facts = inspected(tmp_path, movie(durations, scale=scale))
    total = sum(gap.length_s for gap in facts.gaps)
    assert 0 <= total <= facts.duration_s == pytest.approx(sum(durations) / scale)
    ends = [gap.at_s + gap.length_s for gap in facts.gaps]
    assert all(end <= gap.at_s + 1e-9 for end, gap in zip(ends, facts.gaps[1:], strict=False))


# No usable times


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(movie([0] * 50), id="no durations"),
        pytest.param(movie(SECOND, scale=0), id="no time scale"),
        pytest.param(movie([0xFFFFFFFF] * 50), id="years"),
        pytest.param(movie(SECOND, scale=1000, edits=[(0xFFFFFFFF, -1), (1000, 0)]), id="a pause of weeks"),
        pytest.param(movie([], fragments=[Fragment([0] * 9, 0)]), id="fragments without durations"),
        pytest.param(
            movie([], fragments=[Fragment(SECOND, 0), Fragment(SECOND, 1 << 60)]), id="a clock that leaps"
        ),
    ],
)
def test_a_file_without_usable_times_is_whole(tmp_path: Path, content: bytes) -> None:
    facts = inspected(tmp_path, content)
    assert (facts.duration_s, facts.gaps) == (0, ())
    assert (facts.width, facts.height) == (96, 64)


def test_a_file_without_pictures_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(BadVideo, match="no pictures"):
        inspected(tmp_path, movie([]) + box(b"mdat", UNIT))


def test_a_size_that_only_the_screen_knows_is_taken(tmp_path: Path) -> None:
    content = movie(SECOND)
    at = content.index(b"avc1") + 4 + 24
    facts = inspected(tmp_path, content[:at] + bytes(4) + content[at + 4 :])
    assert (facts.width, facts.height) == (96, 64)


# Tables that say anything


def tables(content: bytes) -> list[int]:
    """Every place in `content` that is not a coded picture's."""
    media = [at for at in range(len(content)) if content.startswith(UNIT, at)]
    inside = {at + step for at in media for step in range(len(UNIT))}
    return [at for at in range(len(content)) if at not in inside]


FUZZED = [
    movie(SECOND, offsets=[80, 0, 40] * 8 + [0], edits=[(3000, -1), (1000, 80)]),
    movie([40] * 10, offsets=[0] * 5 + [5000] * 5, edits=[(2000, 0), (2000, -1), (0, 2000)]),
    movie([*SECOND, 9000, *SECOND], moov_first=False) + bytes(64),
    movie(
        [],
        fragments=[Fragment(SECOND, 0), Fragment(SECOND, 9000), Fragment(SECOND)],
        edits=[(3000, -1), (0, 0)],
    ),
    movie(SECOND, fragments=[Fragment(SECOND, 9000)]),
]


@settings(one_folder, max_examples=400)
@given(st.data())
def test_tables_that_say_anything_give_facts_or_bad_video(tmp_path: Path, data: st.DataObject) -> None:
    damaged = bytearray(data.draw(st.sampled_from(FUZZED)))
    places = tables(bytes(damaged))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.sampled_from(places))
        new = data.draw(
            st.binary(min_size=1, max_size=8) | st.sampled_from([b"\xff" * 8, b"\0" * 4, b"\x7f"])
        )
        damaged[at : at + len(new)] = new[: len(damaged) - at]
    try:
        facts = inspected(tmp_path, bytes(damaged))
    except BadVideo:
        return
    total = sum(gap.length_s for gap in facts.gaps)
    assert 0 <= total <= facts.duration_s + 1e-6 < 31 * 86400 + 1
    assert all(0 <= gap.at_s <= facts.duration_s for gap in facts.gaps)


@pytest.mark.parametrize("moment", [(1 << 63) - 1, (1 << 64) - 1])
def test_clocks_at_the_end_of_time(tmp_path: Path, moment: int) -> None:
    content = movie([], fragments=[Fragment(SECOND, 0), Fragment(SECOND, moment)])
    assert inspected(tmp_path, content).duration_s == 0


# Real pictures, every one decoded


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("reordered", [0, 2])
def test_holes_in_real_footage_are_found_and_all_of_it_is_decoded(
    tmp_path: Path, codec: str, reordered: int
) -> None:
    path = write_clip(tmp_path / "clip.mp4", "moov_last", codec, left_out=range(20, 95), reordered=reordered)
    path.write_bytes(path.read_bytes() + NOISE)
    facts = inspect_file(path, "decode")
    (gap,) = facts.gaps
    assert gap.at_s == pytest.approx(0.8, abs=0.13)
    assert gap.length_s == pytest.approx(3, abs=0.01)
    assert facts.trailing_bytes == len(NOISE)


# Cost

EXPENSIVE: dict[str, Callable[[], bytes]] = {
    "a day of pictures, each of another length": lambda: movie(
        [40 + number % 3 for number in range(500_000)]
    ),
    "a million holes": lambda: movie([40, 5000] * 250_000),
    "rising durations": lambda: movie([1001 + number for number in range(60_000)]),
    "pictures out of order": lambda: movie([40] * 300_000, offsets=[0, 5000, 80] * 100_000),
    "ten thousand edits of holes": lambda: movie([40, 40, 40, 9000] * 250, edits=[(50_000, 0)] * 10_000),
    "a sea of zeros": lambda: movie(SECOND) + bytes(200 << 20),
}


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("name", EXPENSIVE)
def test_what_is_odd_costs_no_more_than_a_look(tmp_path: Path, name: str) -> None:
    content = EXPENSIVE[name]()
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    begun = time.process_time()
    facts = inspect_file(path)
    assert time.process_time() - begun < 8
    assert len(facts.gaps) <= 250
