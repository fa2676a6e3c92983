"""What can be configured, what it may be, and that no secret shows when it is wrong."""

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from camspool.config.loading import config_schema
from camspool.config.settings import Settings
from support.configurations import SECRET, loaded, problems

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"


def test_the_example_says_the_defaults(tmp_path: Path) -> None:
    assert loaded(tmp_path, EXAMPLE.read_text()) == Settings()


def test_the_example_is_complete() -> None:
    def keys(section: dict[str, Any]) -> dict[str, Any]:
        return {name: keys(value) if isinstance(value, dict) else None for name, value in section.items()}

    assert keys(yaml.safe_load(EXAMPLE.read_text())) == keys(Settings().model_dump())


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
def test_every_problem_is_reported_with_its_path(tmp_path: Path, text: str, path: str, words: str) -> None:
    found = problems(tmp_path, text)
    assert list(found) == [path]
    assert words in found[path]


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


def test_folders_are_compared_where_links_lead(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "drop")
    text = f"folders: {{drop: {tmp_path}/drop, mirror: {tmp_path}/link/out}}"
    assert list(problems(tmp_path, text)) == ["folders.mirror"]


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
