"""Where the API token comes from: the environment, systemd's credentials, or a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from camspool.adapters import logs
from camspool.config.cell import SettingsCell
from camspool.config.settings import Settings
from camspool.core.errors import ServiceTrouble
from camspool.core.values import WaitReason

TOKEN_REMEDY: Final = "make one in the portal's API section and write it to api.token_file"  # noqa: S105 - a text about one
_CREDENTIALS_VARIABLE: Final = "CREDENTIALS_DIRECTORY"
_LONGEST_TOKEN: Final = 4096
TOKEN_VARIABLE: Final = "CAMSPOOL_API__TOKEN"  # noqa: S105 - the name of a variable


def read_token(settings: Settings, environ: Mapping[str, str]) -> SecretStr:
    """The API token; see `token_and_source`."""
    return token_and_source(settings, environ)[0]


def token_and_source(settings: Settings, environ: Mapping[str, str]) -> tuple[SecretStr, Path | str]:
    """The API token: from `CAMSPOOL_API__TOKEN`, else `$CREDENTIALS_DIRECTORY/token`, else `api.token_file`.

    Read it whenever it is needed: a new one is then used without a restart.

    Raises:
        ServiceTrouble: `unauthorised`; there is none, or it cannot be one. That is no reason to end: the
            service waits until somebody has put it right.

    Returns:
        It, and the file or the name of the variable that it was read from.
    """
    if text := environ.get(TOKEN_VARIABLE, "").strip():
        return _checked_token(text, TOKEN_VARIABLE), TOKEN_VARIABLE
    files = [settings.api.token_file]
    if folder := environ.get(_CREDENTIALS_VARIABLE):
        files.insert(0, Path(folder, "token"))
    for file in files:
        try:
            with file.open("rb") as stream:
                content = stream.read(_LONGEST_TOKEN + 1)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _no_token(f"{file} cannot be read: {error.strerror}") from None
        return _checked_token(content.decode("utf-8-sig", "replace").strip(), str(file)), file
    raise _no_token("there is no token in " + " or ".join(map(str, files)))


class Token:
    """Reads the token from where the configuration says now; from then on the log hides it."""

    def __init__(self, settings: SettingsCell, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ

    def read(self) -> str:
        """The token; see `token_and_source` for what is raised."""
        secret = read_token(self._settings.current, self._environ).get_secret_value()
        logs.redact(secret)
        return secret


def _checked_token(text: str, source: str) -> SecretStr:
    if not text:
        raise _no_token(f"{source} is empty")
    if len(text) > _LONGEST_TOKEN or not all("!" <= character <= "~" for character in text):
        raise _no_token(f"{source} holds no token, which is one word of ASCII characters")
    return SecretStr(text)


def _no_token(found: str) -> ServiceTrouble:
    return ServiceTrouble(WaitReason.UNAUTHORISED, f"{found}; {TOKEN_REMEDY}")
