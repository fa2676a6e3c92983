"""Where the configuration comes from: a file, the environment, and which comes first."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from camspool.config.loading import find, ignored_variables, load
from camspool.config.settings import Settings
from camspool.core.errors import ConfigurationError
from camspool.core.notices import Occasion
from support.configurations import SECRET, UTC_ZONE, loaded, problems


def test_without_a_file_there_are_defaults() -> None:
    assert load(None, UTC_ZONE) == Settings()


def test_json_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"api": {"rate": 2}}')
    assert load(file, UTC_ZONE).api.rate == 2


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


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match="found 'it is a folder, not a file', expected a file that can be read"
    ):
        load(tmp_path, {})


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
        ("CAMSPOOL_API", "x", "CAMSPOOL_API", "a mapping of keys to values"),
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


def test_variables_that_are_no_settings_are_ignored_and_named() -> None:
    """Kubernetes sets them for a service called camspool."""
    foreign = {
        "CAMSPOOL_SERVICE_HOST": "10.0.0.1",
        "CAMSPOOL_SERVICE_PORT": "8420",
        "CAMSPOOL_SERVICE_PORT_HTTP": "8420",
        "CAMSPOOL_PORT": "tcp://10.0.0.1:8420",
        "CAMSPOOL_PORT_8420_TCP_ADDR": "10.0.0.1",
    }
    environ = {**foreign, "CAMSPOOL_API__TIMEOUT": "7s"}
    assert load(None, environ).api.timeout == 7
    assert set(ignored_variables(environ)) == set(foreign)


@pytest.mark.parametrize("name", ["europe/prague", "EUROPE/PRAGUE", " Europe/Prague ", "utc"])
def test_time_zones_in_any_case(name: str) -> None:
    assert load(None, {"CAMSPOOL_TIMEZONE": name}).timezone.key.casefold() == name.strip().casefold()


@pytest.mark.parametrize(
    ("name", "meant"),
    [("Europe/Praag", "Europe/Prague"), ("Prague", "Europe/Prague"), ("new york", "America/New_York")],
)
def test_the_time_zone_that_is_probably_meant(name: str, meant: str) -> None:
    with pytest.raises(ConfigurationError, match=f"did you mean {meant}"):
        load(None, {"CAMSPOOL_TIMEZONE": name})
