"""Whether the wall clock can be believed before something is deleted because of its age."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.core.clock_check import FAR_FROM_SERVER, LONGEST_JUMP, Look, Reading, look

START = Reading(datetime(2026, 3, 1, 12, 0, tzinfo=UTC), 1000.0)
YEAR = 365 * 86400.0


def after(seconds: float, jumped: float = 0.0) -> Reading:
    """The clock after so many seconds, in which it has jumped as well."""
    return Reading(START.at + timedelta(seconds=seconds + jumped), START.monotonic + seconds)


def at(now: Reading, *, server: Reading | None = None, synchronised: bool | None = None) -> Look:
    return look(now, START, server, synchronised=synchronised)


@pytest.mark.parametrize(
    ("jumped", "believed"),
    [(0, True), (-YEAR, True), (86_400, True), (86_401, False), (30 * 86400, False), (10 * YEAR, False)],
)
def test_a_jump_of_more_than_a_day_is_in_doubt(jumped: float, believed: bool) -> None:  # noqa: FBT001
    assert (at(after(300, jumped)).doubt is None) is believed


def test_a_jump_stays_in_doubt_until_the_clock_is_back_or_the_server_agrees() -> None:
    first = at(after(300, 10 * YEAR))
    later = look(after(600, 10 * YEAR), first.trusted, None, synchronised=True)
    assert later.doubt is not None, "a time server may be wrong"
    assert look(after(900), later.trusted, None, synchronised=None).doubt is None
    agreed = after(900, 10 * YEAR)
    assert look(agreed, later.trusted, agreed, synchronised=None) == Look(None, agreed)


@pytest.mark.parametrize(("synchronised", "believed"), [(None, True), (True, True), (False, False)])
def test_a_clock_that_was_never_set_is_in_doubt(synchronised: bool | None, believed: bool) -> None:  # noqa: FBT001
    assert (at(after(1), synchronised=synchronised).doubt is None) is believed


def test_the_server_decides_where_it_has_said_something() -> None:
    assert at(after(1), server=after(0), synchronised=False).doubt is None
    assert at(after(7200), server=after(0), synchronised=False).doubt is None, "it went on since"
    assert at(after(7200, 601), server=after(0)).doubt == "it is 10 minutes ahead of the API's"
    assert at(after(7200, -601), server=after(0)).doubt == "it is 10 minutes behind the API's"
    assert at(after(1, 10 * YEAR), server=after(0)).doubt == "it is 3650 days ahead of the API's"


@given(
    jumps=st.lists(st.floats(-20 * YEAR, 20 * YEAR), max_size=8),
    server=st.none() | st.floats(-YEAR, YEAR),
    synchronised=st.none() | st.booleans(),
)
def test_a_clock_that_is_far_ahead_is_never_believed(
    jumps: list[float],
    server: float | None,
    synchronised: bool | None,  # noqa: FBT001
) -> None:
    """Whatever it did in between: when it was right at the start, it is not believed far ahead of that."""
    trusted, ahead = START, 0.0
    for number, jump in enumerate(jumps, start=1):
        ahead = max(ahead + jump, -20 * YEAR)
        now = after(300.0 * number, ahead)
        said = None if server is None else after(0, server)
        looked = look(now, trusted, said, synchronised=synchronised)
        trusted = looked.trusted
        if looked.doubt is None and said is not None:
            assert abs(ahead - (server or 0)) <= FAR_FROM_SERVER.total_seconds() + 1
        elif looked.doubt is None and all(jump >= 0 for jump in jumps):
            assert jump <= LONGEST_JUMP.total_seconds()
            assert synchronised is not False


def test_the_end_of_time_is_no_crash() -> None:
    end = Reading(datetime.max.replace(tzinfo=UTC), START.monotonic + 1)
    assert at(end).doubt is not None
    assert look(after(1), end, end, synchronised=None).doubt is not None
