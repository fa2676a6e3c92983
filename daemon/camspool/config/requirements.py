"""Whether this machine has what the settings ask for: optional libraries, usable proxies and certificates."""

from collections.abc import Iterator, Mapping
from functools import partial

from camspool.adapters import mp4, notify
from camspool.config.network import trusted
from camspool.config.settings import Settings
from camspool.core.errors import ConfigurationError
from camspool.core.values import Problem


def unmet(settings: Settings, environ: Mapping[str, str]) -> Iterator[Problem]:
    """Everything that is missing; the daemon would not start without it."""
    for check in (check_libraries, partial(trusted, environ=environ)):
        try:
            check(settings)
        except ConfigurationError as error:
            yield from error.problems


def check_libraries(settings: Settings) -> None:
    """Raise ConfigurationError where the settings need a library that is not installed."""
    mp4.check_available(settings.download.verify)
    if settings.notify.urls:
        notify.check_available()
