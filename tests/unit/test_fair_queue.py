"""Whose turn is next."""

from collections import Counter
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from camspool.core.fair_queue import STALE_AT_MOST, FairQueue, Rank


def rank(
    camera: object = "gate",
    age: float = 0.0,
    priority: int = 0,
    *,
    begun: bool = False,
    request: object = None,
) -> Rank:
    """A request is known by its age, unless it is named."""
    return Rank(begun, priority, camera, age if request is None else request, age)


def drained(queue: FairQueue[str], now: float = 0.0) -> str:
    """Everything that can be taken, in order."""
    taken = []
    while (item := queue.take(now)) is not None:
        taken.append(item)
    return " ".join(taken)


def test_an_empty_queue_gives_nothing() -> None:
    queue: FairQueue[str] = FairQueue()
    assert (queue.take(0), queue.next_due(), queue.ready(0), len(queue)) == (None, None, 0, 0)


def test_begun_work_goes_first_then_priority_then_camera_by_camera_then_age() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.add("young", rank(age=9))
    queue.add("old", rank(age=1))
    queue.add("other", rank("door", age=99))
    queue.add("urgent", rank(priority=10, age=50))
    queue.add("unimportant", rank("yard", priority=-10))
    queue.add("begun", rank(priority=-10, age=99, begun=True))
    assert drained(queue) == "begun urgent old other young unimportant"
    assert len(queue) == 0


def test_clips_of_one_age_keep_the_order_in_which_they_came() -> None:
    queue: FairQueue[str] = FairQueue()
    for item in "c", "a", "b":
        queue.add(item, rank())
    assert drained(queue) == "c a b"


def test_nothing_is_taken_before_it_is_due() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.add("late", rank(priority=10), due=5)
    queue.add("soon", rank(), due=2)
    assert queue.take(1.9) is None
    assert (queue.next_due(), queue.ready(1.9)) == (2, 0)
    assert queue.take(2) == "soon"
    assert (queue.next_due(), queue.ready(2)) == (5, 0)
    assert (queue.ready(5), queue.next_due()) == (1, None)  # ready: there is nothing to wait for
    assert queue.take(5) == "late"


def test_what_was_ready_stays_ready_when_the_clock_is_set_back() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.add("a", rank(), due=5)
    assert queue.ready(5) == 1
    assert queue.take(0) == "a"


def test_what_was_discarded_has_no_turn() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.add("ready", rank())
    queue.add("later", rank(), due=5)
    assert queue.ready(0) == 1
    queue.discard("ready")
    queue.discard("later")
    queue.discard("never there")
    assert (len(queue), queue.ready(9), queue.next_due(), queue.take(9)) == (0, 0, None, None)
    assert "ready" not in queue


def test_adding_again_replaces_rank_and_time() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.add("a", rank(priority=10), due=1)
    queue.add("a", rank(priority=-10), due=3)
    queue.add("b", rank(), due=3)
    assert (queue.next_due(), queue.take(1)) == (3, None)
    assert drained(queue, 3) == "b a"


def test_adding_again_while_ready_takes_the_turn_away() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.add("a", rank())
    assert queue.ready(0) == 1
    queue.add("a", rank(), due=5)
    assert (queue.ready(0), queue.take(0), len(queue)) == (0, None, 1)
    assert drained(queue, 5) == "a"


def test_a_camera_with_a_thousand_clips_does_not_delay_another() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(1000):
        queue.add(f"many{number}", rank("many", age=number))
    assert [queue.take(0) for _ in range(3)] == ["many0", "many1", "many2"]
    queue.add("one", rank("one", age=5000))
    queue.add("two", rank("two", age=6000))
    assert [queue.take(0) for _ in range(4)] == ["many3", "one", "two", "many4"]


def test_a_request_of_a_thousand_clips_does_not_keep_a_small_one_of_its_camera_waiting() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(1000):
        queue.add(f"many{number}", rank(age=1, request="many"))
    assert [queue.take(0) for _ in range(3)] == ["many0", "many1", "many2"]
    queue.add("one", rank(age=2))
    queue.add("two", rank(age=3))
    assert [queue.take(0) for _ in range(4)] == ["many3", "one", "two", "many4"]


def test_many_small_requests_do_not_keep_a_large_one_waiting() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(10):
        queue.add(f"large{number}", rank(age=1, request="large"))
    taken = []
    for number in range(20):
        if number % 2 == 0:
            queue.add(f"small{number}", rank(age=2 + number))
        taken.append(str(queue.take(0)))
    assert sum(name.startswith("large") for name in taken) == 10


