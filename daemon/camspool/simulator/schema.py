"""The vendor's GraphQL schema, and the resolvers that answer it from the portal, field faults included.

Whole answers (status, headers, faults of a call) are `api`'s business.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, TypeAlias

from graphql import GraphQLError, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema, build_schema

from camspool.simulator.faults import Fault, Faults, Target
from camspool.simulator.footage import Node
from camspool.simulator.portal import Portal, Recording
from camspool.simulator.record import Record, Strike

Resolver = Callable[..., Any]


@dataclass(slots=True)
class Context:
    """What the resolvers of one call share; `overrides` are aliases whose values a fault replaces later."""

    portal: Portal
    faults: Faults
    record: Record
    origin: str
    overrides: list[tuple[str, Fault]] = field(default_factory=list)


Info: TypeAlias = "GraphQLResolveInfo[Context]"  # a string: older releases cannot be subscripted


def make_schema() -> GraphQLSchema:
    """The executable schema; each call needs a Context as its context value."""
    text = resources.files(__package__).joinpath("schema.graphql").read_text(encoding="utf-8")
    schema = build_schema(text)
    resolvers: dict[tuple[str, str], Resolver] = {
        ("Query", "nodeList"): _with_faults(_node_list),
        ("Query", "camera"): _with_faults(_camera),
        ("Query", "recording"): _with_faults(_recording),
        ("Mutation", "recordingPrepare"): _with_faults(_recording_prepare),
        ("Camera", "recordings"): _recordings,
        ("Recording", "download_url"): _download_url,
        ("Recording", "progress"): _progress,
        ("Recording", "outputs"): _outputs,
    }
    for (type_name, field_name), resolver in resolvers.items():
        described = schema.type_map[type_name]
        assert isinstance(described, GraphQLObjectType)  # noqa: S101  the schema lies beside this file
        described.fields[field_name].resolve = resolver
    return schema


def _with_faults(resolve: Resolver) -> Resolver:
    def resolved(_root: object, info: Info, **arguments: Any) -> Any:
        context = info.context
        alias = str(info.path.key)
        target = Target(info.field_name, alias, arguments.get("node_id"), arguments.get("recording_id"))
        fault = context.faults.strike("field", [target])
        if fault is None:
            return resolve(context, **arguments)
        context.record.add(Strike(context.portal.clock.now(), fault.name, alias))
        return _strike(fault, context, alias, lambda: resolve(context, **arguments), arguments)

    return resolved


def _strike(
    fault: Fault, context: Context, alias: str, resolve: Callable[[], Any], arguments: dict[str, Any]
) -> Any:
    """Carries out a field fault; `resolve` gives what the answer would have been."""
    match fault.name:
        case "field_error":
            extensions = {"code": fault["code"]} if fault["code"] else None
            raise GraphQLError(fault["message"], extensions=extensions)
        case "field_null":
            return None
        case "prepare_answer":
            return fault["value"]
        case "field_value":
            context.overrides.append((alias, fault))
    recording = context.portal.known(arguments.get("recording_id", ""))
    if recording and fault.name == "id_expired":
        recording.revoked = True
    if recording and fault.name == "prepare_stall":
        recording.stalled_at_percent = fault["percent"]
    return resolve()


def _node_list(context: Context, type: str | None = None) -> list[Node]:  # noqa: A002  the schema's own name
    return [node for node in context.portal.world.nodes if type in {None, node.type}]


def _camera(context: Context, node_id: int) -> Node:
    node = context.portal.world.node(node_id)
    if node is None or not node.records:
        raise GraphQLError(f"Camera {node_id} not found", extensions={"code": "NOT_FOUND"})
    return node


def _recording(context: Context, recording_id: str) -> Recording | None:
    recording = context.portal.find(recording_id)
    if recording is None and context.portal.settings.expired_recording == "error":
        raise GraphQLError("Recording not found", extensions={"code": "NOT_FOUND"})
    return recording


def _recording_prepare(context: Context, recording_id: str, height: int) -> bool | None:
    accepted = context.portal.prepare(recording_id, height)
    if accepted or context.portal.find(recording_id):
        return accepted
    match context.portal.settings.expired_prepare:
        case "error":
            raise GraphQLError("Recording not found", extensions={"code": "NOT_FOUND"})
        case "null":
            return None
        case "false":
            return False


def _recordings(node: Node, info: Info, **between: int) -> list[Recording]:
    return info.context.portal.list_recordings(node, between["from"], between["to"])


def _download_url(recording: Recording, info: Info) -> str | None:
    context = info.context
    path = context.portal.url_path(recording)
    return None if path is None else context.origin + path


def _progress(recording: Recording, info: Info) -> int:
    return info.context.portal.progress(recording)


def _outputs(recording: Recording, _info: Info) -> list[dict[str, int]]:
    return [{"height": height} for height in recording.stretch.heights]
