"""Questions as GraphQL documents, and the argument types that a server's schema asks for.

Values travel as variables only; no value is ever part of a document's text. Pure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from camspool.core.ports import AskProgress, ListCameras, ListRecordings, PrepareRecording, Question

Types = Mapping[str, str]
"""Where an argument stands (`camera.recordings.from`) and its GraphQL type (`Int!`)."""


@dataclass(frozen=True, slots=True)
class Form:
    """How one kind of question is asked.

    In `field` each `$name` is an attribute of the question; `places` says which argument it fills.
    """

    operation: str
    field: str
    places: Mapping[str, str]


FORMS: Final[Mapping[type[Question], Form]] = {
    ListCameras: Form("query", "nodeList { parent_node_id node_id type name external_id }", {}),
    ListRecordings: Form(
        "query",
        "camera(node_id: $node_id) { recordings(from: $start, to: $end)"
        " { recording_id duration outputs { height } } }",
        {"node_id": "camera.node_id", "start": "camera.recordings.from", "end": "camera.recordings.to"},
    ),
    PrepareRecording: Form(
        "mutation",
        "recordingPrepare(recording_id: $recording_id, height: $height)",
        {"recording_id": "recordingPrepare.recording_id", "height": "recordingPrepare.height"},
    ),
    AskProgress: Form(
        "query",
        "recording(recording_id: $recording_id) { progress download_url }",
        {"recording_id": "recording.recording_id"},
    ),
}

USUAL_TYPES: Final[Types] = {
    "camera.node_id": "Int!",
    "camera.recordings.from": "Int!",
    "camera.recordings.to": "Int!",
    "recordingPrepare.recording_id": "String!",
    "recordingPrepare.height": "Int!",
    "recording.recording_id": "String!",
}
"""A guess: the vendor documents the arguments' names but not their types. `read_types` finds the truth."""

_DEEPEST_TYPE: Final = 8
"""SCHEMA_QUESTION asks for four levels."""
_NAME: Final = re.compile(r"[A-Za-z_][0-9A-Za-z_]{0,99}")
"""https://spec.graphql.org/October2021/#Name; what is taken over from a schema goes into later documents."""

SCHEMA_QUESTION: Final = """\
query { __schema {
  queryType { name } mutationType { name }
  types { name fields(includeDeprecated: true) {
    name type { ...T } args { name defaultValue type { ...T } } } }
} }
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }"""


def alias(index: int) -> str:
    """The name under which the answer to question number `index` comes back."""
    return f"q{index}"


def build(questions: Sequence[Question], types: Types) -> dict[str, Any]:
    """The body of one call that asks all of `questions`, which are of one kind."""
    form = FORMS[type(questions[0])]
    declarations: list[str] = []
    fields: list[str] = []
    variables: dict[str, Any] = {}
    for index, question in enumerate(questions):
        fields.append(f"{alias(index)}: " + re.sub(r"\$(\w+)", rf"${alias(index)}_\1", form.field))
        for attribute, place in form.places.items():
            variable = f"{alias(index)}_{attribute}"
            declarations.append(f"${variable}: {types[place]}")
            variables[variable] = _as_type(types[place], getattr(question, attribute))
    declared = f" ({', '.join(declarations)})" if declarations else ""
    return {"query": f"{form.operation}{declared} {{ {' '.join(fields)} }}", "variables": variables}


def _as_type(type_name: str, value: int | str) -> int | str:
    """A text as a number or the other way round where the schema wants it so; other types get it as it is."""
    named = type_name.rstrip("!")
    if named in {"String", "ID"}:
        return str(value)
    if named == "Int" and isinstance(value, str) and value.isdecimal():
        return int(value)
    return value


def read_types(schema: Any) -> Types:
    """The argument types in the `data` that answers SCHEMA_QUESTION; what it does not tell stays as usual."""
    try:
        found = dict(_arguments(schema["__schema"]))
    except (KeyError, TypeError, AttributeError, ValueError):
        return USUAL_TYPES
    return {place: found.get(place, usual) for place, usual in USUAL_TYPES.items()}


def _arguments(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Arguments of the root types' fields, and of the fields of the objects that those return."""
    fields = {known["name"]: known["fields"] or [] for known in schema["types"]}
    for root in ("queryType", "mutationType"):
        for field in fields.get((schema[root] or {}).get("name"), []):
            yield from _arguments_of(field, field["name"])
            for inner in fields.get(type_text(field["type"]).strip("[]!"), []):
                yield from _arguments_of(inner, f"{field['name']}.{inner['name']}")


def _arguments_of(field: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for argument in field["args"]:
        yield f"{path}.{argument['name']}", type_text(argument["type"])


def type_text(described: Mapping[str, Any]) -> str:
    """A type of the schema as GraphQL writes it: `[Int!]!`.

    Raises:
        ValueError: it is nested deeper, or called otherwise, than any type is.
    """
    before, after = "", ""
    for _ in range(_DEEPEST_TYPE):
        match described["kind"]:
            case "NON_NULL":
                after = "!" + after
            case "LIST":
                before, after = before + "[", "]" + after
            case _:
                return f"{before}{_type_name(described['name'])}{after}"
        described = described["ofType"]
    raise ValueError("a type without a name")


def _type_name(name: Any) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError("no name of a type")
    return name
