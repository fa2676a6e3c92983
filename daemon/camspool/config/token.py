"""Where the API token comes from: the environment, systemd's credentials, or a file."""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from pydantic import SecretStr

from camspool.adapters import logs
from camspool.config.cell import SettingsCell
from camspool.config.files import read_regular
from camspool.config.settings import Settings
from camspool.core.errors import ServiceTrouble
from camspool.core.values import WaitReason

log = structlog.get_logger()

TOKEN_REMEDY: Final = "make one in the portal's API section and write it to api.token_file"  # noqa: S105 - a text about one
TOKEN_VARIABLE: Final = "CAMSPOOL_API__TOKEN"  # noqa: S105 - the name of a variable
_CREDENTIALS_VARIABLE: Final = "CREDENTIALS_DIRECTORY"
_LONGEST_TOKEN: Final = 4096


@dataclass(frozen=True, slots=True)
class FoundToken:
    """The API token; the file, or the name of the variable, that it was read from.

    `remark` says why it was not read from where it should be; else it is None.
    """

    secret: SecretStr
    source: Path | str
    remark: str | None = None


def read_token(settings: Settings, environ: Mapping[str, str]) -> SecretStr:
    """The API token; see `find_token`."""
    return find_token(settings, environ).secret


def find_token(settings: Settings, environ: Mapping[str, str]) -> FoundToken:
    """The API token: from `CAMSPOOL_API__TOKEN`, else `$CREDENTIALS_DIRECTORY/token`, else `api.token_file`.

    Read it whenever it is needed: a new one is then used without a restart. An empty credential counts as
    missing: that is what LXC makes of LoadCredential= (https://github.com/lxc/distrobuilder/issues/985).

    Raises:
        ServiceTrouble: `unauthorised`; there is none, or it cannot be one. That is no reason to end: the
            service waits until somebody has corrected it.
    """
    if text := environ.get(TOKEN_VARIABLE, "").strip():
        return FoundToken(_checked(text, TOKEN_VARIABLE), TOKEN_VARIABLE)
    missing: list[Path] = []
    empty: list[str] = []
    for file, may_be_empty in _files(settings, environ):
        try:
            content = read_regular(file, _LONGEST_TOKEN + 1)
        except FileNotFoundError:
            missing.append(file)
            continue
        except OSError as error:
            raise _no_token(", and ".join([*empty, f"{file} cannot be read: {error.strerror}"])) from None
        if may_be_empty and not content.strip():
            empty.append(f"{file} is empty, as in containers where systemd's LoadCredential= does not work")
            continue
        remark = f"{empty[0]}; {file} is read in its place" if empty else None
        return FoundToken(_checked(_decoded(content, file), str(file)), file, remark)
    nowhere = "there is no token in " + " or ".join(map(str, missing))
    raise _no_token(", and ".join([*empty, nowhere] if missing else empty))


class Token:
    """Reads the token from where the configuration says now; from then on the log hides it."""

    def __init__(self, settings: SettingsCell, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._remark: str | None = None

    def read(self) -> str:
        """The token; see `find_token` for what is raised."""
        found = find_token(self._settings.current, self._environ)
        secret = found.secret.get_secret_value()
        logs.redact(secret)
        if found.remark and found.remark != self._remark:
            log.warning("credential_empty", problem=found.remark)
        self._remark = found.remark
        return secret


def _files(settings: Settings, environ: Mapping[str, str]) -> Iterator[tuple[Path, bool]]:
    """Where it may be, in order, and whether an empty file there counts as missing."""
    if folder := environ.get(_CREDENTIALS_VARIABLE):
        yield Path(folder, "token"), True
    yield settings.api.token_file, False


def _decoded(content: bytes, file: Path) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in content[:2]:
        raise _no_token(f"{file} is UTF-16, as `>` of Windows PowerShell writes; expected ASCII")
    return content.decode("utf-8-sig", "replace").strip()


def _checked(text: str, source: str) -> SecretStr:
    problem = next((words for pattern, words in _PROBLEMS if pattern.search(text)), None)
    if len(text) > _LONGEST_TOKEN:
        problem = f"holds more than {_LONGEST_TOKEN} characters, expected the token alone"
    if problem:
        raise _no_token(f"{source} {problem}")
    return SecretStr(text)


_PROBLEMS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (r"\A\Z", "is empty"),
        (r"[\r\n]", "holds several lines, expected one: the token alone"),
        (r"\A(authorization *: *)?bearer\b", "begins with the word `Bearer`, expected the token alone"),
        (r"\A[\w-]*token\W{0,3}[:=]", "holds a line such as `token: ...`, expected the token alone"),
        (r"\A[{\[]", "holds JSON or YAML, expected the token alone"),
        (r"\A[\"'`]|[\"'`]\Z", "holds the token in quotes, expected it without them"),
        (r"[^!-~\s]", "holds a character that no token has: a token is one word of ASCII characters"),
        (r"\s", "holds several words: a token is one word of ASCII characters"),
    )
)
"""What people write by mistake beside a token, and the message for it, which must not quote the text."""


def _no_token(found: str) -> ServiceTrouble:
    return ServiceTrouble(WaitReason.UNAUTHORISED, f"{found}; {TOKEN_REMEDY}")
