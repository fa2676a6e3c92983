"""What can be configured: every key with its meaning, its bounds and its default.

Where the values come from is the business of `loading`; the token, of `token`.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SecretStr,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from camspool.config.zone_names import zone_meant
from camspool.core import addresses
from camspool.core.addresses import Address
from camspool.core.durations import DURATION, LONGEST_S, duration, written
from camspool.core.fields import height
from camspool.core.notices import Occasion
from camspool.core.problems import Unexpected
from camspool.core.quantities import size
from camspool.core.status_document import MOST_CLIPS
from camspool.core.timetable import Limit, limit
from camspool.core.values import HeightSelector, Problem

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_DAY: Final = 86400.0


@dataclass(frozen=True, slots=True)
class _Read:
    """Annotation of a key: how its value is read, raising `Unexpected`, and its JSON Schema."""

    parse: Callable[[Any], Any]
    schema: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.parse)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.schema)


def _seconds(least: float, most: float = LONGEST_S) -> _Read:
    def parse(value: Any) -> float:
        seconds = duration(value)
        if not least <= seconds <= most:
            raise Unexpected(f"a duration from {written(least)} to {written(most)}")
        return seconds

    return _Read(parse, {"type": ["number", "string"], "examples": [90, "10m", "PT10M"]})


def _keep(value: Any) -> float | None:
    if value is None or value == "forever":
        return None
    try:
        seconds = duration(value)
    except Unexpected:
        seconds = 0
    if seconds == 0:
        raise Unexpected(f'"forever", or {DURATION}')
    return seconds


def _decimal(value: Any) -> float:
    """The number, or -1; it may be text, because that is what an environment variable is."""
    try:
        return float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1
    except (ValueError, OverflowError):
        return -1


def _number(least: float, most: float) -> _Read:
    def parse(value: Any) -> float:
        number = _decimal(value)
        if not least <= number <= most:
            raise Unexpected(f"a number from {least:g} to {most:g}")
        return number

    return _Read(parse, {"type": "number", "minimum": least, "maximum": most})


def _count(most: int) -> _Read:
    def parse(value: Any) -> int:
        number = _decimal(value)
        if not 1 <= number <= most or number != int(number):
            raise Unexpected(f"a whole number from 1 to {most}")
        return int(number)

    return _Read(parse, {"type": "integer", "minimum": 1, "maximum": most})


def _word(*words: str) -> _Read:
    def parse(value: Any) -> Any:
        if value not in words:
            raise Unexpected("one of " + ", ".join(words))
        return value

    return _Read(parse, {"enum": list(words)})


def _switch(value: Any) -> bool:
    """It may be text, because that is what an environment variable is."""
    named = {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(named, bool):
        raise Unexpected("true or false")
    return named


def _absolute(value: Any) -> Path:
    text = os.fspath(value) if isinstance(value, str | Path) else ""
    if "\0" in text or not os.path.isabs(text):  # noqa: PTH117 - normpath follows, which pathlib has not
        raise Unexpected("an absolute path, such as /srv/camspool/drop")
    return Path(os.path.normpath(text))


def _endpoint(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not addresses.is_web_address(text):
        raise Unexpected("an address such as https://system2.netrex.cz/api/graphql.php")
    if "@" in urlsplit(text).netloc:
        raise Unexpected("an address without user and password: the token has a file of its own")
    return text


def _zone(value: Any) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    expected = "a time zone such as Europe/Prague or UTC"
    try:
        return ZoneInfo(value)
    except (KeyError, OSError, TypeError, ValueError):
        # KeyError: no such zone. The others: folders, paths, names that are too long, no text at all.
        if not isinstance(value, str):
            raise Unexpected(expected) from None
    exact, near = zone_meant(value)
    if exact:
        return ZoneInfo(exact)
    raise Unexpected(f"{expected}; did you mean {near}?" if near else expected)


_SWITCH: Final = _Read(_switch, {"type": "boolean"})
_PATH: Final = _Read(_absolute, {"type": "string", "pattern": "^/"})
_HEIGHT: Final = _Read(height, {"type": ["integer", "string"], "examples": [720, "best", "<=720"]})
_KEEP: Final = _Read(_keep, {"type": ["number", "string", "null"], "examples": ["forever", "90d"]})
_SIZE: Final = _Read(size, {"type": ["integer", "string"], "examples": ["2GB"]})
_RATE_SCHEMA: Final = {"type": ["integer", "string", "null"], "examples": ["2MB/s"]}
_RATE: Final = _Read(
    limit,
    {
        "anyOf": [_RATE_SCHEMA, {"type": "object", "additionalProperties": _RATE_SCHEMA}],
        "examples": ["2MB/s", {"08:00-18:00": "2MB/s"}],
    },
)
_ENDPOINT: Final = _Read(_endpoint, {"type": "string", "format": "uri"})
_FILE: Final = _Read(
    lambda value: None if value is None else _absolute(value), {"type": ["string", "null"], "pattern": "^/"}
)
_TEXTS: Final = {"type": ["array", "string"], "items": {"type": "string"}}
_SERVICES: Final = _Read(addresses.services, _TEXTS)
_WEBHOOK: Final = _Read(addresses.webhook, {"type": ["string", "null"], "format": "uri"})
_OCCASIONS: Final = _Read(addresses.occasions, {**_TEXTS, "items": {"enum": list(Occasion)}})
_COMMAND: Final = _Read(addresses.command, _TEXTS)
_LISTEN: Final = _Read(addresses.listen, {"type": ["integer", "string", "null"], "examples": [9745]})
_ZONE: Final = _Read(_zone, {"type": ["string", "null"], "examples": ["Europe/Prague", "UTC"]})


def _says(description: str) -> Any:
    return Field(description=description)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _blank_is_empty(cls, value: Any) -> Any:
        """`api:` with nothing below it, because every line is commented out, is all defaults."""
        return {} if value is None else value


_AnySection = TypeVar("_AnySection", bound=_Section)


def _in_order(section: _AnySection, less: str, more: str) -> _AnySection:
    low, high = getattr(section, less), getattr(section, more)
    if low > high:
        problem = Problem(f".{less}", written(low), f"at most `{more}`, which is {written(high)}")
        raise Unexpected(problem.expected, (problem,))
    return section


class Poll(_Section):
    fastest: Annotated[
        float, _seconds(0.01, _HOUR), _says("shortest time between two looks at a preparation")
    ] = 1.0
    slowest: Annotated[
        float, _seconds(0.01, _HOUR), _says("longest time between two looks at a preparation")
    ] = 30.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        return _in_order(self, "fastest", "slowest")


class Lifetimes(_Section):
    recording_id: Annotated[float, _seconds(0.1), _says("of a recording id that is not prepared")] = _HOUR
    download_url: Annotated[float, _seconds(0.1), _says("of a download URL, from when it exists")] = _DAY
    downloaded_url: Annotated[float, _seconds(0.1), _says("of a download URL, once downloaded")] = 6 * _HOUR


class Api(_Section):
    endpoint: Annotated[str, _ENDPOINT, _says("the GraphQL address")] = (
        "https://system2.netrex.cz/api/graphql.php"
    )
    token_file: Annotated[Path, _PATH, _says("a file with the API token")] = Path("/etc/camspool/token")
    ca_file: Annotated[
        Path | None, _FILE, _says("certificates of authorities to trust besides the system's, in PEM form")
    ] = None
    timeout: Annotated[float, _seconds(0.1, _HOUR), _says("how long one call may take")] = 30.0
    rate: Annotated[float, _number(0.01, 1000), _says("calls per second, at most")] = 5.0
    batch: Annotated[int, _count(1000), _says("recordings asked about in one call, at most")] = 50
    poll: Poll = Poll()
    lifetimes: Lifetimes = Lifetimes()


class Folders(_Section):
    drop: Annotated[Path, _PATH, _says("where request files are dropped")] = Path("/srv/camspool/drop")
    mirror: Annotated[Path, _PATH, _says("where status files and MP4s appear")] = Path("/srv/camspool/mirror")
    state: Annotated[Path, _PATH, _says("the daemon's own memory")] = Path("/var/lib/camspool")

    @model_validator(mode="after")
    def _apart(self) -> Self:
        """What is written to one folder must not look like a request or an output in another.

        Nor does footage lie in `state`, which goes with the program.
        """
        places = {name: Path(os.path.realpath(path)) for name, path in self}
        pairs = combinations(("state", "mirror", "drop"), 2)
        deeper_first = (sorted(pair, key=lambda name: -len(places[name].parts)) for pair in pairs)
        problems = [
            Problem(f".{inner}", str(getattr(self, inner)), f"a folder that is not inside `folders.{outer}`")
            for inner, outer in deeper_first
            if places[inner].is_relative_to(places[outer])
        ]
        if problems:
            raise Unexpected("folders that are apart", tuple(problems))
        return self


class Watch(_Section):
    mode: Annotated[
        Literal["auto", "inotify", "polling"], _word("auto", "inotify", "polling"), _says("how")
    ] = "auto"
    settle: Annotated[float, _seconds(0, _HOUR), _says("how long a file must be unchanged")] = 2.0
    rescan: Annotated[float, _seconds(0.05, _DAY), _says("how often the whole tree is looked through")] = 30.0
    poll: Annotated[float, _seconds(0.05, _HOUR), _says("how often, where there are no events")] = 5.0


class Requests(_Section):
    height: Annotated[HeightSelector, _HEIGHT, _says("for requests without a height")] = "best"
    longest: Annotated[float, _seconds(1), _says("the longest range of one request")] = _DAY
    delay: Annotated[float, _seconds(0, 30 * _DAY), _says("wait after the end of a range in the future")] = (
        _MINUTE
    )
    grace: Annotated[float, _seconds(0, 30 * _DAY), _says("how long footage may be on its way")] = (
        15 * _MINUTE
    )


class Limits(_Section):
    preparing: Annotated[int, _count(1000), _says("recordings in preparation at once")] = 8
    downloading: Annotated[int, _count(64), _says("downloads at once")] = 4
    clips_per_request: Annotated[int, _count(MOST_CLIPS), _says("clips that one file may ask for")] = 1000


class Retry(_Section):
    first: Annotated[float, _seconds(0.01, _DAY), _says("the first wait after trouble")] = 5.0
    longest: Annotated[float, _seconds(0.01, _DAY), _says("the longest wait after trouble")] = 10 * _MINUTE
    give_up_after: Annotated[
        float, _seconds(0.1), _says("trouble of one clip that lasts as long fails it")
    ] = _DAY
    stalled: Annotated[float, _seconds(0.1), _says("preparation without progress")] = 2 * _HOUR

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        return _in_order(self, "first", "longest")


class Download(_Section):
    rate: Annotated[
        Limit, _RATE, _says("bytes per second, all downloads together; or that by the time of day")
    ] = None
    timeout: Annotated[float, _seconds(0.1, _HOUR), _says("time without a byte")] = 30.0
    verify: Annotated[
        Literal["size", "structure", "decode"], _word("size", "structure", "decode"), _says("how thoroughly")
    ] = "structure"


class Cleanup(_Section):
    every: Annotated[float, _seconds(0.05, _DAY), _says("how often")] = 5 * _MINUTE
    keep: Annotated[float | None, _KEEP, _says("how long MP4s stay, from when the request ended")] = None
    min_free: Annotated[int, _SIZE, _says("free space below which no download begins")] = 2_000_000_000


class Mirror(_Section):
    heartbeat: Annotated[
        float, _seconds(1, _HOUR), _says("how often a daemon without news shows that it lives")
    ] = 15.0


class PageSettings(_Section):
    enabled: Annotated[bool, _SWITCH, _says("whether there is a page in the mirror")] = True
    every: Annotated[float, _seconds(1, _HOUR), _says("how often it is rewritten at most")] = 5.0


class Logging(_Section):
    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        _word("debug", "info", "warning", "error"),
        _says("from which"),
    ] = "info"
    format: Annotated[Literal["auto", "console", "json"], _word("auto", "console", "json"), _says("how")] = (
        "auto"
    )


class Notify(_Section):
    urls: Annotated[tuple[SecretStr, ...], _SERVICES, _says("Apprise's addresses")] = ()
    webhook: Annotated[SecretStr | None, _WEBHOOK, _says("where the status file is posted to")] = None
    events: Annotated[frozenset[Occasion], _OCCASIONS, _says("which changes are notified")] = frozenset(
        Occasion
    )
    timeout: Annotated[float, _seconds(0.1, _HOUR), _says("how long one try may take")] = 10.0


class Hooks(_Section):
    done: Annotated[tuple[str, ...], _COMMAND, _says("a program that is run for each MP4")] = ()
    timeout: Annotated[float, _seconds(0.1, _DAY), _says("how long it may take")] = _MINUTE


class Metrics(_Section):
    file: Annotated[Path | None, _FILE, _says("a text file for node_exporter")] = None
    listen: Annotated[Address | None, _LISTEN, _says("where /metrics and /healthz are served")] = None


class Settings(_Section):
    """The whole configuration. Durations are in seconds, sizes in bytes; `keep` and `rate` None: no limit."""

    api: Api = Api()
    folders: Folders = Folders()
    timezone: Annotated[ZoneInfo, _ZONE, _says("of times without an offset; default: the machine's")] = (
        ZoneInfo("UTC")
    )
    watch: Watch = Watch()
    requests: Requests = Requests()
    limits: Limits = Limits()
    retry: Retry = Retry()
    download: Download = Download()
    cleanup: Cleanup = Cleanup()
    mirror: Mirror = Mirror()
    page: PageSettings = PageSettings()
    logging: Logging = Logging()
    notify: Notify = Notify()
    hooks: Hooks = Hooks()
    metrics: Metrics = Metrics()
