"""One pipeline for every log line, ours and the libraries': context, time, redaction, one line on stderr.

Secrets do not get past this module: the API token, bearer tokens and the queries of URLs (a download URL is
a key to the footage). It does not decide what is worth a line; that is for whoever logs.
"""

import contextlib
import json
import logging
import math
import os
import re
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Format = Literal["auto", "console", "json"]

REDACTED: Final = "[redacted]"

_FIRST: Final = ("at", "level", "event")
_SECRET_KEYS: Final = ("token", "authorization")
# journald cuts a line at 48 KiB (LineMax=), and half a JSON object helps nobody.
_LONGEST_TEXT: Final = 8_000

# A server written in PHP escapes slashes in JSON (https:\/\/host\/...), and repr() doubles the backslash.
# The limit keeps a long text of many addresses, without a space in it, from taking quadratic time.
_URL_QUERY: Final = re.compile(r"(https?:[\\/]+[^\s?]{0,2000}\?)\S+", re.IGNORECASE)
_URL_USER: Final = re.compile(r"(https?:[\\/]+)[^\s/\\?@]+@", re.IGNORECASE)
# Eight characters at least, so that "the bearer token was refused" stays readable.
_BEARER: Final = re.compile(r"\b(bearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_JSON_WEB_TOKEN: Final = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*")

_BARE_WORD: Final = re.compile(r"[\w./:@%+,~-]+")
_NOT_ASCII: Final = re.compile(r"[^\x20-\x7e]")
_RESET: Final = "\x1b[0m"
_DIM: Final = "\x1b[2m"
_BOLD: Final = "\x1b[1m"
_LEVEL_COLOURS: Final = {
    "debug": _DIM,
    "info": "\x1b[32m",
    "warning": "\x1b[33m",
    "error": "\x1b[31m",
    "critical": "\x1b[31m",
}

_secrets: list[str] = []


def configure(level: str, format: Format) -> None:  # noqa: A002 -- the configuration's own word for it
    """Set up structlog and the standard library's logging; may be called again, for instance on a reload.

    Libraries are heard from `warning` on, and in full when `level` is `debug`.

    Args:
        level: `debug`, `info`, `warning`, `error` or `critical`: what is less is not written.
        format: `console` for people, `json` for machines; `auto` is `console` when stderr is a terminal.
    """
    stream = sys.stderr
    terminal = stream.isatty()
    console = format == "console" or (format == "auto" and terminal)
    number = logging.getLevelNamesMapping()[level.upper()]
    writer = _Writer(stream)
    structlog.configure(
        processors=_console_pipeline(colours=terminal and _colours_wanted())
        if console
        else _json_pipeline(stream),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: writer,
        cache_logger_on_first_use=False,
    )
    _listen_to_libraries(number)


def redact(secret: str) -> None:
    """Never write `secret` again, wherever it appears; surrounding white space does not count."""
    secret = secret.strip()
    if secret and secret not in _secrets:
        _secrets.append(secret)
        _secrets.sort(key=len, reverse=True)  # a secret inside a longer one must not leave the rest


def without_secrets(text: str) -> str:
    """The text with registered secrets, bearer tokens, and users and queries of URLs replaced."""
    for secret in _secrets:
        text = text.replace(secret, REDACTED)
    text = _URL_QUERY.sub(rf"\1{REDACTED}", text)
    text = _URL_USER.sub(rf"\1{REDACTED}@", text)
    text = _BEARER.sub(rf"\1{REDACTED}", text)
    return _JSON_WEB_TOKEN.sub(REDACTED, text)


def _colours_wanted() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _json_pipeline(stream: TextIO) -> list[Processor]:
    timestamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="at")
    return [*_shared_pipeline(timestamp), _JsonLine(ascii_only="utf" not in stream.encoding.lower())]


def _console_pipeline(*, colours: bool) -> list[Processor]:
    timestamp = structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False, key="at")
    return [*_shared_pipeline(timestamp), _ConsoleLine(colours=colours)]


def _shared_pipeline(timestamp: Processor) -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        timestamp,
        structlog.processors.format_exc_info,
        _plain_fields,
    ]


def _plain_fields(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
    first = {key: fields.pop(key) for key in _FIRST}
    plain: EventDict = _plain(first | dict(fields))
    return plain


def _plain(value: Any) -> Any:
    """The value as JSON knows it, without secrets."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {_plain_text(str(key)): _plain_item(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return _plain_text(_text(value))


def _plain_item(key: str, value: Any) -> Any:
    return REDACTED if key.lower().endswith(_SECRET_KEYS) else _plain(value)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    return str(value)


def _plain_text(text: str) -> str:
    # Names of files may hold lone surrogates (os.fsdecode), which no encoder takes and no JSON parser has to.
    text = without_secrets(text).encode(errors="backslashreplace").decode()
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."


class _JsonLine:
    """Renders one JSON object on one line in which every character can be printed."""

    def __init__(self, *, ascii_only: bool) -> None:
        self._ascii_only = ascii_only

    def __call__(self, _logger: WrappedLogger, _method: str, fields: EventDict) -> str:
        line = json.dumps(fields, ensure_ascii=self._ascii_only, allow_nan=False)
        # JSON itself lets DEL, C1 controls, line separators and changes of writing direction pass.
        return _NOT_ASCII.sub(lambda found: _json_character(found[0]), line)


def _json_character(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]


class _ConsoleLine:
    """Renders a line for people; a traceback follows, indented, so that no text in it passes for a line."""

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours

    def __call__(self, _logger: WrappedLogger, _method: str, fields: EventDict) -> str:
        at, level, event = (fields.pop(key) for key in _FIRST)
        traceback = str(fields.pop("exception", ""))
        words = [
            self._painted(_DIM, at),
            self._painted(_LEVEL_COLOURS.get(level, ""), f"{level:<8}"),
            self._painted(_BOLD, _printable(event)),
            *(f"{self._painted(_DIM, _shown(key) + '=')}{_shown(value)}" for key, value in fields.items()),
        ]
        return "\n    ".join([" ".join(words), *map(_printable, traceback.splitlines())])

    def _painted(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_RESET}" if self._colours else text


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and _BARE_WORD.fullmatch(value) else repr(value)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


class _Writer:
    """What structlog calls with a rendered line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, line: str) -> None:
        # When nobody reads stderr any more there is no place left to say so, and the work has to go on.
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = write


class _LibraryMessages(logging.Handler):
    """Passes on what libraries say through the standard library's logging."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):  # the library's arguments do not fit its own format
            message = str(record.msg)
        say = getattr(structlog.get_logger(), _level_name(record.levelno))
        say("library_message", logger=record.name, message=message, exc_info=record.exc_info)


def _level_name(number: int) -> str:
    rounded = min(max(number // 10 * 10, logging.DEBUG), logging.CRITICAL)
    return logging.getLevelName(rounded).lower()


def _listen_to_libraries(number: int) -> None:
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if number <= logging.DEBUG else logging.WARNING)
    if not any(isinstance(handler, _LibraryMessages) for handler in root.handlers):
        root.addHandler(_LibraryMessages())
