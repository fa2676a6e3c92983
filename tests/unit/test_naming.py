"""Names: what is ignored or refused, and that no two things of ours ever get the same one."""

import hashlib
import os
from collections.abc import Callable
from unicodedata import normalize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from camspool.core import naming
from camspool.core.values import ErrorCode

BAD_BYTES = os.fsdecode(b"caf\xe9.json")


def eight(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:8]


@pytest.mark.parametrize(
    "file",
    [
        ".hidden.json",
        ".git/x.json",
        "a/.x/b.json",
        "b.json~",
        "b.tmp",
        "a/b.part",
        "b.partial",
        "b.FilePart",
        "b.crdownload",
        ".b.json.swp",
        "b.swp",
        "@eaDir/b.json",
        "a/@EADIR/b.json",
        "#recycle/b.json",
        "$RECYCLE.BIN/b.json",
        "System Volume Information/x",
        "Thumbs.db",
        "a/thumbs.DB",
        "desktop.ini",
        "evening.json.lftp",
        "b.!sync",
        "b.opdownload",
        "#snapshot/GMT+01-2026.03.01/evening.json",
        "~snapshot/b.json",
        "@Recently-Snapshot/b.json",
        "@Recycle/b.json",
        "a/@tmp/b.json",
        "lost+found/b.json",
        "Network Trash Folder/b.json",
        "Temporary Items/b.json",
    ],
)
def test_ignored(file: str) -> None:
    assert naming.ignored(file)


@pytest.mark.parametrize(
    "file", ["b.json", "a/b.yaml", "b.txt", "b~2.json", "recycle/b", "tmp.json", "a.part/b~.json"]
)
def test_not_ignored(file: str) -> None:
    assert naming.ignored(file) == (file == "a.part/b~.json")


@pytest.mark.parametrize(
    ("file", "name", "is_request"),
    [
        ("b.json", "b", True),
        ("a/b.JSON", "a/b", True),
        ("a.yaml/b.YmL", "a.yaml/b", True),
        ("v1.2.json", "v1.2", True),
        ("b.txt", "b.txt", False),
        ("b", "b", False),
        ("a.json/b", "a.json/b", False),
        ("b.", "b.", False),
    ],
)
def test_the_name_is_the_path_without_a_requests_suffix(file: str, name: str, *, is_request: bool) -> None:
    assert naming.name_of(file) == name
    assert naming.is_request(file) is is_request
    assert naming.status_path(naming.name_of(file)) == f"{name}.status.json"


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("a/b.json", None),
        ("a/_b.json", None),
        ("status.json", None),
        ("two\nlines.json", None),
        ("é" * 113 + ".json", None),
        ("b.txt", ErrorCode.UNSUPPORTED_TYPE),
        ("README", ErrorCode.UNSUPPORTED_TYPE),
        ("_service.json", ErrorCode.RESERVED_NAME),
        ("_x/b.json", ErrorCode.RESERVED_NAME),
        ("_x/b.txt", ErrorCode.RESERVED_NAME),
        ("a/b.status.json", ErrorCode.RESERVED_NAME),
        ("a/b.Status.YAML", ErrorCode.RESERVED_NAME),
        ("index.html/b.json", ErrorCode.RESERVED_NAME),
        ("Index.HTML/b.json", ErrorCode.RESERVED_NAME),
        ("a/index.html/b.json", None),
        ("index.json", None),
        ("x.mp4/b.json", ErrorCode.RESERVED_NAME),
        ("a/X.MP4/b.json", ErrorCode.RESERVED_NAME),
        ("x.status.json/b.json", ErrorCode.RESERVED_NAME),
        ("x.mp4.json", None),
        ("b.sync-conflict-20260301-180000-ABCDEFG.json", ErrorCode.BAD_NAME),
        ("a/b (Anna's conflicted copy 2026-03-01).yaml", ErrorCode.BAD_NAME),
        ("b (Conflicted copy from nas).json", ErrorCode.BAD_NAME),
        ("b_conflict-20260301-180000.json", ErrorCode.BAD_NAME),
        ("b.sync-conflict-1.mp4", ErrorCode.BAD_NAME),
        ("sync-conflict-free.json", None),
        (BAD_BYTES, ErrorCode.BAD_NAME),
        (BAD_BYTES + "/b.json", ErrorCode.BAD_NAME),
        ("é" * 114 + ".json", ErrorCode.BAD_NAME),
        ("x" * 228 + ".json", ErrorCode.BAD_NAME),
        ("x" * 228, ErrorCode.BAD_NAME),
        ("/".join(["x" * 200] * 11) + "/b.json", ErrorCode.BAD_NAME),
    ],
)
def test_refusal_by_name(file: str, code: ErrorCode | None) -> None:
    refusal = naming.refusal(file)
    assert (refusal and refusal.code) == code
    if refusal:
        refusal.message.encode()
        assert refusal.hint


