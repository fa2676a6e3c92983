"""The systemd unit: whether it is installed and enabled, its user, and what its sandbox lets that reach."""

import grp
import os
import pwd
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from camspool.commands.check.folders import COPIED
from camspool.commands.check.isolated import Person, own_name
from camspool.commands.check.result import Result, ok, warning, wrong
from camspool.config.settings import Folders

UNIT: Final = "camspool.service"
_ASKED: Final = (
    "LoadState,UnitFileState,ActiveState,User,Group,SupplementaryGroups,DynamicUser,ExecStart,"
    "ReadWritePaths,BindPaths,StateDirectory,ProtectSystem,ProtectHome,PrivateTmp,Environment,NeedDaemonReload"
)
_AS_ROOT: Final = "Run it as root (sudo camspool check): it then checks as the service's user."
_LIMIT_S: Final = 10.0
_BOOTED: Final = Path("/run/systemd/system")
"""See sd_booted(3)."""
_HOMES: Final = ("/home", "/root", "/run/user")
_TEMPORARY: Final = ("/tmp", "/var/tmp")  # noqa: S108  nothing is written there
_BOUND: Final = re.compile(r"(/[^:]*):(/[^:]*?)(?::(?:no)?rbind)?(?= -?/|$)")
_CREDENTIAL: Final = re.compile(r"(?m)^LoadCredential(Encrypted)?[ \t]*=[ \t]*(.*?)[ \t]*$")


@dataclass(frozen=True, slots=True)
class Unit:
    """What systemd knows about camspool.service.

    `properties` as `systemctl show` prints them; `text`, the content of its files, for what that leaves out.
    """

    properties: Mapping[str, str]
    text: str = ""

    @property
    def installed(self) -> bool:
        """True when there is such a unit at all."""
        return self["LoadState"] not in {"", "not-found"}

    @property
    def user(self) -> str:
        """The user that it runs as."""
        return self["User"] or "root"

    @property
    def dynamic(self) -> bool:
        """True if systemd allocates the user at each start."""
        return self["DynamicUser"] == "yes"

    @property
    def program(self) -> Path | None:
        """The program that it starts."""
        found = re.search(r"path=(\S+)", self["ExecStart"])
        return Path(found[1]) if found else None

    @property
    def config_path(self) -> Path | None:
        """The configuration file that its command line names."""
        found = re.search(r" (?:-c|--config)[ =](\S+)", self["ExecStart"])
        return Path(found[1]) if found else None

    @property
    def token_file(self) -> Path | None:
        """The file that systemd reads as root and passes on as the credential `token`."""
        encrypted, source = self._token
        return Path(source) if source.startswith("/") and not encrypted else None

    @property
    def token_sealed(self) -> bool:
        """True if systemd takes the credential `token` from a place that only systemd can read."""
        encrypted, source = self._token
        return bool(source) and (encrypted or not source.startswith("/"))

    @property
    def _token(self) -> tuple[bool, str]:
        """Whether it is encrypted, and where it comes from; the last assignment in the unit's files wins."""
        found = (False, "")
        for encrypted, named in _CREDENTIAL.findall(self.text):
            name, _, source = named.partition(":")
            if name == "token":
                found = (bool(encrypted), source or name)  # a bare name is one of systemd's own credentials
            elif not named:
                found = (False, "")
        return found

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the unit itself sets; those from environment files are not known."""
        pairs = (word.partition("=") for word in _words(self["Environment"]))
        return {name: value for name, _, value in pairs}

    @property
    def bound(self) -> dict[Path, Path]:
        """Bind mounts: for each path in the service's view, the path that it shows."""
        return {Path(target): Path(source) for source, target in _BOUND.findall(self["BindPaths"])}

    def source_of(self, path: Path) -> Path | None:
        """What the service sees at `path`, if only the service sees that there."""
        for target, source in self.bound.items():
            if path.is_relative_to(target) and source != target:
                return source / path.relative_to(target)
        return None

    @property
    def state_folders(self) -> tuple[Path, ...]:
        """The folders that systemd creates below /var/lib for the unit's user."""
        return tuple(Path("/var/lib", name.partition(":")[0]) for name in self["StateDirectory"].split())

    @property
    def writable(self) -> tuple[Path, ...]:
        """The only folders that can be written under ProtectSystem=strict."""
        named = tuple(Path(path.lstrip("-+")) for path in _words(self["ReadWritePaths"]))
        return named + tuple(self.bound) + self.state_folders

    def __getitem__(self, name: str) -> str:
        return self.properties.get(name, "")


def _words(shown: str) -> list[str]:
    """The words of a list as systemd prints it, quoted where there are spaces."""
    try:
        return shlex.split(shown)
    except ValueError:
        return shown.split()


def ask() -> Unit | None:
    """Ask systemd; None where it does not run."""
    shown = _systemctl("show", UNIT, f"--property={_ASKED}")
    if shown is None:
        return None
    properties = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    return Unit(properties, _systemctl("cat", UNIT) or "")


def _systemctl(*arguments: str) -> str | None:
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603
            (systemctl, *arguments),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if answer.returncode else answer.stdout


