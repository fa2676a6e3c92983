"""Rate, short retries, bisecting and the circuit breaker, on a clock that a test moves."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

import pytest
from structlog.testing import capture_logs

from camspool.adapters.pacing import Backoff, Pacing, PacingSettings
from camspool.core.errors import CamspoolError, ClipTrouble, ServiceTrouble
from camspool.core.ports import Answer, AskProgress, ListCameras, PrepareRecording, Question
from camspool.core.status_document import Waiting
from camspool.core.values import Preparation, WaitReason
from support.fake_clock import FakeClock, settled

DOWN = ServiceTrouble(WaitReason.API_UNREACHABLE, "no answer")
BROKEN = ServiceTrouble(WaitReason.API_ERROR, "HTTP 500")
SLOW = Preparation(5.0, None)
Behaviour = Callable[[Sequence[Question]], ServiceTrouble | None]


class ScriptedApi:
    """Answers everything, but for what `behaviour` objects to; notes when it was asked what."""

    def __init__(self, clock: FakeClock, behaviour: Behaviour = lambda _: None) -> None:
        self.clock = clock
        self.behaviour = behaviour
        self.calls: list[tuple[float, Sequence[Question]]] = []

    async def ask(self, questions: Sequence[Question]) -> Sequence[Answer | CamspoolError]:
        self.calls.append((self.clock.monotonic(), questions))
        await asyncio.sleep(0)
        if trouble := self.behaviour(questions):
            raise ServiceTrouble(trouble.reason, trouble.message, trouble.retry_after)
        return [() if isinstance(question, ListCameras) else SLOW for question in questions]

    @property
    def sizes(self) -> list[int]:
        """Sizes of the calls, without the listings of cameras that prove the server well."""
        return [len(questions) for _, questions in self.calls if not isinstance(questions[0], ListCameras)]


class Setting:
    """A Pacing over a ScriptedApi, and everything that it reported."""

    def __init__(
        self, behaviour: Behaviour = lambda _: None, rate: float = 1000, jitter: float = 0.0
    ) -> None:
        self.clock = FakeClock()
        self.api = ScriptedApi(self.clock, behaviour)
        self.reported: list[Waiting | None] = []
        self.pacing = Pacing(
            self.api,
            self.clock,
            settings=lambda: PacingSettings(rate, Backoff(first=5, longest=600)),
            on_trouble=self.reported.append,
            jitter=lambda: jitter,
        )

    async def ask(self, *questions: Question) -> Sequence[Answer | CamspoolError]:
        await self.pacing.turn()
        return await self.pacing.ask(questions)


def many(number: int) -> tuple[AskProgress, ...]:
    return tuple(AskProgress(f"r{index}") for index in range(number))


# --- rate -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "calls", "takes"), [(5, 5, 0), (5, 6, 1), (5, 51, 10), (0.5, 4, 6), (2.5, 5, 2)]
)
async def test_rate(rate: float, calls: int, takes: float) -> None:
    setting = Setting(rate=rate)
    start = setting.clock.monotonic()
    await setting.clock.run(_all(setting.ask(ASK) for ASK in many(calls)))
    assert setting.clock.monotonic() - start == pytest.approx(takes)
    moments = [moment for moment, _ in setting.api.calls]
    for moment in moments:
        assert sum(moment <= other < moment + 1 for other in moments) <= max(1, rate)


async def _all(work: Iterable[Awaitable[object]]) -> None:
    await asyncio.gather(*work)


async def test_retries_and_halves_take_turns_too() -> None:
    setting = Setting(lambda questions: BROKEN if AskProgress("r3") in questions else None, rate=2)
    await setting.clock.run(setting.ask(*many(16)))
    moments = [moment for moment, _ in setting.api.calls]
    assert len(moments) > 10
    assert all(sum(moment <= other < moment + 1 for other in moments) <= 2 for moment in moments)


async def test_calls_are_counted_for_an_hour() -> None:
    setting = Setting()
    assert (setting.pacing.calls_last_hour, setting.pacing.last_success_at) == (0, None)
    await setting.ask(*many(3))
    last = setting.clock.now()
    await setting.clock.advance(1800)
    setting.api.behaviour = lambda _: DOWN
    asking = asyncio.create_task(setting.ask(*many(1)))
    await settled()
    assert setting.pacing.calls_last_hour == 2
    assert setting.pacing.last_success_at == last
    asking.cancel()
    await setting.clock.advance(1860)
    assert setting.pacing.calls_last_hour == 1


# --- short retries ----------------------------------------------------------------------------------------


def failing(times: int, trouble: ServiceTrouble) -> Behaviour:
    left = [trouble] * times
    return lambda _: left.pop() if left else None


@pytest.mark.parametrize("trouble", [DOWN, BROKEN, ServiceTrouble(WaitReason.RATE_LIMITED, "429", 4.0)])
async def test_trouble_of_seconds_is_reported_to_nobody(trouble: ServiceTrouble) -> None:
    setting = Setting(failing(2, trouble), jitter=1.0)
    start = setting.clock.monotonic()
    assert await setting.clock.run(setting.ask(*many(2))) == [SLOW, SLOW]
    assert setting.clock.monotonic() - start == pytest.approx(12.0 if trouble.retry_after else 3.75)
    assert setting.reported == []
    assert setting.api.sizes == [2, 2, 2]


async def test_token_is_not_tried_thrice() -> None:
    setting = Setting(failing(2, ServiceTrouble(WaitReason.UNAUTHORISED, "HTTP 401")))
    asking = asyncio.create_task(setting.ask(*many(1)))
    await settled()
    assert setting.api.sizes == [1]
    assert [waiting and waiting.reason for waiting in setting.reported] == [WaitReason.UNAUTHORISED]
    assert len(await setting.clock.run(_result(asking))) == 1


async def _result(task: "asyncio.Task[Sequence[Answer | CamspoolError]]") -> Sequence[Answer | CamspoolError]:
    return await task


# --- bisecting --------------------------------------------------------------------------------------------


async def test_one_poisonous_question_fails_alone() -> None:
    setting = Setting(lambda questions: BROKEN if AskProgress("r17") in questions else None)
    answers = await setting.clock.run(setting.ask(*many(50)))
    assert [index for index, answer in enumerate(answers) if isinstance(answer, ClipTrouble)] == [17]
    assert len(answers) == 50
    assert setting.reported == []
    assert setting.pacing.largest(AskProgress) is None
    assert len(setting.api.calls) < 30


async def test_one_question_alone_is_its_own_trouble_when_the_server_is_well() -> None:
    setting = Setting(lambda questions: None if isinstance(questions[0], ListCameras) else BROKEN)
    (answer,) = await setting.clock.run(setting.ask(*many(1)))
    assert isinstance(answer, ClipTrouble)
    assert answer.message == "HTTP 500"
    assert setting.reported == []


async def test_refused_size_is_remembered_for_an_hour() -> None:
    setting = Setting(lambda questions: BROKEN if len(questions) > 10 else None)
    assert await setting.clock.run(setting.ask(*many(50))) == [SLOW] * 50
    assert setting.pacing.largest(AskProgress) == 7
    assert setting.pacing.largest(PrepareRecording) is None
    await setting.clock.advance(3601)
    assert setting.pacing.largest(AskProgress) is None
    assert setting.reported == []


async def test_kind_of_question_that_always_fails_is_not_asked_to_the_last_one() -> None:
    setting = Setting(lambda questions: None if isinstance(questions[0], ListCameras) else BROKEN)
    answers = await setting.clock.run(setting.ask(*many(50)))
    assert all(isinstance(answer, ClipTrouble) for answer in answers)
    assert len(answers) == 50
    assert len(setting.api.calls) < 30


async def test_server_that_dies_during_the_search_leaves_the_answers() -> None:
    setting = Setting()

    def dying(questions: Sequence[Question]) -> ServiceTrouble | None:
        return BROKEN if len(questions) == 8 or len(setting.api.sizes) > 4 else None

    setting.api.behaviour = dying
    answers = await setting.clock.run(setting.ask(*many(8)))
    assert answers[:4] == [SLOW] * 4
    assert all(isinstance(answer, ClipTrouble) for answer in answers[4:])
    assert len(answers) == 8


async def test_server_that_dies_before_the_search_is_waited_for() -> None:
    setting = Setting()
    # Three tries fail, the listing of cameras does not; then nothing is answered until the eleventh call.
    setting.api.behaviour = lambda _: None if len(setting.api.calls) in {4, 11} else BROKEN
    assert await setting.clock.run(setting.ask(*many(8))) == [SLOW] * 8
    assert setting.reported[-1] is None


async def test_preparations_that_all_may_have_started_make_the_next_batch_smaller() -> None:
    class Ambiguous(ScriptedApi):
        async def ask(self, questions: Sequence[Question]) -> Sequence[Answer | CamspoolError]:
            return [ClipTrouble(WaitReason.API_ERROR, "not known") for _ in questions]

    clock = FakeClock()
    pacing = Pacing(Ambiguous(clock), clock, settings=lambda: PacingSettings(10, Backoff(5, 600)))
    await pacing.ask([PrepareRecording(f"r{index}", 720) for index in range(8)])
    assert pacing.largest(PrepareRecording) == 4
    await pacing.ask(many(8))
    assert pacing.largest(AskProgress) is None


# --- circuit breaker --------------------------------------------------------------------------------------


async def test_outage_of_an_hour() -> None:
    setting = Setting(lambda _: DOWN)
    with capture_logs() as logs:
        askers = [asyncio.create_task(setting.ask(*many(3))) for _ in range(4)]
        await setting.clock.advance(10)
        at_onset = len(setting.api.calls)
        await setting.clock.advance(3590)
        probes = setting.api.sizes[4 * 3 :]
        assert [log["event"] for log in logs] == ["api_trouble"]
        setting.api.behaviour = lambda _: None
        await setting.clock.advance(600)
        assert all(asker.done() and asker.result() == [SLOW] * 3 for asker in askers)
    assert at_onset <= 4 * 3 + 4 + 2 * 2
    # 5, 10, 20, ... 320 s, then every 600 s: 7 probes in 635 s, 4 more until the hour is over.
    assert 11 <= len(probes) <= 12
    assert [log["event"] for log in logs] == ["api_trouble", "api_recovered"]
    assert setting.reported[-1] is None
    # The same each time: what all requests wait for is not rewritten at each probe.
    (waiting,) = {waiting for waiting in setting.reported if waiting}
    assert (waiting.reason, waiting.until) == (WaitReason.API_UNREACHABLE, None)


async def test_reason_that_changes_is_logged_again() -> None:
    setting = Setting(lambda _: DOWN)
    with capture_logs() as logs:
        asking = asyncio.create_task(setting.ask(*many(1)))
        await setting.clock.advance(20)
        setting.api.behaviour = lambda _: BROKEN
        await setting.clock.advance(3600)
        asking.cancel()
    assert [log["reason"] for log in logs] == ["api_unreachable", "api_error"]


async def test_one_caller_at_a_time_probes() -> None:
    setting = Setting(lambda _: DOWN)
    askers = [asyncio.create_task(setting.ask(*many(1))) for _ in range(20)]
    await setting.clock.advance(3)
    before = len(setting.api.sizes)
    for probes in range(1, 5):
        await setting.clock.advance(5 * 2 ** (probes - 1) - (0.5 if probes == 1 else 0))
        assert len(setting.api.sizes) == before + probes
    for asker in askers:
        asker.cancel()


async def test_retry_after_is_obeyed() -> None:
    setting = Setting(failing(1, ServiceTrouble(WaitReason.RATE_LIMITED, "HTTP 429", 1800.0)))
    asking = asyncio.create_task(setting.ask(*many(1)))
    await setting.clock.advance(1799)
    assert setting.api.sizes == [1]
    assert setting.reported[0]
    assert setting.reported[0].until, "an end that the server names is reported"
    await setting.clock.advance(2)
    assert asking.done()
    assert setting.api.sizes == [1, 1]


async def test_prober_that_is_cancelled_leaves_the_probing_to_others() -> None:
    setting = Setting(lambda _: DOWN)
    first, second = [asyncio.create_task(setting.ask(*many(1))) for _ in range(2)]
    await setting.clock.advance(3)
    first.cancel()
    setting.api.behaviour = lambda _: None
    await setting.clock.advance(10)
    assert second.done()
    later = asyncio.create_task(setting.ask(*many(1)))
    await settled()
    assert later.done()


async def test_all_cancelled_and_a_later_caller_probes() -> None:
    setting = Setting(failing(4, DOWN))
    first = asyncio.create_task(setting.ask(*many(1)))
    await setting.clock.advance(3)
    first.cancel()
    assert await setting.clock.run(setting.ask(*many(2))) == [SLOW, SLOW]
    assert setting.reported[-1] is None


async def test_what_fails_while_others_get_answers_is_its_own_trouble() -> None:
    refused = ServiceTrouble(WaitReason.UNAUTHORISED, "HTTP 403")

    def cameras_are_forbidden(questions: Sequence[Question]) -> ServiceTrouble | None:
        return refused if isinstance(questions[0], ListCameras) else None

    setting = Setting(cameras_are_forbidden)
    listing = asyncio.create_task(setting.ask(ListCameras()))
    await settled()
    asking = asyncio.create_task(setting.ask(*many(1)))
    await setting.clock.advance(60)
    assert asking.done()
    (answer,) = listing.result()
    assert isinstance(answer, ClipTrouble)
    assert setting.reported[-1] is None


async def test_new_token_ends_the_trouble() -> None:
    setting = Setting(lambda _: ServiceTrouble(WaitReason.UNAUTHORISED, "HTTP 401"))
    asking = asyncio.create_task(setting.ask(*many(1)))
    await setting.clock.advance(100)
    setting.api.behaviour = lambda _: None
    await setting.clock.advance(600)
    assert asking.result() == [SLOW]


def test_backoff_doubles_up_to_the_longest() -> None:
    backoff = Backoff(first=5, longest=600)
    assert [backoff.before(probe, 0.0) for probe in (0, 1, 6, 7, 10_000)] == [5, 10, 320, 600, 600]
    assert backoff.before(0, 1.0) == pytest.approx(3.75)
