"""Where the configuration comes from: a file, the environment, and for the token a place of its own.

What can be configured, and in which bounds, stands in `settings`.
"""

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import SecretStr, ValidationError

from camspool.adapters import documents
from camspool.config.settings import Settings
from camspool.core.errors import ConfigurationError, RequestRejected, ServiceTrouble
from camspool.core.model import LONGEST_REQUEST, Problem, WaitReason
from camspool.core.problems import Unexpected, shown, unknown_name

__all__ = ["Settings", "config_schema", "find", "load", "machine_timezone", "token", "token_and_source"]

PLACES: Final = (Path("config.yaml"), Path("/etc/camspool/config.yaml"))
TOKEN_REMEDY: Final = "make one in the portal's API section and write it to api.token_file"  # noqa: S105 - a text about one
_PREFIX: Final = "CAMSPOOL_"
_FILE_VARIABLE: Final = "CAMSPOOL_CONFIG"
_TOKEN_VARIABLE: Final = "CAMSPOOL_API__TOKEN"  # noqa: S105 - the name of a variable
_CREDENTIALS_VARIABLE: Final = "CREDENTIALS_DIRECTORY"
_LONGEST_TOKEN: Final = 4096

_Location = tuple[str, ...]


def find(explicit: Path | None, environ: Mapping[str, str], places: Sequence[Path] = PLACES) -> Path | None:
    """The configuration file to read: `explicit`, `$CAMSPOOL_CONFIG`, or the first of `places` that exists.

    None when there is none: every key has a default.

    Raises:
        ConfigurationError: a file was named and does not exist.
    """
    named = explicit or (Path(environ[_FILE_VARIABLE]) if environ.get(_FILE_VARIABLE) else None)
    if named is None:
        return next((place for place in places if _is_there(place)), None)
    if not _is_there(named):
        who = "-c" if explicit else f"${_FILE_VARIABLE}"
        raise ConfigurationError((Problem("", None, f"the file that {who} names"),), str(named))
    return named


def load(path: Path | None, environ: Mapping[str, str], *, may_be_empty: bool = True) -> Settings:
    """The settings: the file's, overruled by variables such as `CAMSPOOL_API__RATE`, completed by defaults.

    An empty variable counts as not set, and `null` means null.

    Args:
        path: the file, YAML or JSON; None for none.
        environ: the environment.
        may_be_empty: False where an empty file is rather one that is just being written.

    Raises:
        ConfigurationError: with every problem of file and environment.
    """
    source = str(path) if path else "the environment"
    values = _from_file(path, may_be_empty=may_be_empty) if path else {}
    variables = _from_environment(environ)
    for location, name in variables.items():
        _put(values, location, None if environ[name] == "null" else environ[name])
    if values.get("timezone") is None:
        values["timezone"] = machine_timezone(environ)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(_problems(error, variables), source) from None


def token(settings: Settings, environ: Mapping[str, str]) -> SecretStr:
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
    if text := environ.get(_TOKEN_VARIABLE, "").strip():
        return _checked_token(text, _TOKEN_VARIABLE), _TOKEN_VARIABLE
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


def machine_timezone(environ: Mapping[str, str], root: Path = Path("/")) -> ZoneInfo:
    """The time zone of the machine, from `$TZ`, /etc/timezone or what /etc/localtime links to; else UTC.

    Args:
        environ: the environment.
        root: where the machine's `etc` is.
    """
    names = [environ.get("TZ", "").removeprefix(":")]
    names += _first_line(root / "etc/timezone")
    names.append(os.path.realpath(root / "etc/localtime"))
    for name in names:
        try:
            return ZoneInfo(name.rpartition("zoneinfo/")[2])
        except (KeyError, OSError, ValueError):
            continue  # no such zone, no zone at all: the next place may know
    return ZoneInfo("UTC")


def config_schema() -> dict[str, Any]:
    """The JSON Schema of the configuration file."""
    schema = Settings.model_json_schema()
    del schema["properties"]["timezone"]["default"]  # the machine's, whatever machine this is
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "camspool's config.yaml",
    }


