"""The real daemon in virtual time, between the model server and real folders that fail on demand.

Everything is the daemon's own but clock, scheduler, API, downloads and the look into MP4s; it can be stopped
and killed at any moment, and is built anew from the files.
"""

import asyncio
import contextlib
import os
import random
import secrets
import traceback
from collections.abc import Awaitable, Callable, Collection, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from camspool.adapters.spool import DropFile, Foreign, Spool, temporary
from camspool.config import excerpts
from camspool.config.settings import Settings
from camspool.core.errors import StorageTrouble
from camspool.core.health import SERVICE_FILE
from camspool.core.status_document import Status
from camspool.core.values import WaitReason
from camspool.pipeline.camera_directory import CameraDirectory
from camspool.service import daemon, periodic, wiring
from support.model_server import ModelServer, ModelVideos
from support.virtual_time import Killed, VirtualClock, VirtualLoop

SETTINGS: dict[str, Any] = {
    "watch": {"mode": "polling", "settle": "2s", "poll": "10s"},
    "retry": {"first": "5s", "longest": "60s", "stalled": "5m"},
    "requests": {"grace": "2m", "delay": "10s"},
    "limits": {"preparing": 3, "downloading": 2},
    "cleanup": {"every": "1m", "min_free": 0},
    "page": {"enabled": False},
}
FASTEST_JOB_S = 15.0
"""Jobs that come round more often only cost time here."""


class FailingDisk:
    """What befalls the next accesses to the folders."""

    def __init__(self) -> None:
        self.full = False
        self.dead = False
        self.failures: list[bool] = []
        """One for each access that fails: True when it has done its work all the same."""
        self.accesses_left: int | None = None
        """How many more there are before the process is killed."""

    def written(self) -> None:
        """A download is about to write."""
        if self.full:
            raise StorageTrouble(WaitReason.DISK_FULL, "no room, as asked")

    @contextlib.contextmanager
    def access(self, *, writes: bool) -> Iterator[None]:
        """One access, which may fail before or after its work, and be the last one of the process."""
        if self.dead:
            raise Killed
        last = self.accesses_left == 0
        if self.accesses_left is not None:
            self.accesses_left -= 1
        if last:
            self.dead = True
            if not writes or self.failures:
                raise Killed
        if writes and self.full:
            raise StorageTrouble(WaitReason.DISK_FULL, "no room, as asked")
        done = self.failures.pop() if writes and self.failures else None
        if done is False:
            raise StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, "input/output error, as asked")
        yield
        if last:
            raise Killed
        if done:
            raise StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, "input/output error of the fsync, as asked")


class FailingSpool(Spool):
    """The real spool, on a disk that fails."""

    def __init__(self, drop: Path, mirror: Path, state: Path, disk: FailingDisk) -> None:
        super().__init__(drop, mirror, state)
        self._disk = disk

    def read(self, file: str) -> DropFile | None:
        with self._disk.access(writes=False):
            return super().read(file)

    def load_status(self, name: str) -> Status | Foreign | None:
        with self._disk.access(writes=False):
            return super().load_status(name)

    def save_status(self, status: Status, *, durable: bool = True) -> None:
        with self._disk.access(writes=True):
            super().save_status(status, durable=durable)

    def save_document(self, path: str, data: bytes, *, durable: bool = True) -> None:
        if path != SERVICE_FILE:  # which promises nothing, and would only take time
            super().save_document(path, data, durable=durable)

    def part_path(self, name: str, ask: int, piece: int | None) -> Path:
        with self._disk.access(writes=True):
            return super().part_path(name, ask, piece)

    def discard_parts(self, name: str) -> None:
        with self._disk.access(writes=True):
            super().discard_parts(name)

    def publish(self, part: Path, name: str, file_name: str) -> None:
        with self._disk.access(writes=True):
            super().publish(part, name, file_name)

    def free_mp4_name(self, name: str, wanted: str, reserved: Collection[str] = ()) -> str:
        with self._disk.access(writes=False):
            return super().free_mp4_name(name, wanted, reserved)

    def remove_mp4(self, name: str, file_name: str) -> bool:
        with self._disk.access(writes=True):
            return super().remove_mp4(name, file_name)

    def file_away(self, file: str, sha256: str | None, target: str, *, replace: bool = False) -> str | None:
        with self._disk.access(writes=True):
            return super().file_away(file, sha256, target, replace=replace)

    def probe_mirror(self) -> None:
        with self._disk.access(writes=True):
            super().probe_mirror()

    def remove_orphans(self, outstanding: Callable[[str], bool]) -> list[str]:
        with self._disk.access(writes=True):
            return super().remove_orphans(outstanding)


