"""Awaiting with care: work that must not be left half-way, and the first of several things to happen."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from threading import Thread
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def to_the_end(work: Awaitable[T]) -> T:
    """Await `work`; a cancellation is heeded only once it has ended.

    Without this, a cancelled task would go on while its thread still writes: an old status file could then
    replace a newer one.
    """
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        if not task.cancelled():
            task.exception()  # whoever cancelled continues from the files, and will find out anyway
        raise asyncio.CancelledError
    return task.result()


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking `work` in a thread, to its end."""
    # As asyncio.to_thread does, without a task around it: thousands of files come this way at once.
    run = partial(copy_context().run, work, *args, **kwargs)
    return await to_the_end(asyncio.get_running_loop().run_in_executor(None, run))


async def in_own_thread(work: Callable[[], T]) -> T:
    """Run blocking `work` in a thread that nobody waits for once this is cancelled, not even at the end."""
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001  it is raised where the work was asked for
            outcome.set_exception(error)

    Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(outcome)


async def first_of(*works: Coroutine[Any, Any, object]) -> None:
    """Return when the first of the works has ended; the others are cancelled."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