def person_of(unit: Unit) -> Person | None:
    """The unit's user with its groups; None when there is no such user or group (yet)."""
    try:
        user = pwd.getpwuid(int(unit.user)) if unit.user.isdecimal() else pwd.getpwnam(unit.user)
        gid = _number_of(unit["Group"]) if unit["Group"] else user.pw_gid
        further = [_number_of(name) for name in unit["SupplementaryGroups"].split()]
    except KeyError:
        return None
    return Person(user.pw_uid, gid, tuple({*os.getgrouplist(user.pw_name, gid), *further}))


def _number_of(group: str) -> int:
    return int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid


def user_result(unit: Unit | None, person: Person | None) -> Result:
    """The user that the checks run as, and whether that is the right one."""
    if unit is None and _BOOTED.is_dir():
        found = f"checked as {own_name()}: systemd, which knows whom the service runs as, does not answer"
        return warning("user", found, _AS_ROOT)
    if unit is None or not unit.installed:
        return ok("user", f"checked as {own_name()}, since nothing says whom the service runs as")
    if unit.dynamic:
        return warning("user", f"checked as {own_name()}: the service's user exists only while it runs")
    if person is None:
        return wrong(
            "user",
            f"{UNIT} runs as {unit.user}, and there is no such user, or a group of it is missing",
            f"useradd --system --user-group --no-create-home --shell /usr/sbin/nologin {unit.user}",
        )
    if os.geteuid() in {0, person.uid}:
        return ok("user", f"checked as {unit.user}, the user of {UNIT}")
    return warning(
        "user",
        f"checked as {own_name()}, and {UNIT} runs as {unit.user}: it may do other things",
        _AS_ROOT,
    )


def results(
    unit: Unit | None, folders: Folders | None, config_path: Path | None, metrics: Path | None = None
) -> Iterator[Result]:
    """The state of the unit, and whether its sandbox lets it reach the folders and the metrics file."""
    if unit is None:
        yield _unasked()
        return
    if not unit.installed:
        yield warning("service", f"{UNIT} is not installed", 'See "Install as a service" in README.md.')
        return
    yield _condition(unit)
    if unit.config_path and config_path and not _same(unit.config_path, config_path):
        yield warning(
            "service",
            f"it reads {unit.config_path}, and this check has read {config_path}",
            f"camspool check -c {unit.config_path}",
        )
    elif folders is not None:
        yield from _sandbox(unit, folders)
        if metrics and (result := _shut_out(unit, "metrics.file", metrics.parent)):
            yield result


def _unasked(booted: Path = _BOOTED) -> Result:
    if not booted.is_dir():
        return ok("service", "systemd does not run here")
    return warning("service", "systemd runs here, and does not answer", _AS_ROOT)


def _condition(unit: Unit) -> Result:
    if unit["LoadState"] != "loaded":
        return wrong("service", f"{UNIT} is {unit['LoadState']}", f"systemctl status {UNIT}")
    enabled, active = unit["UnitFileState"] or "not enabled", unit["ActiveState"]
    found = f"{UNIT} is installed, {enabled}, {active}"
    if active == "failed":
        return wrong("service", found, f"journalctl -u {UNIT} says why; then systemctl restart {UNIT}")
    if unit["NeedDaemonReload"] == "yes":
        return warning("service", f"{found}; its file has changed since", "systemctl daemon-reload")
    if not enabled.startswith("enabled"):
        return warning("service", f"{found}: it does not start at boot", f"systemctl enable --now {UNIT}")
    return ok("service", found)


def _sandbox(unit: Unit, folders: Folders) -> Iterator[Result]:
    shut_out = [found for name, path in folders if (found := _shut_out(unit, f"folders.{name}", path))]
    yield from shut_out
    if not shut_out and unit["ProtectSystem"] == "strict" and not _one_mount(unit, folders):
        yield warning(
            "service",
            f"drop and mirror are in different ReadWritePaths, to the service different mounts: {COPIED}",
            f"Name their common parent instead: systemctl edit {UNIT}",
        )


def _shut_out(unit: Unit, key: str, folder: Path) -> Result | None:
    if _within(folder, tuple(unit.bound)):
        return None
    for protection, places in (("ProtectHome", _HOMES), ("PrivateTmp", _TEMPORARY)):
        if unit[protection] not in {"", "no"} and _within(folder, places):
            found = f"its sandbox hides {folder} from it: {protection}={unit[protection]}"
            return wrong("service", found, f"Choose another folder for {key}, such as one below /srv.")
    if unit["ProtectSystem"] == "strict" and not _within(folder, unit.writable):
        remedy = f"systemctl edit {UNIT}, with the lines [Service] and ReadWritePaths={folder}"
        return wrong("service", f"its sandbox does not let it write {key}, {folder}", remedy)
    return None


def _one_mount(unit: Unit, folders: Folders) -> bool:
    return any(_within(folders.drop, (path,)) and _within(folders.mirror, (path,)) for path in unit.writable)


def _within(folder: Path, places: tuple[str, ...] | tuple[Path, ...]) -> bool:
    return any(folder.is_relative_to(place) for place in places)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one == other.absolute()
