"""The simulator's API: the vendor's three steps, the tree, the token, and the three clocks."""

import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from camspool.simulator import PAGE_FROM, PAGE_NODE, PAGE_TO, Node, Settings, Simulator, Stretch, World

HOUR = 3600
TLS = ssl.create_default_context()  # one for all clients, since making it costs more than a test
TINY = World((Node(7, "Gate", external_id="gate", stretches=(Stretch(start=0, heights=(64, 96)),)),))


class Client:
    """Asks a simulator over HTTP as an integrator's program would."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.http = httpx.Client(headers={"Authorization": f"Bearer {sim.token}"}, verify=TLS)
        self.public = httpx.Client(verify=TLS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.public.close()

    def post(self, query: str, variables: dict[str, Any] | None = None) -> httpx.Response:
        return self.http.post(self.sim.url, json={"query": query, "variables": variables})

    def ask(self, query: str, variables: dict[str, Any] | None = None) -> Any:
        return self.post(query, variables).json()

    def list(self, node_id: int = 7, start: int = 1000, end: int = 1010) -> Any:
        fields = "recording_id duration download_url outputs { height }"
        query = f"{{ camera(node_id: {node_id}) {{ recordings(from: {start}, to: {end}) {{ {fields} }} }} }}"
        return self.ask(query)["data"]["camera"]["recordings"]

    def prepare(self, recording_id: str, height: int = 64) -> Any:
        return self.ask(f'mutation {{ recordingPrepare(recording_id: "{recording_id}", height: {height}) }}')

    def look(self, recording_id: str) -> Any:
        return self.ask(f'{{ recording(recording_id: "{recording_id}") {{ progress download_url }} }}')

    def prepared(
        self, node_id: int = 7, start: int = 1000, end: int = 1010, height: int = 64
    ) -> tuple[str, str]:
        """Lists, prepares and waits: the recording id and its URL."""
        recording_id = self.list(node_id, start, end)[0]["recording_id"]
        self.prepare(recording_id, height)
        self.sim.clip_path(recording_id)
        for _ in range(500):
            if url := self.look(recording_id)["data"]["recording"]["download_url"]:
                return recording_id, url
            time.sleep(0.002)
        pytest.fail("the preparation did not end")


@pytest.fixture(name="quick")
def _quick(tmp_path: Path) -> Settings:
    return Settings(prepare_cloud=0, prepare_local=0, cache=tmp_path)


@pytest.fixture(name="client")
def _client(quick: Settings) -> Iterator[Client]:
    with Simulator(TINY, quick) as sim, Client(sim) as client:
        yield client


def test_the_pages_example_gets_the_pages_answer(quick: Settings) -> None:
    page_query = """query{ camera(node_id:62303){ recordings(from:1589190089, to:1589190689){
        recording_id duration download_url outputs{ height } } } }"""
    with Simulator(settings=quick) as sim, Client(sim) as client:
        answer = client.ask(page_query)
    recording_id = answer["data"]["camera"]["recordings"][0]["recording_id"]
    assert len(recording_id) == len("xRMElmAkh3")
    assert answer == {
        "data": {
            "camera": {
                "recordings": [
                    {
                        "recording_id": recording_id,
                        "duration": 598,
                        "download_url": None,
                        "outputs": [{"height": 480}, {"height": 720}, {"height": 800}],
                    }
                ]
            }
        }
    }


def test_introspection_describes_the_documented_schema(client: Client) -> None:
    answer = client.ask("{ __schema { types { name fields { name } enumValues { name } } } }")
    types = {entry["name"]: entry for entry in answer["data"]["__schema"]["types"]}
    assert [field["name"] for field in types["Recording"]["fields"]] == [
        *("recording_id", "duration", "download_url", "progress", "outputs")
    ]
    assert [field["name"] for field in types["Mutation"]["fields"]] == ["recordingPrepare"]
    assert {"camera", "videoChannel", "box"} <= {value["name"] for value in types["NodeType"]["enumValues"]}


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic demo-token"}]
)
def test_no_call_without_a_good_token(client: Client, header: dict[str, str]) -> None:
    answer = client.public.post(client.sim.url, headers=header, json={"query": "{ nodeList { name } }"})
    assert answer.status_code == 401
    assert [call.authorised for call in client.sim.record.calls] == [False]


def test_tokens_can_be_exchanged_while_it_runs(client: Client) -> None:
    client.sim.tokens.clear()
    assert client.post("{ nodeList { name } }").status_code == 401
    client.sim.tokens.add(client.sim.token)
    assert client.post("{ nodeList { name } }").status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"query": 1}', b"\xff", b'{"query": "{a}", "variables": 3}']
)
def test_a_body_that_is_no_question_is_refused(client: Client, body: bytes) -> None:
    assert client.http.post(client.sim.url, content=body).status_code == 400


def test_the_default_tree_has_a_root_and_every_kind_of_camera(quick: Settings) -> None:
    with Simulator(settings=quick) as sim, Client(sim) as client:
        nodes = client.ask("{ nodeList { parent_node_id node_id type name external_id } }")["data"][
            "nodeList"
        ]
        cameras = client.ask("{ nodeList(type: camera) { name } }")["data"]["nodeList"]
        aisle = client.list(62307, PAGE_FROM, PAGE_TO)
        ramp = client.list(62306, PAGE_FROM, PAGE_FROM + HOUR)
        now = int(time.time())
        assert client.list(62308, PAGE_FROM, PAGE_TO) == []
        assert len(client.list(62309, now - 20, now - 10)) == 1
    ids = {node["node_id"] for node in nodes}
    assert [node["node_id"] for node in nodes if node["parent_node_id"] is None] == [1]
    assert all(node["parent_node_id"] in ids for node in nodes[1:])
    assert {"gate-north", "cashdesk-3"} <= {node["external_id"] for node in nodes}
    assert [camera["name"] for camera in cameras].count("Parking") == 2
    assert not {"Demo", "Recorder", "Panorama 1"} & {camera["name"] for camera in cameras}
    assert sum(recording["duration"] for recording in aisle) > PAGE_TO - PAGE_FROM
    assert len(ramp) > 2
    assert sum(recording["duration"] for recording in ramp) < HOUR


@pytest.mark.parametrize("node_id", [1, 4711])
def test_what_is_no_camera_is_null_with_an_error_that_has_its_path(quick: Settings, node_id: int) -> None:
    with Simulator(settings=quick) as sim, Client(sim) as client:
        answer = client.ask(
            f"{{ good: camera(node_id: {PAGE_NODE}) {{ name }} bad: camera(node_id: {node_id}) {{ name }} }}"
        )
    assert answer["data"] == {"good": {"name": "ACCC8EE8A9CA"}, "bad": None}
    assert [error["path"] for error in answer["errors"]] == [["bad"]]


def test_many_aliases_and_variables_in_one_call(client: Client) -> None:
    ids = [client.list()[0]["recording_id"] for _ in range(3)]
    asks = [f"a{number}: recording(recording_id: $i{number}) {{ progress }}" for number in range(200)]
    head = ", ".join(f"$i{number}: String!" for number in range(200))
    variables = {f"i{number}": ids[number % 3] for number in range(200)}
    answer = client.ask(f"query({head}) {{ {' '.join(asks)} }}", variables)
    assert len(answer["data"]) == 200
    assert client.sim.record.calls[-1].aliases == 200
    assert client.sim.record.operations() == {"camera": 3, "recording": 200}


def test_each_listing_makes_new_ids(client: Client) -> None:
    first, second = client.list()[0], client.list()[0]
    assert first["recording_id"] != second["recording_id"]
    assert first["duration"] == second["duration"] == 10
    assert [listing.recording_ids for listing in client.sim.record.listings] == [
        (first["recording_id"],),
        (second["recording_id"],),
    ]


def test_what_is_not_recorded_is_not_listed(client: Client) -> None:
    now = int(client.sim.clock.now())
    assert client.list(start=now + 60, end=now + 120) == []
    assert client.list(start=1010, end=1000) == []
    assert client.list(start=now - 30, end=now + 60)[0]["duration"] in (30, 31)


def test_footage_on_its_way_is_listed_when_it_arrives(quick: Settings) -> None:
    late = World((Node(7, "Roof", stretches=(Stretch(start=0, heights=(64,), arrives_after=90),)),))
    with Simulator(late, quick) as sim, Client(sim) as client:
        end = int(sim.clock.now())
        assert client.list(start=end - 60, end=end) == []
        sim.clock.advance(60)
        assert client.list(start=end - 60, end=end)[0]["duration"] in (30, 31)
        sim.clock.advance(30)
        assert client.list(start=end - 60, end=end)[0]["duration"] == 60


def test_a_preparation_goes_from_nought_to_a_url(quick: Settings) -> None:
    with Simulator(TINY, replace(quick, prepare_cloud=100)) as sim, Client(sim) as client:
        recording_id = client.list()[0]["recording_id"]
        assert client.look(recording_id)["data"]["recording"] == {"progress": 0, "download_url": None}
        assert client.prepare(recording_id) == {"data": {"recordingPrepare": True}}
        sim.clip_path(recording_id)
        sim.clock.advance(40.5)
        assert client.look(recording_id)["data"]["recording"] == {"progress": 40, "download_url": None}
        sim.clock.advance(60)
        done = client.look(recording_id)["data"]["recording"]
        assert done["progress"] == 100
        assert client.public.get(done["download_url"]).content == sim.clip_bytes(recording_id)


@pytest.mark.parametrize(("recording_id", "height"), [("nonsense", 64), (None, 65)])
def test_what_cannot_be_prepared_is_refused(client: Client, recording_id: str | None, height: int) -> None:
    chosen = recording_id or client.list()[0]["recording_id"]
    assert client.prepare(chosen, height) == {"data": {"recordingPrepare": False}}
    assert [event.accepted for event in client.sim.record.preparations] == [False]
    assert not client.sim.record.prepared()


def test_preparing_again_keeps_the_url_and_is_counted(client: Client) -> None:
    recording_id, url = client.prepared()
    assert client.prepare(recording_id) == {"data": {"recordingPrepare": True}}
    assert client.look(recording_id)["data"]["recording"]["download_url"] == url
    assert client.sim.record.prepared() == {recording_id: 2}


def test_an_unused_id_lives_one_hour(client: Client) -> None:
    recording_id = client.list()[0]["recording_id"]
    client.sim.clock.advance(HOUR - 5)
    assert client.look(recording_id)["data"]["recording"]
    client.sim.clock.advance(5)
    assert client.look(recording_id) == {"data": {"recording": None}}
    assert client.prepare(recording_id) == {"data": {"recordingPrepare": False}}


def test_a_url_lives_a_day_from_its_existence(client: Client) -> None:
    recording_id, url = client.prepared()
    client.sim.clock.advance(24 * HOUR - 5)
    assert client.public.head(url).status_code == 200
    client.sim.clock.advance(5)
    assert client.public.get(url).status_code == 410
    assert client.look(recording_id) == {"data": {"recording": None}}


def test_a_url_lives_six_hours_once_downloaded(client: Client) -> None:
    _, url = client.prepared()
    client.public.get(url)
    client.sim.clock.advance(6 * HOUR - 5)
    assert client.public.get(url).status_code == 200
    client.sim.clock.advance(5)
    assert client.public.get(url).status_code == 410


def test_a_part_of_a_download_starts_no_clock(client: Client) -> None:
    _, url = client.prepared()
    client.public.get(url, headers={"Range": "bytes=0-99"})
    client.public.head(url)
    client.sim.clock.advance(7 * HOUR)
    assert client.public.get(url).status_code == 200


def test_answers_after_expiry_can_be_chosen(quick: Settings) -> None:
    errors = replace(quick, expired_recording="error", expired_prepare="error", expired_download=404)
    with Simulator(TINY, errors) as sim, Client(sim) as client:
        recording_id, url = client.prepared()
        sim.clock.advance(25 * HOUR)
        assert client.look(recording_id)["errors"][0]["path"] == ["recording"]
        assert client.prepare(recording_id)["errors"][0]["path"] == ["recordingPrepare"]
        assert client.public.get(url).status_code == 404


def test_a_signature_belongs_to_its_url(client: Client) -> None:
    _, url = client.prepared()
    assert client.public.get(url.replace("signature=", "signature=0")).status_code == 403
    assert client.public.get(url.replace("/download/", "/download/x")).status_code == 404


def test_a_token_sent_to_a_download_is_noticed(client: Client) -> None:
    _, url = client.prepared()
    client.public.get(url)
    assert not client.sim.record.token_leaked()
    client.http.get(url)
    assert client.sim.record.token_leaked()


def test_it_starts_and_stops_fast_even_when_a_call_hangs(quick: Settings) -> None:
    began = time.perf_counter()
    for _ in range(5):
        with Simulator(TINY, quick) as sim:
            sim.faults.add("api_hang")
            with httpx.Client(timeout=0.05, verify=TLS) as http, pytest.raises(httpx.ReadTimeout):
                http.post(
                    sim.url,
                    headers={"Authorization": f"Bearer {sim.token}"},
                    json={"query": "{ nodeList { name } }"},
                )
    assert time.perf_counter() - began < 1.5


def test_a_taken_port_is_an_error(client: Client, quick: Settings) -> None:
    with pytest.raises(OSError, match="in use"):
        Simulator(TINY, quick, port=int(client.sim.base_url.rpartition(":")[2]))


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (Node(7, "Gate"), "node_id 7 is used by two nodes"),
        (Node(8, "Gate", external_id="gate"), "external_id 'gate' is used by two nodes"),
    ],
)
def test_a_world_with_twins_is_refused(node: Node, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        World((*TINY.nodes, node))


def test_it_can_be_steered_from_another_process(client: Client) -> None:
    control = client.sim.base_url + "/_simulator"
    now = client.public.post(f"{control}/clock", json={"advance": 2 * HOUR}).json()["now"]
    assert now == pytest.approx(time.time() + 2 * HOUR, abs=5)
    assert client.public.post(f"{control}/tokens", json={"tokens": ["new"]}).json() == {"tokens": ["new"]}
    assert client.post("{ nodeList { name } }").status_code == 401
    client.public.post(f"{control}/tokens", json={"tokens": [client.sim.token]})
    asked = {"name": "field_error", "operation": "camera", "node_id": 7, "parameters": {"message": "no"}}
    assert client.public.post(f"{control}/faults", json=asked).status_code == 200
    assert [fault["name"] for fault in client.public.get(f"{control}/faults").json()["waiting"]] == [
        "field_error"
    ]
    assert client.ask("{ camera(node_id: 7) { name } }")["errors"][0]["message"] == "no"
    record = client.public.get(f"{control}/record").json()
    assert record["strikes"][0]["fault"] == "field_error"
    assert [call["authorised"] for call in record["calls"]] == [False, True]
    client.public.delete(f"{control}/record")
    assert not any(client.public.get(f"{control}/record").json().values())


@pytest.mark.parametrize(
    ("path", "wish", "message"),
    [
        ("faults", {"name": "api_stats"}, "did you mean 'api_status'"),
        ("faults", {"name": "api_status", "parameters": {"state": 3}}, "did you mean 'status'"),
        ("faults", {"name": "api_status", "status": 3}, "unknown keys"),
        ("clock", {"forward": 3}, "expected"),
        ("tokens", {"tokens": "abc"}, "expected"),
        ("clock", [], "expected a JSON object"),
    ],
)
def test_wishes_that_make_no_sense_are_explained(
    client: Client, path: str, wish: object, message: str
) -> None:
    answer = client.public.post(f"{client.sim.base_url}/_simulator/{path}", json=wish)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_run_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    # SIGINT is set explicitly, since a shell that starts the tests in the background has it ignored.
    program = """
import pathlib, signal, sys
from camspool.simulator import Settings, run
signal.signal(signal.SIGINT, signal.default_int_handler)
run(lambda sim: print(sim.url, flush=True), settings=Settings(cache=pathlib.Path(sys.argv[1])), port=0)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        url = process.stdout.readline().strip()
        assert httpx.post(url, json={}, verify=TLS).status_code == 401
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=5)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode != 0
    assert "KeyboardInterrupt" in errors
