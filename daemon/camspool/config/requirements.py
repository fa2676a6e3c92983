"""Whether this machine has what the settings ask for: optional libraries, usable proxies and certificates."""

from collections.abc import Iterator

from camspool.adapters import mp4, notify
from camspool.adapters.download import HttpDownloads
from camspool.config.settings import Settings
from camspool.core.errors import ConfigurationError
from camspool.core.values import Problem


def unmet(settings: Settings) -> Iterator[Problem]:
    """Everything that is missing; the daemon would not start without it."""
    for check in (check_libraries, _check_environment):
        try:
            check(settings)
        except ConfigurationError as error:
            yield from error.problems


def check_libraries(settings: Settings) -> None:
    """Raise ConfigurationError where the settings need a library that is not installed."""
    mp4.check_available(settings.download.verify)
    if settings.notify.urls:
        notify.check_available()


def _check_environment(_: Settings) -> None:
    HttpDownloads().close()  # it looks at the proxies and certificates of the environment
