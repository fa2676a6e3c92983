"""Where the configuration comes from, what it may be, and that no secret shows when it is wrong."""

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from camspool.config.loading import config_schema, find, load
from camspool.config.settings import Settings
from camspool.config.timezone import machine_timezone
from camspool.config.token import read_token
from camspool.core.errors import ConfigurationError, ServiceTrouble
from camspool.core.notices import Occasion
from camspool.core.values import WaitReason

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
UTC_ZONE = {"TZ": "UTC"}
SECRET = "s3cr3t-t0ken"  # noqa: S105 - made up


def loaded(tmp_path: Path, text: str, **environ: str) -> Settings:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    return load(file, {**UTC_ZONE, **environ})


def problems(tmp_path: Path, text: str, **environ: str) -> dict[str, str]:
    """Path -> sentence."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, text, **environ)
    error = caught.value
    assert error.source == str(tmp_path / "config.yaml")
    assert all(problem.sentence in str(error) for problem in error.problems)
    assert SECRET not in repr(error) + repr(error.problems) + repr(error.__cause__)
    return {problem.path: problem.sentence for problem in error.problems}


# --- the file


def test_the_example_says_the_defaults(tmp_path: Path) -> None:
    assert loaded(tmp_path, EXAMPLE.read_text()) == Settings()


def test_the_example_is_complete() -> None:
    def keys(section: dict[str, Any]) -> dict[str, Any]:
        return {name: keys(value) if isinstance(value, dict) else None for name, value in section.items()}

    assert keys(yaml.safe_load(EXAMPLE.read_text())) == keys(Settings().model_dump())


def test_without_a_file_there_are_defaults() -> None:
    assert load(None, UTC_ZONE) == Settings()


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "{}", "api:\nwatch:\n", "api:\n  poll:\n"])
def test_what_is_left_out_is_a_default(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text) == Settings()


def test_every_kind_of_value(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        """
        api:
          endpoint: http://127.0.0.1:8080/graphql
          rate: 0.5
          batch: 10
          poll: {fastest: 500ms, slowest: PT1M}
        folders: {drop: /data/in/, mirror: /data/out, state: /data/state/../memory}
        timezone: Europe/Prague
        requests: {height: "<= 720"}
        download: {rate: 2MB/s, verify: decode}
        cleanup: {keep: 90d, min_free: 5GiB}
        """,
    )
    assert settings.api.endpoint == "http://127.0.0.1:8080/graphql"
    assert (settings.api.rate, settings.api.batch) == (0.5, 10)
    assert (settings.api.poll.fastest, settings.api.poll.slowest) == (0.5, 60.0)
    assert (settings.folders.drop, settings.folders.state) == (Path("/data/in"), Path("/data/memory"))
    assert settings.timezone == ZoneInfo("Europe/Prague")
    assert settings.requests.height == "<=720"
    assert (settings.download.rate, settings.download.verify) == (2e6, "decode")
    assert (settings.cleanup.keep, settings.cleanup.min_free) == (90 * 86400.0, 5 * 1024**3)


def test_json_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"api": {"rate": 2}}')
    assert load(file, UTC_ZONE).api.rate == 2


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().api.rate = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        (
            "api: {endpoint: ftp://x/y}",
            "api.endpoint",
            "found 'ftp://x/y', expected an address such as https://",
        ),
        ("api: {endpoint: 'https://'}", "api.endpoint", "an address such as"),
        ("api: {endpoint: 'https://x:99999/'}", "api.endpoint", "an address such as"),
        ("api: {endpoint: 'https://x/a b'}", "api.endpoint", "an address such as"),
        ("api: {endpoint: 5}", "api.endpoint", "an address such as"),
        (f"api: {{endpoint: 'https://me:{SECRET}@x/'}}", "api.endpoint", "found '(not shown)'"),
        ("api: {timeout: 0}", "api.timeout", "a duration from 0.1s to 1h"),
        ("api: {timeout: true}", "api.timeout", "found True, expected a duration such as"),
        ("api: {timeout: null}", "api.timeout", "found nothing, expected a duration such as"),
        ("api: {rate: 0}", "api.rate", "a number from 0.01 to 1000"),
        ("api: {rate: true}", "api.rate", "a number from 0.01 to 1000"),
        ("api: {rate: nan}", "api.rate", "a number from 0.01 to 1000"),
        ("api: {batch: 1.5}", "api.batch", "a whole number from 1 to 1000"),
        ("api: {batch: 0}", "api.batch", "a whole number from 1 to 1000"),
        ("api: {poll: 5s}", "api.poll", "found '5s', expected a mapping"),
        ("api: [x]", "api", "found 'a list', expected a mapping"),
        ("api: {endpont: x}", "api.endpont", "did you mean `endpoint`?"),
        ("api: {poll: {fast: 1}}", "api.poll.fast", "did you mean `fastest`?"),
        ("wach: {}", "wach", "did you mean `watch`?"),
        ("zzz: 5", "zzz", "a known field: `api`, `folders`"),
        (
            "api: {poll: {fastest: 1m}}",
            "api.poll.fastest",
            "found '1m', expected at most `slowest`, which is 30s",
        ),
        ("retry: {first: 1h}", "retry.first", "at most `longest`, which is 10m"),
        ("folders: {drop: in}", "folders.drop", "an absolute path"),
        ("folders: {drop: null}", "folders.drop", "an absolute path"),
        ("folders: {drop: /srv/x, mirror: /srv/x/out}", "folders.mirror", "not inside `folders.drop`"),
        ("folders: {drop: /srv/x/in, mirror: /srv/x}", "folders.drop", "not inside `folders.mirror`"),
        ("folders: {state: /srv/camspool/drop/.state}", "folders.state", "not inside `folders.drop`"),
        ("folders: {state: /srv/camspool/mirror}", "folders.state", "not inside `folders.mirror`"),
        ("folders: {mirror: /var/lib/camspool/mirror}", "folders.mirror", "not inside `folders.state`"),
        ("folders: {drop: /var/lib/camspool/drop}", "folders.drop", "not inside `folders.state`"),
        ("timezone: Europe/Brno", "timezone", "a time zone such as Europe/Prague"),
        ("timezone: Europe", "timezone", "a time zone such as Europe/Prague"),
        ("timezone: 2", "timezone", "a time zone such as Europe/Prague"),
        ("watch: {mode: fast}", "watch.mode", "found 'fast', expected one of auto, inotify, polling"),
        ("watch: {mode: no}", "watch.mode", "found 'no', expected one of"),
        ("requests: {height: tall}", "requests.height", '720 (exactly), "best"'),
        ("limits: {downloading: 65}", "limits.downloading", "a whole number from 1 to 64"),
        ("download: {rate: 0}", "download.rate", "a rate such as 2MB/s"),
        ("download: {rate: {'8-18': 5}}", "download.rate.8-18", "a span of the day such as"),
        ("cleanup: {keep: 0}", "cleanup.keep", '"forever", or a duration'),
        ("cleanup: {keep: [1]}", "cleanup.keep", '"forever", or a duration'),
        ("cleanup: {min_free: lots}", "cleanup.min_free", "a size such as"),
        ("page: {enabled: maybe}", "page.enabled", "true or false"),
        ("logging: {level: loud}", "logging.level", "one of debug, info, warning, error"),
        ("api: {rate: 1, rate: 2}", "api.rate", "each field only once; it stands again in line 1"),
        ("- api", "", "found 'a list', expected a mapping"),
        ("api: [", "", "line 1"),
        (f"api: {{token: {SECRET}}}", "api.token", "it is read from the file `api.token_file`"),
        (f"api: {{tokne: {SECRET}}}", "api.tokne", "found 'tokne', expected a known field"),
        (f"token: {SECRET}", "token", "it is read from the file `api.token_file`"),
        (
            f"api: {{token_file: {SECRET}}}",
            "api.token_file",
            "found '(not shown)', expected an absolute path",
        ),
        (f'api: {{token: "\\ud800{SECRET}"}}', "api.token", "(not shown)"),
        (f"api: [token, {SECRET}]", "api", "found 'a list'"),
        (f"api: {{token: {SECRET}", "", "line 1"),
        (f"notify: https://x/{SECRET}", "notify", "found '(not shown)', expected a mapping"),
        (f"notify: {{webhook: ftp://x/{SECRET}}}", "notify.webhook", "such as https://example.org/hook"),
        (f"notify: {{webhook: [https://x/{SECRET}]}}", "notify.webhook", "such as https://example.org/hook"),
        (f"notify: {{urls: {{a: {SECRET}}}}}", "notify.urls", "a list of Apprise's addresses"),
        (f"notify: {{urls: [{SECRET}, 5]}}", "notify.urls", "a list of Apprise's addresses"),
        (f"notify: {{weebhook: https://x/{SECRET}}}", "notify.weebhook", "did you mean `webhook`?"),
        ("notify: {events: [done, gone]}", "notify.events", "a list of some of done, partial"),
        ("notify: {events: null}", "notify.events", "a list of some of done, partial"),
        ("hooks: {done: 'archive \"a'}", "hooks.done", "a program and its arguments, such as"),
        ("hooks: {done: ['']}", "hooks.done", "a program and its arguments, such as"),
        ('hooks: {done: ["a\\0b"]}', "hooks.done", "a program and its arguments, such as"),
        ("metrics: {file: camspool.prom}", "metrics.file", "an absolute path"),
        ("metrics: {listen: 0}", "metrics.listen", "a port such as 9745"),
        ("metrics: {listen: true}", "metrics.listen", "a port such as 9745"),
        ("metrics: {listen: 'localhost:'}", "metrics.listen", "a port such as 9745"),
        ("metrics: {listen: '::1:9745'}", "metrics.listen", "a port such as 9745"),
        ("metrics: {listen: 'a..b:9745'}", "metrics.listen", "a port such as 9745"),
        (f"metrics: {{listen: '{'a' * 64}:9745'}}", "metrics.listen", "a port such as 9745"),
        ("metrics: {listen: 127.0.0.1:99999}", "metrics.listen", "a port such as 9745"),
    ],
)
def test_what_is_wrong_is_told_with_its_path(tmp_path: Path, text: str, path: str, words: str) -> None:
    found = problems(tmp_path, text)
    assert list(found) == [path]
    assert words in found[path]


def test_every_problem_of_file_and_environment_at_once(tmp_path: Path) -> None:
    text = """
    api: {rate: fast, poll: {fastest: 1h}}
    folders: {drop: /srv/x, mirror: /srv/x}
    limits: {prepering: 5}
    """
    found = problems(tmp_path, text, CAMSPOOL_WATCH__SETTLE="soon", CAMSPOOL_LOGING__LEVEL="info")
    assert set(found) == {
        "api.rate",
        "api.poll.fastest",
        "folders.mirror",
        "limits.prepering",
        "CAMSPOOL_WATCH__SETTLE",
        "loging",
    }


def test_folders_are_compared_where_links_lead(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "drop")
    text = f"folders: {{drop: {tmp_path}/drop, mirror: {tmp_path}/link/out}}"
    assert list(problems(tmp_path, text)) == ["folders.mirror"]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="found 'Is a directory', expected a file that can be read"):
        load(tmp_path, {})


# --- the environment


def test_the_environment_overrules_the_file(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        "api: {rate: 2, batch: 7}\ndownload: {rate: 1MB/s}\nlogging:\n",
        CAMSPOOL_API__RATE="3.5",
        CAMSPOOL_API__POLL__SLOWEST="1m",
        CAMSPOOL_DOWNLOAD__RATE="null",
        CAMSPOOL_LOGGING__LEVEL="debug",
        CAMSPOOL_PAGE__ENABLED="false",
        CAMSPOOL_TIMEZONE="Europe/Prague",
        CAMSPOOL_REQUESTS__HEIGHT="720",
        CAMSPOOL_WATCH__SETTLE="",
        CAMSPOOL_CONFIG="/somewhere/else.yaml",
        CAMSPOOL_API__TOKEN=SECRET,
        UNRELATED="x",
    )
    assert (settings.api.rate, settings.api.batch, settings.api.poll.slowest) == (3.5, 7, 60.0)
    assert settings.download.rate is None
    assert settings.logging.level == "debug"
    assert settings.page.enabled is False
    assert settings.timezone == ZoneInfo("Europe/Prague")
    assert settings.requests.height == 720
    assert settings.watch.settle == 2.0


@pytest.mark.parametrize(
    ("name", "value", "path", "words"),
    [
        ("CAMSPOOL_API__BATCH", "many", "CAMSPOOL_API__BATCH", "found 'many', expected a whole number"),
        ("CAMSPOOL_API__ENDPONT", "x", "CAMSPOOL_API__ENDPONT", "did you mean `endpoint`?"),
        ("CAMSPOOL_FOO", "x", "CAMSPOOL_FOO", "a known field"),
        ("CAMSPOOL_API", "x", "CAMSPOOL_API", "a mapping of keys to values"),
        ("CAMSPOOL_", "x", "CAMSPOOL_", "a known field"),
        ("CAMSPOOL_TOKEN", SECRET, "CAMSPOOL_TOKEN", "from CAMSPOOL_API__TOKEN"),
        ("CAMSPOOL_API__TOKEN_FILE", SECRET, "CAMSPOOL_API__TOKEN_FILE", "an absolute path"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, name: str, value: str, path: str, words: str) -> None:
    found = problems(tmp_path, "", **{name: value})
    assert list(found) == [path]
    assert words in found[path]


def test_a_variable_can_hold_a_list(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        "",
        CAMSPOOL_NOTIFY__URLS=f"json://x/{SECRET} mailto://y",
        CAMSPOOL_NOTIFY__WEBHOOK=f"https://x/{SECRET}",
        CAMSPOOL_NOTIFY__EVENTS="done, degraded",
        CAMSPOOL_HOOKS__DONE="/bin/archive --to 'a b'",
        CAMSPOOL_METRICS__LISTEN="9745",
    )
    assert [url.get_secret_value() for url in settings.notify.urls] == [f"json://x/{SECRET}", "mailto://y"]
    assert settings.notify.events == {Occasion.DONE, Occasion.DEGRADED}
    assert settings.hooks.done == ("/bin/archive", "--to", "a b")
    assert str(settings.metrics.listen) == "127.0.0.1:9745"
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("9745", "127.0.0.1:9745"),
        ("0.0.0.0:80", "0.0.0.0:80"),
        ('"[::1]:80"', "[::1]:80"),
        ("nas:80", "nas:80"),
    ],
)
def test_where_to_listen(tmp_path: Path, listen: str, address: str) -> None:
    assert str(loaded(tmp_path, f"metrics: {{listen: {listen}}}").metrics.listen) == address


def test_a_variable_does_not_hide_that_its_section_is_wrong(tmp_path: Path) -> None:
    assert list(problems(tmp_path, "api: 5", CAMSPOOL_API__RATE="1")) == ["api"]


# --- where it is looked for


def test_the_first_file_that_there_is(tmp_path: Path) -> None:
    here, there, named, explicit = (tmp_path / name for name in ("here", "there", "named", "explicit"))
    places = (here, there)
    assert find(None, {}, places) is None
    there.touch()
    assert find(None, {"CAMSPOOL_CONFIG": ""}, places) == there
    here.touch()
    assert find(None, {}, places) == here
    named.touch()
    assert find(None, {"CAMSPOOL_CONFIG": str(named)}, places) == named
    explicit.touch()
    assert find(explicit, {"CAMSPOOL_CONFIG": str(named)}, places) == explicit


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for missing in (tmp_path / "missing", tmp_path / "file/below"):
        with pytest.raises(ConfigurationError, match="the file that -c names"):
            find(missing, {})
        with pytest.raises(ConfigurationError, match=r"the file that \$CAMSPOOL_CONFIG names"):
            find(None, {"CAMSPOOL_CONFIG": str(missing)})


# --- the time zone of the machine


def machine(root: Path, timezone: str | None = None, localtime: str | None = None) -> Path:
    (root / "etc").mkdir()
    if timezone is not None:
        (root / "etc/timezone").write_text(timezone)
    if localtime is not None:
        (root / "etc/localtime").symlink_to(localtime)
    return root


@pytest.mark.parametrize(
    ("variable", "timezone", "localtime", "key"),
    [
        (None, None, None, "UTC"),
        ("Asia/Tokyo", "Europe/Prague\n", None, "Asia/Tokyo"),
        (":Asia/Tokyo", None, None, "Asia/Tokyo"),
        ("/usr/share/zoneinfo/Asia/Tokyo", None, None, "Asia/Tokyo"),
        ("CET-1CEST", "Europe/Prague\n", None, "Europe/Prague"),
        ("", "Europe/Prague\n", "/usr/share/zoneinfo/Asia/Tokyo", "Europe/Prague"),
        (None, "", "/nowhere/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
        (None, "Nowhere/At All", "/etc/passwd", "UTC"),
    ],
)
def test_the_time_zone_of_the_machine(
    tmp_path: Path, variable: str | None, timezone: str | None, localtime: str | None, key: str
) -> None:
    root = machine(tmp_path, timezone, localtime)
    assert machine_timezone({} if variable is None else {"TZ": variable}, root).key == key


def test_the_machine_decides_where_nothing_is_configured(tmp_path: Path) -> None:
    assert loaded(tmp_path, "timezone: null", TZ="Asia/Tokyo").timezone.key == "Asia/Tokyo"


# --- the token


def with_token_file(file: Path) -> Settings:
    return load(None, {**UTC_ZONE, "CAMSPOOL_API__TOKEN_FILE": str(file)})


def test_the_token_is_looked_for_in_order_and_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "file"
    settings = with_token_file(file)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    file.write_text("first\n")
    assert read_token(settings, environ).get_secret_value() == "first"
    file.write_bytes(b"\xef\xbb\xbf second\r\n")
    assert read_token(settings, environ).get_secret_value() == "second"
    (tmp_path / "token").write_text("credential")
    assert read_token(settings, environ).get_secret_value() == "credential"
    assert (
        read_token(settings, {**environ, "CAMSPOOL_API__TOKEN": " variable "}).get_secret_value()
        == "variable"
    )
    assert read_token(settings, {"CAMSPOOL_API__TOKEN": " "}).get_secret_value() == "second"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no token in"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (SECRET.encode() + b" " + SECRET.encode(), "one word of ASCII"),
        (SECRET.encode() + b"\xc5\xbe", "one word of ASCII"),
        (SECRET.encode() + b"\xff", "one word of ASCII"),
        (b"x" * 5000, "one word of ASCII"),
    ],
)
def test_without_a_usable_token_the_service_waits(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ServiceTrouble, match=words) as caught:
        read_token(with_token_file(file), {})
    assert caught.value.reason is WaitReason.UNAUTHORISED
    assert str(file) in caught.value.message
    assert "api.token_file" in caught.value.message
    assert SECRET not in caught.value.message


def test_a_token_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ServiceTrouble, match="Is a directory"):
        read_token(with_token_file(tmp_path), {})


def test_the_token_does_not_show(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(SECRET)
    assert SECRET not in repr(read_token(with_token_file(tmp_path / "token"), {}))


# --- the schema


def test_the_schema_describes_every_key() -> None:
    schema = config_schema()
    json.dumps(schema)
    assert "default" not in schema["properties"]["timezone"]

    def described(model: type[BaseModel]) -> None:
        for name, field in model.model_fields.items():
            if isinstance(field.default, BaseModel):
                described(type(field.default))
            else:
                assert field.description, f"{model.__name__}.{name}"

    described(Settings)


def test_defaults_are_within_their_own_bounds() -> None:
    values = Settings().model_dump()
    assert Settings.model_validate(values) == Settings()
