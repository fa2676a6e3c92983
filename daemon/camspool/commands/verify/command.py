"""The command as one function: choose what to verify, verify it, print the result."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from camspool.adapters.mp4 import Verify, check_available
from camspool.commands.targets import EVERYTHING, resolve
from camspool.commands.verify.mirror import Mirror
from camspool.commands.verify.render import write_json, write_table
from camspool.commands.verify.verification import Verification


def verify(root: Path, level: Verify, paths: Sequence[str], *, as_json: bool) -> bool:
    """Verify what `paths` mean, or all of the mirror, and print the discrepancies on standard output.

    Args:
        root: the mirror.
        level: how thoroughly MP4s are examined; at least their structure.
        paths: as the user wrote them.
        as_json: print them as JSON.

    Returns:
        True if there is no discrepancy.

    Raises:
        NoSuchTarget: one of `paths` leads to nothing in the mirror.
        ConfigurationError: `decode` without PyAV.
        StorageTrouble: the mirror is not there.
    """
    if level == "size":
        level = "structure"
    check_available(level)
    mirror = Mirror(root, level)
    mirror.check()
    targets = dict.fromkeys(target for path in paths for target in resolve(root, path))
    run = Verification(mirror, tuple(targets) or (EVERYTHING,), datetime.now(UTC))
    return write_json(run, sys.stdout) if as_json else write_table(run)
