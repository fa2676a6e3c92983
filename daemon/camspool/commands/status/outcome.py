"""What the end of a request means to a script: the exit code, the same for all commands. Pure."""

from typing import Final

from camspool.core.status_document import Status
from camspool.core.values import State

_GOOD: Final = frozenset({State.DONE, State.VALIDATED})


def exit_code(status: Status) -> int:
    """1 if it has ended without everything that was asked for, else 0, also while it is outstanding."""
    return 0 if status.state in _GOOD or not status.state.final else 1
