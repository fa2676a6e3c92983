"""The fields of a log line as JSON knows them: plain values, no secrets, nothing of endless length."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from structlog.typing import EventDict, WrappedLogger

from camspool.adapters.logs.redaction import REDACTED, SECRET_KEYS, without_secrets

FIRST: Final = ("at", "level", "event")
"""The fields that each line begins with."""

# journald cuts a line at 48 KiB (LineMax=), and half a JSON object helps nobody.
_LONGEST_TEXT: Final = 8_000


def plain_fields(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
    """A structlog processor: the same fields, plain, `FIRST` first."""
    first = {key: fields.pop(key) for key in FIRST}
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
    return REDACTED if key.lower().endswith(SECRET_KEYS) else _plain(value)


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
