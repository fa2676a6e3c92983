"""The outstanding requests: what is saved, when, and how durably."""

import asyncio
import threading
from pathlib import Path

from camspool.core import events
from camspool.core.status_document import Status
from camspool.core.values import State
from camspool.pipeline.jobs import Job, JobContext
from camspool.pipeline.outages import Outages
from support.builders import a_clip, a_file, a_status
from support.fake_clock import FakeClock


class SlowFiles:
    """Status files whose first write takes until `go_on` is set."""

    def __init__(self) -> None:
        self.saved: list[tuple[State, bool]] = []
        self.go_on = threading.Event()

    def save_status(self, status: Status, *, durable: bool = True) -> None:
        if not self.saved:
            self.go_on.wait(5)
        self.saved.append((status.state, durable))


async def test_an_end_is_never_written_without_fsync(tmp_path: Path) -> None:
    files = SlowFiles()
    job_context = JobContext(files, FakeClock(), Outages(lambda: None), lambda: 3600.0)
    clip = a_clip(State.VERIFYING, file=a_file())
    job = Job(a_status(clip, state=State.VERIFYING), job_context, saved=False)
    progress = [asyncio.create_task(job.save(durable=False)) for _ in range(2)]
    await asyncio.sleep(0)
    end = asyncio.create_task(job.apply("001", events.Published()))  # while the progress is being written
    await asyncio.sleep(0)
    files.go_on.set()
    await asyncio.gather(*progress, end)
    assert files.saved == [(State.VERIFYING, False), (State.DONE, True)]
