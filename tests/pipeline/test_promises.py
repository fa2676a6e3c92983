"""The contract's promises, under any course of events: people, faults, expiry, kills, clocks that jump."""

import os
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from support.model_daemon import ModelDaemon
from support.model_server import Trouble
from support.people import ASKS, FILES, FOREIGN, People, content, soon
from support.promised import Promised

COURSES: Final = int(os.environ.get("CAMSPOOL_TEST_COURSES", "15"))
"""How many courses of events are tried; `make test-system` tries hundreds, thousands find what is rare."""
IN_MEMORY: Final = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
"""Hundreds of fsyncs a second; what a power cut leaves of them is another test's business."""
ENDS_WITHIN_S: Final = 2400
"""Far longer than all that a request may wait for once every fault is over: pauses, polls, the grace."""

pytestmark = pytest.mark.timeout(900)  # for hundreds of courses on a busy machine

pauses = st.sampled_from([0, 0, 0.3, 1.0, 2.5, 8.0, 20.0, 90.0])
turns = st.integers(0, 120)
outages = st.integers(0, 2)
"""How many more things happen while an outage lasts."""


class AnyCourse(RuleBasedStateMachine):
    """People, the portal and the machine do what they do; the daemon keeps what the contract promises.

    After most happenings some time passes, and then some turns of the loop, which leave everybody in the
    middle of what they do: that is where the next thing happens.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="camspool-", dir=IN_MEMORY)
        self.daemon = ModelDaemon(Path(self.folder.name))
        self.people = People(self.daemon)
        self.promised = Promised(self.daemon, self.people)
        self.rests = 0
        self.outages: list[tuple[int, Callable[[], None]]] = []
        self.sound = True

    @initialize(seed=st.integers(0, 10_000), version=st.integers(0, 3))
    def begin(self, seed: int, version: int) -> None:
        self.daemon.loop.chance = random.Random(seed)  # noqa: S311
        self.daemon.start()
        self.daemon.loop.let_pass(1)
        self.people.put("a.json", content("a.json", version))

    # People

    @precondition(lambda self: self.people.is_mounted("drop"))
    @rule(file=st.sampled_from(FILES), version=st.integers(0, len(ASKS) - 1), ticks=turns, pause=pauses)
    def drop_or_edit(self, file: str, version: int, ticks: int, pause: float) -> None:
        self.people.put(file, content(file, version))
        self.go_on(ticks, pause)

    @precondition(lambda self: self.people.is_mounted("drop"))
    @rule(ticks=turns, pause=pauses)
    def ask_for_the_future(self, ticks: int, pause: float) -> None:
        self.people.put("soon.json", soon())
        self.go_on(ticks, pause)

    @precondition(lambda self: self.people.is_mounted("drop") and self.people.wanted)
    @rule(data=st.data(), ticks=turns, pause=pauses)
    def drop_the_same_again(self, data: st.DataObject, ticks: int, pause: float) -> None:
        file = data.draw(st.sampled_from(sorted(self.people.wanted)))
        self.people.put(file, self.people.wanted[file])
        self.go_on(ticks, pause)

    @precondition(lambda self: self.people.is_mounted("drop") and self.people.waiting_files())
    @rule(data=st.data(), ticks=turns, pause=pauses)
    def delete(self, data: st.DataObject, ticks: int, pause: float) -> None:
        self.people.delete(data.draw(st.sampled_from(self.people.waiting_files())))
        self.go_on(ticks, pause)

    @precondition(lambda self: self.people.is_mounted("drop") and self.people.filed_files())
    @rule(data=st.data(), ticks=turns, pause=pauses)
    def move_back(self, data: st.DataObject, ticks: int, pause: float) -> None:
        self.people.move_back(data.draw(st.sampled_from(self.people.filed_files())))
        self.go_on(ticks, pause)

    @precondition(lambda self: self.people.is_mounted("mirror"))
    @rule(name=st.sampled_from(FOREIGN), pause=pauses)
    def put_something_foreign_into_the_mirror(self, name: str, pause: float) -> None:
        self.people.put_foreign(name)
        self.go_on(0, pause)

    @precondition(lambda self: self.people.is_mounted("mirror") and self.people.mp4s())
    @rule(data=st.data(), pause=pauses)
    def remove_an_mp4(self, data: st.DataObject, pause: float) -> None:
        self.people.remove(data.draw(st.sampled_from(self.people.mp4s())))
        self.go_on(0, pause)

    # The portal

    @rule(trouble=st.sampled_from(Trouble), times=st.integers(1, 4), pause=pauses)
    def portal_makes_trouble(self, trouble: Trouble, times: int, pause: float) -> None:
        self.daemon.server.troubles[trouble] += times
        self.go_on(0, pause)

    @rule(ticks=turns, pause=pauses)
    def portal_forgets_ids(self, ticks: int, pause: float) -> None:
        self.daemon.server.lose_ids()
        self.go_on(ticks, pause)

    @rule(lasts=outages, ticks=turns, pause=pauses)
    def portal_goes_down(self, lasts: int, ticks: int, pause: float) -> None:
        self.daemon.server.go_down()
        self.end_after(lasts, self.daemon.server.come_back)
        self.go_on(ticks, pause)

    # The machine

    @rule(done=st.lists(st.booleans(), min_size=1, max_size=4), ticks=turns, pause=pauses)
    def writes_fail(self, done: list[bool], ticks: int, pause: float) -> None:
        self.daemon.disk.failures = done
        self.go_on(ticks, pause)

    @rule(lasts=outages, ticks=turns, pause=pauses)
    def disk_fills(self, lasts: int, ticks: int, pause: float) -> None:
        self.daemon.disk.full = True
        self.end_after(lasts, self.make_room)
        self.go_on(ticks, pause)

    @rule(which=st.sampled_from(["drop", "mirror"]), lasts=outages, ticks=turns, pause=pauses)
    def share_goes(self, which: str, lasts: int, ticks: int, pause: float) -> None:
        self.people.unmount(which)
        self.end_after(lasts, lambda: self.people.mount(which))
        self.go_on(ticks, pause)

    @rule(seconds=st.sampled_from([-7200.0, -60.0, -2.0, 2.0, 60.0, 7200.0]), ticks=turns, pause=pauses)
    def clock_is_stepped(self, seconds: float, ticks: int, pause: float) -> None:
        self.daemon.clock.jump(seconds)
        self.go_on(ticks, pause)

    @rule(hours=st.sampled_from([2, 7, 25]), ticks=turns, pause=pauses)
    def box_sleeps(self, hours: int, ticks: int, pause: float) -> None:
        self.daemon.clock.suspend(hours * 3600)
        self.go_on(ticks, pause)

    @precondition(lambda self: self.daemon.runs)
    @rule(kill=st.booleans(), rests=st.integers(0, 2), hours_down=st.sampled_from([0, 0, 2, 25]))
    def daemon_is_ended(self, kill: bool, rests: int, hours_down: int) -> None:  # noqa: FBT001
        self.daemon.kill() if kill else self.daemon.stop()
        self.rests = rests
        self.daemon.clock.suspend(hours_down * 3600)

    @precondition(lambda self: self.daemon.runs)
    @rule(accesses=st.integers(0, 30), rests=st.integers(0, 2), pause=pauses)
    def daemon_is_killed_while_it_writes(self, accesses: int, rests: int, pause: float) -> None:
        self.daemon.disk.accesses_left = accesses
        self.rests = rests
        self.go_on(0, pause)

    # Time

    @rule(ticks=turns, pause=pauses)
    def time_passes(self, ticks: int, pause: float) -> None:
        self.go_on(ticks, pause)

    @rule()
    def all_is_well_for_long_enough(self) -> None:
        """Once the faults are over, every request ends."""
        self.heal()
        waited = 0
        while waited < ENDS_WITHIN_S and self.outstanding():
            self.pass_time(20)
            waited += 20
        assert not self.outstanding(), f"after {waited} s: {self.outstanding()}"
        self.pass_time(61)  # the clean-up's turn
        self.promised.check_ends()

    @invariant()
    def promises_are_kept(self) -> None:
        self.sound = False
        self.promised.check()
        self.sound = True

    def teardown(self) -> None:
        try:
            if self.sound:
                self.all_is_well_for_long_enough()
                self.promised.check()
        finally:
            self.daemon.close()
            self.folder.cleanup()

    # How things go on

    def go_on(self, ticks: int, pause: float) -> None:
        """Some seconds, and then so many turns of the loop."""
        if not self.daemon.runs and self.rests:
            self.rests -= 1
        elif not self.daemon.runs:
            self.daemon.start()
        if pause:
            self.daemon.loop.let_pass(pause)
        self.daemon.loop.turns(ticks)
        self.daemon.check_alive()
        self.end_outages()

    def end_after(self, happenings: int, end: Callable[[], None]) -> None:
        self.outages.append((happenings, end))

    def end_outages(self) -> None:
        """End those that have lasted long enough."""
        for left, end in self.outages:
            if left == 0:
                end()
        self.outages = [(left - 1, end) for left, end in self.outages if left]

    def make_room(self) -> None:
        self.daemon.disk.full = False

    def pass_time(self, seconds: float) -> None:
        self.daemon.loop.let_pass(seconds)
        self.daemon.check_alive()

    def heal(self) -> None:
        self.daemon.server.troubles.clear()
        while self.outages:
            self.end_outages()
        self.daemon.disk.failures, self.daemon.disk.accesses_left = [], None
        self.daemon.clock.set_right()
        self.daemon.check_alive()
        if not self.daemon.runs:
            self.daemon.start()

    def outstanding(self) -> list[str]:
        statuses = self.people.statuses()
        unended = [f"{status.name} is {status.state}" for status in statuses if not status.state.final]
        return self.people.waiting_files() + unended


TestAnyCourse = AnyCourse.TestCase
TestAnyCourse.settings = settings(
    max_examples=COURSES,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
