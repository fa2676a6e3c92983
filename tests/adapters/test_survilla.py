"""The vendor's API: the contract of `ports.Api` against the simulator, and strange servers by hand."""

import asyncio
import contextlib
import inspect
import json
import logging
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from graphql import build_schema, graphql_sync

from camspool.adapters.survilla import Survilla, documents, failures
from camspool.core.errors import CameraNotFound, CamspoolError, ClipTrouble, RecordingExpired, ServiceTrouble
from camspool.core.ports import Answer, AskProgress, ListCameras, ListRecordings, PrepareRecording, Question
from camspool.core.values import Listed, Preparation, WaitReason
from camspool.simulator import PAGE_FROM, PAGE_NODE, PAGE_TO, Node, Settings, Simulator, Stretch, World
from support.fake_clock import FakeClock

TOKEN = "tok-5f2c9e7ab1"  # noqa: S105  nobody's
GATE = ListRecordings(7, 1_589_190_089, 1_589_190_099)
PREPARE = PrepareRecording("abc", 720)
ASK = AskProgress("abc")


# --- a server by hand -------------------------------------------------------------------------------------


class Heard:
    """What the hand-made server was asked: headers and decoded bodies, in order."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        self.bodies: list[dict[str, Any]] = []


Respond = Callable[[dict[str, Any]], bytes | Awaitable[bytes]]


def response(
    body: bytes | str | dict[str, Any] | list[Any],
    status: int = 200,
    content_type: str = "application/json",
    **headers: str,
) -> bytes:
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {status} Something", f"Content-Type: {content_type}", f"Content-Length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + data


@asynccontextmanager
async def serving(respond: Respond | bytes) -> AsyncIterator[tuple[str, Heard]]:
    heard = Heard()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(re.findall(r"(?m)^([\w-]+): (.*?)\r$", head.lower().replace(TOKEN.lower(), TOKEN)))
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        heard.headers.append(headers)
        heard.bodies.append(body)
        answer = respond if isinstance(respond, bytes) else respond(body)
        writer.write(answer if isinstance(answer, bytes) else await answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/graphql.php", heard


@asynccontextmanager
async def client(url: str, **more: Any) -> AsyncIterator[Survilla]:
    more.setdefault("token", lambda: TOKEN)
    limit_s = more.pop("timeout", 5.0)
    survilla = Survilla(url, clock=FakeClock(), timeout=lambda: limit_s, user_agent="camspool/test", **more)
    try:
        yield survilla
    finally:
        await survilla.aclose()


async def asked(respond: Respond | bytes, *questions: Question, **more: Any) -> list[Answer | CamspoolError]:
    async with serving(respond) as (url, _), client(url, **more) as survilla:
        return list(await survilla.ask(questions))


async def trouble_of(respond: Respond | bytes, *questions: Question, **more: Any) -> ServiceTrouble:
    with pytest.raises(ServiceTrouble) as caught:
        await asked(respond, *questions, **more)
    return caught.value


# --- the contract, against the simulator ------------------------------------------------------------------


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    world = World(
        (
            Node(7, "Gate", external_id="gate", stretches=(Stretch(start=0, heights=(64, 96)),)),
            Node(8, "Ramp", stretches=()),
        )
    )
    settings = Settings(prepare_cloud=0, prepare_local=0, cache=tmp_path, tokens=(TOKEN,))
    with Simulator(world, settings) as running:
        yield running


@pytest.fixture
async def api(simulator: Simulator) -> AsyncIterator[Survilla]:
    async with client(simulator.url) as survilla:
        yield survilla


async def one(api: Survilla, question: Question) -> Any:
    (answer,) = await api.ask([question])
    return answer


async def test_three_steps(api: Survilla) -> None:
    (recording,) = await one(api, GATE)
    assert recording.duration_s == 10
    assert recording.heights == (64, 96)
    assert await one(api, PrepareRecording(recording.recording_id, 64)) is True
    progress = await one(api, AskProgress(recording.recording_id))
    while progress.download_url is None:
        await asyncio.sleep(0.02)
        progress = await one(api, AskProgress(recording.recording_id))
    assert progress.percent == 100
    assert progress.download_url.startswith("http://127.0.0.1:")


async def test_cameras(api: Survilla) -> None:
    cameras = await one(api, ListCameras())
    assert [(camera.node_id, camera.name, camera.external_id) for camera in cameras] == [
        (7, "Gate", "gate"),
        (8, "Ramp", None),
    ]


async def test_page_example() -> None:
    with Simulator() as simulator:
        async with client(simulator.url, token=lambda: simulator.token) as survilla:
            (recording,) = await one(survilla, ListRecordings(PAGE_NODE, PAGE_FROM, PAGE_TO))
            assert (recording.duration_s, recording.heights) == (598, (480, 720, 800))
            types = {camera.type for camera in await one(survilla, ListCameras())}
    assert types == {"camera", "videoChannel"}


async def test_each_question_of_a_call_gets_its_own_answer(simulator: Simulator, api: Survilla) -> None:
    simulator.faults.add("field_error", node_id=7, times=1)
    nothing, unknown, failed = await api.ask([ListRecordings(8, 0, 10), ListRecordings(99, 0, 10), GATE])
    assert nothing == ()
    assert isinstance(unknown, CameraNotFound)
    assert isinstance(failed, ClipTrouble)
    assert "Internal error" in failed.message
    assert len(simulator.record.calls) == 1


async def test_expired_recording(api: Survilla) -> None:
    assert isinstance(await one(api, AskProgress("gone")), RecordingExpired)


@pytest.mark.parametrize("expired_prepare", ["false", "null", "error"])
async def test_expired_when_preparing(tmp_path: Path, expired_prepare: Any) -> None:
    settings = Settings(
        cache=tmp_path, tokens=(TOKEN,), expired_prepare=expired_prepare, expired_recording="error"
    )
    with Simulator(settings=settings) as simulator:
        async with client(simulator.url) as survilla:
            refused = await one(survilla, PrepareRecording("gone", 720))
            assert refused is False or isinstance(refused, RecordingExpired)
            assert isinstance(refused, RecordingExpired) == (expired_prepare == "error")
            assert isinstance(await one(survilla, AskProgress("gone")), RecordingExpired)


async def test_new_token_is_used_for_the_next_call(simulator: Simulator) -> None:
    tokens = ["wrong-token"]
    async with client(simulator.url, token=lambda: tokens[-1]) as survilla:
        with pytest.raises(ServiceTrouble) as caught:
            await survilla.ask([ListCameras()])
        assert caught.value.reason == WaitReason.UNAUTHORISED
        tokens.append(TOKEN)
        assert len(await one(survilla, ListCameras())) == 2


FAULTS: list[tuple[str, dict[str, Any], WaitReason, float | None, str]] = [
    ("api_status", {"status": 401}, WaitReason.UNAUTHORISED, None, "api.token_file"),
    ("api_status", {"status": 403}, WaitReason.UNAUTHORISED, None, "HTTP 403"),
    ("api_status", {"status": 429, "retry_after": 17}, WaitReason.RATE_LIMITED, 17.0, "HTTP 429"),
    ("api_status", {"status": 429, "retry_after": 999_999}, WaitReason.RATE_LIMITED, 3600.0, "HTTP 429"),
    ("api_status", {"status": 503, "retry_after": 3}, WaitReason.API_ERROR, 3.0, "Service Unavailable"),
    ("api_status", {"status": 404}, WaitReason.API_ERROR, None, "HTTP 404"),
    ("api_html", {}, WaitReason.API_ERROR, None, "text/html"),
    ("api_broken_json", {}, WaitReason.API_ERROR, None, "HTTP 200"),
    ("api_null_data", {}, WaitReason.API_ERROR, None, "HTTP 200"),
    ("api_replace", {"answer": []}, WaitReason.API_ERROR, None, "saying: []"),
    ("api_replace", {"answer": {"data": 5}}, WaitReason.API_ERROR, None, "HTTP 200"),
    ("api_error", {}, WaitReason.API_ERROR, None, "Internal server error"),
    ("api_error", {"code": "UNAUTHENTICATED", "message": "no"}, WaitReason.UNAUTHORISED, None, "no"),
    ("api_error", {"message": "Forbidden", "status": 400}, WaitReason.UNAUTHORISED, None, "Forbidden"),
    ("api_error", {"message": "Rate limit exceeded"}, WaitReason.RATE_LIMITED, None, "Rate limit"),
    ("api_batch_limit", {"limit": 0}, WaitReason.API_ERROR, None, "refuses"),
    ("api_reset", {}, WaitReason.API_UNREACHABLE, None, "broke off"),
    ("api_hang", {}, WaitReason.API_UNREACHABLE, None, "no answer within 0.3 s"),
    ("api_huge", {"size": 200_000}, WaitReason.API_ERROR, None, "larger than 100000 bytes"),
]


@pytest.mark.parametrize(("fault", "parameters", "reason", "retry_after", "words"), FAULTS)
async def test_trouble_of_the_whole_call(
    simulator: Simulator,
    fault: str,
    parameters: dict[str, Any],
    reason: WaitReason,
    retry_after: float | None,
    words: str,
) -> None:
    simulator.faults.add(fault, **parameters)
    async with client(simulator.url, timeout=0.3, largest=100_000) as survilla:
        with pytest.raises(ServiceTrouble) as caught:
            await survilla.ask([GATE])
    assert (caught.value.reason, caught.value.retry_after) == (reason, retry_after)
    assert words in caught.value.message
    assert TOKEN not in caught.value.message
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        ("api_hang", {}),
        ("api_reset", {"after_work": True}),
        ("api_status", {"status": 502}),
        ("api_error", {}),
        ("api_broken_json", {}),
    ],
)
async def test_preparation_that_may_have_started_is_the_clips_affair(
    simulator: Simulator, fault: str, parameters: dict[str, Any]
) -> None:
    simulator.faults.add(fault, **parameters)
    async with client(simulator.url, timeout=0.3) as survilla:
        first, second = await survilla.ask([PREPARE, PrepareRecording("def", 480)])
    assert isinstance(first, ClipTrouble)
    assert isinstance(second, ClipTrouble)
    assert "not known" in first.message


@pytest.mark.parametrize("status", [401, 429])
async def test_preparation_that_was_refused_is_the_services_affair(simulator: Simulator, status: int) -> None:
    simulator.faults.add("api_status", status=status)
    async with client(simulator.url) as survilla:
        with pytest.raises(ServiceTrouble):
            await survilla.ask([PREPARE])


# --- what is sent -----------------------------------------------------------------------------------------


async def test_values_travel_as_variables_and_nothing_else_is_sent() -> None:
    hostile = PrepareRecording('x") { evil } #', 720)
    reply = response({"data": {"q0": True, "q1": "true"}}, set_cookie="PHPSESSID=1; Path=/")
    async with serving(reply) as (url, heard), client(url) as survilla:
        assert await survilla.ask([hostile, PREPARE]) == [True, False]
        await survilla.ask([hostile, PREPARE])
    assert "evil" not in heard.bodies[0]["query"]
    assert heard.bodies[0]["variables"]["q0_recording_id"] == hostile.recording_id
    assert heard.headers[0]["authorization"] == f"bearer {TOKEN}"
    assert heard.headers[0]["user-agent"] == "camspool/test"
    assert "cookie" not in heard.headers[1]


def test_every_question_has_a_form_whose_places_have_types() -> None:
    assert set(documents.FORMS) == set(get_args(Question))
    places = [place for form in documents.FORMS.values() for place in form.places.values()]
    assert sorted(places) == sorted(documents.USUAL_TYPES)


OTHER_SCHEMA = build_schema("""
    scalar Moment
    type Output { height: Int }
    type Recording {
        recording_id: ID, duration: Float, outputs: [Output], progress: Float, download_url: String
    }
    type Camera { recordings(from: Moment!, to: String): [Recording!] }
    type Portal { camera(node_id: ID!): Camera, recording(recording_id: ID!): Recording! }
    type Change { recordingPrepare(recording_id: ID!, height: Int): Boolean }
    schema { query: Portal, mutation: Change }
