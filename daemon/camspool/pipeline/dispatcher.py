"""Whose turn it is: gives the slots of the two lanes to the clips that wait, and takes them back."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import structlog

from camspool.aio import first_of
from camspool.core.fair_queue import FairQueue, Rank
from camspool.core.ports import Clock
from camspool.core.status_document import Clip
from camspool.core.values import State
from camspool.pipeline.jobs import Job
from camspool.pipeline.steps import LANES, Lane, Workflow

log = structlog.get_logger()

LOOK_AT_THE_CLOCK_S: Final = 30.0
"""Waits are dated by the wall clock, which may jump (a suspended box): it is looked at this often."""


CRASHED_WAITS_S: Final = 60.0
"""A clip whose crash could not be noted in its status is tried again after so long."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A clip that waits for a slot or has one."""

    job: Job
    key: str


@dataclass(slots=True)
class _LaneState:
    queue: FairQueue[Ticket] = field(default_factory=FairQueue)
    running: dict[Ticket, asyncio.Task[None]] = field(default_factory=dict)


class Dispatcher:
    """Runs as many clips at once as the limits allow.

    Args:
        workflow: carries the clips.
        clock: for waits.
        limits: how many clips may be preparing, and downloading, now.
    """

    def __init__(self, workflow: Workflow, clock: Clock, limits: Callable[[], Mapping[Lane, int]]) -> None:
        self._workflow = workflow
        self._clock = clock
        self._limits = limits
        self._lanes = {lane: _LaneState() for lane in limits()}
        self._on_ended: Callable[[Job], Awaitable[None]] | None = None
        self._wake = asyncio.Event()
        self._closing = False
        self._not_before: dict[Ticket, float] = {}
        self._seen_at = float("-inf")

    def settings_changed(self) -> None:
        """Judge all waits by the new settings; what is running beyond a new limit runs on."""
        self._judge_waits()
        self._wake.set()

    def reconsider(self) -> None:
        """Look at every wait anew: what some clips wait for is over."""
        self._judge_waits()
        self._wake.set()

    def add(self, job: Job) -> None:
        """Queue each clip of a request that has not ended and is neither queued nor running yet."""
        for clip in job.status.clips:
            self._queue(job, clip)

    async def drop(self, job: Job) -> None:
        """Stop all work on a request, and forget its clips; what was downloaded stays on disk."""
        while True:
            tickets = [Ticket(job, clip.key) for clip in job.status.clips]
            for lane in self._lanes.values():
                for ticket in tickets:
                    lane.queue.discard(ticket)
            self._wake.set()  # what waited for its download has kept a slot of the other lane
            tasks = [
                task
                for lane in self._lanes.values()
                for ticket in tickets
                if (task := lane.running.get(ticket))
            ]
            if not tasks:
                return
            await _cancel(
                tasks
            )  # one that had just come to its end may have queued the next step: look again

    async def run(self, on_ended: Callable[[Job], Awaitable[None]], outstanding: Iterable[Job] = ()) -> None:
        """Give slots away until cancelled; then stop all work. To be called again after a crash.

        Args:
            on_ended: called with each request all of whose clips have ended.
            outstanding: the requests that there are already.
        """
        self._on_ended, self._closing = on_ended, False
        async with asyncio.TaskGroup() as group:
            try:
                for job in outstanding:
                    self._take_up(job, group)
                while True:
                    self._wake.clear()
                    self._give_slots(group)
                    await self._rest()
            finally:
                self._closing = True

    def _queue(self, job: Job, clip: Clip) -> None:
        lane_name = LANES.get(clip.state)
        ticket = Ticket(job, clip.key)
        if lane_name is None or any(ticket in lane.running for lane in self._lanes.values()):
            return
        lane = self._lanes[lane_name]
        if ticket not in lane.queue:
            lane.queue.add(ticket, _rank(job, clip), self._due(ticket, clip))
            if len(lane.running) < self._limits()[lane_name]:  # else whoever gives a slot back wakes it
                self._wake.set()

    def _due(self, ticket: Ticket, clip: Clip) -> float:
        """When there is something to do for a clip, in Unix seconds."""
        not_before = self._not_before.pop(ticket, 0.0)
        try:
            due = self._workflow.due(clip)
        except Exception:  # as in `_attend`
            log.exception("clip_crashed", request=ticket.job.name, clip=ticket.key)
            return self._clock.now().timestamp() + CRASHED_WAITS_S
        return max(due.timestamp() if due else 0.0, not_before)

    def _look_at_the_clock(self) -> float:
        """The time, in Unix seconds; once it has been put back, every wait is judged anew."""
        now = self._clock.now().timestamp()
        if now < self._seen_at:
            self._judge_waits()
        self._seen_at = now
        return now

    def _judge_waits(self) -> None:
        """Date every wait anew. What is ready stays so: queued again, it would lose its turn."""
        for lane in self._lanes.values():
            for ticket in lane.queue.waits():
                lane.queue.discard(ticket)
                self._queue(ticket.job, ticket.job.clip(ticket.key))

    def _give_slots(self, group: asyncio.TaskGroup) -> None:
        now, limits = self._look_at_the_clock(), self._limits()
        self._fill(Lane.DOWNLOADING, limits[Lane.DOWNLOADING], now, group)
        # What is prepared and waits for its download keeps its slot: URLs must not pile up and expire.
        prepared = self._lanes[Lane.DOWNLOADING].queue.ready(now)
        self._fill(Lane.PREPARING, limits[Lane.PREPARING] - prepared, now, group)

    def _fill(self, name: Lane, limit: int, now: float, group: asyncio.TaskGroup) -> None:
        lane = self._lanes[name]
        lane.queue.ready(now)  # what is due and gets no slot waits for one from now on, and for no time
        while len(lane.running) < limit and (ticket := lane.queue.take(now)) is not None:
            lane.running[ticket] = task = group.create_task(self._attend(ticket, name))
            # Not the task's own business: one that is cancelled before its first step would not do it.
            task.add_done_callback(partial(self._take_back, lane, ticket, group))

    async def _attend(self, ticket: Ticket, name: Lane) -> None:
        job = ticket.job
        try:
            with structlog.contextvars.bound_contextvars(request=job.name, clip=ticket.key):
                await self._workflow.carry(job, ticket.key, name)
        except Exception as error:  # a defect in the work on one clip must not stop the others
            if job.is_first(ticket.key, f"crashed {_place_of(error)}"):
                log.exception("clip_crashed", request=job.name, clip=ticket.key)
            self._park(ticket)

    def _park(self, ticket: Ticket) -> None:
        """Let a clip wait whose step has crashed; if its wait cannot even be noted, in memory only."""
        try:
            self._workflow.park(ticket.job, ticket.key)
        except Exception:
            log.exception("clip_crashed", request=ticket.job.name, clip=ticket.key)
            self._not_before[ticket] = self._clock.now().timestamp() + CRASHED_WAITS_S

    def _take_back(
        self, lane: _LaneState, ticket: Ticket, group: asyncio.TaskGroup, task: asyncio.Task[None]
    ) -> None:
        del lane.running[ticket]
        self._wake.set()
        if not task.cancelled() and not self._closing:
            self._take_up(ticket.job, group)

    def _take_up(self, job: Job, group: asyncio.TaskGroup) -> None:
        """Queue what is left to do for a request, or end it."""
        self.add(job)
        if job.status.state.final and self._on_ended is not None:
            group.create_task(self._end(job, self._on_ended))

    async def _end(self, job: Job, on_ended: Callable[[Job], Awaitable[None]]) -> None:
        try:
            await on_ended(job)
        except Exception:  # as above
            log.exception("request_crashed", request=job.name)

    async def _rest(self) -> None:
        """Sleep until something is added or a clip ends, or until the next clip's wait is over.

        What waits for a slot only is woken by the clip that gives its own back.
        """
        now = self._clock.now().timestamp()
        dues = [due for lane in self._lanes.values() if (due := lane.queue.next_due()) is not None]
        pause = min([LOOK_AT_THE_CLOCK_S, *(max(0.0, due - now) for due in dues)])
        await first_of(self._wake.wait(), self._clock.sleep(pause))


def _place_of(error: BaseException) -> str:
    """Where an error comes from, and of what type it is: the same defect is logged once."""
    frames = list(traceback.walk_tb(error.__traceback__))
    return " ".join([type(error).__name__, *(f"{frame.f_code.co_filename}:{line}" for frame, line in frames)])


def _rank(job: Job, clip: Clip) -> Rank:
    entry = job.status.request.entries[clip.entry]
    return Rank(
        begun=clip.state not in {State.SCHEDULED, State.QUEUED},
        priority=entry.priority,
        camera=clip.camera,
        request=job.name,
        age=job.status.created_at.timestamp(),
    )


async def _cancel(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
