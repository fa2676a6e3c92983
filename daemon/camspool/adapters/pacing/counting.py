"""How many calls were made, and with which outcome."""

from collections import Counter
from collections.abc import Sequence

from camspool.core.errors import CamspoolError, ServiceTrouble
from camspool.core.figures import CALL_SUCCEEDED
from camspool.core.ports import Answer, Api, Question


class Counting:
    """`ports.Api` that counts: `CALL_SUCCEEDED`, or the reason why a call failed as a whole."""

    def __init__(self, api: Api, calls: Counter[str]) -> None:
        self._api = api
        self._calls = calls

    async def ask(self, questions: Sequence[Question]) -> Sequence[Answer | CamspoolError]:
        """As `ports.Api`."""
        try:
            answers = await self._api.ask(questions)
        except ServiceTrouble as trouble:
            self._calls[trouble.reason] += 1
            raise
        self._calls[CALL_SUCCEEDED] += 1
        return answers
