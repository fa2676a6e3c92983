"""The GraphQL endpoint: token, faults of a whole call, execution, and the answer's JSON."""

import email.utils
import json
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    graphql_sync,
    parse,
    value_from_ast_untyped,
)
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse

from camspool.simulator.faults import Fault, Faults, Target
from camspool.simulator.portal import Portal
from camspool.simulator.record import Call, Record, Strike
from camspool.simulator.schema import Context, make_schema
from camspool.simulator.wire import Wires

ERROR_PAGE = (
    "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>"
)


@dataclass(frozen=True, slots=True)
class Question:
    """One call's body, parsed as far as the faults need it."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None
    targets: list[Target]


class Api:
    """Answers POSTs to the endpoint. `tokens` may change while it runs."""

    def __init__(
        self, portal: Portal, faults: Faults, record: Record, tokens: Collection[str], wires: Wires
    ) -> None:
        self._portal = portal
        self._faults = faults
        self._record = record
        self._tokens = tokens
        self._wires = wires
        self._schema: GraphQLSchema = make_schema()

    async def answer(self, request: Request) -> Response:
        question = _understand(await request.body())
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        authorised = scheme.lower() == "bearer" and token in self._tokens
        targets = question.targets if question else []
        fault = self._faults.strike("call", targets) if authorised else None
        self._note(targets, fault, authorised=authorised)
        if not authorised:
            return JSONResponse(
                {"errors": [{"message": "Unauthorized"}]}, 401, {"WWW-Authenticate": "Bearer"}
            )
        if question is None:
            return JSONResponse({"errors": [{"message": 'Body must be JSON with "query"'}]}, 400)
        origin = f"{request.url.scheme}://{request.url.netloc}"
        if fault is None:
            return self._execute(question, origin)
        return await self._strike(fault, request, lambda: self._execute(question, origin))

    def _note(self, targets: list[Target], fault: Fault | None, *, authorised: bool) -> None:
        now = self._portal.clock.now()
        operations = tuple(target.operation for target in targets)
        self._record.add(Call(now, operations, authorised, fault.name if fault else None))
        if fault:
            self._record.add(Strike(now, fault.name, ",".join(sorted(set(operations)))))

    def _execute(self, question: Question, origin: str) -> Response:
        context = Context(self._portal, self._faults, self._record, origin)
        result = graphql_sync(
            self._schema,
            question.query,
            context_value=context,
            variable_values=question.variables,
            operation_name=question.operation_name,
        )
        answer: dict[str, Any] = dict(result.formatted)
        for alias, fault in context.overrides:
            _override(answer.get("data"), alias, fault)
        return JSONResponse(answer)

    async def _strike(self, fault: Fault, request: Request, execute: Callable[[], Response]) -> Response:
        wire = self._wires.of(request.scope, request.receive)
        match fault.name:
            case "api_hang":
                await wire.gone()
            case "api_reset":
                if fault["after_work"]:
                    execute()
                await wire.reset()
            case "api_slow":
                if await wire.stays(fault["seconds"]):
                    return execute()
            case _:
                return _WRONG_ANSWERS[fault.name](fault)
        return Response()


def retry_after(fault: Fault) -> dict[str, str]:
    """The Retry-After header that `fault` asks for, if any; a date is by the real clock, not ours."""
    seconds = fault["retry_after"]
    if seconds is None:
        return {}
    as_date = "retry_date" in fault.parameters and fault["retry_date"]
    value = email.utils.formatdate(time.time() + seconds, usegmt=True) if as_date else str(seconds)
    return {"Retry-After": value}


async def _junk(size: int) -> AsyncIterator[bytes]:
    yield b'{"data": "'
    for start in range(0, size, 65536):
        yield b"x" * min(65536, size - start)


def _errors(message: str, code: str | None, status: int) -> Response:
    extensions = {"extensions": {"code": code}} if code else {}
    return JSONResponse({"errors": [{"message": message} | extensions]}, status)


_WRONG_ANSWERS: Mapping[str, Callable[[Fault], Response]] = MappingProxyType(
    {
        "api_status": lambda fault: PlainTextResponse(fault["body"], fault["status"], retry_after(fault)),
        "api_html": lambda fault: HTMLResponse(ERROR_PAGE, fault["status"]),
        "api_broken_json": lambda _: Response('{"data": {"camera": {"rec', media_type="application/json"),
        "api_error": lambda fault: _errors(fault["message"], fault["code"], fault["status"]),
        "api_null_data": lambda _: JSONResponse({"data": None}),
        "api_replace": lambda fault: JSONResponse(fault["answer"]),
        "api_batch_limit": lambda fault: _errors("Query is too complex", None, fault["status"]),
        "api_huge": lambda fault: StreamingResponse(_junk(fault["size"]), media_type="application/json"),
    }
)


def _override(data: object, alias: str, fault: Fault) -> None:
    if not isinstance(data, dict):
        return
    if fault["key"] is None:
        data[alias] = fault["value"]
    else:
        _replace_below(data.get(alias), fault["key"], fault["value"])


def _replace_below(value: object, name: str, replacement: object) -> None:
    if isinstance(value, list):
        for item in value:
            _replace_below(item, name, replacement)
    if isinstance(value, dict):
        for key in value:
            if key == name:
                value[key] = replacement
            else:
                _replace_below(value[key], name, replacement)


def _understand(body: bytes) -> Question | None:
    """The question in `body`, or None if it is not GraphQL over HTTP at all."""
    try:
        document = json.loads(body)
    except ValueError:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("query"), str):
        return None
    variables = document.get("variables") or {}
    if not isinstance(variables, dict):
        return None
    return Question(
        document["query"], variables, document.get("operationName"), _targets(document["query"], variables)
    )


def _targets(query: str, variables: dict[str, Any]) -> list[Target]:
    """The top-level fields of the document; one that does not parse has none, and the engine says why."""
    try:
        document: DocumentNode = parse(query)
    except GraphQLError:
        return []
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    fields = [node for operation in operations for node in operation.selection_set.selections]
    return [_target(node, variables) for node in fields if isinstance(node, FieldNode)]


def _target(node: FieldNode, variables: dict[str, Any]) -> Target:
    arguments = {
        argument.name.value: value_from_ast_untyped(argument.value, variables)
        for argument in node.arguments or ()
    }
    alias = node.alias.value if node.alias else node.name.value
    return Target(node.name.value, alias, arguments.get("node_id"), arguments.get("recording_id"))