CAFE = f"caf%E9.json~{eight(BAD_BYTES)}"


@pytest.mark.parametrize(
    ("file", "name", "kept"),
    [
        ("a/b.txt", "a/b.txt", "a/b.txt.rejected"),
        ("gate.mp4", "gate.mp4", "gate.mp4.rejected"),
        ("_service.json", "_service.json", "_service.json.rejected"),
        ("_x/b.json", "_x.rejected/b.json", "_x.rejected/b.json.rejected"),
        ("a/b.status.json", "a/b.status.json", "a/b.status.json.rejected"),
        ("_x/b.status.json", "_x.rejected/b.status.json", "_x.rejected/b.status.json.rejected"),
        ("x.MP4/b.json", "x.MP4.rejected/b.json", "x.MP4.rejected/b.json.rejected"),
        ("a/b.sync-conflict-1.json", "a/b.sync-conflict-1", "a/b.sync-conflict-1.json"),
        ("b.sync-conflict-1.mp4", "b.sync-conflict-1.mp4", "b.sync-conflict-1.mp4.rejected"),
        ("a/" + BAD_BYTES, f"a/{CAFE}", f"a/{CAFE}.json"),
        (
            BAD_BYTES + "/b.json",
            f"caf%E9.json~{eight(BAD_BYTES)}/b",
            f"caf%E9.json~{eight(BAD_BYTES)}/b.json",
        ),
        ("x" * 240 + ".json", LONG := "x" * 200 + "~" + eight("x" * 240 + ".json"), LONG + ".json"),
        ("é" * 120 + ".json", LONG := "é" * 100 + "~" + eight("é" * 120 + ".json"), LONG + ".json"),
        (
            "x" + "é" * 120 + ".json",
            LONG := "x" + "é" * 99 + "~" + eight("x" + "é" * 120 + ".json"),
            LONG + ".json",
        ),
    ],
)
def test_where_a_refused_file_is_answered_and_kept(file: str, name: str, kept: str) -> None:
    assert naming.refused_name(file) == name
    assert naming.kept_file(name, file) == kept


@pytest.mark.parametrize(
    ("name", "file", "kept"),
    [
        ("a/b", "a/b.json", "a/b.json"),
        ("a/b~2", "a/b.YML", "a/b~2.YML"),
        ("b.yaml", "b.yaml", "b.yaml"),  # another request has the name `b`
        ("x.mp4", "x.mp4.json", "x.mp4.json"),
    ],
)
def test_where_a_request_is_kept(name: str, file: str, kept: str) -> None:
    assert naming.kept_file(name, file) == kept


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("2026-03-01T18:00:00.json", "2026-03-01T18_00_00~" + eight("2026-03-01T18:00:00")),
        ("a/b?.json", "a/b_~" + eight("b?")),
        ("a./b.json", "a_~" + eight("a.") + "/b"),
        ("NUL.json", "NUL~" + eight("NUL")),
        ("com1.x/b.json", "com1_x~" + eight("com1.x") + "/b"),
        ("x" * 150 + ".json", "x" * 40 + "~" + eight("x" * 150)),
        ("caf\u00e9.json", "caf_~" + eight("caf\u00e9")),
        ("a:b.mp4", "a_b_mp4~" + eight("a:b.mp4")),
    ],
)
def test_names_that_every_file_system_can_hold(file: str, name: str) -> None:
    assert naming.portable_name(file) == name


component = st.binary(min_size=1, max_size=255).map(
    lambda data: os.fsdecode(data.replace(b"/", b"|").replace(b"\0", b"0"))
)