""")


def other_server(body: dict[str, Any]) -> bytes:
    def recordings(_info: Any, **arguments: Any) -> list[Any]:
        assert arguments == {"from": GATE.start, "to": str(GATE.end)}
        return [{"recording_id": 5, "duration": 9.5, "outputs": [{"height": 96}]}]

    root = {
        "camera": lambda _info, node_id: {"recordings": recordings} if node_id == "7" else None,
        "recording": lambda _info, recording_id: {"progress": 12.5},
        "recordingPrepare": lambda _info, recording_id, height: True,
    }
    result = graphql_sync(OTHER_SCHEMA, body["query"], root, variable_values=body.get("variables"))
    return response(dict(result.formatted), status=200 if result.data else 400)


async def test_argument_types_are_looked_up_once_when_refused() -> None:
    async with serving(other_server) as (url, heard), client(url) as survilla:
        assert await one(survilla, GATE) == (Listed("5", 9.5, (96,)),)
        assert await one(survilla, PREPARE) is True
        assert await one(survilla, ASK) == Preparation(12.5, None)
    asked_schema = ["__schema" in body["query"] for body in heard.bodies]
    assert asked_schema == [False, True, False, False, False]


async def test_schema_that_may_not_be_read_leaves_the_refusal() -> None:
    refusal = {"message": 'Variable "$q0_node_id" of type "Int!" used', "locations": [{"line": 1}]}
    async with serving(response({"errors": [refusal]})) as (url, heard), client(url) as survilla:
        for _ in range(2):
            with pytest.raises(ServiceTrouble, match="Variable") as caught:
                await survilla.ask([GATE])
            assert caught.value.reason == WaitReason.API_ERROR
    assert len(heard.bodies) == 3


# --- what comes back --------------------------------------------------------------------------------------


def listing(**changes: Any) -> bytes:
    recording = {"recording_id": "abc", "duration": 10, "outputs": [{"height": 64}], **changes}
    return response({"data": {"q0": {"recordings": [recording]}}})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Listed("abc", 10.0, (64,))),
        ({"recording_id": 12, "duration": "598.5"}, Listed("12", 598.5, (64,))),
        ({"outputs": [{"height": h} for h in (0, -1, True, None, "720", 96.5, 10_001, 720)]}, (720,)),
        ({"outputs": None}, ()),
        ({"recording_id": ""}, "recording id"),
        ({"recording_id": "a\nb"}, "recording id"),
        ({"recording_id": "a" * 201}, "recording id"),
        ({"recording_id": True}, "recording id"),
        ({"duration": -1}, "-1"),
        ({"duration": None}, "None"),
        ({"duration": True}, "True"),
        ({"duration": 31 * 86400}, "2678400"),
        ({"duration": 10**400}, "duration"),
    ],
)
async def test_listed_values(changes: dict[str, Any], expected: Any) -> None:
    (answer,) = await asked(listing(**changes), GATE)
    if isinstance(expected, str):
        assert isinstance(answer, ClipTrouble)
        assert expected in answer.message
        return
    assert isinstance(answer, tuple)
    (recording,) = answer
    assert isinstance(recording, Listed)
    assert recording == expected if isinstance(expected, Listed) else recording.heights == expected


@pytest.mark.parametrize(
    "body",
    [
        '{"data": {"q0": {"recordings": [{"recording_id": "a", "duration": NaN, "outputs": []}]}}}',
        "[" * 1_000_000,
        '{"data": {"q0": ' + "9" * 5000 + "}}",
        b"\xff\xfe\x00",
        "",
    ],
)
async def test_bodies_that_are_no_json(body: bytes | str) -> None:
    assert (await trouble_of(response(body), GATE)).reason == WaitReason.API_ERROR


async def test_too_many_recordings() -> None:
    (answer,) = await asked(response({"data": {"q0": {"recordings": [{}] * 2001}}}), GATE)
    assert isinstance(answer, ClipTrouble)
    assert "2001" in answer.message


@pytest.mark.parametrize(
    ("progress", "url", "expected"),
    [
        (50, None, (50.0, None)),
        (None, "", (None, None)),
        (-3, "null", (0.0, None)),
        (250, "https://dl.example:8443/a.mp4?s=1", (100.0, "https://dl.example:8443/a.mp4?s=1")),
        (100, "/files/a.mp4", (100.0, "ENDPOINT/files/a.mp4")),
        (True, None, "progress"),
        ("soon", None, "progress"),
        (100, "ftp://dl.example/a.mp4?s=secret", "download URL"),
        (100, "file:///etc/passwd", "download URL"),
        (100, "http:///a.mp4", "download URL"),
        (100, "http://[broken/a.mp4", "download URL"),
        (100, "http://dl.example:99999/a.mp4", "download URL"),
        (100, "https://dl.example/a b.mp4", (100.0, "https://dl.example/a%20b.mp4")),
        (100, "https://dl.example/Dvůr[1]%20.mp4", (100.0, "https://dl.example/Dv%C5%AFr%5B1%5D%20.mp4")),
        (100, "files/a b.mp4", (100.0, "ENDPOINT/api/files/a%20b.mp4")),
        (100, "http://dl.example/\r\nHost: y", (100.0, "http://dl.example/%0D%0AHost:%20y")),
        (100, "http://dl example/a.mp4", "download URL"),
        (100, "http://dl.example\r\n.evil/a.mp4", "download URL"),
        (100, {"u": 1}, "download URL"),
    ],
)
async def test_preparation_values(progress: Any, url: Any, expected: Any) -> None:
    body = response({"data": {"q0": {"progress": progress, "download_url": url}}})
    async with serving(body) as (endpoint, _), client(endpoint) as survilla:
        answer = await one(survilla, ASK)
    if isinstance(expected, str):
        assert isinstance(answer, ClipTrouble)
        assert expected in answer.message
        assert "secret" not in answer.message
        return
    origin = endpoint.removesuffix("/api/graphql.php")
    assert answer == Preparation(expected[0], expected[1] and expected[1].replace("ENDPOINT", origin))


async def test_cameras_are_chosen_leniently() -> None:
    kinds = ["CAMERA", "videoChannel", "VIDEO_CHANNEL", "box", "cameraAudioDevice", None]
    nodes: list[Any] = [{"node_id": i, "type": kind, "name": f"n{i}"} for i, kind in enumerate(kinds)]
    nodes += [{"node_id": "6", "type": "camera", "name": None, "external_id": 17}, {"type": "camera"}, "?"]
    (cameras,) = await asked(response({"data": {"q0": nodes}}), ListCameras())
    assert isinstance(cameras, tuple)
    assert [getattr(camera, "node_id", None) for camera in cameras] == [0, 1, 2, 6]
    assert getattr(cameras[-1], "external_id", None) == "17"


def errors(*found: tuple[str, list[Any] | None], data: Any = None) -> bytes:
    items = [{"message": message, **({"path": path} if path else {})} for message, path in found]
    return response({"data": data, "errors": items})


COMPLAINTS: list[tuple[Question, bytes, type[CamspoolError] | Any]] = [
    (GATE, errors(("Camera not found", ["q0"])), CameraNotFound),
    (GATE, errors(("Forbidden", ["q0", "recordings"]), data={"q0": None}), CameraNotFound),
    (GATE, errors(("Storage offline", ["q0"]), data={"q0": None}), ClipTrouble),
    (GATE, errors(("File not found", ["q0", "recordings"]), data={"q0": None}), ClipTrouble),
    (GATE, errors(("No such node", None), data={"q0": None}), CameraNotFound),
    (GATE, response({"data": {"q0": None}}), CameraNotFound),
    (GATE, response({"data": {"q0": {"recordings": None}}}), ()),
    (GATE, response({"data": {"q0": [1]}}), ClipTrouble),
    (GATE, response({"data": {}}), ClipTrouble),
    (ASK, errors(("Recording abc does not exist", ["q0"])), RecordingExpired),
    (ASK, errors(("Unknown error", ["q0"])), ClipTrouble),
    (ASK, errors(("Forbidden", ["q0"])), ClipTrouble),
    (PREPARE, errors(("Id expired", ["q0"])), RecordingExpired),
    (PREPARE, errors(("Disk full", ["q0"])), ClipTrouble),
    (PREPARE, response({"data": {"q0": None}}), False),
    (PREPARE, response({"data": {"q0": 1}}), False),
    (ListCameras(), errors(("Forbidden", ["q0"])), ClipTrouble),
]


@pytest.mark.parametrize(("question", "body", "expected"), COMPLAINTS)
async def test_complaint_about_one_question(question: Question, body: bytes, expected: Any) -> None:
    (answer,) = await asked(body, question)
    assert answer is expected or (isinstance(expected, type) and isinstance(answer, expected))


async def test_complaint_that_loses_all_answers_is_trouble_of_the_call() -> None:
    trouble = await trouble_of(errors(("Storage offline", ["q1"])), GATE, GATE)
    assert trouble.reason == WaitReason.API_ERROR


async def test_preparations_whose_answers_are_lost_may_have_started() -> None:
    limited = errors(("Too many requests", ["q1"]))
    answers = await asked(limited, PREPARE, PrepareRecording("def", 480))
    assert all(isinstance(answer, ClipTrouble) for answer in answers)
    assert (await trouble_of(limited, ASK, AskProgress("def"))).reason == WaitReason.RATE_LIMITED


async def test_a_bad_token_reported_per_alias_is_trouble_of_the_service() -> None:
    both = errors(("Unauthenticated", ["q0"]), ("Unauthenticated", ["q1"]), data={"q0": None, "q1": None})
    assert (await trouble_of(both, ASK, AskProgress("def"))).reason == WaitReason.UNAUTHORISED
    data = {"q0": None, "q1": {"progress": 1, "download_url": None}}
    first, second = await asked(errors(("Unauthorized", ["q0"]), data=data), ASK, AskProgress("def"))
    assert isinstance(first, ClipTrouble)
    assert second == Preparation(1.0, None)


# --- secrets, redirects, the way there --------------------------------------------------------------------


async def test_redirect_is_named_and_not_followed() -> None:
    async with serving(response({"data": {"q0": []}})) as (target, heard):
        moved = response(b"", 307, location=target)
        trouble = await trouble_of(moved, ListCameras())
        elsewhere = await trouble_of(
            response(b"", 302, location="https://other.example/x?y=z"), ListCameras()
        )
    assert heard.bodies == []
    assert trouble.reason == WaitReason.API_ERROR
    assert "other.example" in elsewhere.message
    assert "y=z" not in elsewhere.message


async def test_secrets_do_not_leave_the_adapter(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    said = f"bad token {TOKEN} at https://dl.example/a.mp4?signature=hush for you"
    html = "<html><script>x</script><b>" + said.replace("/", r"\/") + "</b>\x1b[31m"
    bodies = [
        response(html, 500, "text/html"),
        errors((said, None)),
        errors((said, ["q0"]), data={"q0": None}),
    ]
    for body in bodies:
        trouble = await trouble_of(body, GATE)
        assert "https://dl.example/a.mp4?[...]" in trouble.message
        assert not re.search(rf"{TOKEN}|hush|\x1b|<", trouble.message)
        assert trouble.__suppress_context__ or trouble.__context__ is None
    shown = caplog.text + "".join(capsys.readouterr())
    assert TOKEN not in shown
    assert "hush" not in shown


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "tök"])
async def test_token_that_cannot_be_one(token: str) -> None:
    async with (
        serving(response({"data": {"q0": []}})) as (url, heard),
        client(url, token=lambda: token) as survilla,
    ):
        with pytest.raises(ServiceTrouble) as caught:
            await survilla.ask([ListCameras()])
    assert caught.value.reason == WaitReason.UNAUTHORISED
    assert heard.bodies == []
    assert not token or token not in caught.value.message


async def test_connection_refused_and_unknown_name() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    for url, words in [
        (f"http://127.0.0.1:{port}/", "connection refused"),
        ("http://no-such-host.invalid/", "cannot be resolved"),
    ]:
        async with client(url) as survilla:
            with pytest.raises(ServiceTrouble, match=words) as caught:
                await survilla.ask([PREPARE])
            assert caught.value.reason == WaitReason.API_UNREACHABLE


@asynccontextmanager
async def rude_server(reply: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    """Speaks at once, and listens to nothing."""

    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reply(writer)
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_server_without_tls() -> None:
    async def plain(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with rude_server(plain) as url, client(url.replace("http:", "https:")) as survilla:
        with pytest.raises(ServiceTrouble, match="TLS") as caught:
            await survilla.ask([ListCameras()])
    assert caught.value.reason == WaitReason.API_UNREACHABLE


async def test_answer_that_drips_is_given_up() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with rude_server(drip) as url, client(url, timeout=0.2) as survilla:
        with pytest.raises(ServiceTrouble, match=r"no answer within 0\.2 s"):
            await survilla.ask([ListCameras()])
        await asyncio.sleep(0.05)  # until the server has noticed


def tree(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for child in kind.__subclasses__():
        yield from tree(child)


HTTPX_ERRORS = [
    kind
    for name in dir(httpx)
    if isinstance(kind := getattr(httpx, name), type) and issubclass(kind, Exception)
]


@pytest.mark.parametrize("kind", HTTPX_ERRORS, ids=lambda kind: kind.__name__)
def test_every_exception_of_httpx_is_mapped(kind: type[Exception]) -> None:
    request = httpx.Request("POST", "http://x/", headers={"Authorization": TOKEN})
    if issubclass(kind, httpx.HTTPStatusError):
        error: Exception = kind(TOKEN, request=request, response=httpx.Response(500))
    else:
        error = kind(TOKEN) if "message" in inspect.signature(kind).parameters else kind()
    assert isinstance(error, failures.ON_THE_WAY)
    trouble = failures.on_the_way(error, "portal.example", 30.0)
    gone = issubclass(kind, httpx.TransportError)
    ours = issubclass(kind, httpx.UnsupportedProtocol | httpx.LocalProtocolError)
    assert trouble.reason == (WaitReason.API_UNREACHABLE if gone and not ours else WaitReason.API_ERROR)
    assert trouble.message.startswith("portal.example: ")
    assert TOKEN not in trouble.message


def test_the_tree_of_httpx_is_all_public() -> None:
    roots = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, httpx.CookieConflict)
    assert {kind for root in roots for kind in tree(root)} == set(HTTPX_ERRORS)


async def test_what_the_servers_clock_shows_is_remembered(simulator: Simulator) -> None:
    async with client(simulator.url, token=lambda: simulator.token) as survilla:
        assert survilla.server_time is None
        await survilla.ask([ListCameras()])
        assert survilla.server_time
        assert abs((survilla.server_time.at - datetime.now(UTC)).total_seconds()) < 60
