"""`camspool verify`: are the MP4s in the mirror as their status files promise? It re-reads them all.

Only reads, and takes no lock: it works beside a running daemon, and for other users than the daemon's.
Part files and temporary ones are no footage, and the daemon's clean-up is responsible for them.
"""

from camspool.commands.verify.command import verify
from camspool.commands.verify.targets import NoSuchTarget

__all__ = ["NoSuchTarget", "verify"]
