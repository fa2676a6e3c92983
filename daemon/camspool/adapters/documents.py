"""Reads the bytes of a JSON or YAML file into plain values, or reports their problems.

It knows nothing of requests or configurations. A result can be written as JSON again: it has only
dict (with text keys), list, str, int, finite float, bool and None.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import yaml

from camspool.core import iso8601
from camspool.core.errors import RequestRejected
from camspool.core.iso8601 import NoTimeStamp
from camspool.core.problems import rejection, shown, within
from camspool.core.text import whole
from camspool.core.values import LONGEST_REQUEST, ErrorCode, Problem

MAX_DEPTH: Final = 20
_MAX_EXPANDED: Final = 4 * LONGEST_REQUEST
"""Characters and values of a YAML file once its aliases are replaced by what they stand for."""
_MAX_DIGITS: Final = 300
"""More digits than any float has; Python itself refuses more than 4300."""

_HINT: Final = "Correct the file and put it into drop/ again."
_UTF8_HINT: Final = "Save the file as UTF-8 and put it into drop/ again."
_TAG: Final = "tag:yaml.org,2002:"
_OTHER_QUOTES: Final = frozenset("'`\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb")
_WORD: Final = re.compile(r"[A-Za-z_]\w{0,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """A mapping as it was written, before it is known that no key stands twice; `lines` where known."""

    items: list[tuple[Any, Any]]
    lines: list[int] | None = None


@dataclass(frozen=True, slots=True)
class _Unusable:
    """Stands for a value that parses but has no place in a plain document."""

    value: Any
    expected: str


def read(data: bytes, suffix: str) -> Any:
    """The plain value that a file holds; None for a YAML file of nothing but comments.

    Args:
        data: the file's bytes.
        suffix: `.json`, `.yaml` or `.yml`, in any case; decides how the bytes are read.

    Raises:
        RequestRejected: `too_large`, `not_utf8`, `syntax` (with line and column; an empty file too) or
            `invalid` (duplicate keys, NaN, nesting without end). All but `invalid` may only mean that the
            file has not been written to its end.
    """
    document, problems = read_with_problems(data, suffix)
    if problems:
        raise rejection(problems)
    return document


def read_with_problems(data: bytes, suffix: str) -> tuple[Any, list[Problem]]:
    """The same, for a caller that looks for further problems and reports all of them at once.

    In place of what cannot be in a plain value (NaN) there is an object that no parser of a field accepts.

    Raises:
        RequestRejected: as above, where there is no value to go on with.
    """
    if len(data) > LONGEST_REQUEST:
        raise RequestRejected(
            ErrorCode.TOO_LARGE,
            f"the file has more than the {LONGEST_REQUEST} bytes that are read",
            "Split it into several files.",
        )
    text = _text(data)
    if not text.strip():
        raise RequestRejected(
            ErrorCode.SYNTAX, "the file is empty", "Write a request into it, then drop it again."
        )
    parse = _parse_json if suffix.lower() == ".json" else _parse_yaml
    problems: list[Problem] = []
    return _plain(parse(text), "", problems), problems


def _text(data: bytes) -> str:
    # UTF-32's little-endian mark begins with UTF-16's. Without a mark, ASCII in either has a NUL early on.
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:2]:
        raise RequestRejected(ErrorCode.NOT_UTF8, "the file is UTF-16 or UTF-32, expected UTF-8", _UTF8_HINT)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{data[error.start]:02x} in line {line} is not UTF-8"
        raise RequestRejected(ErrorCode.NOT_UTF8, message, _UTF8_HINT) from None


def _syntax(line: int, column: int, what: str) -> RequestRejected:
    return RequestRejected(ErrorCode.SYNTAX, f"line {line}, column {column}: {what}", _HINT)


def _too_deep() -> RequestRejected:
    return rejection([Problem("", "deeper nesting", f"values nested at most {MAX_DEPTH} deep")])


# --- JSON


def _parse_json(text: str) -> Any:
    try:
        return json.loads(
            text,
            object_pairs_hook=_Pairs,
            parse_int=_integer,
            parse_float=_fraction,
            parse_constant=lambda name: _Unusable(name, "a number: JSON knows no NaN and no Infinity"),
        )
    except json.JSONDecodeError as error:
        what = _mistake(text, error.pos) or f"no valid JSON: {error.msg}"
        raise _syntax(error.lineno, error.colno, what) from None
    except RecursionError:
        raise _too_deep() from None


def _mistake(text: str, position: int) -> str | None:
    """What people often write that JSON does not know, if it is that."""
    before, here = text[:position].rstrip()[-1:], text[position : position + 1]
    after = text[position + 1 :].lstrip()[:1]
    bracket = here if before == "," else after if here == "," else ""
    if bracket and bracket in "}]":
        return f"a comma before {bracket}, where JSON has none"
    if here == "#" or text[position : position + 2] in {"//", "/*"}:
        return "JSON has no comments; leave them out, or write YAML into a file called .yaml"
    if here in _OTHER_QUOTES:
        return f'found {here}, but JSON wants double quotes: "'
    word = _WORD.match(text, position)
    if word and word[0] in {"True", "False", "None"}:
        return f"found {word[0]}, but JSON writes true, false and null"
    if word and before in {"{", ","}:
        return f'JSON wants double quotes around the name: "{word[0]}"'
    return None


def _integer(text: str) -> int | _Unusable:
    if len(text) > _MAX_DIGITS:
        return _Unusable(
            text, f"a number of at most {_MAX_DIGITS} digits; longer ones are written as text, in quotes"
        )
    return int(text)


def _fraction(text: str) -> float | _Unusable:
    number = float(text)
    return (
        number
        if math.isfinite(number)
        else _Unusable(text, "a number that is not larger than any computer counts")
    )


# --- YAML


class _Loader(yaml.SafeLoader):
    """Composes nodes only; nothing is constructed by PyYAML, so that no tag can make anything."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own way
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _too_deep()
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


