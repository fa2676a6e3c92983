"""Log lines as text: JSON for machines, words for people; and the stream that they go to."""

import contextlib
import json
import re
import threading
from typing import Any, Final, TextIO

from structlog.typing import EventDict, WrappedLogger

from camspool.adapters.logs.fields import FIRST

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


class JsonLine:
    """Renders one JSON object on one line in which every character can be printed."""

    def __init__(self, *, ascii_only: bool) -> None:
        self._ascii_only = ascii_only

    def __call__(self, _logger: WrappedLogger, _method: str, fields: EventDict) -> str:
        line = json.dumps(fields, ensure_ascii=self._ascii_only, allow_nan=False)
        # JSON itself lets DEL, C1 controls, line separators and changes of writing direction pass.
        return _NOT_ASCII.sub(lambda found: _json_character(found[0]), line)


def _json_character(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]


class ConsoleLine:
    """Renders a line for people; a traceback follows, indented, so that no text in it passes for a line."""

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours

    def __call__(self, _logger: WrappedLogger, _method: str, fields: EventDict) -> str:
        at, level = fields.pop("at"), fields.pop("level")
        painted_level = self._painted(_LEVEL_COLOURS.get(level, ""), f"{level:<8}")
        return f"{self._painted(_DIM, at)} {painted_level} {self.text(fields)}"

    def text(self, fields: EventDict) -> str:
        """The line without time and level."""
        traceback = str(fields.get("exception", "")).splitlines()
        words = [
            self._painted(_BOLD, _printable(fields["event"])),
            *(
                f"{self._painted(_DIM, _shown(key) + '=')}{_shown(value)}"
                for key, value in fields.items()
                if key not in {*FIRST, "exception"}
            ),
        ]
        return "\n    ".join([" ".join(words), *map(_printable, traceback)])

    def _painted(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_RESET}" if self._colours else text


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and _BARE_WORD.fullmatch(value) else repr(value)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


class Writer:
    """What structlog calls with a rendered line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, line: str) -> None:
        """Write one line."""
        # If nobody reads stderr any more, there is no place left to say so, and the work has to go on.
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = write
