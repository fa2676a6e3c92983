"""Steers a running simulator over HTTP, for tests and integrators in other processes, without a token."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from camspool.simulator.faults import CATALOGUE, Fault, Faults
from camspool.simulator.portal import Clock
from camspool.simulator.record import Record

_FAULT_MATCHES = {"times", "skip", "lasts", "operation", "node_id", "recording_id"}


def control_routes(clock: Clock, faults: Faults, record: Record, tokens: set[str]) -> list[Route]:
    """The routes below /_simulator/: `faults`, `record`, `clock` and `tokens`."""

    async def ask_for_fault(request: Request) -> Response:
        return await _changed(request, lambda wish: _add_fault(faults, wish))

    async def show_faults(_request: Request) -> Response:
        catalogue = {
            name: {"stage": kind.stage, "does": kind.does, "parameters": dict(kind.parameters)}
            for name, kind in CATALOGUE.items()
        }
        return JSONResponse(
            {"waiting": [asdict(fault) for fault in faults.waiting()], "catalogue": catalogue}
        )

    async def forget_faults(_request: Request) -> Response:
        faults.clear()
        return Response(status_code=204)

    async def show_record(_request: Request) -> Response:
        return JSONResponse(record.as_json())

    async def forget_record(_request: Request) -> Response:
        record.clear()
        return Response(status_code=204)

    async def show_clock(_request: Request) -> Response:
        return JSONResponse({"now": clock.now()})

    async def move_clock(request: Request) -> Response:
        return await _changed(request, lambda wish: _move(clock, wish))

    async def replace_tokens(request: Request) -> Response:
        return await _changed(request, lambda wish: _replace(tokens, wish))

    return [
        Route("/_simulator/faults", show_faults, methods=["GET"]),
        Route("/_simulator/faults", ask_for_fault, methods=["POST"]),
        Route("/_simulator/faults", forget_faults, methods=["DELETE"]),
        Route("/_simulator/record", show_record, methods=["GET"]),
        Route("/_simulator/record", forget_record, methods=["DELETE"]),
        Route("/_simulator/clock", show_clock, methods=["GET"]),
        Route("/_simulator/clock", move_clock, methods=["POST"]),
        Route("/_simulator/tokens", replace_tokens, methods=["POST"]),
    ]


async def _changed(request: Request, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Response:
    """Applies a JSON object to the simulator; 400 with the reason if that is not possible."""
    try:
        wish = json.loads(await request.body())
        if not isinstance(wish, dict):
            return JSONResponse({"error": f"expected a JSON object, found {type(wish).__name__}"}, 400)
        return JSONResponse(change(wish))
    except (ValueError, TypeError) as problem:
        return JSONResponse({"error": str(problem)}, 400)


def _add_fault(faults: Faults, wish: dict[str, Any]) -> dict[str, Any]:
    """`{"name": ..., "times": ..., "parameters": {...}}`, with the matches of Fault beside them."""
    if unknown := set(wish) - _FAULT_MATCHES - {"name", "parameters"}:
        raise ValueError(f'unknown keys {sorted(unknown)}; parameters of the fault go into "parameters"')
    matches = {key: wish[key] for key in _FAULT_MATCHES & set(wish)}
    fault: Fault = faults.add(wish.get("name", ""), **matches, **wish.get("parameters", {}))
    return asdict(fault)


def _move(clock: Clock, wish: dict[str, Any]) -> dict[str, Any]:
    match wish:
        case {"advance": int() | float() as seconds}:
            clock.advance(seconds)
        case {"set": int() | float() as moment}:
            clock.set(moment)
        case _:
            raise ValueError('expected {"advance": seconds} or {"set": unix_seconds}')
    return {"now": clock.now()}


def _replace(tokens: set[str], wish: dict[str, Any]) -> dict[str, Any]:
    new = wish.get("tokens")
    if not isinstance(new, list) or not all(isinstance(token, str) for token in new):
        raise ValueError('expected {"tokens": ["...", ...]}')
    tokens.clear()
    tokens.update(new)
    return {"tokens": sorted(tokens)}
