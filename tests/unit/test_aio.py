"""What is begun is brought to its end, however often its task is cancelled."""

import asyncio
import threading

import pytest

from camspool.aio import in_thread, to_the_end


async def test_a_cancelled_task_waits_for_its_thread() -> None:
    began, go_on = threading.Event(), threading.Event()
    ended: list[str] = []

    def write() -> None:
        began.set()
        go_on.wait(5)
        ended.append("written")

    task = asyncio.create_task(in_thread(write))
    await asyncio.to_thread(began.wait, 5)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["written"]


async def test_results_and_errors_come_back() -> None:
    async def fail() -> None:
        raise ValueError("so")

    assert await in_thread(pow, 2, 10) == 1024
    with pytest.raises(ValueError, match="so"):
        await to_the_end(fail())
