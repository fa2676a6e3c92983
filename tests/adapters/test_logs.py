"""Log lines: their form, their context, and that no secret and no hostile name gets through them."""

import io
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import structlog

from camspool.adapters import logs

HOSTILE = "a\nb\r\x1b[31m\x9b31m\x7f\u2028\u202e\x00 \udcff.json"
QUERY = "sig=s3cr3t&expires=1"

log = structlog.get_logger()


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """Reads what was written to stderr since the last call."""
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def console(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Callable[[], str]:
    """Configures `auto` on a real terminal; the result reads what the terminal was sent."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in ({"TERM": "xterm"} | environment).items():
        monkeypatch.setenv(name, value)
    reader, writer = os.openpty()
    terminal = os.fdopen(writer, "w", encoding="utf-8", errors="backslashreplace")
    monkeypatch.setattr(sys, "stderr", terminal)
    logs.configure("info", "auto")

    def read() -> str:
        terminal.close()
        received = b""
        try:
            while part := os.read(reader, 65_536):
                received += part
        except OSError:  # how Linux says that the other side of a terminal is closed
            os.close(reader)
        return received.decode()

    return read


def test_a_json_line_begins_with_time_level_and_event(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    log.info("recording_listed", node_id=62303, heights=(480, 720), url=None)
    line = json.loads(capsys.readouterr().err)
    assert list(line) == ["at", "level", "event", "node_id", "heights", "url"]
    assert line["at"].endswith("Z")
    assert abs(datetime.fromisoformat(line["at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert (line["level"], line["event"]) == ("info", "recording_listed")
    assert (line["node_id"], line["heights"], line["url"]) == (62303, [480, 720], None)


def test_auto_means_json_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "auto")
    log.info("started")
    assert json.loads(capsys.readouterr().err)["event"] == "started"


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_what_is_below_the_level_is_not_written(
    level: str, written: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(level, "json")
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)("something")
    assert [json.loads(line)["level"] for line in capsys.readouterr().err.splitlines()] == written


def test_a_reload_changes_the_level_of_loggers_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("error", "json")
    log.info("before")
    logs.configure("info", "json")
    log.info("after")
    logging.getLogger("watchdog").warning("once")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == [
        "after",
        "library_message",
    ]


def test_context_is_on_our_lines_and_on_the_libraries(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logs.configure("debug", "json")
    with structlog.contextvars.bound_contextvars(request="store-12/evening", clip=0, recording="xRMElmAkh3"):
        log.info("recording_prepared")
        logging.getLogger("httpx").warning("slow")
    log.info("idle")
    ours, theirs, idle = lines()
    for line in (ours, theirs):
        assert (line["request"], line["clip"], line["recording"]) == ("store-12/evening", 0, "xRMElmAkh3")
    assert "request" not in idle


@pytest.mark.parametrize("name", ["apscheduler.executors.default", "watchdog.observers", "httpx"])
@pytest.mark.parametrize(("level", "written"), [("info", ["WARN"]), ("debug", ["INFO", "WARN"])])
def test_libraries_are_heard_from_warning_on_or_in_full_on_debug(
    name: str, level: str, written: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(level, "json")
    logging.getLogger(name).info("INFO")
    logging.getLogger(name).warning("%s", "WARN")
    found = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["message"] for line in found] == written
    assert {(line["event"], line["logger"]) for line in found} == {("library_message", name)}


def test_a_job_left_out_while_it_still_runs_is_no_news(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    scheduler = logging.getLogger("apscheduler.scheduler")
    scheduler.warning("skipped: maximum number of running instances reached")
    scheduler.error("a job cannot be submitted")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "a job cannot be submitted"


def test_a_library_with_its_own_level_or_a_wrong_format_still_gets_its_line(
    lines: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own would raise
    logs.configure("debug", "json")
    library = logging.getLogger("someone")
    library.log(25, "between info and warning")
    library.log(99, "above critical")
    library.warning("%d of %d", "one")
    assert [(line["level"], line["message"]) for line in lines()] == [
        ("info", "between info and warning"),
        ("critical", "above critical"),
        ("warning", "%d of %d"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"https://cdn.example/a.mp4?{QUERY}",
        f"GET HTTPS://cdn.example/a.mp4?{QUERY} failed",
        f"<https://cdn.example/it's.mp4?{QUERY}>",
        rf'{{"download_url":"https:\/\/cdn.example\/a.mp4?{QUERY}"}}',
        repr(rf"https:\/\/cdn.example\/a.mp4?{QUERY}"),
        "https://someone:s3cr3t@cdn.example/a.mp4",
        "Authorization: Bearer s3cr3t-and-more",
        "headers=[(b'authorization', b'bearer  s3cr3t+/and~more==')]",
        "answer was eyJhbGciOiJIUzI1NiJ9.s3cr3t.s3cr3t_-",
    ],
)
def test_what_looks_like_a_secret_is_not_written(
    text: str, lines: Callable[[], list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("debug", "json")
    log.warning("api_trouble", text=text, nested={"list": [{"deep": text}], text: 1}, error=ValueError(text))
    logging.getLogger("httpx").warning("said %s", text)
    log.warning(text)
    written = capsys.readouterr().err
    assert "s3cr3t" not in written
    assert written.count("[redacted]") >= 6
    assert len(written.splitlines()) == 3


def test_what_is_no_secret_stays(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logs.configure("debug", "json")
    texts = [
        "The API refused the bearer token: ask for a new one.",
        "https://cdn.example/store-12/evening.mp4",
        "Was that right? Yes.",
        "",
    ]
    log.info("spoken", texts=texts)
    assert lines()[0]["texts"] == texts


def test_the_rest_of_an_address_stays_readable(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logs.configure("debug", "json")
    log.info("downloading", url=f"https://cdn.example/a.mp4?{QUERY} now")
    assert lines()[0]["url"] == "https://cdn.example/a.mp4?[redacted] now"


@pytest.mark.parametrize("key", ["token", "Token", "api_token", "authorization", "Proxy-Authorization"])
def test_values_of_secret_keys_are_not_written(key: str, lines: Callable[[], list[dict[str, Any]]]) -> None:
    logs.configure("debug", "json")
    log.info("configured", headers={key: "s3cr3t"}, where="(a path)", **{key: ["s3cr3t"]})
    line = lines()[0]
    assert line["headers"] == {key: "[redacted]"}
    assert line[key] == "[redacted]"
    assert line["where"] == "(a path)"


def test_registered_secrets_are_not_written_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logs.redact("hunter2")
    logs.redact(" hunter2-and-more\n")
    logs.redact("")
    log.info("hunter2", a="(hunter2-and-more)", hunter2=["x", {"y": Path("/hunter2")}], b=b"\xffhunter2")
    line = capsys.readouterr().err
    assert "hunter2" not in line
    assert json.loads(line)["a"] == "([redacted])"


def test_tracebacks_keep_no_secret_and_show_no_local_variables(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    logs.configure("debug", "json")
    logs.redact("hunter2")

    def fail() -> None:
        local = "in-a-local".upper()
        raise ExceptionGroup(
            "two", [ValueError("token hunter2"), OSError(f"https://h/a?{QUERY}&{len(local)}")]
        )

    try:
        fail()
    except ExceptionGroup:
        log.exception("crashed")
        logging.getLogger("apscheduler").exception("job failed")
    for line in lines():
        trace = line["exception"]
        assert "Traceback" in trace
        assert "token [redacted]" in trace
        assert "https://h/a?[redacted]" in trace
        assert not any(secret in trace for secret in ("hunter2", "s3cr3t", "IN-A-LOCAL"))


def test_a_hostile_name_neither_breaks_a_json_line_nor_loses_a_character(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("info", "json")
    log.info("file_ignored", file=HOSTILE, nested=[{HOSTILE: HOSTILE}], camera="Vchod č. 3")
    written = capsys.readouterr().err
    assert written.endswith("\n")
    assert written[:-1].isprintable()
    assert "Vchod č. 3" in written
    line = json.loads(written)
    expected = HOSTILE.replace("\udcff", r"\udcff")
    assert line["file"] == expected
    assert line["nested"] == [{expected: expected}]


def test_json_lines_stay_valid_on_a_stderr_that_is_not_utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace")
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure("info", "json")
    log.info("camera_found", camera="č é 😀")
    assert json.loads(raw.getvalue())["camera"] == "č é 😀"


def test_values_that_json_does_not_know_become_text(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logs.configure("debug", "json")
    log.info(
        "odd",
        nan=float("nan"),
        path=Path("/srv/x"),
        at_noon=datetime(2020, 5, 11, 12, tzinfo=timezone(timedelta(hours=2))),
        raw=b"ab\xff",
        keys={1: {"b"}},
    )
    line = lines()[0]
    assert line["nan"] == "nan"
    assert line["path"] == "/srv/x"
    assert line["at_noon"] == "2020-05-11T10:00:00Z"
    assert line["raw"] == r"ab\xff"
    assert line["keys"] == {"1": ["b"]}


def test_a_long_text_is_cut_after_it_was_redacted(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logs.configure("debug", "json")
    logs.redact("hunter2")
    log.info("answered", body="x" * 7_995 + "hunter2" * 100)
    body = lines()[0]["body"]
    assert len(body) < 8_010
    assert "hunt" not in body


@pytest.mark.usefixtures("untraced")
def test_many_addresses_without_a_space_take_no_time() -> None:
    begun = time.process_time()
    logs.without_secrets("https://h/," * 20_000)
    assert time.process_time() - begun < 5


def test_a_terminal_gets_a_coloured_readable_line_in_local_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = console(monkeypatch, TZ="XYZ-9")
    time.tzset()
    try:
        log.warning("file_ignored", file="store-12/evening.txt", why="not a request", clips=3)
        written = read()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "\x1b[33mwarning" in written
    for part in ("file_ignored", "store-12/evening.txt", "'not a request'", "3"):
        assert part in written
    shown = datetime.fromisoformat(written.removeprefix("\x1b[2m")[:19]).replace(tzinfo=UTC)
    assert abs(shown - datetime.now(UTC) - timedelta(hours=9)) < timedelta(minutes=1)


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_that_wants_no_colours_gets_none(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = console(monkeypatch, **{name: value})
    log.info("started", version="0.1.0")
    written = read()
    assert "started version=0.1.0" in written
    assert "\x1b" not in written


def test_a_hostile_name_neither_colours_a_terminal_nor_passes_for_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = console(monkeypatch, NO_COLOR="1")
    log.info(HOSTILE, file=HOSTILE, nested=[{HOSTILE: (HOSTILE,)}])
    log.error("crashed", exc_info=ValueError(HOSTILE))
    written = read().splitlines()
    assert all(line.isprintable() for line in written)
    assert [line[20:28] for line in written if not line.startswith("    ")] == ["info    ", "error   "]
    assert "    ValueError: a" in written


def test_work_goes_on_when_nobody_reads_stderr_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", buffering=1) as broken:
        monkeypatch.setattr(sys, "stderr", broken)
        logs.configure("info", "json")
        log.info("unheard")
        logging.getLogger("httpx").warning("unheard")
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)  # so that closing can flush
