"""Whole and damaged MP4s: what is found, at which depth, and in which words."""

import asyncio
import hashlib
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from pathlib import Path
from threading import Event

import pytest

from camspool.adapters.mp4 import Mp4Videos, Verify, inspect_file
from camspool.adapters.mp4.decode import decode
from camspool.core.errors import BadVideo, ConfigurationError, StorageTrouble
from camspool.core.values import WaitReason
from support.mp4_files import DURATION_S, HEIGHT, LAYOUTS, WIDTH, write_clip

NOISE = hashlib.sha512(b"noise").digest()
EVERY: tuple[Verify, ...] = ("size", "structure", "decode")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("clips")
    return {layout: write_clip(folder / f"{layout}.mp4", layout).read_bytes() for layout in LAYOUTS}


def saved(folder: Path, content: bytes) -> Path:
    path = folder / "clip.mp4"
    path.write_bytes(content)
    return path


def box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def with_bytes(content: bytes, at: int, new: bytes) -> bytes:
    return content[:at] + new + content[at + len(new) :]


def mdat_at(content: bytes) -> int:
    return content.index(b"mdat") + 4


@pytest.mark.parametrize("verify", EVERY)
@pytest.mark.parametrize("layout", LAYOUTS)
async def test_a_whole_file_passes(
    clips: dict[str, bytes], tmp_path: Path, layout: str, verify: Verify
) -> None:
    facts = await Mp4Videos(lambda: verify).inspect(saved(tmp_path, clips[layout]))
    assert facts.duration_s == pytest.approx(DURATION_S)
    assert (facts.width, facts.height, facts.codec) == (WIDTH, HEIGHT, "h264")


@pytest.mark.parametrize(("codec", "family"), [("mpeg4", "mpeg4"), ("libvpx-vp9", "vp9")])
def test_the_codec_has_its_family_name(tmp_path: Path, codec: str, family: str) -> None:
    path = write_clip(tmp_path / "clip.mp4", "faststart", codec)
    assert inspect_file(path, "decode").codec == family


@pytest.mark.parametrize(
    ("entry", "family"),
    [(b"avc3", "h264"), (b"hvc1", "hevc"), (b"hev1", "hevc"), (b"av01", "av1"), (b"MJPG", "mjpg")],
)
def test_the_codec_is_read_from_the_sample_entry(
    clips: dict[str, bytes], tmp_path: Path, entry: bytes, family: str
) -> None:
    path = saved(tmp_path, clips["faststart"].replace(b"avc1", entry))
    assert inspect_file(path, "size").codec == family


def test_an_edit_list_shortens_the_video(clips: dict[str, bytes], tmp_path: Path) -> None:
    content = clips["faststart"]
    path = saved(tmp_path, with_bytes(content, content.index(b"elst") + 12, (1500).to_bytes(4, "big")))
    assert inspect_file(path).duration_s == pytest.approx(1.5)


def test_a_fragmented_clip_may_begin_at_any_time(clips: dict[str, bytes], tmp_path: Path) -> None:
    content, at = clips["fragmented"], -1
    while (at := content.find(b"tfdt", at + 1)) >= 0:
        moment = int.from_bytes(content[at + 8 : at + 16], "big") + 1_000_000_000
        content = with_bytes(content, at + 8, moment.to_bytes(8, "big"))
    assert inspect_file(saved(tmp_path, content)).duration_s == pytest.approx(DURATION_S)


