"""The ways on which a notice leaves the daemon: a webhook, Apprise's services, a program of somebody's.

When there is something to tell, and what becomes of it when a way is barred, is decided elsewhere.
"""

from camspool.adapters.notify.channel import Channel, NotSent
from camspool.adapters.notify.flag import Flag
from camspool.adapters.notify.hook import Hook
from camspool.adapters.notify.services import Services, check_available
from camspool.adapters.notify.webhook import Webhook

__all__ = ["Channel", "Flag", "Hook", "NotSent", "Services", "Webhook", "check_available"]
