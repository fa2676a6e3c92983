"""What every way of a notice has in common."""

from typing import Protocol

from camspool.core.notices import Notice


class Channel(Protocol):
    """One way. Compares equal to another that leads to the same place."""

    @property
    def name(self) -> str:
        """For the log; no address, which may be a secret."""

    def wants(self, notice: Notice) -> bool:
        """True when this is a notice for this way."""

    def kept(self, notice: Notice) -> Notice:
        """As much of it as this way needs: it may have to wait with very many others."""

    async def send(self, notice: Notice) -> None:
        """Send it, within a time limit.

        Raises:
            NotSent: it was not.
        """


class NotSent(Exception):
    """A notice did not get through; nobody but its sender ever sees this.

    Args:
        problem: why, in words without an address.
        again: what is still to be tried; None where trying again would not help.
    """

    def __init__(self, problem: str, again: Channel | None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.again = again