def test_the_size_is_the_coded_one_and_not_that_on_the_screen(
    clips: dict[str, bytes], tmp_path: Path
) -> None:
    content = clips["faststart"]
    end_of_tkhd = content.index(b"tkhd") - 4 + 92
    turned = with_bytes(
        content, end_of_tkhd - 8, (64 << 16).to_bytes(4, "big") + (96 << 16).to_bytes(4, "big")
    )
    facts = inspect_file(saved(tmp_path, turned))
    assert (facts.width, facts.height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(lambda clip: clip + box(b"free", bytes(100)), id="free box"),
        pytest.param(lambda clip: clip + box(b"uuid", bytes(16), b"vendor's own"), id="uuid box"),
        pytest.param(
            lambda clip: clip + (1).to_bytes(4, "big") + b"free" + (20).to_bytes(8, "big") + b"1234",
            id="64-bit size",
        ),
        pytest.param(
            lambda clip: with_bytes(clip, mdat_at(clip) - 8, bytes(4)), id="mdat to the end of file"
        ),
    ],
)
def test_unusual_but_right_boxes_pass(
    clips: dict[str, bytes], tmp_path: Path, shape: Callable[[bytes], bytes]
) -> None:
    assert inspect_file(saved(tmp_path, shape(clips["faststart"])), "decode").height == HEIGHT


def moofs(content: bytes) -> list[int]:
    return [at - 4 for at in range(len(content)) if content.startswith(b"moof", at)]


def with_promise(content: bytes, milliseconds: int) -> bytes:
    """With an `mehd` in `mvex`, which tells how long all fragments together are."""
    promise = box(b"mehd", bytes(4), milliseconds.to_bytes(4, "big"))
    for kind in (b"moov", b"mvex"):
        at = content.index(kind) - 4
        size = int.from_bytes(content[at : at + 4], "big") + len(promise)
        content = with_bytes(content, at, size.to_bytes(4, "big"))
    inside = content.index(b"mvex") + 4
    return content[:inside] + promise + content[inside:]


