"""Every fault of the simulator's API does what its name says, as often as asked and only where asked."""

import email.utils
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from camspool.simulator import CATALOGUE, Fault, Node, Settings, Simulator, Stretch, World
from simulator.test_api import Client

TWO = World(
    tuple(Node(node_id, f"Camera {node_id}", stretches=(Stretch(0, heights=(64, 96)),)) for node_id in (7, 8))
)
NAMES = "{ nodeList { name } }"


@pytest.fixture(name="client")
def _client(tmp_path: Path) -> Iterator[Client]:
    with (
        Simulator(TWO, Settings(prepare_cloud=0, prepare_local=0, cache=tmp_path)) as sim,
        Client(sim) as client,
    ):
        yield client


def _seconds_until(answer: httpx.Response) -> float:
    return email.utils.parsedate_to_datetime(answer.headers["retry-after"]).timestamp() - time.time()


def _first_error(answer: httpx.Response) -> Any:
    return answer.json()["errors"][0]


CALL_FAULTS: list[tuple[str, dict[str, Any], Callable[[httpx.Response], bool]]] = [
    ("api_status", {}, lambda answer: answer.status_code == 503),
    ("api_status", {"status": 401}, lambda answer: answer.status_code == 401),
    ("api_status", {"status": 403}, lambda answer: answer.status_code == 403),
    (
        "api_status",
        {"status": 429},
        lambda answer: answer.status_code == 429 and "retry-after" not in answer.headers,
    ),
    ("api_status", {"status": 429, "retry_after": 7}, lambda answer: answer.headers["retry-after"] == "7"),
    (
        "api_status",
        {"status": 429, "retry_after": 60, "retry_date": True},
        lambda answer: 55 < _seconds_until(answer) <= 60,
    ),
    ("api_html", {}, lambda answer: answer.status_code == 200 and answer.text.startswith("<!DOCTYPE")),
    (
        "api_html",
        {"status": 502},
        lambda answer: answer.status_code == 502 and answer.text.startswith("<!DOCTYPE"),
    ),
    ("api_broken_json", {}, lambda answer: answer.text.startswith('{"data"') and answer.text.count("}") == 0),
    ("api_error", {}, lambda answer: answer.status_code == 200 and "data" not in answer.json()),
    (
        "api_error",
        {"message": "Unauthorized", "code": "UNAUTHENTICATED"},
        lambda answer: (
            _first_error(answer) == {"message": "Unauthorized", "extensions": {"code": "UNAUTHENTICATED"}}
        ),
    ),
    ("api_null_data", {}, lambda answer: answer.json() == {"data": None}),
    ("api_replace", {"answer": ["what"]}, lambda answer: answer.json() == ["what"]),
    ("api_batch_limit", {"limit": 0}, lambda answer: "too complex" in _first_error(answer)["message"]),
    ("api_batch_limit", {"limit": 0, "status": 413}, lambda answer: answer.status_code == 413),
    (
        "api_slow",
        {"seconds": 0.05},
        lambda answer: answer.elapsed.total_seconds() > 0.05 and "data" in answer.json(),
    ),
    ("api_huge", {"size": 2_000_000}, lambda answer: len(answer.content) > 2_000_000),
]


@pytest.mark.parametrize(("name", "parameters", "seen"), CALL_FAULTS)
def test_a_fault_of_a_call(
    client: Client, name: str, parameters: dict[str, Any], seen: Callable[[httpx.Response], bool]
) -> None:
    usual = client.ask(NAMES)
    client.sim.faults.add(name, **parameters)
    assert seen(client.post(NAMES))
    assert client.ask(NAMES) == usual
    assert [strike.fault for strike in client.sim.record.strikes] == [name]


def test_a_call_that_hangs_is_never_answered(client: Client) -> None:
    client.sim.faults.add("api_hang")
    with pytest.raises(httpx.ReadTimeout):
        client.http.post(client.sim.url, json={"query": NAMES}, timeout=0.05)
    assert "data" in client.ask(NAMES)


@pytest.mark.parametrize("after_work", [False, True])
def test_a_reset_loses_the_answer_and_perhaps_the_work(client: Client, after_work: bool) -> None:  # noqa: FBT001
    recording_id = client.list()[0]["recording_id"]
    client.sim.faults.add("api_reset", after_work=after_work)
    with pytest.raises(httpx.ReadError):
        client.prepare(recording_id)
    assert len(client.sim.record.preparations) == int(after_work)
    assert "data" in client.ask(NAMES)


def _look(recording_id: str) -> str:
    return f'{{ recording(recording_id: "{recording_id}") {{ progress download_url outputs {{ height }} }} }}'


def _prepare(recording_id: str) -> str:
    return f'mutation {{ recordingPrepare(recording_id: "{recording_id}", height: 64) }}'


FIELD_FAULTS: list[tuple[str, dict[str, Any], Callable[[str], str], Any]] = [
    ("field_null", {}, _look, {"data": {"recording": None}}),
    ("field_value", {"value": 5}, _look, {"data": {"recording": 5}}),
    *(
        ("field_value", {"key": "progress", "value": value}, _look, {"progress": value})
        for value in (250, -1, None, "half")
    ),
    ("field_value", {"key": "download_url", "value": "ftp://x/y"}, _look, {"download_url": "ftp://x/y"}),
    ("field_value", {"key": "outputs", "value": []}, _look, {"outputs": []}),
    (
        "field_value",
        {"key": "height", "value": 99999},
        _look,
        {"outputs": [{"height": 99999}, {"height": 99999}]},
    ),
    ("prepare_answer", {}, _prepare, {"data": {"recordingPrepare": False}}),
    ("prepare_answer", {"value": None}, _prepare, {"data": {"recordingPrepare": None}}),
    ("id_expired", {}, _look, {"data": {"recording": None}}),
    ("id_expired", {}, _prepare, {"data": {"recordingPrepare": False}}),
]


