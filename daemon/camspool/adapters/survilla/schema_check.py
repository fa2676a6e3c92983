"""What a server's schema lacks of what is sent: `documents.FORMS`, held against an introspection. Pure.

Names are shown as GraphQL writes them. `documents.build` adopts other types of arguments where it can, so
only those are named that it cannot fill.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_type_hints

from camspool.adapters.survilla.documents import FORMS, Form, type_text
from camspool.core.ports import Question

_TOKEN: Final = re.compile(r"[\w$]+|[{}()]")
_LEAVES: Final = frozenset({"SCALAR", "ENUM"})
_FILLED_BY: Final = {int: frozenset({"Int", "Float", "String", "ID"}), str: frozenset({"String", "ID"})}
_STANDARD: Final = frozenset({"Int", "Float", "String", "ID", "Boolean"})


@dataclass(frozen=True, slots=True)
class Selection:
    """A field that is asked for; `arguments`: the name of each, and the question's attribute for it."""

    name: str
    arguments: Mapping[str, str]
    inner: tuple["Selection", ...]


def selections(text: str) -> tuple[Selection, ...]:
    """The fields in the text of a `Form`."""
    return _selections(deque(_TOKEN.findall(text)))


def missing(schema: Any) -> tuple[str, ...]:
    """What `schema` (`__schema`, as SCHEMA_QUESTION asks for it) lacks, each thing once.

    A schema that is no such answer lacks everything, and says so.
    """
    try:
        types = {known["name"]: known for known in schema["types"]}
        found = [
            problem
            for question, form in FORMS.items()
            for problem in _missing_of(question, form, schema[f"{form.operation}Type"], types)
        ]
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return ("its introspection cannot be understood",)
    return tuple(dict.fromkeys(found))


def _selections(tokens: deque[str]) -> tuple[Selection, ...]:
    found = []
    while tokens and (name := tokens.popleft()) != "}":
        arguments = {}
        if _taken(tokens, "("):
            while not _taken(tokens, ")"):
                argument = tokens.popleft()
                arguments[argument] = tokens.popleft().removeprefix("$")
        found.append(Selection(name, arguments, _selections(tokens) if _taken(tokens, "{") else ()))
    return tuple(found)


def _taken(tokens: deque[str], token: str) -> bool:
    if tokens and tokens[0] == token:
        tokens.popleft()
        return True
    return False


def _missing_of(question: type[Question], form: Form, root: Any, types: Mapping[str, Any]) -> Iterator[str]:
    if root is None:
        yield f"{form.operation}: the server has none"
        return
    hints = get_type_hints(question)
    for selection in selections(form.field):
        yield from _missing_below(selection, root["name"], types, hints)


def _missing_below(
    selection: Selection, parent: str, types: Mapping[str, Any], hints: Mapping[str, type]
) -> Iterator[str]:
    place = f"{parent}.{selection.name}"
    field = next((each for each in types[parent]["fields"] or () if each["name"] == selection.name), None)
    if field is None:
        yield f"{place}: no such field"
        return
    yield from _unfit_arguments(selection, place, field["args"], hints)
    kind, name = _innermost(field["type"])
    if (kind in _LEAVES) is bool(selection.inner):
        yield f"{place}: is {type_text(field['type'])}, expected " + (
            "fields" if selection.inner else "a value"
        )
        return
    for inner in selection.inner:
        yield from _missing_below(inner, name, types, hints)


def _unfit_arguments(
    selection: Selection, place: str, arguments: list[Any], hints: Mapping[str, type]
) -> Iterator[str]:
    known = {argument["name"]: argument for argument in arguments}
    for name, attribute in selection.arguments.items():
        if name not in known:
            yield f"{place}({name}): no such argument"
        elif not _fills(hints[attribute], *_innermost(known[name]["type"])):
            kind = "a number" if hints[attribute] is int else "a text"
            yield f"{place}({name}): wants {type_text(known[name]['type'])}, and {kind} is sent"
    for name, argument in known.items():
        if name not in selection.arguments and _required(argument):
            yield f"{place}({name}): wants {type_text(argument['type'])}, and nothing is sent"


def _fills(sent: type, kind: str, name: str) -> bool:
    """Of a scalar of the server's own nobody can tell what it takes: it is believed to take ours."""
    return kind == "SCALAR" and (name not in _STANDARD or name in _FILLED_BY[sent])


def _required(argument: Mapping[str, Any]) -> bool:
    return argument["type"]["kind"] == "NON_NULL" and argument.get("defaultValue") is None


def _innermost(described: Mapping[str, Any]) -> tuple[str, str]:
    while described["kind"] in {"NON_NULL", "LIST"}:
        described = described["ofType"]
    return str(described["kind"]), str(described["name"])
