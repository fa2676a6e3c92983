"""One question, or their number, can spoil a whole call: it is found by asking ever smaller parts.

That is done only while the server is up, as a listing of the cameras proves; else the trouble is everybody's.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from camspool.core.errors import CamspoolError, ClipTrouble, ServiceTrouble
from camspool.core.ports import Answer, Api, Clock, ListCameras, PrepareRecording, Question
from camspool.core.values import WaitReason

REMEMBERED_S: Final = 3600.0
"""The server may have refused a size only because it was slow: after an hour the full size is tried again."""

HOPELESS: Final = 3
"""When so many questions have failed alone and none was answered, no more of that kind are asked."""


class Bisecting:
    """`ports.Api` that answers what can be answered of a batch.

    Args:
        api: is asked the whole batch.
        parts: is asked the parts of a batch that failed.
        clock: for forgetting.
    """

    def __init__(self, api: Api, parts: Api, clock: Clock) -> None:
        self._api = api
        self._parts = parts
        self._clock = clock
        self._limits: dict[type[Question], tuple[int, float]] = {}

    def largest(self, kind: type[Question]) -> int | None:
        """The size that was accepted where a larger one was refused; None if there was none lately."""
        size, until = self._limits.get(kind, (None, 0.0))
        return size if self._clock.monotonic() < until else None

    async def ask(self, questions: Sequence[Question]) -> Sequence[Answer | CamspoolError]:
        """As `ports.Api`.

        A question that fails alone is answered by a ClipTrouble; so are those that were left when the server
        itself got into trouble.

        Raises:
            ServiceTrouble: it is not the questions' fault.
        """
        try:
            answers = await self._api.ask(questions)
        except ServiceTrouble as trouble:
            if not await self._server_is_well(trouble, questions):
                raise
            return [_spoiled(trouble)] if len(questions) == 1 else await self._search(questions)
        if len(questions) > 1 and all(map(_perhaps_too_many, questions, answers)):
            # Not asked again at once: it may have been started. The next batch will be smaller.
            self._remember(len(questions) // 2, questions)
        return answers

    async def _search(self, questions: Sequence[Question]) -> Sequence[Answer | CamspoolError]:
        answers: list[Answer | CamspoolError] = []
        alone = largest = 0
        parts = deque(_halves(questions))
        while parts:
            part = parts.popleft()
            try:
                answers += await self._parts.ask(part)
                largest = max(largest, len(part))
            except ServiceTrouble as trouble:
                alone += len(part) == 1
                hopeless = alone >= HOPELESS and not largest
                if hopeless or not await self._server_is_well(trouble, part):
                    if not answers:
                        raise
                    return answers + [_spoiled(trouble) for _ in questions[len(answers) :]]
                if len(part) == 1:
                    answers.append(_spoiled(trouble))
                else:
                    parts.extendleft(reversed(_halves(part)))
        if not alone:
            self._remember(largest, questions)
        return answers

    async def _server_is_well(self, trouble: ServiceTrouble, questions: Sequence[Question]) -> bool:
        """True when it answers a harmless question right after this failure."""
        if trouble.reason == WaitReason.RATE_LIMITED or isinstance(questions[0], ListCameras):
            return False
        try:
            await self._parts.ask([ListCameras()])
        except ServiceTrouble:
            return False
        return True

    def _remember(self, size: int, questions: Sequence[Question]) -> None:
        self._limits[type(questions[0])] = (size, self._clock.monotonic() + REMEMBERED_S)


def _halves(questions: Sequence[Question]) -> tuple[Sequence[Question], Sequence[Question]]:
    middle = (len(questions) + 1) // 2
    return questions[:middle], questions[middle:]


def _spoiled(trouble: ServiceTrouble) -> ClipTrouble:
    return ClipTrouble(WaitReason.API_ERROR, trouble.message)


def _perhaps_too_many(question: Question, answer: Answer | CamspoolError) -> bool:
    return isinstance(question, PrepareRecording) and isinstance(answer, ClipTrouble)
