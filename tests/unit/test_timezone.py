"""The time zone of the machine: /etc/localtime decides, and what is chosen says where it was found."""

import shutil
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from camspool.config.loading import load, timezone_source
from camspool.config.timezone import machine_timezone
from support.configurations import UTC_ZONE, loaded

SUMMER, WINTER = datetime(2020, 7, 1), datetime(2020, 1, 1)  # noqa: DTZ001 - local to whatever zone is asked


@pytest.fixture(name="zones", scope="module")
def _zones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine's zones, by the names that count here, as the package tzdata of Debian has them."""
    source = Path(str(files("tzdata"))) / "zoneinfo"
    zones = tmp_path_factory.mktemp("zones")
    for name in ("Europe/Prague", "Europe/Bratislava", "Asia/Tokyo", "UTC", "EST", "America/Panama"):
        (zones / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, zones / name)
    return zones


def machine(
    root: Path, zones: Path, *, timezone: str | None = None, link: str | None = None, copy: str | None = None
) -> Path:
    """A machine with this /etc/timezone, and a /etc/localtime that is a link, or a copy of a zone."""
    (root / "etc").mkdir()
    (root / "usr/share").mkdir(parents=True)
    (root / "usr/share/zoneinfo").symlink_to(zones)
    if timezone is not None:
        (root / "etc/timezone").write_text(timezone)
    if link is not None:
        (root / "etc/localtime").symlink_to(link)
    if copy is not None:
        shutil.copy(zones / copy, root / "etc/localtime")
    return root


@pytest.mark.parametrize(
    ("variable", "timezone", "localtime", "key", "source"),
    [
        (None, None, None, "UTC", "neither $TZ nor /etc/localtime says which"),
        (None, None, "/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo", "/etc/localtime"),
        (None, None, "../usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo", "/etc/localtime"),
        # Debian 12's timedatectl writes only the link: systemd #35413.
        (None, "Etc/UTC\n", "/usr/share/zoneinfo/Europe/Prague", "Europe/Prague", "/etc/localtime"),
        (None, "Asia/Tokyo\n", "/usr/share/zoneinfo/Europe/Prague", "Europe/Prague", "/etc/localtime"),
        ("", "Asia/Tokyo\n", "/usr/share/zoneinfo/Europe/Prague", "Europe/Prague", "/etc/localtime"),
        (None, None, "/usr/share/zoneinfo/posix/Asia/Tokyo", "Asia/Tokyo", "/etc/localtime"),
        (None, "Asia/Tokyo\n", None, "Asia/Tokyo", "/etc/timezone"),
        (None, "Asia/Tokyo\n", "/etc/passwd", "Asia/Tokyo", "/etc/timezone"),
        (None, "Nowhere/At All", "/etc/passwd", "UTC", "neither $TZ nor /etc/localtime says which"),
        (None, "", "/nowhere/zoneinfo/Asia/Tokyo", "Asia/Tokyo", "/etc/localtime"),  # no zones but our own
        ("Asia/Tokyo", "Europe/Prague\n", "/usr/share/zoneinfo/Europe/Prague", "Asia/Tokyo", "$TZ"),
        (":Asia/Tokyo", None, None, "Asia/Tokyo", "$TZ"),
        ("/usr/share/zoneinfo/Asia/Tokyo", None, None, "Asia/Tokyo", "$TZ"),
        ("UTC0", None, "/usr/share/zoneinfo/Asia/Tokyo", "UTC0", "$TZ"),
        (
            "Mars/Phobos",
            None,
            "/usr/share/zoneinfo/Asia/Tokyo",
            "Asia/Tokyo",
            "/etc/localtime ($TZ, 'Mars/Phobos', is no time zone)",
        ),
    ],
)
def test_the_time_zone_of_the_machine(  # noqa: PLR0917 - a table
    tmp_path: Path,
    zones: Path,
    variable: str | None,
    timezone: str | None,
    localtime: str | None,
    key: str,
    source: str,
) -> None:
    root = machine(tmp_path, zones, timezone=timezone, link=localtime)
    found = machine_timezone({} if variable is None else {"TZ": variable}, root)
    assert (found.zone.key, found.source) == (key, source)


