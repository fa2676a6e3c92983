"""Whether this machine has what the settings ask for: optional libraries, usable proxies and certificates."""

from collections.abc import Callable, Iterator

from camspool.adapters import notify
from camspool.adapters.download import HttpDownloads
from camspool.adapters.mp4 import Mp4Videos
from camspool.config.settings import Settings
from camspool.core.errors import ConfigurationError
from camspool.core.values import Problem


def unmet(settings: Settings) -> Iterator[Problem]:
    """Everything that is missing; the daemon would not start without it."""
    for require in _requirements(settings):
        try:
            require()
        except ConfigurationError as error:
            yield from error.problems


def _requirements(settings: Settings) -> Iterator[Callable[[], None]]:
    yield Mp4Videos(settings.download.verify).check_available
    if settings.notify.urls:
        yield notify.check_available
    yield lambda: HttpDownloads().close()  # it looks at the proxies and certificates of the environment
