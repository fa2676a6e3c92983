"""The channels by which a notice leaves the daemon: a webhook, Apprise's services, a program.

When a notice is sent, and what happens when a channel fails, is decided in `service.notifications`.
"""

from camspool.adapters.notify.channel import Channel, NotSent
from camspool.adapters.notify.flag import Flag
from camspool.adapters.notify.hook import Hook
from camspool.adapters.notify.services import Services, check_available
from camspool.adapters.notify.webhook import Webhook

__all__ = ["Channel", "Flag", "Hook", "NotSent", "Services", "Webhook", "check_available"]
