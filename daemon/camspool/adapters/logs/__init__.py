"""One pipeline for every log line, ours and the libraries': context, time, redaction, then out.

Output goes to the journal under systemd, as text to a terminal, and as JSON anywhere else. Secrets do not get
past this package. Which events are worth a line is decided by those who log them.
"""

import logging
import os
import sys
from typing import Literal

import structlog
from structlog.typing import Processor

from camspool.adapters.logs.fields import plain_fields
from camspool.adapters.logs.journal import JournalEntry, JournalWriter, leads_to_journal
from camspool.adapters.logs.lines import ConsoleLine, JsonLine, Writer
from camspool.adapters.logs.redaction import REDACTED, redact, without_secrets

__all__ = ["REDACTED", "configure", "redact", "without_secrets"]

Format = Literal["auto", "console", "json"]


def configure(level: str, format: Format) -> None:  # noqa: A002 -- the configuration's own word for it
    """Set up structlog and the standard library's logging; may be called again, for instance on a reload.

    Libraries are heard from `warning` on, and in full when `level` is `debug`.

    Args:
        level: `debug`, `info`, `warning`, `error` or `critical`: what is less is not written.
        format: `console` for people, `json` for machines; `auto` is the journal's own form when stderr leads
            there, `console` when it is a terminal, `json` elsewhere.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    render, writer = _output(format)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _timestamp(for_people=isinstance(render, ConsoleLine)),
            structlog.processors.format_exc_info,
            plain_fields,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: writer,
        cache_logger_on_first_use=False,
    )
    _listen_to_libraries(number)


def _output(wanted: Format) -> tuple[Processor, Writer | JournalWriter]:
    """The last processor, and what takes its result."""
    stream = sys.stderr
    if wanted == "auto" and leads_to_journal(stream, os.environ):
        return JournalEntry(), JournalWriter(stream)
    if wanted == "console" or (wanted == "auto" and stream.isatty()):
        return ConsoleLine(colours=stream.isatty() and _colours_wanted()), Writer(stream)
    return JsonLine(ascii_only="utf" not in stream.encoding.lower()), Writer(stream)


def _colours_wanted() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _timestamp(*, for_people: bool) -> Processor:
    if for_people:
        return structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False, key="at")
    return structlog.processors.TimeStamper(fmt="iso", utc=True, key="at")


class _LibraryMessages(logging.Handler):
    """Passes on the messages of libraries, which use the standard library's logging."""

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
    # A periodic job that is still running when it is due again is skipped, which is right and no news.
    logging.getLogger("apscheduler.scheduler").setLevel(
        logging.DEBUG if number <= logging.DEBUG else logging.ERROR
    )
    if not any(isinstance(handler, _LibraryMessages) for handler in root.handlers):
        root.addHandler(_LibraryMessages())