class Jobs:
    """Stands in for APScheduler, which knows only the real clock; a job that failed comes round again."""

    def __init__(self, on_crash: Callable[[str], None]) -> None:
        self._on_crash = on_crash
        self._jobs: list[tuple[Callable[[], Awaitable[Any]], float | None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped = False

    def add_job(
        self,
        job: Callable[[], Awaitable[Any]],
        trigger: periodic.Every | None = None,
        *,
        id: str | None = None,  # noqa: A002  APScheduler's own word
    ) -> None:
        self._jobs.append((job, trigger.seconds if trigger else None))

    def get_jobs(self) -> list[Any]:
        return []

    def start(self) -> None:
        self._tasks = [asyncio.ensure_future(self._run(job, seconds)) for job, seconds in self._jobs]

    def shutdown(self, *, wait: bool) -> None:
        self._stopped = True
        for task in self._tasks:
            task.cancel()

    async def _run(self, job: Callable[[], Awaitable[Any]], seconds: float | None) -> None:
        while not self._stopped:
            if seconds is not None:
                await asyncio.sleep(max(seconds, FASTEST_JOB_S))
            try:
                await job()
            except StorageTrouble:
                pass  # as APScheduler does: logged, and on to the next time
            except Exception as error:  # noqa: BLE001  whatever else it is, it is a defect
                self._on_crash(f"job {job!r}: {error!r}")
            if seconds is None:
                return


class ModelDaemon:
    """A daemon that can be started, stopped, killed and started again.

    Args:
        folder: where its folders shall be.
        seed: decides in which order threads end.
        may_crash: whether errors of its own are asked for, and no reason for `check_alive` to complain.
        settings: changes to SETTINGS, section by section.
    """

    def __init__(self, folder: Path, seed: int = 0, *, may_crash: bool = False, **settings: Any) -> None:
        self.folder = folder
        self.drop, self.mirror = folder / "drop", folder / "mirror"
        self.loop = VirtualLoop(random.Random(seed))  # noqa: S311
        self.clock = VirtualClock(self.loop)
        self.disk = FailingDisk()
        folders = {name: str(folder / name) for name in ("drop", "mirror", "state")}
        self.settings = Settings.model_validate({"folders": folders, "timezone": "UTC"} | SETTINGS | settings)
        lifetimes = excerpts.lifetimes(self.settings)
        self.server = ModelServer(self.clock, self.disk, lifetimes)
        self.crashes: list[str] = []
        self._may_crash = may_crash
        self.log: list[MutableMapping[str, Any]] = []
        """Every log line, with its `event`."""
        self._spools: list[FailingSpool] = []
        self.service: daemon.Service | None = None
        self._run: asyncio.Task[None] | None = None
        self._patches = contextlib.ExitStack()
        self._prepare()

    def close(self) -> None:
        """End it for good."""
        self.kill()
        self._patches.close()
        self.loop.close()

    @property
    def runs(self) -> bool:
        return self._run is not None

    def start(self) -> None:
        assert not self.runs
        self.disk.dead, self.disk.accesses_left = False, None
        self._patch.setattr(temporary, "_THIS_RUN", secrets.token_hex(4))  # as a new process has it
        self.service = daemon.Service(self.settings, {}, lambda: self.settings)
        self._run = self.loop.create_task(self.service.run())

    def stop(self) -> None:
        """Stop it cleanly, wherever it is."""
        assert self.service
        self.service.stop()
        for _ in range(100):
            if self.disk.dead or not self._run or self._run.done():
                break
            self.loop.let_pass(1.0)
        if self.disk.dead:
            self.kill()
        else:
            self._forget_run()

    def kill(self) -> None:
        """Let nothing of it touch the files any more; what its tasks do when cancelled comes to nothing."""
        self.disk.dead = True
        while tasks := asyncio.all_tasks(self.loop):
            for task in tasks:
                task.cancel()
            self.loop.abandon()
            self.loop.settle()
        for spool in self._spools:
            spool.close()  # the lock of a process that is no more is free, even one just taken
        self._spools.clear()
        self._forget_run()

    def check_alive(self) -> None:
        """Notice that it was killed meanwhile, as `disk.accesses_left` may have asked.

        Raises:
            AssertionError: it has ended by itself, or met an error of its own.
        """
        if self.disk.dead:
            self.kill()
        assert self._may_crash or not self.crashes, self.crashes
        if self._run is not None and self._run.done():
            raise AssertionError("the daemon ended by itself") from self._run.exception()

    def _forget_run(self) -> None:
        run, self._run, self.service = self._run, None, None
        if run is None:
            return
        assert run.done(), "it does not stop"
        error = None if run.cancelled() else run.exception()
        assert self.disk.dead or error is None, error

    def _prepare(self) -> None:
        self._patch = self._patches.enter_context(pytest.MonkeyPatch.context())
        replacements = {
            "SystemClock": lambda: self.clock,
            "Spool": self._new_spool,
            "_api": self._api,
            "_downloads": lambda *_: self.server,
            "Mp4Videos": lambda _: ModelVideos(),
            "is_synchronised": lambda: None,
        }
        for name, replacement in replacements.items():
            self._patch.setattr(wiring, name, replacement)
        self._patch.setattr(periodic, "AsyncIOScheduler", lambda **_: Jobs(self.crashes.append))
        before = structlog.get_config()
        self._patches.callback(lambda: structlog.configure(**before))
        structlog.configure(processors=[self._notice_crash])
        self.loop.set_exception_handler(lambda _, context: self._on_loop_error(context))

    def _api(self, *_: Any) -> Any:
        return wiring.Api(self.server, self.server, self.server, CameraDirectory(self.server, self.clock))  # type: ignore[arg-type]

    def _new_spool(self, drop: Path, mirror: Path, state: Path) -> FailingSpool:
        self._spools.append(FailingSpool(drop, mirror, state, self.disk))
        return self._spools[-1]

    def _notice_crash(self, _: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        self.log.append(event)
        if method == "exception" or "exc_info" in event:
            self.crashes.append(f"{event}\n{traceback.format_exc()}")
        raise structlog.DropEvent

    def _on_loop_error(self, context: dict[str, Any]) -> None:
        if not self.disk.dead:
            self.crashes.append(repr(context))


def write_whole(path: Path, data: bytes) -> None:
    """As careful tools do: the file appears, or is replaced, by a rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(data)
    os.replace(temporary, path)  # noqa: PTH105
