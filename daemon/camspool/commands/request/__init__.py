"""`camspool request`: a request as a person would say it, made a file in drop/, and followed if wanted.

What a request may be is decided where the daemon decides it, in `core/request_parser.py`: nothing is
written that would be rejected.
"""

from camspool.commands.request.command import request
from camspool.commands.request.order import Order, Refused

__all__ = ["Order", "Refused", "request"]