@given(
    st.lists(component.filter(lambda name: name not in {".", ".."}), min_size=1, max_size=12).map("/".join)
)
@example("/".join(["\udcff"] * 1024))
@example("_" + "x" * 250 + "/b.json")
@example("a/" + "x" * 215 + ".status.json")
def test_whatever_is_dropped_can_be_kept_with_a_status(file: str) -> None:
    for name in (naming.refused_name(file), naming.portable_name(file)):
        kept = naming.kept_file(name, file)
        assert not kept.startswith("/")
        for path in (kept, naming.status_path(name)):
            path.encode()
            assert len(path.encode()) < 4096 / 2 + 255
            assert all(len(part.encode()) <= 255 for part in path.split("/"))


def ours(component: str) -> bool:
    return component.lower().endswith((".mp4", ".status.json"))


HOSTILE = [
    "x",
    ".mp4",
    ".MP4",
    ".status",
    ".STATUS",
    ".json",
    ".JSON",
    ".yaml",
    "_",
    "~2",
    ".",
    " ",
    ":",
    "\udcff",
]
hostile = st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=5).map("".join)


@given(st.lists(hostile, min_size=1, max_size=3).map("/".join), st.integers(1, 3))
@example("x.mp4", 1)
@example("x.status.json.json", 1)
@example("x.status.JSON", 2)
@example("x.mp4/x.status.json/x.json", 1)
@example("x.status.json.yaml/x.json", 1)
def test_nobody_gets_a_file_of_ours_into_the_mirror_by_its_name(file: str, number: int) -> None:
    """Whatever ends in `.mp4` there is footage, whatever ends in `.status.json` is a status."""
    refused = naming.refusal(file) is not None
    names = [naming.refused_name(file), naming.portable_name(file)] if refused else [naming.name_of(file)]
    for name in names:
        numbered = naming.numbered_name(name, number)
        for kept in (
            naming.kept_file(numbered, file),
            naming.numbered_file(naming.kept_file(name, file), number),
        ):
            assert not any(map(ours, kept.split("/"))), (file, kept)
        assert not any(map(ours, naming.folder_of(name).split("/")))


def test_names_whose_bytes_differ_are_two_names() -> None:
    one, other = "a%FF.json", os.fsdecode(b"a\xff.json")
    assert naming.printable(one) == naming.printable(other)
    assert naming.name_of(one) != naming.refused_name(other)
    assert naming.kept_file(naming.name_of(one), one) != naming.kept_file(naming.refused_name(other), other)


@pytest.mark.parametrize(
    ("asks", "ask", "piece", "expected"),
    [
        (1, 1, None, "evening.mp4"),
        (2, 1, None, "evening.001.mp4"),
        (1, 1, 1, "evening-1.mp4"),
        (3, 2, 1, "evening.002-1.mp4"),
        (1000, 1000, 12, "evening.1000-12.mp4"),
    ],
)
def test_mp4_names(asks: int, ask: int, piece: int | None, expected: str) -> None:
    assert naming.mp4_name("store-12/evening", asks, ask, piece) == expected


@pytest.mark.parametrize(
    ("make", "name", "expected"),
    [
        (naming.numbered_file, "evening.mp4", "evening~2.mp4"),
        (naming.numbered_file, "evening.001.mp4", "evening.001~2.mp4"),
        (naming.numbered_file, "a.b/README", "a.b/README~2"),
        (naming.numbered_file, "B.JSON", "B~2.JSON"),
        (naming.numbered_name, "a/v1.2", "a/v1.2~2"),
    ],
)
def test_numbers_for_taken_names(make: Callable[[str, int], str], name: str, expected: str) -> None:
    assert make(name, 2) == expected
    assert make(name, 1) == name


stems = st.text(st.sampled_from("ab.01-~\n"), min_size=1, max_size=12)
asks = st.integers(1, 12_000)
pieces = st.none() | st.integers(1, 20)


@given(stems, asks, pieces)
@example("evening.001", 1, None)
@example("evening.001-2", 1, 3)
def test_a_part_file_leads_back_to_its_request(stem: str, ask: int, piece: int | None) -> None:
    assert naming.stem_of_part(naming.part_name(f"a/{stem}", ask, piece)) == stem
    assert naming.ignored(naming.part_name(stem, ask, piece))


