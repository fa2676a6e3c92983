"""What the configuration says about requests, as the parser of request files takes it."""

from camspool.config.settings import Settings
from camspool.core.request_parser import Rules


def request_rules(settings: Settings) -> Rules:
    """The rules that a request file or `camspool request` is read by."""
    return Rules(
        height=settings.requests.height,
        longest_s=settings.requests.longest,
        timezone=settings.timezone,
        clips_per_request=settings.limits.clips_per_request,
    )
