"""From the bytes of a JSON or YAML file to plain values."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.adapters.documents import MAX_DEPTH, read
from camspool.core.errors import RequestRejected
from camspool.core.values import LONGEST_REQUEST, ErrorCode


def rejected(data: bytes, suffix: str) -> RequestRejected:
    with pytest.raises(RequestRejected) as caught:
        read(data, suffix)
    return caught.value


@pytest.mark.parametrize("suffix", [".json", ".JSON", ".yaml", ".yml", ".YML"])
def test_plain_values_of_both_kinds(suffix: str) -> None:
    text = '{"camera": 62303, "list": [1, 2.5, true, null, "\u017elut\u00fd"], "inner": {"a": {}}}'
    expected = {"camera": 62303, "list": [1, 2.5, True, None, "\u017elut\u00fd"], "inner": {"a": {}}}
    assert read(text.encode(), suffix) == expected
    assert read(b"\xef\xbb\xbf" + text.encode(), suffix) == expected


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("10:30", "10:30"),
        ("1:02:03", "1:02:03"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("", None),
        ("~", None),
        ("null", None),
        ("0", 0),
        ("-5", -5),
        ("+5", 5),
        ("0123", "0123"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12e5", "12e5"),
        ("1.5", 1.5),
        ("1.5e3", 1500.0),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("=", "="),
        ("00:40:8c:aa", "00:40:8c:aa"),
        ("2020-05-11", "2020-05-11"),
        ("2020-05-11T09:41:29Z", "2020-05-11T09:41:29Z"),
        ("2020-05-11T09:41:29+02:00", "2020-05-11T09:41:29+02:00"),
        ("2020-05-11 09:41:29", "2020-05-11T09:41:29"),
        ("2020-05-11 09:41", "2020-05-11 09:41"),
        ("2020-5-1 9:41:29 +2", "2020-05-01T09:41:29+02:00"),
        ("2020-09-13 14:26:40 +0200", "2020-09-13T14:26:40+02:00"),  # date '+%F %T %z'
        (
            "2001-12-14t21:59:43.10-05:00",
            "2001-12-14T21:59:43.100000-05:00",
        ),  # these three: YAML's own examples
        ("2001-12-14 21:59:43.10 -5", "2001-12-14T21:59:43.100000-05:00"),
        ("2001-12-15 2:59:43.10", "2001-12-15T02:59:43.100000"),
        ("2020-05-11 09:41:29 +200", "2020-05-11 09:41:29 +200"),
        ("2020-05-11 09:41:29 +99", "2020-05-11 09:41:29 +99"),
        ("2020-05-11 24:00:00", "2020-05-12T00:00:00"),
        ("9999-12-31 24:00:00", "9999-12-31 24:00:00"),
        ("!!timestamp 2020-5-1", "2020-05-01"),
        ("2020-02-30", "2020-02-30"),
        ('"2020-05-11 09:41:29"', "2020-05-11 09:41:29"),
        ("!!str 5", "5"),
        ("!!int 5", 5),
        ("&a 5", 5),
    ],
)
def test_yaml_scalars_mean_what_was_written(written: str, value: Any) -> None:
    found = read(f"key: {written}\n".encode(), ".yaml")["key"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_half_an_emoji_is_replaced_and_two_halves_are_one(suffix: str) -> None:
    assert read(rb'{"a": "Gate \ud83d", "b": "\ud83d\ude00", "\udfff": "\ude00\ud83d"}', suffix) == {
        "a": "Gate \ufffd",
        "b": "\U0001f600",
        "\ufffd": "\ufffd\ufffd",
    }


def test_keys_that_only_their_broken_characters_tell_apart_are_the_same() -> None:
    assert "each field only once" in rejected(rb'{"\ud800": 1, "\udfff": 2}', ".json").message


def test_yaml_aliases_and_no_merge_keys() -> None:
    assert read(b"a: &x {b: 1}\nc: *x\n", ".yaml") == {"a": {"b": 1}, "c": {"b": 1}}
    assert read(b"<<: {b: 1}\n", ".yaml") == {"<<": {"b": 1}}


def test_yaml_of_comments_alone_is_nothing() -> None:
    assert read(b"# nothing yet\n", ".yaml") is None


@pytest.mark.parametrize(
    ("data", "suffix", "code", "words"),
    [
        (b"", ".json", "syntax", "the file is empty"),
        (b" \n\t", ".yaml", "syntax", "the file is empty"),
        (b"\xef\xbb\xbf", ".json", "syntax", "the file is empty"),
        (b'{"camera": 1,\n "from": }', ".json", "syntax", "line 2, column 10"),
        (b'{"camera": ', ".json", "syntax", "line 1"),
        (b'{"a": "\x00"}', ".json", "syntax", "line 1"),
        (b"{} {}", ".json", "syntax", "line 1, column 4"),
        (b"a: 1\n b: c: d", ".yaml", "syntax", "line 2, column 3"),
        (b"a: [1, 2", ".yaml", "syntax", "line 1"),
        (b"a:\n\t- b", ".yaml", "syntax", "spaces, not tabs"),
        (b"a: 1\n---\nb: 2\n", ".yaml", "syntax", "line 2, column 1: a second YAML document begins here"),
        (b"a: \x01", ".yaml", "syntax", "line 1, column 4: no valid YAML: the character U+0001"),
        (b'a: 1\nb: "\\UFFFFFFFF"', ".yaml", "syntax", "line 2"),
        (b"a: *nowhere", ".yaml", "syntax", "undefined alias"),
        ("{}".encode("utf-16"), ".json", "not_utf8", "UTF-16"),
        ("{}".encode("utf-16-le"), ".json", "not_utf8", "UTF-16"),
        ("{}".encode("utf-16-be"), ".json", "not_utf8", "UTF-16"),
        ("{}".encode("utf-32"), ".yaml", "not_utf8", "UTF-32"),
        (b"a: 1\nb: \xbelut\xfd", ".yaml", "not_utf8", "byte 0xbe in line 2"),
        (b" " * (LONGEST_REQUEST + 1), ".json", "too_large", f"more than the {LONGEST_REQUEST} bytes"),
        (b'{"a": NaN}', ".json", "invalid", "a: found 'NaN'"),
        (b'{"a": [1, -Infinity]}', ".json", "invalid", r"a[1]: found '-Infinity'"),
        (b'{"a": 1e999}', ".json", "invalid", "a: found '1e999'"),
        (b"a: 1.0e+999", ".yaml", "invalid", "a: found '1.0e+999'"),
        (b'{"x": {"a": 1, "a": 2}}', ".json", "invalid", "x.a: found 'a', expected each field only once"),
        (
            b"x:\n  a: 1\n  a: 2\n",
            ".yaml",
            "invalid",
            "x.a: found 'a', expected each field only once; it stands again in line 3",
        ),
        (b"9" * 301, ".json", "invalid", "at most 300 digits"),
        (b"9" * 5000, ".json", "invalid", "at most 300 digits"),
        (b"9" * 5000, ".yaml", "invalid", "at most 300 digits"),
        (b"1: a", ".yaml", "invalid", "put it in quotes"),
        (b"x: {true: a}", ".yaml", "invalid", "x: found True, expected text as the name of a field"),
        (b"? [a]\n: b", ".yaml", "invalid", "found 'a list or mapping'"),
        (b"a: !!binary eA==", ".yaml", "invalid", "a: found '!!binary'"),
        (b"a: !!python/object/apply:os.system [ls]", ".yaml", "invalid", "!!python/object/apply:os.system"),
        (b"a: !!int x", ".yaml", "invalid", "a: found '!!int'"),
        (b"a: !!set {x}", ".yaml", "invalid", "a: found '!!set'"),
        (b"[" * 30000 + b"]" * 30000, ".json", "invalid", "nested at most 20 deep"),
        (b"[" * 60000, ".yaml", "invalid", "nested at most 20 deep"),
        (b"- " * 30000, ".yaml", "invalid", "nested at most 20 deep"),
        (b"a: &a [*a]", ".yaml", "invalid", "nested at most 20 deep"),
    ],
)
def test_what_is_no_document_is_refused_with_the_reason(
    data: bytes, suffix: str, code: str, words: str
) -> None:
    error = rejected(data, suffix)
    assert error.code == code
    assert words in error.message
    assert error.hint


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_what_is_deep_and_open_is_refused_for_either(opening: bytes) -> None:
    # How deep Python goes before it gives up, and whether it gets to the end, depends on its version.
    assert rejected(opening * 12000, ".json").code in {ErrorCode.INVALID, ErrorCode.SYNTAX}


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_nesting_is_allowed_up_to_its_limit(suffix: str) -> None:
    def nested(depth: int) -> bytes:
        return b"[" * depth + b"]" * depth

    read(nested(MAX_DEPTH), suffix)
    assert rejected(nested(MAX_DEPTH + 1), suffix).code is ErrorCode.INVALID


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 " + "x" * 100]
    lines += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 9) + "]" for n in range(1, 7)]
    assert "too many aliases" in rejected("\n".join(lines).encode(), ".yaml").message


def test_all_problems_are_reported_at_once() -> None:
    error = rejected(b'{"a": NaN, "b": 1, "b": {"c": Infinity}}', ".json")
    assert [problem.path for problem in error.problems] == ["a", "b", "b.c"]


def test_a_flood_of_problems_is_cut() -> None:
    error = rejected(b"[" + b"NaN," * 500 + b"NaN]", ".json")
    assert len(error.problems) == 100
    assert error.message.endswith("and 401 more problems")


def test_whatever_is_wrong_can_be_written_as_json() -> None:
    for problem in rejected(b'{"\\ud800\\ud800": 1, "a": "\\ud800", "b": 1e999}', ".json").problems:
        json.dumps([problem.path, problem.value], ensure_ascii=False, allow_nan=False).encode()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(JSON_VALUES)
def test_json_comes_back_as_it_was_written(value: Any) -> None:
    assert read(json.dumps(value).encode(), ".json") == value


TIMES = st.from_regex(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(?:(?:[Tt]| +)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)? *(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?)?)?",
    fullmatch=True,
)
"""All that looks like a time stamp of YAML 1.1, possible or not."""


@given(TIMES)
def test_whatever_looks_like_a_time_stamp_of_yaml_stays_text(written: str) -> None:
    (value,) = read(f"- {written}\n".encode(), ".yaml")
    assert isinstance(value, str)


YAML_KINDS = st.sampled_from(
    [
        *("!!set {a, b}", "!!omap [a: 1]", "!!pairs [a: 1]", "!!binary eA==", "!!timestamp x", "!!null x"),
        *(
            "!!python/name:os.system",
            "!!python/object/new:os.system [id]",
            "!!float 5",
            "!!bool maybe",
            "!x y",
        ),
        *(
            "12:30:45",
            "190:20:30.15",
            "0o17",
            "017",
            "0b101",
            "0x_1F",
            "1_000",
            "+.inf",
            "-.INF",
            ".NaN",
            "y",
        ),
        *(
            "{<<: {a: 1}}",
            "{<<: [{a: 1}, {b: 2}]}",
            "{? [a, b] : c}",
            "{? {a: b} : c}",
            "{1: a}",
            "{null: a}",
        ),
        *("{2020-05-11: a}", "{a: 1, a: 2}", "&x [*x]", "[&y 1, *y, *y]", '"\\ud83d"', '"\\x85\\0\\e"'),
        *("|\n  text\n", ">-\n  text\n", "=", "<<", "~", "? a", "- - - a", "@a", "`a", "%a", "'", '"'),
    ]
)


@given(st.lists(YAML_KINDS | TIMES, max_size=4), st.sampled_from(["- {}\n", "k{i}: {}\n", "- [{}, {}]\n"]))
def test_whatever_yaml_can_construct_is_plain_or_rejected(kinds: list[str], template: str) -> None:
    text = "".join(template.replace("{i}", str(i)).replace("{}", kind) for i, kind in enumerate(kinds))
    try:
        value = read(text.encode(), ".yaml")
    except RequestRejected as error:
        assert error.message  # noqa: PT017 - both outcomes are right, others are not
        assert error.code in {ErrorCode.SYNTAX, ErrorCode.INVALID}  # noqa: PT017
    else:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


YAML_PIECES = st.sampled_from(
    [
        *"[]{}\n\t'\"\\|#5~%@`:,\x85\ufeff\u2028",
        *("a: ", "b:", "- ", "? ", "  ", "&x ", "*x", "!!int ", "!x ", "!<", "<<: ", ">-"),
        *("---", "...", "%YAML 1", "2020-05-11"),
    ]
)


@given(
    data=st.binary()
    | st.text().map(str.encode)
    | st.lists(YAML_PIECES, max_size=30).map("".join).map(str.encode),
    suffix=st.sampled_from([".json", ".yaml"]),
)
def test_any_bytes_give_a_plain_value_or_are_rejected(data: bytes, suffix: str) -> None:
    try:
        value = read(data, suffix)
    except RequestRejected as error:
        assert error.message  # noqa: PT017 - both outcomes are right, others are not
    else:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"camera": 1,}', "a comma before }, where JSON has none"),
        ('{"camera": [1, 2, ]}', "a comma before ], where JSON has none"),
        ('{"camera": 1, // the gate\n "to": 2}', "JSON has no comments"),
        ('{"camera": 1} # the gate', "JSON has no comments"),
        ('/* the gate */ {"camera": 1}', "JSON has no comments"),
        ("{'camera': 1}", "JSON wants double quotes"),
        ("{\"camera\": 'gate'}", "JSON wants double quotes"),
        ("{\u201ccamera\u201d: 1}", "JSON wants double quotes"),
        ("{camera: 1}", 'JSON wants double quotes around the name: "camera"'),
        ('{"validate_only": True}', "JSON writes true, false and null"),
        ('{"camera": 1 "to": 2}', "no valid JSON"),
    ],
)
def test_what_people_write_that_json_does_not_know(text: str, says: str) -> None:
    with pytest.raises(RequestRejected) as rejected:
        read(text.encode(), ".json")
    assert says in rejected.value.message
    assert rejected.value.message.startswith("line 1, column ")
