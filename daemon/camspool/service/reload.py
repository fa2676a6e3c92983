"""A new configuration for the running daemon: what is applied at once, and what needs a restart.

Work in progress continues: a setting that is applied counts from the next step on.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from pydantic import BaseModel

from camspool.adapters import logs
from camspool.adapters.systemd import ServiceManager
from camspool.aio import in_own_thread
from camspool.config import requirements
from camspool.config.settings import Settings
from camspool.core.errors import ConfigurationError
from camspool.core.health import ProblemCode
from camspool.core.values import Problem
from camspool.service.health import Health
from camspool.service.wiring import Parts

log = structlog.get_logger()

NEEDS_RESTART: Final = frozenset(
    {
        "api.ca_file",
        "api.endpoint",
        "folders.drop",
        "folders.mirror",
        "folders.state",
        "metrics.listen",
        "watch.mode",
    }
)
"""Keys that decide what the daemon is connected to."""

REREAD_WITHIN_S: Final = 10.0
"""The configuration may name folders on a share that hangs: a reload must end all the same."""


@dataclass(frozen=True, slots=True)
class Reload:
    """The effect of a new configuration.

    Args:
        settings: those in force afterwards: the new ones, except where a restart is needed.
        applied: the dotted keys that change.
        needs_restart: the dotted keys whose new values count only after a restart.
    """

    settings: Settings
    applied: tuple[str, ...]
    needs_restart: tuple[str, ...]


def compare(now: Settings, wanted: Settings) -> Reload:
    """Find out what differs between the settings in force and the new ones."""
    before, after = dict(_leaves(now)), dict(_leaves(wanted))
    changed = [key for key in after if after[key] != before[key]]
    settings = wanted
    for key in NEEDS_RESTART:
        settings = _with(settings, key.split("."), before[key])
    return Reload(
        settings,
        applied=tuple(key for key in changed if key not in NEEDS_RESTART),
        needs_restart=tuple(key for key in changed if key in NEEDS_RESTART),
    )


def apply(parts: Parts, settings: Settings) -> None:
    """Put settings in force for all parts, and wake those that wait according to the old ones."""
    parts.settings.current = settings
    logs.configure(settings.logging.level, settings.logging.format)
    parts.api.pacing.probe_soon()
    parts.pipeline.dispatcher.settings_changed()
    parts.folders.watcher.scan_soon()


class Reloading:
    """Reads the configuration again when asked to, and applies what can be applied.

    Args:
        parts: the daemon's parts.
        daemon_health: shows a configuration that cannot be used.
        reread: reads the configuration; blocking.
        manager: the service manager, which waits for the end of a reload.
        on_done: called after each.
    """

    def __init__(
        self,
        parts: Parts,
        daemon_health: Health,
        reread: Callable[[], Settings],
        manager: ServiceManager,
        on_done: Callable[[], None],
    ) -> None:
        self._parts = parts
        self._health = daemon_health
        self._reread = reread
        self._manager = manager
        self._on_done = on_done
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Ask for a reload; in the event loop."""
        self._asked.set()

    async def run(self) -> None:
        """Reload whenever asked to, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            scanned = self._parts.folders.watcher.first_scan_done.is_set()
            if scanned:
                self._manager.reloading()
            try:
                await self._reload()
            finally:  # the service manager must not wait for the end of the reload for ever
                self._on_done()
                self._manager.status(self._health.in_words())
                if scanned:  # before the first scan it would be only half true
                    self._manager.ready()

    async def _reload(self) -> None:
        try:
            wanted = await self._read_again()
            requirements.check_libraries(wanted)
        except ConfigurationError as error:
            problems = [problem.sentence for problem in error.problems]
            log.error("configuration_not_reloaded", source=error.source, problems=problems)  # noqa: TRY400
            message = f"The new configuration is bad, the old one stays in force: {error}"
            self._health.report(ProblemCode.BAD_CONFIGURATION, message)
            return
        except Exception:
            message = (
                "The new configuration could not be read, by an error of camspool's own; the old one stays."
            )
            self._health.report(ProblemCode.BAD_CONFIGURATION, message)
            raise
        outcome = compare(self._parts.settings.current, wanted)
        apply(self._parts, outcome.settings)
        self._health.withdraw()
        fields = {"applied": outcome.applied, "needs_restart": outcome.needs_restart}
        if outcome.needs_restart:
            log.warning("configuration_reloaded", **fields)
        else:
            log.info("configuration_reloaded", **fields)

    async def _read_again(self) -> Settings:
        try:
            return await asyncio.wait_for(in_own_thread(self._reread), REREAD_WITHIN_S)
        except TimeoutError:
            expected = f"an answer within {REREAD_WITHIN_S:g} seconds; does a share that it names hang?"
            raise ConfigurationError((Problem("", None, expected),), "the configuration") from None


def _leaves(section: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each dotted key with its value."""
    for name, value in section:
        if isinstance(value, BaseModel):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _with(section: Any, path: Sequence[str], value: Any) -> Any:
    """A copy of a section with another value at the end of the path."""
    name, *rest = path
    inner = _with(getattr(section, name), rest, value) if rest else value
    return section.model_copy(update={name: inner})
