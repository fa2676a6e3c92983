"""The vendor's API as the commands call it: without retries, since whoever waits can decide to try again."""

import ssl

from camspool import USER_AGENT
from camspool.adapters.survilla import Survilla
from camspool.adapters.system_clock import SystemClock
from camspool.config.settings import Settings


def client(settings: Settings, token: str, verify: ssl.SSLContext) -> Survilla:
    """The API, to be closed with `aclose`.

    Args:
        settings: its address and time limit.
        token: is sent with each call.
        verify: the certificates to trust.
    """
    return Survilla(
        settings.api.endpoint,
        lambda: token,
        SystemClock(),
        timeout=lambda: settings.api.timeout,
        user_agent=USER_AGENT,
        verify=verify,
    )