@given(st.tuples(stems, asks, pieces), st.tuples(stems, asks, pieces))
@example(("evening", 1, None), ("evening.001", 1, None))
def test_no_two_clips_share_a_part_file(
    one: tuple[str, int, int | None], other: tuple[str, int, int | None]
) -> None:
    assert (naming.part_name(*one) == naming.part_name(*other)) == (one == other)


@pytest.mark.parametrize(
    "name",
    [
        "evening.001.mp4.part",
        ".evening.mp4.part",
        ".evening.1.mp4.part",
        ".evening.0001.mp4.part",
        ".evening.001.mp4",
        ".001.mp4.part",
        ".evening.001-.mp4.part",
        ".evening.001.mp4.part~",
    ],
)
def test_what_part_name_did_not_make_is_not_taken_for_it(name: str) -> None:
    assert naming.stem_of_part(name) is None


def test_the_longest_accepted_name_has_room_for_everything() -> None:
    name = "x" * naming.LONGEST_NAME
    assert naming.refusal(f"{name}.json") is None
    again = naming.numbered_name(name, 999)
    for made in (
        naming.part_name(again, 999_999, 999_999),
        naming.numbered_file(naming.mp4_name(name, 2, 999_999, 999_999), 999),
        naming.status_path(again),
        naming.status_path(f"{name}.yaml"),
    ):
        assert len(made.encode()) <= 255


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("b.json", "b.yaml"),
        ("b.json", "b~2.json"),
        ("b.json", "b~2~3.yml"),
        ("b.json", "B.json"),
        ("b.txt", "b.txt.json"),
        ("b.001.json", "b.json"),
        ("_x/b.json", "_x.rejected/b.json"),
        ("x.mp4/b.json", "x.mp4.rejected~2/b.json"),
        ("\u00e9.json", "e\u0301.json"),
        (BAD_BYTES, f"caf%E9.json~{eight(BAD_BYTES)}"),
        ("a/b.json", "a~2/b.json"),
        ("A/b.json", "a/b.json"),
    ],
)
def test_files_whose_names_can_meet_are_of_one_family(one: str, other: str) -> None:
    assert naming.family(one) == naming.family(other)


@pytest.mark.parametrize(
    ("one", "other"), [("b.json", "c.json"), ("a/b.json", "c/b.json"), ("a.json", "a/b.json")]
)
def test_others_are_not(one: str, other: str) -> None:
    assert naming.family(one) != naming.family(other)


LETTERS = ["a", "A", "\u00e9", "e\u0301", "\udce9", "_", "~2", "~12", ".rejected", ".", ".001", ".status"]
components = st.lists(st.sampled_from(LETTERS), min_size=1, max_size=4).map("".join)
files = st.builds(
    lambda folders, last, ending: "/".join((*folders, last + ending)),
    st.lists(components, max_size=1),
    components,
    st.sampled_from([".json", ".JSON", ".yml", ".mp4", ".status.json", ""]),
)


@given(one=files, number=st.integers(1, 2), data=st.data())
def test_whatever_can_get_the_name_of_another_is_of_its_family(
    one: str, number: int, data: st.DataObject
) -> None:
    taken = data.draw(st.sampled_from(sorted(names_in_mirror(one, number))))
    for spelt in (taken, taken.swapcase(), normalize("NFC", taken), normalize("NFD", taken)):
        assert naming.family(spelt) == naming.family(one)


@given(one=files, other=files)
def test_files_with_a_name_in_common_are_of_one_family(one: str, other: str) -> None:
    assert naming.family(one) == naming.family(other) or not all_names(one) & all_names(other)


def names_in_mirror(file: str, number: int) -> set[str]:
    """What a file of drop/ and its request are called there, when so many of the family are there before."""
    name = naming.refused_name(file) if naming.refusal(file) else naming.name_of(file)
    folder, last = naming.folder_of(name), naming.stem_of(naming.kept_file(name, file))
    name = naming.numbered_name(naming.stem_of(name), number)
    made = {naming.numbered_file(last, number), naming.status_path(name), naming.mp4_name(name, 2, 1, 1)}
    folders = {folder, naming.numbered_name(folder, number)} if folder else {""}
    return {f"{each}/{one}".lstrip("/") for each in folders for one in made}


def all_names(file: str) -> set[str]:
    made = names_in_mirror(file, 1) | names_in_mirror(file, 2)
    return {normalize("NFD", name).casefold() for name in made}
