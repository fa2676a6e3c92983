"""`camspool check`: could a daemon with this configuration do its work, on this machine and as its user.

It creates no folder, adopts none, keeps no lock and asks the API for nothing that changes anything; so it can
be run before the first start, and beside a daemon at work. All it writes are dot files in the folders, which
it deletes.
"""

from camspool.commands.check.command import check

__all__ = ["check"]
