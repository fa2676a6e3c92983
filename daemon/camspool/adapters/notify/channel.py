"""What all channels have in common."""

from typing import Protocol

from camspool.core.notices import Notice


class Channel(Protocol):
    """One channel; equal to another that leads to the same place."""

    @property
    def name(self) -> str:
        """For the log; no address, which may be a secret."""

    def wants(self, notice: Notice) -> bool:
        """True when this is a notice for this channel."""

    def kept(self, notice: Notice) -> Notice:
        """As much of it as this channel needs: very many of them may have to wait in memory."""

    async def send(self, notice: Notice) -> None:
        """Send it, within a time limit.

        Raises:
            NotSent: it was not.
        """


class NotSent(Exception):
    """A notice could not be sent; only `service.notifications` ever sees this.

    Args:
        problem: why, in words without an address.
        again: what is still to be tried; None where trying again would not help.
    """

    def __init__(self, problem: str, again: Channel | None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.again = again
