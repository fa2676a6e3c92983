"""The documents that are sent, held against schemas: what is named as missing, and that all is looked at."""

from pathlib import Path
from typing import Any

import pytest
from graphql import DocumentNode, FieldNode, OperationDefinitionNode, build_schema, graphql_sync, parse

from camspool.adapters.survilla import documents, schema_check
from camspool.core.ports import AskProgress, ListCameras, ListRecordings, PrepareRecording, Question

SDL = (Path(__file__).parents[2] / "daemon/camspool/simulator/schema.graphql").read_text()
EACH: tuple[Question, ...] = (
    ListCameras(),
    ListRecordings(1, 2, 3),
    PrepareRecording("x", 1),
    AskProgress("x"),
)


def missing(sdl: str) -> tuple[str, ...]:
    answer = graphql_sync(build_schema(sdl), documents.SCHEMA_QUESTION)
    assert answer.errors is None
    assert answer.data is not None
    return schema_check.missing(answer.data["__schema"])


def test_the_documented_schema_lacks_nothing() -> None:
    assert missing(SDL) == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("progress: Int!", "percent: Int!", "Recording.progress: no such field"),
        ("nodeList(type: NodeType)", "nodes(type: NodeType)", "Query.nodeList: no such field"),
        ("from: Int!, to", "since: Int, to", "Camera.recordings(from): no such argument"),
        (
            "camera(node_id: Int!)",
            "camera(node_id: Int!, site: Int!)",
            "Query.camera(site): wants Int!, and nothing is sent",
        ),
        (
            "camera(node_id: Int!)",
            "camera(node_id: NodeType!)",
            "Query.camera(node_id): wants NodeType!, and a number is sent",
        ),
        (
            "recording(recording_id: String!)",
            "recording(recording_id: Int!)",
            "Query.recording(recording_id): wants Int!, and a text is sent",
        ),
        ("outputs: [Output!]!", "outputs: [Int!]!", "Recording.outputs: is [Int!]!, expected fields"),
        ("progress: Int!", "progress: Output!", "Recording.progress: is Output!, expected a value"),
        ("type Mutation", "type Unused", "mutation: the server has none"),
    ],
)
def test_what_a_schema_lacks(old: str, new: str, expected: str) -> None:
    assert old in SDL
    assert missing(SDL.replace(old, new)) == (expected,)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("camera(node_id: Int!)", "camera(node_id: ID!)"),
        ("camera(node_id: Int!)", "camera(node_id: [Int!]!)"),
        ("camera(node_id: Int!)", "camera(node_id: Int!, site: Int! = 1)"),
        ("recording(recording_id: String!)", "recording(recording_id: ID!)"),
        ("from: Int!, to: Int!", "from: Timestamp!, to: Timestamp!"),
    ],
)
def test_what_can_be_filled_all_the_same(old: str, new: str) -> None:
    assert missing("scalar Timestamp\n" + SDL.replace(old, new)) == ()


@pytest.mark.parametrize("schema", [None, {}, {"types": None}, {"types": [{}]}, [], "x"])
def test_an_introspection_that_is_none(schema: Any) -> None:
    assert schema_check.missing(schema) == ("its introspection cannot be understood",)


@pytest.mark.parametrize("question", EACH, ids=lambda question: type(question).__name__)
def test_what_is_looked_at_is_what_is_sent(question: Question) -> None:
    """GraphQL's own parser finds the same fields and arguments in the document of a call."""
    sent = parse(documents.build([question], documents.USUAL_TYPES)["query"])
    assert paths(sent) == {
        path
        for each in schema_check.selections(documents.FORMS[type(question)].field)
        for path in looked_at(each)
    }


def looked_at(selection: schema_check.Selection, above: str = "") -> set[str]:
    place = f"{above}/{selection.name}({','.join(selection.arguments)})"
    return {place}.union(*(looked_at(inner, place) for inner in selection.inner))


def paths(document: DocumentNode) -> set[str]:
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    return set().union(*(below(field, "") for field in operation.selection_set.selections))


def below(field: Any, above: str) -> set[str]:
    assert isinstance(field, FieldNode)
    place = f"{above}/{field.name.value}({','.join(each.name.value for each in field.arguments or ())})"
    inner = field.selection_set.selections if field.selection_set else ()
    return {place}.union(*(below(each, place) for each in inner))
