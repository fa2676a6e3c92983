"""The command as one function: runs all checks at once and prints their results."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from camspool.adapters import logs
from camspool.commands.check import configuration, credential, file_system, folders, hooks, portal, watching
from camspool.commands.check import unit as systemd_unit
from camspool.commands.check.isolated import IsolatedCheck, Person, Work
from camspool.commands.check.render import looking, write_json, write_table
from camspool.commands.check.result import Result, Verdict, merged, wrong
from camspool.commands.check.unit import Unit
from camspool.config import loading
from camspool.config.settings import Folders, Settings
from camspool.core.errors import ConfigurationError

_FOLDERS: Final = "folders"
_LIMIT_S: Final = 10.0
"""Time limit of a local check: a share that takes longer is of no use to a daemon either."""
_SEALED: Final = Path("/dev/null/token")
"""Stands for a token that only systemd can read."""


def check(config_path: Path | None, environ: Mapping[str, str], *, as_json: bool) -> frozenset[str]:
    """Check everything and print the results on standard output.

    Args:
        config_path: the configuration file that was named, if any.
        environ: the environment.
        as_json: print them as JSON.

    Returns:
        The names of the checks that failed; `configuration` if the configuration cannot be used.
    """
    logs.configure("error", "auto")
    with looking():
        results = merged(_results(config_path, environ))
    (write_json if as_json else write_table)(results)
    return frozenset(result.check for result in results if result.verdict is Verdict.WRONG)


def _results(config_path: Path | None, environ: Mapping[str, str]) -> Iterator[Result]:
    known = systemd_unit.ask()
    environ = {**environ, **known.environment} if known else environ
    path = _found(config_path, environ)
    if isinstance(path, Result):
        yield path
        yield from systemd_unit.results(known, None, None)
        return
    # Isolated: loading resolves the names of the folders, which a dead share would block.
    found = IsolatedCheck(_FOLDERS, _all(configuration.results, path, environ), limit=_LIMIT_S).results()
    yield from found
    if all(result.verdict is Verdict.OK for result in found):
        yield from Checks(loading.load(path, environ), path, environ, known).results()
        return
    if found[0].check == _FOLDERS:
        yield from without_folders(path, environ, known)
    yield from systemd_unit.results(known, None, path)


def without_folders(path: Path, environ: Mapping[str, str], known: Unit | None) -> list[Result]:
    """The checks that are possible while a folder does not respond, made with other folders in its place."""
    others = {f"CAMSPOOL_FOLDERS__{name.upper()}": f"/dev/null/{name}" for name in Folders.model_fields}
    apart = {**environ, **others}
    found = IsolatedCheck("configuration", _all(configuration.results, path, apart), limit=_LIMIT_S).results()
    if any(result.verdict is Verdict.WRONG for result in found):
        return found
    return Checks(loading.load(path, apart), path, environ, known).results_of_api()


def _found(config_path: Path | None, environ: Mapping[str, str]) -> Path | Result:
    try:
        path = loading.find(config_path, environ)
    except ConfigurationError as error:
        return wrong("configuration", f"{error.source}: no such file", "Name another with -c.")
    if path is None:
        places = ", ".join(["-c", "$CAMSPOOL_CONFIG", *map(str, loading.PLACES)])
        remedy = "Copy config.example.yaml to /etc/camspool/config.yaml."
        return wrong("configuration", f"there is no configuration file: looked for {places}", remedy)
    return path


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks that need a usable configuration."""

    settings: Settings
    path: Path
    environ: Mapping[str, str]
    unit: Unit | None

    def results(self) -> Iterator[Result]:
        """The results, in the order of the table."""
        yield systemd_unit.user_result(self.unit, self._person)
        for isolated in [*self._of_folders(), *self._of_hooks(), *self._of_api()]:
            yield from isolated.results()
        settings = self.settings
        yield from systemd_unit.results(self.unit, settings.folders, self.path, settings.metrics.file)

    def results_of_api(self) -> list[Result]:
        """The results of the checks that do not touch the folders."""
        return [result for isolated in list(self._of_api()) for result in isolated.results()]

    @property
    def _installed(self) -> Unit | None:
        return self.unit if self.unit and self.unit.installed else None

    @property
    def _person(self) -> Person | None:
        installed = self._installed
        return systemd_unit.person_of(installed) if installed and not installed.dynamic else None

    @property
    def _impersonated(self) -> Person | None:
        """The user to switch to: possible only for root, and unnecessary if that is the service's user."""
        person = self._person
        return person if person and os.geteuid() == 0 != person.uid else None

    def _of_folders(self) -> Iterator[IsolatedCheck]:
        places, installed = self.settings.folders, self._installed
        drop, mirror, state = places.drop, places.mirror, places.state
        if self._impersonated and installed:
            yield self._local("configuration", _all(configuration.as_service, self.path, installed.program))
        yield self._local("drop", _all(folders.marked, "drop", drop, state, mirror), drop, state)
        yield self._local("mirror", _all(folders.marked, "mirror", mirror, state), mirror, state)
        yield self._local("state", _all(folders.state, state, self._made_by(installed)), state)
        yield self._local("daemon", _all(folders.daemon, state), state)
        for name, root in (("drop", drop), ("mirror", mirror)):
            yield self._local(f"{name} files", _all(file_system.results, name, root, state), root, state)
        yield self._local("rename", _all(folders.rename, places), drop, mirror, state)
        room = _all(folders.room, places, self.settings.cleanup.min_free)
        yield self._local("free space", room, mirror, state)
        yield self._local("watching", _all(watching.results, self.settings), drop)

    def _local(self, check: str, work: Work, *paths: Path) -> IsolatedCheck:
        """A check of these paths, unless only the service sees them there."""
        elsewhere = [(path, source) for path in paths if self.unit and (source := self.unit.source_of(path))]
        if elsewhere:
            path, source = elsewhere[0]
            found = f"not checked: only the service sees {path}, by BindPaths="
            remedy = f"What it sees there is {source}."
            work = _all(lambda: iter([Result(check, Verdict.SKIPPED, found, remedy)]))
        return IsolatedCheck(check, work, limit=_LIMIT_S, person=self._impersonated)

    def _of_hooks(self) -> Iterator[IsolatedCheck]:
        settings, local = self.settings, partial(IsolatedCheck, limit=_LIMIT_S, person=self._impersonated)
        if settings.hooks.done:
            yield local("hook", _all(hooks.hook, settings.hooks.done, self.environ))
        if settings.metrics.file:
            yield local("metrics", _all(hooks.metrics, settings.metrics.file))

    def _of_api(self) -> Iterator[IsolatedCheck]:
        handed = self._installed.token_file if self._installed else None
        settings, environ = self._with_token(handed)
        token = _all(partial(credential.results, by_systemd=handed is not None), settings, environ)
        if settings.api.token_file == _SEALED:
            token = _all(credential.sealed, settings, environ)
        yield IsolatedCheck("token", token, limit=_LIMIT_S, person=None if handed else self._impersonated)
        limit = portal.CALLS * settings.api.timeout + _LIMIT_S
        yield IsolatedCheck("api", lambda: self._asked(settings, environ), limit=limit)

    def _asked(self, settings: Settings, environ: Mapping[str, str]) -> list[Result]:
        of_unit = self._installed.environment if self._installed else {}
        os.environ.update(of_unit)  # in this check's own process; httpx looks there for proxies
        return asyncio.run(portal.results(settings, environ, of_unit))

    def _made_by(self, installed: Unit | None) -> bool:
        state = self.settings.folders.state
        return installed is not None and any(state.is_relative_to(each) for each in installed.state_folders)

    def _with_token(self, handed: Path | None) -> tuple[Settings, Mapping[str, str]]:
        """Settings and environment that lead to the token as the service gets it, from systemd."""
        if handed is None and self._installed and self._installed.token_sealed:
            handed = _SEALED
        if handed is None:
            return self.settings, self.environ
        api = self.settings.api.model_copy(update={"token_file": handed})
        return self.settings.model_copy(update={"api": api}), self.environ


def _all(check: Callable[..., Iterator[Result]], *arguments: object) -> Work:
    return lambda: list(check(*arguments))
