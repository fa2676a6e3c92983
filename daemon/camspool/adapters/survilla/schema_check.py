"""What the server's schema lacks: `documents.FORMS` compared with an introspection. Pure.

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
    """A scalar type of the server's own is assumed to accept what we send."""
    return kind == "SCALAR" and (name not in _STANDARD or name in _FILLED_BY[sent])


def _required(argument: Mapping[str, Any]) -> bool:
    return argument["type"]["kind"] == "NON_NULL" and argument.get("defaultValue") is None


def _innermost(described: Mapping[str, Any]) -> tuple[str, str]:
    while described["kind"] in {"NON_NULL", "LIST"}:
        described = described["ofType"]
    return str(described["kind"]), str(described["name"])


# --- Beyond what is documented

_OF_INTEREST: Final = re.compile(r"event|alarm|recording|snapshot|thumbnail", re.IGNORECASE)
"""Fields of the root types that may interest somebody who fetches recordings."""
_DOCUMENTED: Final = frozenset({"parent_node_id", "node_id", "type", "name", "external_id"})
"""Fields of every node, by the vendor's public pages."""
_DOCUMENTED_ARGUMENTS: Final = frozenset({"nodeList(type)"})
_MOST_NAMED: Final = 40


@dataclass(frozen=True, slots=True)
class SchemaFindings:
    """How a server's schema differs from what is sent.

    `missing`: what it lacks. `undocumented`: what it offers beyond the vendor's documents and near to what is
    used: fields and arguments of recordings and cameras, queries for events. Nothing relies on these.
    """

    missing: tuple[str, ...]
    undocumented: tuple[str, ...]


def findings(schema: Any) -> SchemaFindings:
    """Both, of `schema` (`__schema`, as SCHEMA_QUESTION asks for it)."""
    return SchemaFindings(missing(schema), undocumented(schema))


def undocumented(schema: Any) -> tuple[str, ...]:
    """What `schema` offers besides what is sent, as GraphQL writes it; empty if it is not understood."""
    try:
        types = {known["name"]: known for known in schema["types"]}
        roots = {form.operation: schema[f"{form.operation}Type"] for form in FORMS.values()}
        used: dict[str, set[str]] = {}
        for form in FORMS.values():
            if root := roots[form.operation]:
                _note_used(selections(form.field), root["name"], types, used)
        found = [text for name in used for text in _others(types[name], used, _is_root(name, roots))]
    except (KeyError, TypeError, AttributeError):
        return ()
    return tuple(dict.fromkeys(found))[:_MOST_NAMED]


def _is_root(name: str, roots: Mapping[str, Any]) -> bool:
    return any(root is not None and root["name"] == name for root in roots.values())


def _note_used(
    chosen: tuple[Selection, ...], parent: str, types: Mapping[str, Any], used: dict[str, set[str]]
) -> None:
    """Note the fields that are asked for by their type, and their arguments as `field(argument)`."""
    for selection in chosen:
        names = used.setdefault(parent, set())
        names.add(selection.name)
        names.update(f"{selection.name}({argument})" for argument in selection.arguments)
        field = next((each for each in types[parent]["fields"] or () if each["name"] == selection.name), None)
        if field is not None and selection.inner:
            _note_used(selection.inner, _innermost(field["type"])[1], types, used)


def _others(known: Mapping[str, Any], used: Mapping[str, set[str]], is_root: bool) -> Iterator[str]:  # noqa: FBT001
    """The fields of a type that are not used; of a root type only those of interest."""
    own = used[known["name"]]
    for field in known["fields"] or ():
        if field["name"] not in own:
            if _OF_INTEREST.search(field["name"]) if is_root else field["name"] not in _DOCUMENTED:
                yield f"{known['name']}.{_signature(field)}"
            continue
        for argument in field["args"]:
            if f"{field['name']}({argument['name']})" not in own | _DOCUMENTED_ARGUMENTS:
                yield f"{known['name']}.{field['name']}({argument['name']}: {type_text(argument['type'])})"


def _signature(field: Mapping[str, Any]) -> str:
    arguments = ", ".join(f"{each['name']}: {type_text(each['type'])}" for each in field["args"])
    return f"{field['name']}{f'({arguments})' if arguments else ''}: {type_text(field['type'])}"