DAMAGE: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "cut by a byte": ("faststart", lambda c: c[:-1], r"the file ends 1 bytes before its box `mdat` does"),
    "cut in half": ("faststart", lambda c: c[: len(c) // 2], r"ends [\d,]+ bytes before its box `mdat`"),
    "cut inside moov": ("faststart", lambda c: c[: c.index(b"moov") + 300], "before its box `moov` does"),
    "cut in a header": ("faststart", lambda c: c[: c.index(b"moov") + 2], "6 stray bytes"),
    "moov lost": ("moov_last", lambda c: c[: c.index(b"moov") - 4], "no table of contents"),
    "moov last, cut by a byte": ("moov_last", lambda c: c[:-1], "before its box `moov` does"),
    "moov zeroed": (
        "moov_last",
        lambda c: with_bytes(c, c.index(b"moov") - 4, bytes(len(c) - c.index(b"moov") + 4)),
        "has no box at byte",
    ),
    "media lost": ("faststart", lambda c: c[: mdat_at(c) - 8], "only tables"),
    "cut inside a fragment": ("fragmented", lambda c: c[: c.rindex(b"mdat") + 50], "before its box `mdat`"),
    "cut behind a moof": ("fragmented", lambda c: c[: c.rindex(b"mdat") - 4], "where no media is"),
    "beginning lost": ("faststart", lambda c: c[c.index(b"moov") - 4 :], "its beginning is missing"),
    "resumed a byte early": (
        "faststart",
        lambda c: c[: len(c) // 2] + c[len(c) // 2 - 1 :],
        "stray bytes",
    ),
    "started over behind itself": ("moov_last", lambda c: c[: len(c) // 2] + c, "the file"),
    "hole": ("faststart", lambda c: c[:30_000] + c[40_000:], "ends 10,000 bytes before its box `mdat`"),
    "twice": ("faststart", lambda c: c + c, "two `ftyp`"),
    "chunk moved": (
        "faststart",
        lambda c: with_bytes(c, c.index(b"stco") + 12, b"\x7f"),
        "where no media is",
    ),
    "sample size damaged": (
        "faststart",
        lambda c: with_bytes(c, c.index(b"stsz") + 16, b"\x7f"),
        "where no media is",
    ),
    "sample count damaged": (
        "faststart",
        lambda c: with_bytes(c, c.index(b"stsz") + 12, b"\xff"),
        "`stsz` has [0-9,]+ bytes and speaks of",
    ),
    "stsc contradicts": (
        "faststart",
        lambda c: with_bytes(c, c.index(b"stsc") + 12, bytes([0, 0, 0, 9])),
        "contradict each other",
    ),
    "fewer samples in chunks": (
        "faststart",
        lambda c: with_bytes(c, c.index(b"stsc") + 16, bytes([0, 0, 0, 1])),
        "50 samples and places for",
    ),
    "times for other samples": (
        "faststart",
        lambda c: with_bytes(c, c.index(b"stts") + 12, bytes([0, 0, 0, 9])),
        "50 samples and times for 9",
    ),
    "cut between fragments that promise their length": (
        "fragmented",
        lambda c: with_promise(c[: moofs(c)[1]], 2000),
        "promises 2.0 s and has fragments of",
    ),
    "no video": ("faststart", lambda c: c.replace(b"vide", b"soun"), "no video track"),
    "html": (
        "faststart",
        lambda c: b"<!DOCTYPE html><html>502" + c,
        "no MP4 but text",
    ),
    "json": ("faststart", lambda _: b'{"error": "expired"}', "no MP4 but text"),
    "empty": ("faststart", lambda _: b"", "the file is empty"),
    "zeros": ("faststart", lambda c: bytes(len(c)), "no box at byte 0"),
    "three bytes": ("faststart", lambda c: c[:3], "3 stray bytes"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_structure_finds_damage(clips: dict[str, bytes], tmp_path: Path, name: str) -> None:
    layout, damage, words = DAMAGE[name]
    with pytest.raises(BadVideo, match=words):
        inspect_file(saved(tmp_path, damage(clips[layout])), "structure")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_cut_anywhere_is_found_but_between_fragments(
    clips: dict[str, bytes], tmp_path: Path, layout: str
) -> None:
    content = clips[layout]
    path = saved(tmp_path, content)
    passed = []
    for length in sorted(
        {*range(0, len(content), 997), *range(len(content) - 40, len(content))}, reverse=True
    ):
        with path.open("r+b") as file:
            file.truncate(length)
        try:
            inspect_file(path)
        except BadVideo:
            continue
        passed.append(length)
    edges = {at - 4 for at in range(len(content)) if content.startswith((b"moof", b"mfra"), at)}
    assert set(passed) <= edges


def test_size_only_needs_a_table_of_contents(clips: dict[str, bytes], tmp_path: Path) -> None:
    assert inspect_file(saved(tmp_path, clips["faststart"][:-1]), "size").duration_s == DURATION_S
    with pytest.raises(BadVideo, match="no table of contents"):
        inspect_file(saved(tmp_path, clips["moov_last"][:-1]), "size")


def changed(content: bytes, places: Iterable[int]) -> bytes:
    """Every bit of 64 bytes turned over at each place."""
    for at in places:
        content = with_bytes(content, at, bytes(byte ^ 0xFF for byte in content[at : at + 64]))
    return content


IN_THE_PICTURES: dict[str, Callable[[bytes], bytes]] = {
    "changed bytes": lambda c: changed(c, range(mdat_at(c) + 5_000, len(c) - 5_000, 1_000)),
    "zeroed page": lambda c: with_bytes(c, mdat_at(c) + 8_192, bytes(4096)),
    "zeroed tail": lambda c: with_bytes(c, len(c) - 8_000, bytes(8_000)),
    "zeroed media": lambda c: with_bytes(c, mdat_at(c), bytes(len(c) - mdat_at(c))),
}


@pytest.mark.parametrize("name", IN_THE_PICTURES)
def test_decode_finds_damage_inside_of_pictures(clips: dict[str, bytes], tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, IN_THE_PICTURES[name](clips["faststart"]))
    inspect_file(path, "structure")
    with pytest.raises(BadVideo, match="picture"):
        inspect_file(path, "decode")


def test_any_flipped_byte_of_the_tables_gives_facts_or_bad_video(
    clips: dict[str, bytes], tmp_path: Path
) -> None:
    content, dice = clips["faststart"], random.Random(7)  # noqa: S311  the same on every run
    for _ in range(1500):
        damaged = bytearray(content)
        for _ in range(dice.randint(1, 4)):
            damaged[dice.randrange(mdat_at(content))] = dice.randrange(256)
        try:
            facts = inspect_file(saved(tmp_path, bytes(damaged)))
        except BadVideo:
            continue
        assert facts.duration_s >= 0


def hostile_fragment(entries: int) -> bytes:
    return box(
        b"moof",
        box(
            b"traf",
            box(b"tfhd", bytes(3), b"\0", bytes(3), b"\1"),
            box(b"trun", bytes(4), entries.to_bytes(4, "big")),
        ),
    )


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "very many boxes": lambda c: c + box(b"free") * 1_000_000,
    "very many parts": lambda c: c[: c.index(b"moov") - 4] + box(b"moov", box(b"free") * 2_000_000),
    "huge counts": lambda c: with_bytes(c, c.index(b"stco") + 8, b"\xff" * 4),
    "nested deeply": lambda c: c[: c.index(b"moov") - 4] + nested(100_000),
    "huge run": lambda c: c[: c.rindex(b"moof") - 4] + hostile_fragment(0xFFFFFFFF),
}


def nested(depth: int) -> bytes:
    length = depth * 8
    return b"".join((length - 8 * level).to_bytes(4, "big") + b"moov" for level in range(depth))


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_cost_neither_time_nor_memory(
    clips: dict[str, bytes], tmp_path: Path, name: str
) -> None:
    path = saved(tmp_path, HOSTILE[name](clips["fragmented"]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.process_time()
    with pytest.raises(BadVideo):
        inspect_file(path)
    assert time.process_time() - begun < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB


def test_a_giant_moov_is_not_read(clips: dict[str, bytes], tmp_path: Path) -> None:
    path = saved(tmp_path, clips["faststart"][: clips["faststart"].index(b"moov") - 4])
    with path.open("r+b") as file:
        start = file.seek(0, 2)
        file.write((1).to_bytes(4, "big") + b"moov" + (1 << 40).to_bytes(8, "big"))
        file.truncate(start + (1 << 40))
    with pytest.raises(BadVideo, match="`moov` has 1,099,511,627,760 bytes, more than"):
        inspect_file(path)


@pytest.mark.parametrize("verify", EVERY)
async def test_a_file_that_cannot_be_read_is_a_matter_of_storage(tmp_path: Path, verify: Verify) -> None:
    for path in (tmp_path / "missing.mp4", tmp_path):
        with pytest.raises(StorageTrouble, match=str(path)) as raised:
            await Mp4Videos(lambda: verify).inspect(path)
        assert raised.value.reason == WaitReason.FOLDER_UNAVAILABLE


def test_decode_without_pyav_is_refused_early_with_the_remedy() -> None:
    program = (
        "import sys; sys.modules['av'] = None\n"
        "from camspool.adapters.mp4 import check_available\n"
        "check_available('structure')\n"
        "check_available('decode')\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ConfigurationError.__name__ in ended.stderr
    assert "pip install camspool[decode]" in ended.stderr


def test_pyav_is_not_imported_before_it_is_needed() -> None:
    program = "import sys, camspool.adapters.mp4; sys.exit('av' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_decoding_misses_a_picture(clips: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(BadVideo, match="50 pictures could be decoded and 51 were expected"):
        decode(saved(tmp_path, clips["faststart"]), 51, Event())


def test_a_promise_that_is_kept_passes(clips: dict[str, bytes], tmp_path: Path) -> None:
    assert inspect_file(saved(tmp_path, with_promise(clips["fragmented"], 2000))).duration_s == DURATION_S


def test_decoding_stops_on_request(clips: dict[str, bytes], tmp_path: Path) -> None:
    stop = Event()
    stop.set()
    with pytest.raises(CancelledError):
        inspect_file(saved(tmp_path, clips["faststart"]), "decode", stop)


async def test_cancelling_reaches_the_decoder(clips: dict[str, bytes], tmp_path: Path) -> None:
    task = asyncio.create_task(Mp4Videos(lambda: "decode").inspect(saved(tmp_path, clips["faststart"])))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
