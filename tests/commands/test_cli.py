"""The command line as scripts and service managers see it: exit codes, what goes to which stream."""

import importlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

import camspool
from camspool.cli import main
from camspool.commands.demo.examples import EXAMPLES
from camspool.commands.manual import page
from camspool.config.settings import Settings

CAMSPOOL = (sys.executable, "-m", "camspool")
EXAMPLE_CONFIG = Path(__file__).parents[2] / "config.example.yaml"
ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("CAMSPOOL_")}


def run(
    *arguments: str | Path, folder: Path | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*CAMSPOOL, *arguments),
        cwd=folder,
        env=ENVIRON | environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@contextmanager
def running(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """The command while it runs; its standard output can be read, its errors go to the test's."""
    environ = ENVIRON | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen((*CAMSPOOL, *arguments), env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def configured(folder: Path) -> Path:
    """A configuration that works, for an API that nobody answers."""
    (folder / "token").write_text("a-token\n")
    config = folder / "camspool.yaml"
    folders = {name: str(folder / name) for name in ("drop", "mirror", "state")}
    api = {"endpoint": "http://127.0.0.1:9/", "token_file": str(folder / "token")}
    config.write_text(yaml.safe_dump({"api": api, "folders": folders}))
    return config


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} does not appear"
        time.sleep(0.02)


def test_help_names_every_command() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    assert shown.stderr == ""
    for command in ("run", "demo", "simulator", "check", "status", "request", "cameras", "verify", "schema"):
        assert re.search(rf"(?m)^  {command} ", shown.stdout)


def test_help_loads_nothing_heavy() -> None:
    """So that it is instant; and each command can say for itself which extra it lacks."""
    code = (
        "import sys; sys.argv = ['camspool', '--help']\n"
        "from camspool.cli import main\n"
        "try: main()\n"
        "except SystemExit: print('LOADED', *sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = shown.stdout.partition("LOADED")[2].split()
    assert "camspool.cli" in loaded
    heavy = {"httpx", "pydantic", "yaml", "asyncio", "structlog", "watchdog", "apscheduler", "rich", "av"}
    assert heavy.isdisjoint(loaded)


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version(option: str) -> None:
    shown = run(option)
    assert (shown.returncode, shown.stdout) == (0, f"camspool, version {camspool.__version__}\n")


def interrupted(tmp_path: Path, *arguments: str) -> tuple[int, str, str]:
    """What a command that waits for a server leaves behind when Ctrl-C comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:  # it accepts, and never answers
        config = configured(tmp_path)
        environ = ENVIRON | {"CAMSPOOL_API__ENDPOINT": f"http://127.0.0.1:{listener.getsockname()[1]}/"}
        process = subprocess.Popen(
            (*CAMSPOOL, *arguments, "-c", config),
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        connection, _ = listener.accept()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does it
        out, errors = process.communicate(timeout=20)
        connection.close()
    return process.returncode, out, errors


@pytest.mark.parametrize("command", ["cameras", "check"])
def test_ctrl_c_ends_a_command_without_a_word(tmp_path: Path, command: str) -> None:
    assert interrupted(tmp_path, command) == (130, "", "")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["schema", "config"], ["check", "--json"]])
def test_output_that_cannot_be_written_is_reported(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            (*CAMSPOOL, *arguments), env=ENVIRON, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ended.returncode, ended.stderr) == (
        1,
        "The output cannot be written: No space left on device.\n",
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["run", "--no-such-option"],
        ["run", "surplus"],
        ["schema"],
        ["schema", "recipe"],
        ["simulator", "--port", "many"],
        ["simulator", "--port", "80000"],
        ["simulator", "--port", "-1"],
    ],
)
def test_wrong_usage(arguments: list[str]) -> None:
    refused = run(*arguments)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "Usage: " in refused.stderr


def test_a_bad_configuration_is_refused_with_every_problem(tmp_path: Path) -> None:
    config = tmp_path / "bad.yaml"
    config.write_text("api: {rate: fast}\nfoldres: {drop: /srv/drop}\nwatch: {settle: soon}\n")
    refused = run("run", "-c", config, CAMSPOOL_LIMITS__PREPARING="0")
    assert refused.returncode == 78
    assert refused.stdout == ""
    first, *problems = refused.stderr.splitlines()
    assert first == f"{config} cannot be used:"
    assert len(problems) == 4
    for expected in (
        "api.rate: found 'fast', expected a number",
        "did you mean `folders`?",
        "watch.settle: found 'soon', expected a duration",
        "CAMSPOOL_LIMITS__PREPARING: found '0', expected a whole number",
    ):
        assert expected in refused.stderr


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NO_PROXY", "localhost,[::1]"),
        ("HTTPS_PROXY", "socks5://me:s3cr3t@proxy"),
        ("SSL_CERT_FILE", "/nowhere"),
    ],
)
def test_an_environment_that_httpx_cannot_use_is_refused_by_its_name(
    tmp_path: Path, variable: str, value: str
) -> None:
    config = configured(tmp_path)
    environ: Any = {variable.lower(): "", variable: value, "CAMSPOOL_API__TOKEN": "x"}
    for command in ("run", "cameras", "check"):
        refused = run(command, "-c", config, **environ)
        assert refused.returncode == (1 if command == "cameras" else 78)
        said = refused.stdout + refused.stderr
        assert f"{variable}: found" in said.replace("\n", " ")
        assert "Traceback" not in said
        assert "s3cr3t" not in said


def test_a_missing_configuration_is_refused(tmp_path: Path) -> None:
    refused = run("run", "-c", tmp_path / "none.yaml")
    assert refused.returncode == 78
    assert f"{tmp_path}/none.yaml" in refused.stderr
    assert "the file that -c names" in refused.stderr


def test_the_configuration_is_found_by_its_variable(tmp_path: Path) -> None:
    config = tmp_path / "elsewhere.yaml"
    config.write_text("api: {rate: fast}\n")
    refused = run("run", CAMSPOOL_CONFIG=str(config))
    assert refused.returncode == 78
    assert refused.stderr.startswith(f"{config} cannot be used:")


def test_the_configuration_is_found_in_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("api: {rate: fast}\n")
    refused = run("run", folder=tmp_path)
    assert refused.returncode == 78
    assert refused.stderr.startswith("config.yaml cannot be used:")


def test_a_second_daemon_on_the_same_folders_is_refused(tmp_path: Path) -> None:
    config = configured(tmp_path)
    with running("run", "-c", config) as first:
        wait_for(tmp_path / "mirror/_service.json")
        refused = run("run", "-c", config)
        assert refused.returncode == 75
        assert str(tmp_path / "state") in refused.stderr
        assert first.poll() is None
        first.send_signal(signal.SIGTERM)
        assert first.wait(10) == 0


def test_a_state_folder_that_cannot_be_made_ends_the_daemon(tmp_path: Path) -> None:
    config = configured(tmp_path)
    (tmp_path / "state").touch()
    refused = run("run", "-c", config)
    assert refused.returncode == 1
    assert refused.stderr == f"{tmp_path}/state: File exists\n"


# Schemas


def schema(kind: str) -> Any:
    shown = run("schema", kind)
    assert (shown.returncode, shown.stderr) == (0, "")
    return json.loads(shown.stdout)


def validator(document: Any) -> Any:
    """A validator for the schema, which is checked itself."""
    jsonschema: Any = importlib.import_module("jsonschema")  # it comes without types
    kind = jsonschema.Draft202012Validator
    kind.check_schema(document)
    return kind(document, format_checker=kind.FORMAT_CHECKER)


def test_the_schema_of_requests_says_what_the_demo_shows() -> None:
    checker = validator(schema("request"))
    valid = {example.file: checker.is_valid(yaml.safe_load(example.content)) for example in EXAMPLES}
    assert list(valid.values()) == [True, True, True, False]
    assert not checker.is_valid({"camera": 1, "from": 1, "to": 2, "duration": 1})
    assert not checker.is_valid({"from": 1, "to": 2})


def test_the_schema_of_the_configuration_fits_the_example() -> None:
    document = schema("config")
    assert set(document["properties"]) == set(Settings.model_fields)
    checker = validator(document)
    example = yaml.safe_load(EXAMPLE_CONFIG.read_text())
    assert list(checker.iter_errors(example)) == []
    assert not checker.is_valid(example | {"foldres": {}})
    assert not checker.is_valid({"api": {"rate": "fast"}})


def test_the_schema_of_status_files_fits_real_ones(tmp_path: Path) -> None:
    checker = validator(schema("status"))
    config = configured(tmp_path)
    (tmp_path / "drop").mkdir()
    waits, rejected = EXAMPLES[0], EXAMPLES[3]
    for example in (waits, rejected):
        (tmp_path / "drop" / example.file).write_text(example.content)
    with running("run", "-c", config):
        statuses = []
        for example in (waits, rejected):
            path = tmp_path / f"mirror/{example.name}.status.json"
            wait_for(path)
            statuses.append(json.loads(path.read_bytes()))
    assert [list(checker.iter_errors(status)) for status in statuses] == [[], []]
    assert statuses[0]["clips"]
    assert statuses[1]["error"]["problems"]
    assert not checker.is_valid(statuses[0] | {"state": "sleeping"})


# The simulator


def simulator_address(process: subprocess.Popen[str]) -> tuple[str, str]:
    assert process.stdout
    url = process.stdout.readline().removeprefix("GraphQL:").strip()
    token = process.stdout.readline().removeprefix("Token:").strip()
    return url, token


def test_the_simulator_answers_and_ends_with_ctrl_c() -> None:
    with running("simulator", "--port", "0") as process:
        url, token = simulator_address(process)
        body = json.dumps({"query": "query { nodeList(type: camera) { node_id external_id } }"}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        request = urllib.request.Request(url, body, headers)  # noqa: S310 - our own server
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=10) as answer:
            nodes = json.load(answer)["data"]["nodeList"]
        assert {"node_id": 62304, "external_id": "gate-north"} in nodes
        process.send_signal(signal.SIGINT)
        assert process.wait(3) == 130
        assert process.stdout
        said = process.stdout.read()
        assert said.startswith("Stop with Ctrl-C.\n")
        assert f"  api:\n    endpoint: {url}\n" in said


def test_the_simulator_says_when_its_port_is_taken() -> None:
    with running("simulator", "--port", "0") as process:
        url, _ = simulator_address(process)
        port = url.split(":")[2].split("/")[0]
        refused = run("simulator", "--port", port)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"cannot listen on 127.0.0.1:{port}: Address already in use")
    assert refused.stdout == ""


def test_the_manual_page_has_every_command_and_option() -> None:
    text = page(main, "1.2.3")
    assert text.startswith('.TH CAMSPOOL 1 "" "camspool 1.2.3"')
    for name, command in main.commands.items():
        assert f".SS camspool {name}" in text
        for parameter in command.params:
            for option in (option for option in parameter.opts if option.startswith("--")):
                assert option.replace("-", "\\-") in text
    unescaped = [line for line in text.splitlines() if line.startswith((".", "'"))]
    assert {line.split()[0] for line in unescaped} <= {".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".I"}