_SCALARS: Final = {
    "null": (r"~|null|Null|NULL|", [*"~nN", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", [*"-+0123456789"]),
    "float": (r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?", [*"-+0123456789"]),
    "timestamp": (
        r"\d{4}-\d\d?-\d\d?(?:[Tt \t]+\d\d?:\d\d:\d\d(?:\.\d*)?[ \t]*(?:Z|[-+]\d\d?(?::?\d\d)?)?)?",
        [*"0123456789"],
    ),
}
"""Which unquoted text is not text, and the characters that it begins with.

Much as in JSON, because YAML 1.1 has surprises that lose what was written: `10:30` would be the number 630,
`no` and `on` booleans, `0123` octal 83. Dates stay text: only the reader of a field knows which time zone is
meant.
"""

_PATTERNS: Final = {
    _TAG + name: re.compile(rf"(?:{pattern})\Z", re.ASCII) for name, (pattern, _) in _SCALARS.items()
}
for _name, (_, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(_TAG + _name, _PATTERNS[_TAG + _name], _first)


def _parse_yaml(text: str) -> Any:
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        what = f"no valid YAML: the character U+{error.character:04X} must not occur"
        raise _syntax(before.count("\n") + 1, error.position - before.rfind("\n"), what) from None
    except yaml.MarkedYAMLError as error:
        raise _syntax(*_place(error), _yaml_words(error)) from None
    except (ValueError, OverflowError) as error:
        # PyYAML lets "\UFFFFFFFF" and absurd %YAML versions reach chr() and int() unchecked.
        mark = loader.get_mark() if loader else None
        raise _syntax(
            *((mark.line + 1, mark.column + 1) if mark else (1, 1)), f"no valid YAML: {error}"
        ) from None
    return None if node is None else _Expansion().value(node)


def _place(error: yaml.MarkedYAMLError) -> tuple[int, int]:
    mark = error.problem_mark or error.context_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _yaml_words(error: yaml.MarkedYAMLError) -> str:
    if error.context and "single document" in error.context:
        return "a second YAML document begins here (`---`); expected one: write a list instead"
    words = ", ".join(part for part in (error.context, error.problem) if part)
    if error.problem and "'\\t'" in error.problem:
        words += " (YAML wants spaces, not tabs, for indentation)"
    return f"no valid YAML: {words}"


class _Expansion:
    """Turns nodes into values, following aliases, within bounds that a bomb of aliases soon reaches."""

    def __init__(self) -> None:
        self._left = _MAX_EXPANDED

    def value(self, node: yaml.Node, depth: int = 1) -> Any:
        self._left -= 1 + (len(node.value) if isinstance(node, yaml.ScalarNode) else 0)
        if self._left < 0:
            raise rejection(
                [Problem("", "too many aliases", "a file that they do not make many times larger")]
            )
        if depth > MAX_DEPTH:
            raise _too_deep()
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            items = [(self.value(key, depth + 1), self.value(value, depth + 1)) for key, value in node.value]
            return _Pairs(items, [key.start_mark.line + 1 for key, _ in node.value])
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(item, depth + 1) for item in node.value]
        return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        if node.tag == _TAG + "str":
            return node.value
        if node.tag in _PATTERNS and _PATTERNS[node.tag].match(node.value):
            return _CONSTRUCTORS[node.tag](node.value)
    return _Unusable(node.tag.replace(_TAG, "!!"), "a plain value; remove the tag")


_ISO_ALREADY: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)?)?", re.ASCII
)


def _iso(text: str) -> str:
    """A date as it was written where that is ISO 8601, else rewritten so (`2020-5-11 09:41:29 +0200`).

    One that cannot be (a 30th of February) stays as it is, and the parser of the field reports it.
    """
    if _ISO_ALREADY.fullmatch(text):
        return text
    try:
        stamp = iso8601.read(text)
        return stamp.day.isoformat() if stamp.clock is None else stamp.moment.isoformat()
    except NoTimeStamp:
        return text


_CONSTRUCTORS: Final[dict[str, Callable[[str], Any]]] = {
    _TAG + "null": lambda _: None,
    _TAG + "bool": lambda text: text.lower() == "true",
    _TAG + "int": _integer,
    _TAG + "float": _fraction,
    _TAG + "timestamp": _iso,
}


# --- Both


def _plain(value: Any, path: str, problems: list[Problem], depth: int = 1) -> Any:
    """`value` with its mappings made dicts; what has no place in a plain document becomes a problem."""
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, _Pairs):
        return _mapping(value, path, problems, depth)
    if isinstance(value, list):
        return [_plain(item, within(path, index), problems, depth + 1) for index, item in enumerate(value)]
    if isinstance(value, _Unusable):
        problems.append(Problem(path, shown(value.value), value.expected))
    return whole(value) if isinstance(value, str) else value


def _mapping(pairs: _Pairs, path: str, problems: list[Problem], depth: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for index, (key, value) in enumerate(pairs.items):
        if not isinstance(key, str):
            problems.append(Problem(path, _key_shown(key), "text as the name of a field; put it in quotes"))
            continue
        name = whole(key)
        if name in result:
            again = f"; it stands again in line {pairs.lines[index]}" if pairs.lines else ""
            problems.append(Problem(within(path, name), shown(name), f"each field only once{again}"))
        result[name] = _plain(value, within(path, name), problems, depth + 1)
    return result


def _key_shown(key: Any) -> Any:
    if isinstance(key, _Pairs | list):
        return "a list or mapping"
    return shown(key.value if isinstance(key, _Unusable) else key)
