"""Tasks that crash are restarted and reported, and disturb nobody."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from camspool.core import document
from camspool.service.daemon import Service
from camspool.service.supervision import LONGEST_PAUSE_S, WELL_AFTER_S, Supervisor
from support.fake_clock import FakeClock, settled
from support.model_daemon import ModelDaemon, write_whole
from support.model_server import GATE

BOOM = ValueError("boom")


class Scripted:
    """A task that crashes after so many seconds at each attempt, and works on when no more are left."""

    def __init__(
        self, clock: FakeClock, *lives: float, error: Callable[[], BaseException] = lambda: BOOM
    ) -> None:
        self.clock = clock
        self.lives = list(lives)
        self.error = error
        self.starts: list[float] = []

    async def work(self) -> None:
        self.starts.append(self.clock.monotonic() - 1000)
        if not self.lives:
            await asyncio.Event().wait()
        await self.clock.sleep(self.lives.pop(0))
        raise self.error()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def news() -> list[int]:
    return []


@pytest.fixture
def supervisor(clock: FakeClock, news: list[int]) -> Supervisor:
    return Supervisor(clock, lambda: news.append(1))


async def running(supervisor: Supervisor, clock: FakeClock, work: Any, seconds: float) -> list[str]:
    """The log events of a task that is kept running for so long."""
    with capture_logs() as logged:
        task = asyncio.create_task(supervisor.keep_running("some task", work))
        await clock.advance(seconds)
        assert not task.done()
        task.cancel()
        await settled()
        assert task.cancelled()
    return [line["event"] for line in logged]


async def test_pauses_grow(supervisor: Supervisor, clock: FakeClock) -> None:
    script = Scripted(clock, *[0.0] * 14)
    await running(supervisor, clock, script.work, 86_400)
    pauses = [later - earlier for earlier, later in zip(script.starts, script.starts[1:], strict=False)]
    assert pauses[:6] == [1, 2, 4, 8, 16, 32]
    assert pauses[-1] == LONGEST_PAUSE_S


async def test_one_line_per_change_and_a_problem_while_it_lasts(
    supervisor: Supervisor, clock: FakeClock, news: list[int]
) -> None:
    script = Scripted(clock, *[0.0] * 5)
    began = clock.now()
    with capture_logs() as logged:
        task = asyncio.create_task(supervisor.keep_running("some task", script.work))
        await clock.advance(20)
        assert supervisor.problem
        assert (supervisor.problem.code, supervisor.problem.since) == ("internal_error", began)
        assert "some task" in supervisor.problem.message
        assert "boom" not in supervisor.problem.message, "the log has that"
        news.clear()
        await clock.advance(11 + WELL_AFTER_S)
        assert supervisor.problem is None
        assert news
        task.cancel()
        await settled()
    assert [line["event"] for line in logged] == ["task_crashed", "task_recovered"]
    assert logged[0]["exc_info"] is BOOM
    assert logged[1]["crashes"] == 5


async def test_another_error_is_another_line(supervisor: Supervisor, clock: FakeClock) -> None:
    errors = iter([BOOM, BOOM, KeyError("other"), BOOM, KeyError("again")])
    script = Scripted(clock, *[0.0] * 5, error=lambda: next(errors))
    assert await running(supervisor, clock, script.work, 40) == ["task_crashed"] * 2


async def test_the_cancellation_of_something_else_is_a_crash(
    supervisor: Supervisor, clock: FakeClock
) -> None:
    script = Scripted(clock, 1.0, error=asyncio.CancelledError)
    assert await running(supervisor, clock, script.work, 10) == ["task_crashed"]
    assert script.starts == [0, 2]


async def test_work_that_comes_to_its_end_is_not_repeated(supervisor: Supervisor, clock: FakeClock) -> None:
    lives = [BOOM]

    async def work() -> None:
        if lives:
            raise lives.pop()

    task = asyncio.create_task(supervisor.keep_running("some task", work))
    await clock.advance(2)
    assert task.done()
    assert supervisor.problem is None


async def test_an_error_that_nobody_waits_for_is_a_problem_for_a_while(
    supervisor: Supervisor, clock: FakeClock
) -> None:
    loop = asyncio.get_running_loop()
    with capture_logs() as logged:
        supervisor.loop_error(loop, {"message": "unhandled", "exception": BOOM})
        assert supervisor.problem
        await clock.advance(WELL_AFTER_S)
    assert supervisor.problem is None
    assert [line["event"] for line in logged] == ["task_crashed", "task_recovered"]


# --- the daemon as a whole


class Interrupted:
    """Awaits a coroutine, and raises an error in it once it has been woken up so many times."""

    def __init__(self, work: Coroutine[Any, Any, None], wakes: int) -> None:
        self._work = work
        self._wakes = wakes
        self.struck = False

    def __await__(self) -> Generator[Any, Any, None]:
        steps = self._work.__await__()
        waited_for = None
        while True:
            try:
                if self._wakes == 0:
                    self.struck = True
                    waited_for = steps.throw(ValueError("as asked"))
                else:
                    waited_for = steps.send(None)
            except StopIteration:
                return
            self._wakes -= 1
            yield waited_for


TASKS = [
    "watching drop/", "dispatcher", "list of cameras", "intake 1", "intake 2", "intake 3", "intake 4",
    "requests left over", "service file", "page", "pictures of the page", "notices, hook", "reload",
    "clock of the periodic jobs",
]  # fmt: skip


@given(task=st.sampled_from(TASKS), wakes=st.integers(1, 12), seed=st.integers(0, 99))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whichever_task_crashes_whenever_the_daemon_goes_on(
    tmp_path_factory: pytest.TempPathFactory, task: str, wakes: int, seed: int
) -> None:
    struck: list[Interrupted] = []

    def crashing(self: Service) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        tasks = dict(real(self))
        first = tasks[task]

        async def crash_once() -> None:
            if struck:
                await first()
                return
            struck.append(Interrupted(first(), wakes))
            await struck[0]

        return {**tasks, task: crash_once}

    real = Service._lasting_tasks
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Service, "_lasting_tasks", crashing)
        model = ModelDaemon(tmp_path_factory.mktemp("model"), seed, may_crash=True)
        try:
            model.start()
            for number in range(4):
                put(model, f"r{number}")
                model.loop.let_pass(20)
            model.loop.let_pass(900)
            model.check_alive()
            ends = [state_of(model, f"r{number}") for number in range(4)]
            # A file whose examination has crashed is rejected, also when a request was just made of it.
            answers = [document.load(path.read_bytes()) for path in model.mirror.glob("*.status.json")]
            refused = [each for each in answers if each.error and each.error.code == "internal"]
            assert [end for end in ends if end != "done"] in ([], [None], ["cancelled"])
            assert ends.count("done") + len(refused) == 4
            assert not refused or task.startswith("intake")
            assert not list(model.drop.glob("*.json"))
            assert len(model.crashes) == (1 if struck[0].struck else 0), model.crashes
            model.stop()
        finally:
            model.close()


def put(model: ModelDaemon, name: str) -> None:
    request = {"camera": GATE, "from": 1_580_000_000, "duration": 100}
    write_whole(model.drop / f"{name}.json", json.dumps(request).encode())


def state_of(model: ModelDaemon, name: str) -> str | None:
    path = model.mirror / f"{name}.status.json"
    status = document.load(path.read_bytes()) if path.exists() else None
    return status.state if status else None
