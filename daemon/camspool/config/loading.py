"""Where the configuration comes from: a file and the environment.

What can be configured, and in which bounds, is defined in `settings`.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from camspool.adapters import documents
from camspool.config.files import read_regular
from camspool.config.settings import Settings
from camspool.config.timezone import machine_timezone
from camspool.config.token import TOKEN_VARIABLE
from camspool.core.errors import ConfigurationError, RequestRejected
from camspool.core.problems import Unexpected, nearest_name, shown, unknown_name, within
from camspool.core.values import LONGEST_REQUEST, Problem

PLACES: Final = (Path("config.yaml"), Path("/etc/camspool/config.yaml"))
_PREFIX: Final = "CAMSPOOL_"
_FILE_VARIABLE: Final = "CAMSPOOL_CONFIG"

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
    configured = values.get("timezone") is not None
    if not configured:
        values["timezone"] = machine_timezone(environ).zone
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(_problems(error, variables), source) from None
    if not configured:
        settings.model_fields_set.discard("timezone")
    return settings


def timezone_source(settings: Settings, environ: Mapping[str, str]) -> str:
    """Where the time zone of `settings` comes from, in words: the configuration, or what on this machine."""
    return "timezone" if "timezone" in settings.model_fields_set else machine_timezone(environ).source


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
    """Also true of a file that may not be looked at: `load` reports it, for defaults would be a surprise."""
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
        return read_regular(path, LONGEST_REQUEST + 1)
    except OSError as error:
        problem = Problem("", error.strerror, "a file that can be read")
        raise ConfigurationError((problem,), str(path)) from None


def _from_environment(environ: Mapping[str, str]) -> dict[_Location, str]:
    """The variables that configure: where each belongs, and its name."""
    return {location: name for location, name in _variables(environ).items() if not _is_foreign(location)}


def _variables(environ: Mapping[str, str]) -> dict[_Location, str]:
    names = (name for name in environ if name.startswith(_PREFIX) and environ[name])
    return {
        tuple(name.removeprefix(_PREFIX).lower().split("__")): name
        for name in names
        if name not in (_FILE_VARIABLE, TOKEN_VARIABLE)
    }


def ignored_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The variables that have nothing to do with settings though their names begin like ours.

    Kubernetes sets `CAMSPOOL_SERVICE_HOST` and others for a service called camspool. A slip in the name of a
    setting is an error all the same.
    """
    return tuple(name for location, name in _variables(environ).items() if _is_foreign(location))


def _is_foreign(location: _Location) -> bool:
    first = location[0]
    known = first in Settings.model_fields or nearest_name(first, Settings.model_fields) is not None
    return len(location) == 1 and not known and "token" not in first


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
        path = variables.get(location) or reduce(within, location, "")
        reason = each.get("ctx", {}).get("error")
        if isinstance(reason, Unexpected):
            found += reason.problems(path, each["input"])
        elif each["type"] == "extra_forbidden":
            found.append(Problem(path, shown(location[-1]), _unknown(location)))
        else:
            found.append(Problem(path, each["input"], "a mapping of keys to values"))
    return tuple(_discreet(problem) for problem in found)


def _unknown(location: _Location) -> str:
    """What to expect instead of a key that its section does not know."""
    if "token" in location[-1]:
        return f"no token here: it is read from the file `api.token_file` or from {TOKEN_VARIABLE}"
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