@pytest.mark.parametrize(("name", "parameters", "query", "expected"), FIELD_FAULTS)
def test_a_fault_of_a_field(
    client: Client,
    name: str,
    parameters: dict[str, Any],
    query: Callable[[str], str],
    expected: dict[str, Any],
) -> None:
    recording_id = client.list()[0]["recording_id"]
    client.sim.faults.add(name, **parameters)
    answer = client.ask(query(recording_id))
    if "data" in expected:
        assert answer == expected
    else:
        assert answer["data"]["recording"].items() >= expected.items()


@pytest.mark.parametrize("duration", [-5, 10**12, None])
def test_durations_can_be_absurd(client: Client, duration: int | None) -> None:
    client.sim.faults.add("field_value", key="duration", value=duration)
    assert client.list()[0]["duration"] == duration


def test_an_error_for_one_alias_leaves_the_others(client: Client) -> None:
    client.sim.faults.add("field_error", node_id=8, message="Busy", code="RATE_LIMITED")
    answer = client.ask("{ a: camera(node_id: 7) { name } b: camera(node_id: 8) { name } }")
    assert answer["data"] == {"a": {"name": "Camera 7"}, "b": None}
    (error,) = answer["errors"]
    assert (error["message"], error["path"], error["extensions"]) == ("Busy", ["b"], {"code": "RATE_LIMITED"})


def test_a_preparation_stalls_at_its_percent(client: Client) -> None:
    recording_id = client.list()[0]["recording_id"]
    client.sim.faults.add("prepare_stall", percent=60)
    client.prepare(recording_id)
    client.sim.clip_path(recording_id)
    client.sim.clock.advance(3600)
    assert client.look(recording_id)["data"]["recording"] == {"progress": 60, "download_url": None}


def test_each_fault_of_the_api_is_tried_here() -> None:
    alone = {"api_hang", "api_reset", "field_error", "prepare_stall"}
    tried = {row[0] for row in CALL_FAULTS} | {row[0] for row in FIELD_FAULTS} | alone
    assert tried == {name for name, kind in CATALOGUE.items() if kind.stage != "download"}


def test_a_fault_strikes_as_often_as_asked(client: Client) -> None:
    client.sim.faults.add("api_null_data", times=2, skip=1)
    answers = [client.ask(NAMES)["data"] is None for _ in range(5)]
    assert answers == [False, True, True, False, False]
    assert client.sim.faults.waiting() == []


def test_a_fault_without_end_goes_when_cleared(client: Client) -> None:
    client.sim.faults.add("api_null_data", times=None)
    assert [client.ask(NAMES)["data"] for _ in range(3)] == [None] * 3
    client.sim.faults.clear()
    assert client.ask(NAMES)["data"]


def test_a_fault_may_last_for_a_while(client: Client) -> None:
    client.sim.faults.add("api_null_data", lasts=60)
    for _ in range(3):
        assert "errors" not in (answer := client.ask(NAMES))
        assert answer["data"] is None
    client.sim.clock.advance(59)
    assert client.ask(NAMES)["data"] is None
    client.sim.clock.advance(2)
    assert client.ask(NAMES)["data"]
    assert client.sim.faults.waiting() == []


def test_a_fault_of_a_call_strikes_only_what_it_matches(client: Client) -> None:
    poison = client.list()[0]["recording_id"]
    good = client.list()[0]["recording_id"]
    client.sim.faults.add("api_error", times=None, recording_id=poison)
    batch = "query($id: String!) { a: recording(recording_id: $id) { progress } b: nodeList { name } }"
    assert "data" not in client.ask(batch, {"id": poison})
    assert "data" in client.ask(batch, {"id": good})
    client.sim.faults.clear()
    client.sim.faults.add("api_error", operation="camera")
    assert "data" in client.ask(NAMES)
    assert "data" not in client.ask("{ x: camera(node_id: 7) { name } }")


def test_a_batch_limit_counts_aliases(client: Client) -> None:
    client.sim.faults.add("api_batch_limit", limit=2, times=None)
    assert "data" in client.ask("{ a: nodeList { name } b: nodeList { name } }")
    assert "errors" in client.ask("{ a: nodeList { name } b: nodeList { name } c: nodeList { name } }")


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("api_stats", {}, "did you mean 'api_status'"),
        ("api_status", {"stats": 1}, "did you mean 'status'"),
        ("download_cut", {"how": "rst"}, "how is one of fin, reset, stall, found 'rst'"),
        ("api_error", {"operation": "cameras"}, "did you mean 'camera'"),
    ],
)
def test_a_misspelt_fault_is_an_error(
    client: Client, name: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        client.sim.faults.add(name, **parameters)


def test_a_fault_can_be_described_before_it_is_asked_for() -> None:
    fault = Fault("download_cut", {"at": 5})
    assert (fault.stage, fault["at"], fault["how"], fault.over) == ("download", 5, "fin", False)
