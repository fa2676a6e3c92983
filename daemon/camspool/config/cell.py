"""The settings in force: one cell that every part of the daemon reads, replaced as a whole at a reload.

What each part needs of them is written in `excerpts` and in `service/wiring.py`; `core` and `adapters`, which
know nothing of the configuration, get it as a function.
"""

from collections.abc import Callable
from typing import TypeVar

from camspool.config.settings import Settings

Excerpt = TypeVar("Excerpt")


class SettingsCell:
    """Holds the settings in force.

    Args:
        settings: the first ones.
    """

    def __init__(self, settings: Settings) -> None:
        self.current = settings

    def excerpt(self, make: Callable[[Settings], Excerpt]) -> Callable[[], Excerpt]:
        """A function that returns what `make` makes of the settings in force at the time of the call.

        It is made once for each configuration, so that the same settings give the same object.
        """
        made_of = self.current
        made = make(made_of)

        def read() -> Excerpt:
            nonlocal made_of, made
            if self.current is not made_of:
                made_of, made = self.current, make(self.current)
            return made

        return read
