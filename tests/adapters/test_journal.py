"""What arrives at systemd's journal: searchable fields, a readable text, and nothing that was made up."""

import logging
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest
import structlog

from camspool.adapters import logs
from camspool.adapters.logs import journal

log = structlog.get_logger()


@pytest.fixture
def stderr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TextIO]:
    """A file that stderr can lead to, named as the journal's stream."""
    with (tmp_path / "stderr").open("w+") as stream:
        facts = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{facts.st_dev}:{facts.st_ino}")
        yield stream


@pytest.fixture
def listener(tmp_path: Path, stderr: TextIO, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The journal's end of its socket; logging is configured to go there."""
    path = str(tmp_path / "journal")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(path)
        listening.settimeout(2)
        monkeypatch.setattr(journal, "SOCKET", path)
        configure(stderr, "auto")
        yield listening


def configure(stderr: TextIO, form: logs.Format) -> None:
    with pytest.MonkeyPatch.context() as patch:  # pytest gives each phase of a test another stderr
        patch.setattr(sys, "stderr", stderr)
        logs.configure("info", form)


def written(stderr: TextIO) -> str:
    stderr.seek(0)
    return stderr.read()


def received(listening: socket.socket) -> dict[str, str]:
    """The next entry, read as systemd-journald reads it."""
    data, fields = listening.recv(1 << 20), {}
    while data:
        line, _, data = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (length,) = struct.unpack("<Q", data[:8])
            value, data = data[8 : 8 + length], data[8 + length + 1 :]
        fields[name.decode()] = value.decode()
    return fields


def test_fields_can_be_searched_for(listener: socket.socket) -> None:
    log.warning("clip_waits", request="store/pair", clip="001", tries=2, problem={"code": "é"})
    assert received(listener) == {
        "MESSAGE": "clip_waits request=store/pair clip=001 tries=2 problem={'code': 'é'}",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "camspool",
        "CAMSPOOL_EVENT": "clip_waits",
        "CAMSPOOL_REQUEST": "store/pair",
        "CAMSPOOL_CLIP": "001",
        "CAMSPOOL_TRIES": "2",
        "CAMSPOOL_PROBLEM": '{"code": "é"}',
    }


@pytest.mark.parametrize(("level", "priority"), [("info", "6"), ("error", "3"), ("critical", "2")])
def test_the_priority_is_that_of_syslog(listener: socket.socket, level: str, priority: str) -> None:
    getattr(log, level)("something")
    assert received(listener)["PRIORITY"] == priority


def test_no_value_can_pass_for_a_field(listener: socket.socket) -> None:
    log.info("request_accepted", request="a\nPRIORITY=0\nMESSAGE=owned")
    entry = received(listener)
    assert (entry["CAMSPOOL_REQUEST"], entry["PRIORITY"]) == ("a\nPRIORITY=0\nMESSAGE=owned", "6")
    assert entry["MESSAGE"].isprintable()


def test_a_traceback_follows_in_the_text(listener: socket.socket) -> None:
    log.error("clip_crashed", exc_info=ValueError("no such thing"))
    entry = received(listener)
    assert entry["MESSAGE"].splitlines()[0] == "clip_crashed"
    assert "    ValueError: no such thing" in entry["MESSAGE"].splitlines()
    assert "CAMSPOOL_EXCEPTION" not in entry


def test_what_libraries_say_arrives_too(listener: socket.socket) -> None:
    logging.getLogger("httpx").error("at https://host/clip?sig=secret")
    entry = received(listener)
    assert (entry["CAMSPOOL_EVENT"], entry["CAMSPOOL_LOGGER"]) == ("library_message", "httpx")
    assert "secret" not in str(entry)


def test_a_line_that_the_journal_does_not_take_is_written_to_stderr(
    listener: socket.socket, stderr: TextIO
) -> None:
    listener.close()
    log.info("service_ready")
    assert written(stderr).startswith("<6>{")
    assert '"event": "service_ready"' in written(stderr)


def test_a_journal_that_does_not_read_holds_nobody_up(listener: socket.socket, stderr: TextIO) -> None:
    for _ in range(2000):  # far more than a socket holds; a tenth of a second each would be minutes
        log.info("service_ready")
    assert written(stderr) == ""


@pytest.mark.parametrize("stream", ["", "1:2", "nonsense"])
def test_another_stderr_than_the_journals_gets_json(
    listener: socket.socket, stderr: TextIO, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", stream)
    configure(stderr, "auto")
    log.info("service_ready")
    assert '"event": "service_ready"' in written(stderr)


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_form_that_was_asked_for_is_kept(
    listener: socket.socket, stderr: TextIO, form: logs.Format
) -> None:
    configure(stderr, form)
    log.info("service_ready")
    assert "service_ready" in written(stderr)
