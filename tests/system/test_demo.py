"""The demo as a first-time user runs it ("See it work"): real processes, a real simulator, a cold cache."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from camspool.adapters import documents
from camspool.commands.demo.demo import Demo
from camspool.commands.demo.examples import EXAMPLES, OWN_REQUEST
from camspool.commands.demo.folder import DemoFolder, FolderRefused
from camspool.commands.demo.verdict import differences, look
from camspool.core.values import State

DEMO = (sys.executable, "-m", "camspool", "demo")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty cache, and with what must not lead the demo to a real portal."""
    misleading = {
        "CAMSPOOL_API__ENDPOINT": "http://192.0.2.1/",
        "CAMSPOOL_API__TOKEN": "a-real-token",
        "HTTP_PROXY": "http://192.0.2.1:3128",
    }
    return os.environ | misleading | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "COLUMNS": "80"}


@contextmanager
def started(folder: Path, environ: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = (*DEMO, "--dir", str(folder), *arguments)
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def wait_for(path: Path, within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} does not appear"
        time.sleep(0.02)


def status(folder: Path, name: str) -> Any:
    return json.loads((folder / f"mirror/{name}.status.json").read_bytes())


def process_of_daemon(folder: Path) -> int:
    """From the log, as the demo's own output may still be in a buffer."""
    found = re.findall(r"service_starting.* pid=(\d+)", (folder / "daemon.log").read_text())
    return int(found[-1])


def ended(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return True
    return False


class Terminal:
    """The demo in a terminal of 80 columns."""

    def __init__(self, environ: dict[str, str], *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        environ = environ | {"TERM": "xterm"}
        self._process = subprocess.Popen((*DEMO, *arguments), env=environ, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self.output = ""

    def read_until(self, text: str) -> None:
        while text not in self.output:
            try:
                self.output += os.read(self._ours, 4096).decode(errors="replace")
            except OSError:  # how Linux says that the other end was closed
                pytest.fail(f"{text!r} is not in {self.output}")

    def interrupt(self) -> int:
        """Press Ctrl-C; the exit code."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(10)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        os.close(self._ours)


def test_it_fetches_explains_and_can_be_run_again(tmp_path: Path, environ: dict[str, str]) -> None:
    folder = tmp_path / "demo"
    with started(folder, environ) as process:
        output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "\x1b" not in output
    assert "a page: open it in a browser" in output

    states = [status(folder, example.name)["state"] for example in EXAMPLES]
    assert states == ["done", "done", "done", "rejected"]
    assert {path.name for path in (folder / "mirror").rglob("*.mp4")} == {
        "page-example.mp4",
        "gate.mp4",
        "three-cameras.001.mp4",
        "three-cameras.002-1.mp4",
        "three-cameras.002-2.mp4",
        "three-cameras.003.mp4",
    }
    assert not [path for path in (folder / "drop").rglob("*.*") if path.name != ".camspool"]
    assert (folder / "token").stat().st_mode & 0o777 == 0o600
    assert ended(process_of_daemon(folder))

    words = " ".join(output.split())
    assert "form: found '2020-05-11T09:41:29Z', expected a known field; did you mean `from`?" in words
    assert "duration: found '10 minuts', expected a duration such as 90 (seconds)" in words
    assert "page-example: downloading" in output
    assert "9m58s, 1280x720" in output
    assert '"state": "done"' in output
    assert f"demo --dir {folder} --stay" in output
    assert f"echo '{OWN_REQUEST}' > {folder}/drop/mine.json" in output

    before = [path.stat().st_mtime_ns for path in (folder / "mirror").rglob("*.mp4")]
    staying_carries_out_ones_own_request(folder, environ)
    (folder / "mirror/mine.mp4").unlink()
    assert [path.stat().st_mtime_ns for path in (folder / "mirror").rglob("*.mp4")] == before

    damage_is_noticed(DemoFolder(folder))


def staying_carries_out_ones_own_request(folder: Path, environ: dict[str, str]) -> None:
    """In the folder of the first run, where nothing is fetched again; what is to be pasted is pasted."""
    terminal = Terminal(environ, "--dir", str(folder), "--stay")
    try:
        terminal.read_until("Your requests:")
        assert terminal.output.count("(already there)") == len(EXAMPLES)
        assert "100%" in terminal.output
        (line,) = re.findall(r"echo '.*mine\.json", terminal.output)
        subprocess.run(["sh", "-c", line], check=True)
        terminal.read_until("mirror/mine.mp4")
        assert (folder / "mirror/mine.mp4").exists()
        assert terminal.interrupt() == 130
    finally:
        terminal.close()
    assert ended(process_of_daemon(folder))


def damage_is_noticed(folder: DemoFolder) -> None:
    """The verdict sees other bytes, a missing MP4, another state."""
    assert not [text for example in EXAMPLES for text in differences(folder, look(folder, example))]
    mp4 = folder.mirror / "page-example.mp4"
    data = mp4.read_bytes()
    mp4.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    (folder.mirror / "store-12/gate.mp4").unlink()
    path = folder.mirror / "three-cameras.status.json"
    path.write_text(path.read_text().replace('"state": "done"', '"state": "partial"', 1))
    texts = [next(differences(folder, look(folder, example)), "") for example in EXAMPLES]
    assert "its status file says" in texts[0]
    assert "cannot be read, although a status file names it" in texts[1]
    assert "was to end as done, and ended as partial" in texts[2]
    assert texts[3] == ""


def test_a_daemon_that_dies_is_reported_at_once(tmp_path: Path, environ: dict[str, str]) -> None:
    folder = tmp_path / "demo"
    with started(folder, environ) as process:
        wait_for(folder / "mirror/with-mistakes.status.json")
        os.kill(process_of_daemon(folder), signal.SIGKILL)
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "The daemon ended by itself (killed by signal 9)." in output
    assert f"{folder}/daemon.log" in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_both_and_the_rest_can_be_fetched_later(
    tmp_path: Path, environ: dict[str, str], number: signal.Signals
) -> None:
    folder = tmp_path / "demo"
    with started(folder, environ) as process:
        wait_for(folder / "mirror/with-mistakes.status.json")
        process.send_signal(number)
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Traceback" not in output
    assert f"demo --dir {folder}" in output
    assert ended(process_of_daemon(folder))
    assert (folder / "drop/page-example.json").exists()
    assert json.loads((folder / "mirror/_service.json").read_bytes())["state"] == "stopped"


def test_a_daemon_that_cannot_start_is_reported(tmp_path: Path, environ: dict[str, str]) -> None:
    folder = DemoFolder.choose(tmp_path / "demo")
    folder.configure("http://127.0.0.1:1/", "token")
    folder.state.touch()  # where a folder should be
    with started(folder.path, environ) as process:
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "The daemon ended by itself (exit code 1)." in output
    assert f"{folder.state}: File exists" in output


def test_what_has_not_ended_in_time_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("camspool.commands.demo.demo.TIME_LIMIT_S", 1.5)
    assert Demo(tmp_path / "demo", stay=False).run() == 1
    output = capfd.readouterr().out
    assert "- page-example.json has not ended: it is " in output
    assert "with-mistakes.json has not ended" not in output
    assert "All four ended" not in output


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "thesis.tex").touch()
    with started(tmp_path, environ) as process:
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 2
    assert "Name a folder that is new, empty, or of an earlier demo." in output
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_configuration_of_ones_own_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("api: {rate: 1}\n")
    with pytest.raises(FolderRefused, match="something else is in there"):
        DemoFolder.choose(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderRefused, match="Not a directory"):
        DemoFolder.choose(tmp_path / "file/demo")


def test_each_demo_gets_a_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = [DemoFolder.choose(None).path.name for _ in range(3)]
    assert names == ["camspool-demo", "camspool-demo-2", "camspool-demo-3"]


def test_the_configuration_survives_strange_folder_names(tmp_path: Path) -> None:
    folder = DemoFolder.choose(tmp_path / 'a "b": #c é')
    folder.configure("http://127.0.0.1:1/", "token")
    written = yaml.safe_load(folder.config.read_text())
    assert written["folders"]["drop"] == str(folder.drop)
    assert written["api"]["token_file"] == str(folder.token)


def test_the_examples_are_what_they_seem() -> None:
    fields = {
        name: documents.read(example.content.encode(), Path(example.file).suffix)
        for name, example in zip(("page", "gate", "list", "mistakes"), EXAMPLES, strict=True)
    }
    assert fields["page"] == {"camera": 62303, "from": 1589190089, "to": 1589190689, "height": 720}
    assert fields["gate"]["camera"] == "gate-north"
    assert len(fields["list"]) == 3
    assert "form" in fields["mistakes"]
    assert [example.ends_as for example in EXAMPLES] == [State.DONE] * 3 + [State.REJECTED]
    assert max(len(line) for example in EXAMPLES for line in example.content.splitlines()) <= 76
