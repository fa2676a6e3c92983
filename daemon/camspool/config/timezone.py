"""The time zone of the machine, where the configuration names none.

/etc/localtime decides, as it does for every program that asks the C library. /etc/timezone holds only its
name, and Debian's tools no longer keep that up to date: https://github.com/systemd/systemd/issues/35413.
"""

import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

_LARGEST_ZONE_FILE: Final = 64 * 1024
"""Bytes; the largest zones are 4 KiB."""
_LONGEST_RULE: Final = 100
_NO_PLACES: Final = ("posix", "right", "posixrules", "localtime", "Factory")
"""Files beside the zones in /usr/share/zoneinfo that are not zones, or duplicate them."""


@dataclass(frozen=True, slots=True)
class MachineTimezone:
    """The zone, and in words where it was found."""

    zone: ZoneInfo
    source: str


def machine_timezone(environ: Mapping[str, str], root: Path = Path("/")) -> MachineTimezone:
    """The time zone of the machine: by `$TZ`, else by /etc/localtime, else by /etc/timezone, else UTC.

    Args:
        environ: the environment.
        root: where the machine's `etc` and `usr` are.
    """
    rule = environ.get("TZ", "").strip().removeprefix(":")
    if rule and (zone := _named(rule) or _by_rule(rule)):
        return MachineTimezone(zone, "$TZ")
    ignored = f" ($TZ, {rule[:40]!r}, is no time zone)" if rule else ""
    if zone := _linked(root / "etc/localtime") or _copied(root):
        return MachineTimezone(zone, f"/etc/localtime{ignored}")
    if zone := _named(_first_line(root / "etc/timezone")):
        return MachineTimezone(zone, f"/etc/timezone{ignored}")
    return MachineTimezone(ZoneInfo("UTC"), f"neither $TZ nor /etc/localtime says which{ignored}")


def _named(name: str) -> ZoneInfo | None:
    """The zone of a name, or of a path that ends in one."""
    place = name.rpartition("zoneinfo/")[2]
    for prefix in ("posix/", "right/"):
        place = place.removeprefix(prefix)
    try:
        return ZoneInfo(place) if place else None
    except (KeyError, OSError, ValueError):
        return None  # no such zone; a folder; a path; a name that is too long


def _linked(localtime: Path) -> ZoneInfo | None:
    """The zone that it links to, by the name that the link says: others may have the same rules."""
    try:
        target = os.readlink(localtime)  # noqa: PTH115 - Path.readlink loses nothing, but follows no chain either
    except OSError:
        return None
    if "zoneinfo/" in target:
        return _named(target)
    behind = os.path.realpath(localtime)
    return _named(behind) if "zoneinfo/" in behind else None


def _copied(root: Path) -> ZoneInfo | None:
    """The zone in a file that is no link: its rules, and the name of a zone with exactly these."""
    data = _content(root / "etc/localtime")
    if not data.startswith(b"TZif"):
        return None
    hint = _named(_first_line(root / "etc/timezone"))
    zones = root / "usr/share/zoneinfo"
    if hint and _content(zones / hint.key) == data:
        return hint
    for path in _zone_files(zones, len(data)):
        if _content(path) == data and (zone := _named(str(path.relative_to(zones)))):
            return zone
    return _of_data(data)


def _zone_files(zones: Path, size: int) -> Iterator[Path]:
    """The zones of one size in bytes: those called after a place first, then UTC, EST and so on."""
    found = []
    for folder, folders, names in os.walk(zones):
        folders[:] = [name for name in folders if name not in _NO_PLACES]
        found += [Path(folder, name) for name in names if name not in _NO_PLACES]
    for path in sorted(found, key=lambda path: (path.parent == zones, path)):
        try:
            if path.stat().st_size == size:
                yield path
        except OSError:
            continue


def _by_rule(rule: str) -> ZoneInfo | None:
    """The zone of a POSIX rule such as `CET-1CEST,M3.5.0,M10.5.0/3`, which the C library takes as well.

    It is put into a time zone file (RFC 9636) that has nothing but the rule in its footer. There are two
    headers, because a file of version 2 begins with a whole one of version 1.
    """
    if (
        len(rule) > _LONGEST_RULE
        or not rule.isascii()
        or not rule.isprintable()
        or not any(map(str.isdigit, rule))
    ):
        return None
    counts = b"".join(number.to_bytes(4, "big") for number in (0, 0, 0, 0, 1, 4))
    block = b"TZif2" + bytes(15) + counts + bytes(6) + b"UTC\0"
    return _of_data(block + block + b"\n" + rule.encode() + b"\n", rule)


@cache
def _of_data(data: bytes, key: str = "localtime") -> ZoneInfo | None:
    """Made once: a reload compares zones by identity."""
    try:
        return ZoneInfo.from_file(BytesIO(data), key)
    except (ValueError, OverflowError, IndexError, EOFError, struct.error):
        return None


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_ZONE_FILE)
    except OSError:
        return b""


def _first_line(path: Path) -> str:
    return _content(path)[:256].decode("ascii", "replace").strip().partition("\n")[0].strip()