def test_after_a_restart_the_oldest_requests_are_first_in_whatever_order_they_are_found() -> None:
    queue: FairQueue[str] = FairQueue()
    for age in (3, 1, 2):
        for number in range(2):
            queue.add(f"{age}.{number}", rank(age=age))
    assert drained(queue) == "1.0 2.0 3.0 1.1 2.1 3.1"


def test_many_cameras_take_turns() -> None:
    queue: FairQueue[str] = FairQueue()
    for camera, clips in (("a", 3), ("b", 1), ("c", 2)):
        for number in range(clips):
            queue.add(f"{camera}{number}", rank(camera, age=number))
    assert drained(queue) == "a0 b0 c0 a1 c1 a2"


class Waiting(NamedTuple):
    rank: Rank
    due: float
    order: int


class FairQueueMachine(RuleBasedStateMachine):
    """The queue beside a plain list: who may be taken, and that nobody is passed over twice."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: FairQueue[int] = FairQueue()
        self.waiting: dict[int, Waiting] = {}
        self.ready: set[int] = set()
        self.passed: dict[tuple[bool, int, object], Counter[object]] = {}
        self.now = 0.0
        self.added = 0

    @rule(
        item=st.integers(0, 9),
        camera=st.sampled_from("abc"),
        priority=st.integers(0, 1),
        begun=st.booleans(),
        age=st.integers(0, 3),
        wait=st.sampled_from([-1.0, 0.0, 1.0, 5.0]),
    )
    def add(self, item: int, camera: str, priority: int, begun: bool, age: int, wait: float) -> None:  # noqa: FBT001
        added = rank(camera, age, priority, begun=begun)
        self.queue.add(item, added, self.now + wait)
        self.waiting[item] = Waiting(added, self.now + wait, self.added)
        self.added += 1
        self.ready.discard(item)
        self.forget_who_left()

    @rule(item=st.integers(0, 9))
    def discard(self, item: int) -> None:
        self.queue.discard(item)
        self.waiting.pop(item, None)
        self.ready.discard(item)
        self.forget_who_left()

    @rule(seconds=st.sampled_from([0.5, 1.0, 5.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.waiting)
    @rule()
    def take(self) -> None:
        self.ripen()
        taken = self.queue.take(self.now)
        if not self.ready:
            assert taken is None
            return
        assert taken in self.ready
        turn = self.waiting[taken].rank
        best = max((self.waiting[item].rank.begun, self.waiting[item].rank.priority) for item in self.ready)
        assert (turn.begun, turn.priority) == best
        self.count_who_was_passed(taken)
        del self.waiting[taken]
        self.ready.discard(taken)
        self.forget_who_left()

    @invariant()
    def both_hold_the_same(self) -> None:
        self.ripen()
        assert len(self.queue) == len(self.waiting)
        assert all(item in self.queue for item in self.waiting)
        assert self.queue.ready(self.now) == len(self.ready)
        dues = [entry.due for item, entry in self.waiting.items() if item not in self.ready]
        assert self.queue.next_due() == min(dues, default=None)

    def place(self, item: int) -> tuple[bool, int, object]:
        found = self.waiting[item].rank
        return found.begun, found.priority, found.camera

    def ripen(self) -> None:
        self.ready |= {item for item, entry in self.waiting.items() if entry.due <= self.now}

    def count_who_was_passed(self, taken: int) -> None:
        *tier, camera = self.place(taken)
        for place in {self.place(item) for item in self.ready}:
            if list(place[:2]) == tier and place[2] != camera:
                passes = self.passed.setdefault(place, Counter())
                passes[camera] += 1
                assert passes[camera] == 1, f"{camera} had two turns while {place[2]} waited"
        self.passed.pop(self.place(taken), None)

    def forget_who_left(self) -> None:
        """A camera that had nothing ready for a moment has no claim from before."""
        there = {self.place(item) for item in self.ready}
        self.passed = {place: passes for place, passes in self.passed.items() if place in there}


TestFairQueueAgainstAModel = FairQueueMachine.TestCase
TestFairQueueAgainstAModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_what_is_gone_takes_no_room() -> None:
    """Also while nobody is served, and while some that came early wait for long."""
    queue: FairQueue[int] = FairQueue()
    for number in range(50):
        queue.add(number, Rank(begun=False, priority=0, camera="gate", request="early", age=0), due=1e9)
    for number in range(50, 5050):
        rank = Rank(begun=False, priority=0, camera="gate", request=f"r{number}", age=0)
        queue.add(number, rank, due=1e6 if number % 2 else 0)
        queue.ready(1)
        queue.discard(number)
    (line,) = queue._ready[False, 0].values()
    assert len(queue._later) <= 2 * 50 + STALE_AT_MOST
    assert len(line._clips) <= 50 + STALE_AT_MOST
    assert len(line._last) <= 50 + STALE_AT_MOST
