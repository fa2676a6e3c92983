"""What each part below needs from the configuration, in terms of its own. Pure."""

from collections.abc import Callable
from datetime import datetime

from camspool.adapters.download import DownloadSettings
from camspool.adapters.pacing import Backoff, PacingSettings
from camspool.adapters.watch import WatchSettings
from camspool.config.settings import Settings
from camspool.core.expiry import Lifetimes
from camspool.core.request_parser import RequestSettings
from camspool.core.timetable import rate_at


def request_settings(settings: Settings) -> RequestSettings:
    """What decides whether a request is accepted."""
    return RequestSettings(
        height=settings.requests.height,
        longest_s=settings.requests.longest,
        timezone=settings.timezone,
        clips_per_request=settings.limits.clips_per_request,
        delay_s=settings.requests.delay,
    )


def lifetimes(settings: Settings) -> Lifetimes:
    """How long the API's ids and download URLs live."""
    lives = settings.api.lifetimes
    return Lifetimes(lives.recording_id, lives.download_url, lives.downloaded_url)


def pacing_settings(settings: Settings) -> PacingSettings:
    """How often the API is asked, and probed when it is in trouble."""
    backoff = Backoff(settings.retry.first, settings.retry.longest)
    return PacingSettings(settings.api.rate, backoff)


def watch_settings(settings: Settings) -> WatchSettings:
    """How drop/ is watched."""
    watch = settings.watch
    return WatchSettings(watch.mode, watch.settle, watch.rescan, watch.poll)


def download_settings(settings: Settings, now: Callable[[], datetime]) -> DownloadSettings:
    """How downloads are made; their rate is that of the time of day, which `now` tells."""
    limit, zone = settings.download.rate, settings.timezone
    return DownloadSettings(settings.download.timeout, lambda: rate_at(limit, now().astimezone(zone)))