def test_a_link_of_a_link_is_followed(tmp_path: Path, zones: Path) -> None:
    root = machine(tmp_path, zones, link="mine")
    (root / "etc/mine").symlink_to(root / "usr/share/zoneinfo/Asia/Tokyo")
    (root / "usr/share/zoneinfo").unlink()
    shutil.copytree(zones, root / "usr/share/zoneinfo")
    assert machine_timezone({}, root).zone.key == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("copy", "timezone", "key"),
    [
        ("Asia/Tokyo", None, "Asia/Tokyo"),
        ("Asia/Tokyo", "Europe/Prague", "Asia/Tokyo"),  # the name is of another zone: it is not believed
        ("Europe/Prague", "Europe/Prague", "Europe/Prague"),
        ("EST", None, "America/Panama"),  # the same rules; a place is a better name than an abbreviation
    ],
)
def test_a_copy_is_known_by_its_content(
    tmp_path: Path, zones: Path, copy: str, timezone: str | None, key: str
) -> None:
    found = machine_timezone({}, machine(tmp_path, zones, copy=copy, timezone=timezone))
    assert (found.zone.key, found.source) == (key, "/etc/localtime")
    assert found.zone.utcoffset(SUMMER) == ZoneInfo(copy).utcoffset(SUMMER)


def test_a_copy_that_no_zone_is_like_has_its_rules_all_the_same(tmp_path: Path, zones: Path) -> None:
    root = machine(tmp_path, zones, copy="Asia/Tokyo")
    (root / "usr/share/zoneinfo").unlink()
    found = machine_timezone({}, root)
    assert (found.zone.key, found.zone.utcoffset(SUMMER)) == ("localtime", timedelta(hours=9))
    assert machine_timezone({}, root).zone is found.zone, "a reload would see a change"


@pytest.mark.parametrize(
    "content", [b"", b"TZif", b"TZif2" + b"\xff" * 60, b"TZif2" + bytes(100), b"\0" * 500]
)
def test_a_localtime_that_is_no_zone_is_passed_over(tmp_path: Path, zones: Path, content: bytes) -> None:
    root = machine(tmp_path, zones, timezone="Asia/Tokyo")
    (root / "etc/localtime").write_bytes(content)
    assert machine_timezone({}, root).source == "/etc/timezone"


def test_a_rule_of_posix_is_what_the_c_library_makes_of_it(tmp_path: Path, zones: Path) -> None:
    root = machine(tmp_path, zones, link="/usr/share/zoneinfo/Asia/Tokyo")
    zone = machine_timezone({"TZ": "CET-1CEST,M3.5.0,M10.5.0/3"}, root).zone
    assert zone.utcoffset(SUMMER) == ZoneInfo("Europe/Prague").utcoffset(SUMMER)
    assert zone.utcoffset(WINTER) == ZoneInfo("Europe/Prague").utcoffset(WINTER)


@pytest.mark.parametrize(
    "rule",
    ["CET-99", "x" * 5000, "\ud800", "A\nB-1", "../../etc/passwd", "Europe", "5", "CET-1CEST\n\nTZif2"],
)
def test_whatever_the_variable_holds_there_is_a_zone(tmp_path: Path, zones: Path, rule: str) -> None:
    root = machine(tmp_path, zones, link="/usr/share/zoneinfo/Asia/Tokyo")
    assert machine_timezone({"TZ": rule}, root).zone.key == "Asia/Tokyo"


def test_the_configuration_comes_first_and_says_so(tmp_path: Path) -> None:
    configured = loaded(tmp_path, "timezone: Europe/Prague", TZ="Asia/Tokyo")
    assert timezone_source(configured, {"TZ": "Asia/Tokyo"}) == "timezone"
    for text in ("timezone: null", ""):
        settings = loaded(tmp_path, text, TZ="Asia/Tokyo")
        assert settings.timezone.key == "Asia/Tokyo"
        assert timezone_source(settings, {"TZ": "Asia/Tokyo"}) == "$TZ"
    by_variable = load(None, {**UTC_ZONE, "CAMSPOOL_TIMEZONE": "UTC"})
    assert timezone_source(by_variable, UTC_ZONE) == "timezone"
