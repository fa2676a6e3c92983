"""Text from outside, cleaned."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.core.text import comparable, is_clean, one_line, whole

ANY_TEXT = st.text(st.characters())  # halves of surrogate pairs too
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=10,
)


def encodable(value: Any) -> bool:
    match value:
        case str():
            return value.encode().decode() == value
        case list():
            return all(map(encodable, value))
        case dict():
            return all(encodable(key) and encodable(item) for key, item in value.items())
    return True


@given(DOCUMENTS)
def test_a_whole_document_can_be_written_as_utf_8(document: Any) -> None:
    assert encodable(whole(document))
    assert whole(whole(document)) == whole(document)


@given(st.text())
def test_what_is_whole_stays_as_it_is(text: str) -> None:
    assert whole([{text: text}]) == [{text: text}]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Gate \ud83d", "Gate \ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
    ],
)
def test_halves_find_each_other_or_are_replaced(text: str, clean: str) -> None:
    assert whole(text) == clean


@given(ANY_TEXT, st.integers(4, 50))
def test_one_line_is_one_short_line_that_no_terminal_obeys(text: str, longest: int) -> None:
    line = one_line(text, longest)
    assert len(line) <= longest
    assert len(line.splitlines()) <= 1
    assert is_clean(line)
    line.encode()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  two\r\n\twords ", "two words"),
        ("\x1b[31mred\x9b0m", "[31mred 0m"),
        ("a\u2028b\u2029c", "a b c"),
        ("mp4.\u202egpj", "mp4. gpj"),
        ("\u05d0\u200f1", "\u05d0\u200f1"),  # a mark, as Hebrew needs it
        ("12345678901", "1234567..."),
        (" " * 30 + "x", "..."),
        ("", ""),
    ],
)
def test_lines(text: str, line: str) -> None:
    assert one_line(text, 10 if line.endswith("...") else 40) == line


@given(ANY_TEXT)
def test_names_are_compared_as_people_see_them(name: str) -> None:
    assert comparable(unicodedata.normalize("NFD", whole(name))) == comparable(name)
    assert comparable(unicodedata.normalize("NFC", whole(name))) == comparable(name)
    assert comparable(comparable(name)) == comparable(name)


def test_names_that_are_the_same_and_names_that_are_not() -> None:
    assert comparable("Vchod\u00a01 \u017elut\u00fd") == comparable(
        " Vchod 1  z\u030clut\u0079\u0301\u200b"[:-1]
    )
    assert comparable("gate") != comparable("Gate")
    assert comparable("\ufb01ne") != comparable("fine")
