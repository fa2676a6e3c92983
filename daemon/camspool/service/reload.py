"""A new configuration for the running daemon: what is applied at once, and what needs a restart.

Work that is going on goes on: what is applied counts from its next step. Reading the file, and telling
people of the outcome, is the business of `service`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from camspool.adapters import logs
from camspool.adapters.mp4 import Mp4Videos
from camspool.config.settings import Settings
from camspool.service import wiring
from camspool.service.wiring import Parts

NEEDS_RESTART: Final = frozenset(
    {"api.endpoint", "folders.drop", "folders.mirror", "folders.state", "metrics.listen", "watch.mode"}
)
"""Keys that decide what the daemon is connected with."""


@dataclass(frozen=True, slots=True)
class Reload:
    """What a new configuration comes to.

    Args:
        settings: what is in force afterwards: the new ones, but for what needs a restart.
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


def check(settings: Settings) -> None:
    """Raise ConfigurationError where the settings ask for something that this machine does not have."""
    Mp4Videos(settings.download.verify).check_available()
    wiring.channels(settings, {})


def apply(parts: Parts, settings: Settings, environ: Mapping[str, str]) -> None:
    """Let all parts work by other settings from now on; in the event loop, where nothing comes between."""
    logs.configure(settings.logging.level, settings.logging.format)
    parts.survilla.token = wiring.token_reader(settings, environ)
    parts.survilla.set_timeout(settings.api.timeout)
    parts.pacing.configure(rate=settings.api.rate, backoff=wiring.backoff(settings))
    parts.recordings.batch = settings.api.batch
    rate = wiring.download_rate(settings, parts.clock)
    parts.downloads.configure(timeout=settings.download.timeout, rate=rate)
    parts.videos.verify = settings.download.verify
    parts.context.policy = wiring.policy(settings)
    parts.triage.terms = wiring.terms(settings)
    parts.jobs.job_context.give_up_after_s = settings.retry.give_up_after
    parts.dispatcher.set_limits(wiring.limits(settings))
    parts.watcher.configure(wiring.watch_settings(settings))
    parts.disk_space.min_free = settings.cleanup.min_free
    parts.disk_space.pause = settings.watch.poll
    parts.cleanup.keep = settings.cleanup.keep
    parts.page.enabled = settings.page.enabled
    parts.page.zone = settings.timezone
    parts.notices.configure(wiring.channels(settings, environ))


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
