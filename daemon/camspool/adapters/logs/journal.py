"""Entries for systemd's journal in its own protocol: each field can be searched for with journalctl.

The protocol is described at https://systemd.io/JOURNAL_NATIVE_PROTOCOL/. A line on stderr would arrive there
too, but as one text without a priority.
"""

import json
import os
import re
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, TextIO

from structlog.typing import EventDict, WrappedLogger

from camspool.adapters.logs.lines import ConsoleLine, JsonLine, Writer

SOCKET: Final = "/run/systemd/journal/socket"

_PRIORITIES: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}  # syslog(3)
_LONGEST_NAME: Final = 64
# A journal that does not read must not hold up the event loop for longer than this.
_LONGEST_WAIT_S: Final = 0.1
_SILENT_S: Final = 10.0


def leads_to_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """True when the manager has connected `stream` with the journal: `JOURNAL_STREAM`, systemd.exec(5)."""
    try:
        facts = os.fstat(stream.fileno())
    except (OSError, ValueError):  # no file is behind it
        return False
    return environ.get("JOURNAL_STREAM") == f"{facts.st_dev}:{facts.st_ino}"


class JournalEntry:
    """Renders an entry for `JournalWriter`, and the JSON line to write where the journal takes none."""

    def __init__(self) -> None:
        self._message = ConsoleLine(colours=False)
        self._line = JsonLine(ascii_only=False)

    def __call__(
        self, logger: WrappedLogger, method: str, fields: EventDict
    ) -> tuple[tuple[bytes, str], dict[str, Any]]:
        entry = b"".join(_assignment(name, value) for name, value in self._assignments(fields))
        priority = _PRIORITIES[fields["level"]]
        return (entry, f"<{priority}>{self._line(logger, method, fields)}"), {}  # sd-daemon(3)

    def _assignments(self, fields: EventDict) -> Iterator[tuple[str, str]]:
        yield "MESSAGE", self._message.text(fields)
        yield "PRIORITY", str(_PRIORITIES[fields["level"]])
        yield "SYSLOG_IDENTIFIER", "camspool"
        for key, value in fields.items():
            if key not in {"at", "level", "exception"}:  # the journal has a time; MESSAGE has the traceback
                yield _name(key), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _name(key: str) -> str:
    return ("CAMSPOOL_" + re.sub(r"[^A-Z0-9]", "_", key.upper()))[:_LONGEST_NAME]


def _assignment(name: str, value: str) -> bytes:
    """`NAME=value`; or, where a line would end too early, the name, the value's length, and the value."""
    data = value.encode()
    if b"\n" not in data:
        return b"%s=%s\n" % (name.encode(), data)
    return b"%s\n%s%s\n" % (name.encode(), struct.pack("<Q", len(data)), data)


class JournalWriter:
    """What structlog calls with a rendered entry."""

    def __init__(self, stream: TextIO) -> None:
        self._stderr = Writer(stream)
        self._silent_until = 0.0

    def write(self, entry: bytes, line: str) -> None:
        """Send an entry; where the journal does not take it (too long, no socket), write the line instead.

        While the journal does not read, lines are lost: stderr leads to the same place, and would block.
        """
        if time.monotonic() < self._silent_until:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(_LONGEST_WAIT_S)
                sender.sendto(entry, SOCKET)
        except TimeoutError:
            self._silent_until = time.monotonic() + _SILENT_S
        except OSError:
            self._stderr.write(line)

    debug = info = warning = error = critical = write