def _is_there(path: Path) -> bool:
    """Also of a file that may not be looked at: `load` then says so, where defaults would be a surprise."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _from_file(path: Path, *, may_be_empty: bool) -> dict[str, Any]:
    data = _bytes_of(path)
    if not data.strip() and not may_be_empty:
        raise ConfigurationError((Problem("", "an empty file", "a configuration"),), str(path))
    try:
        values = documents.read(data, path.suffix) if data.strip() else None
    except RequestRejected as rejected:
        whole = Problem("", "an unusable file", f"YAML in UTF-8: {rejected.message}")
        problems = tuple(_discreet(problem) for problem in rejected.problems) or (whole,)
        raise ConfigurationError(problems, str(path)) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigurationError((Problem("", _kind(values), "a mapping such as `api: {...}`"),), str(path))
    return values


def _bytes_of(path: Path) -> bytes:
    try:
        # Opening a FIFO must not wait for somebody who writes into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return file.read(LONGEST_REQUEST + 1)
    except OSError as error:
        problem = Problem("", error.strerror, "a file that can be read")
        raise ConfigurationError((problem,), str(path)) from None
    raise ConfigurationError((Problem("", "something else", "a regular file"),), str(path))


def _from_environment(environ: Mapping[str, str]) -> dict[_Location, str]:
    """The variables that configure: where each belongs, and its name."""
    names = (name for name in environ if name.startswith(_PREFIX) and environ[name])
    return {
        tuple(name.removeprefix(_PREFIX).lower().split("__")): name
        for name in names
        if name not in (_FILE_VARIABLE, _TOKEN_VARIABLE)
    }


def _put(values: dict[str, Any], location: _Location, value: Any) -> None:
    *sections, key = location
    for section in sections:
        if values.get(section) is None:
            values[section] = {}
        if not isinstance(values[section], dict):
            return  # the section itself is wrong, and will be reported
        values = values[section]
    values[key] = value


def _problems(error: ValidationError, variables: Mapping[_Location, str]) -> tuple[Problem, ...]:
    found: list[Problem] = []
    for each in error.errors():
        location = tuple(str(part) for part in each["loc"])
        path = variables.get(location, ".".join(location))
        reason = each.get("ctx", {}).get("error")
        if isinstance(reason, Unexpected):
            found += reason.problems(path, each["input"])
        elif each["type"] == "extra_forbidden":
            found.append(Problem(path, location[-1], _unknown(location)))
        else:
            found.append(Problem(path, each["input"], "a mapping of keys to values"))
    return tuple(_discreet(problem) for problem in found)


def _unknown(location: _Location) -> str:
    """What to expect instead of a key that its section does not know."""
    if "token" in location[-1]:
        return f"no token here: it is read from the file `api.token_file` or from {_TOKEN_VARIABLE}"
    section: Any = Settings
    for name in location[:-1]:
        section = section.model_fields[name].annotation
    return unknown_name(location[-1], section.model_fields)


def _discreet(problem: Problem) -> Problem:
    """Without what may be a secret: a token put where its file belongs, an address with a key in it."""
    value, path = problem.value, problem.path.lower()
    secret = "token" in path or path.removeprefix(_PREFIX.lower()).startswith("notify")
    if secret or (isinstance(value, str) and "@" in value):
        value = "(not shown)"
    return Problem(problem.path, _kind(value), problem.expected)


def _kind(value: Any) -> Any:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return shown(value)


def _first_line(path: Path) -> list[str]:
    try:
        return path.read_text("ascii", "replace").strip().splitlines()[:1]
    except OSError:
        return []


def _checked_token(text: str, source: str) -> SecretStr:
    if not text:
        raise _no_token(f"{source} is empty")
    if len(text) > _LONGEST_TOKEN or not all("!" <= character <= "~" for character in text):
        raise _no_token(f"{source} holds no token, which is one word of ASCII characters")
    return SecretStr(text)


def _no_token(found: str) -> ServiceTrouble:
    return ServiceTrouble(WaitReason.UNAUTHORISED, f"{found}; {TOKEN_REMEDY}")
