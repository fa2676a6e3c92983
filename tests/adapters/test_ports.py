"""Every implementation of a port, real or fake, passes the port's contract: see `support/contracts.py`."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from camspool.adapters.batching import Batching
from camspool.adapters.download import DownloadSettings, HttpDownloads
from camspool.adapters.mp4 import Mp4Videos
from camspool.adapters.pacing import Backoff, Counting, Pacing, PacingSettings
from camspool.adapters.spool import Spool
from camspool.adapters.survilla import Survilla
from camspool.adapters.system_clock import SystemClock
from camspool.core.ports import Api, Clock
from camspool.core.status_document import Status
from camspool.simulator import Simulator
from support import model_server, running
from support.contracts import (
    ApiContract,
    ClockContract,
    DownloadsContract,
    RecordingsContract,
    Runs,
    SpoolContract,
    VideosContract,
)
from support.fake_clock import FakeClock
from support.model_daemon import FailingDisk, FailingSpool
from support.model_server import ModelServer, ModelVideos, Trouble
from support.virtual_time import VirtualClock, VirtualLoop

Result = TypeVar("Result")
USER_AGENT = "camspool/test"


class SimulatedPortal:
    """The adapters, wired as in the daemon, and the simulator over HTTP."""

    gate, yard, blind = 1, 2, 6
    start = running.START

    def __init__(self, runner: asyncio.Runner, simulator: Simulator) -> None:
        self._runner = runner
        self._simulator = simulator
        self.clock = SystemClock()
        self.survilla = Survilla(
            simulator.url, lambda: simulator.token, self.clock, timeout=lambda: 5.0, user_agent=USER_AGENT
        )
        self.counting = Counting(self.survilla, Counter())
        self.pacing = Pacing(
            self.counting, self.clock, settings=lambda: PacingSettings(1000, Backoff(0.05, 1))
        )
        self.recordings = Batching(self.pacing, self.clock, lambda: 50)
        self.downloads = HttpDownloads(lambda: DownloadSettings(timeout=5), user_agent=USER_AGENT)
        self.videos = Mp4Videos(lambda: "structure")

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._runner.run(work)

    def expire(self) -> None:
        self._simulator.clock.advance(2 * 24 * 3600)

    def refuse_next_preparation(self) -> None:
        self._simulator.faults.add("prepare_answer", value=False)

    def cut_next_download(self) -> None:
        self._simulator.faults.add("download_cut", at=1000)

    def close(self) -> None:
        self.downloads.close()
        self.run(self.recordings.aclose())
        self.run(self.survilla.aclose())


class ModelPortal:
    """The model server, in virtual time."""

    gate, yard, blind = model_server.GATE, model_server.YARD, model_server.BLIND
    start = running.START

    def __init__(self) -> None:
        self._loop = VirtualLoop(random.Random(0))  # noqa: S311  the same on every run
        self.clock = VirtualClock(self._loop)
        self._server = ModelServer(self.clock, FailingDisk())
        self.recordings = self.downloads = self._server
        self.videos = ModelVideos()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return in_virtual_time(self._loop, work)

    def expire(self) -> None:
        self.clock.suspend(2 * 24 * 3600)

    def refuse_next_preparation(self) -> None:
        self._server.troubles[Trouble.PREPARE_REFUSED] += 1

    def cut_next_download(self) -> None:
        self._server.troubles[Trouble.DOWNLOAD_CUT] += 1

    def close(self) -> None:
        self._loop.close()


def in_virtual_time(loop: VirtualLoop, work: Coroutine[Any, Any, Result]) -> Result:
    task = loop.create_task(work)
    loop.until(task.done, within=7200)
    return task.result()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedPortal]:
    """One for all tests, since each asks for recordings of its own."""
    clips = tmp_path_factory.mktemp("clips")
    with asyncio.Runner() as runner, running.simulator(clips) as simulator:
        portal = SimulatedPortal(runner, simulator)
        yield portal
        portal.close()


@pytest.fixture
def model() -> Iterator[ModelPortal]:
    portal = ModelPortal()
    yield portal
    portal.close()


# --- the clock --------------------------------------------------------------------------------------------


class TestSystemClock(ClockContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return SystemClock()

    @pytest.fixture
    def run(self) -> Iterator[Runs]:
        with asyncio.Runner() as runner:

            def run(work: Coroutine[Any, Any, Result]) -> Result:
                return runner.run(work)

            yield run


class TestFakeClock(ClockContract):
    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def run(self, clock: FakeClock) -> Iterator[Runs]:
        with asyncio.Runner() as runner:

            def run(work: Coroutine[Any, Any, Result]) -> Result:
                return runner.run(clock.run(work))

            yield run


class TestVirtualClock(ClockContract):
    @pytest.fixture
    def loop(self) -> Iterator[VirtualLoop]:
        loop = VirtualLoop(random.Random(0))  # noqa: S311  the same on every run
        yield loop
        loop.close()

    @pytest.fixture
    def clock(self, loop: VirtualLoop) -> Clock:
        return VirtualClock(loop)

    @pytest.fixture
    def run(self, loop: VirtualLoop) -> Runs:
        def run(work: Coroutine[Any, Any, Result]) -> Result:
            return in_virtual_time(loop, work)

        return run


# --- the vendor's API -------------------------------------------------------------------------------------


class OfTheSimulator:
    @pytest.fixture
    def portal(self, simulated: SimulatedPortal) -> SimulatedPortal:
        return simulated


class OfTheModel:
    @pytest.fixture
    def portal(self, model: ModelPortal) -> ModelPortal:
        return model


class TestSurvilla(OfTheSimulator, ApiContract):
    @pytest.fixture
    def api(self, portal: SimulatedPortal) -> Api:
        return portal.survilla


class TestCounting(OfTheSimulator, ApiContract):
    @pytest.fixture
    def api(self, portal: SimulatedPortal) -> Api:
        return portal.counting


class TestPacing(OfTheSimulator, ApiContract):
    @pytest.fixture
    def api(self, portal: SimulatedPortal) -> Api:
        return portal.pacing


class TestBatching(OfTheSimulator, RecordingsContract):
    pass


class TestModelRecordings(OfTheModel, RecordingsContract):
    pass


class TestHttpDownloads(OfTheSimulator, DownloadsContract):
    pass


class TestModelDownloads(OfTheModel, DownloadsContract):
    pass


class TestMp4Videos(OfTheSimulator, VideosContract):
    pass


class TestModelVideos(OfTheModel, VideosContract):
    pass


# --- the folders ------------------------------------------------------------------------------------------


class Folders:
    """The folders of one spool, which is open."""

    def __init__(self, base: Path, spool: Spool) -> None:
        self.mirror = base / "mirror"
        self.spool = spool

    def load(self, name: str) -> Status | None:
        status = self.spool.load_status(name)
        assert status is None or isinstance(status, Status)
        return status


class TestSpool(SpoolContract):
    @pytest.fixture
    def folders(self, tmp_path: Path) -> Iterator[Folders]:
        spool = Spool(tmp_path / "drop", tmp_path / "mirror", tmp_path / "state")
        spool.open()
        yield Folders(tmp_path, spool)
        spool.close()


class TestFailingSpool(SpoolContract):
    """On a disk without failures."""

    @pytest.fixture
    def folders(self, tmp_path: Path) -> Iterator[Folders]:
        spool = FailingSpool(tmp_path / "drop", tmp_path / "mirror", tmp_path / "state", FailingDisk())
        spool.open()
        yield Folders(tmp_path, spool)
        spool.close()
