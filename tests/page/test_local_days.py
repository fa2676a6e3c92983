"""Days and hours where the people are, also when clocks are changed."""

from zoneinfo import ZoneInfo

from camspool.page.local_days import begins, hour_of, hours_between, length_s
from support.page import PRAGUE


def test_a_day_is_as_long_as_the_clocks_make_it() -> None:
    lengths = [
        length_s(day, PRAGUE) / 3600 for day in ("2026-03-28", "2026-03-29", "2026-10-25", "9999-12-31")
    ]
    assert lengths == [24, 23, 25, 24]
    twice = [begins("2026-10-25", PRAGUE) + hour * 3600 for hour in (2, 3)]  # both are 2 o'clock
    assert [hour_of(at, PRAGUE) for at in twice] == ["2026-10-25-02", "2026-10-25-03"]
    assert hours_between(twice[0], twice[0] + 3600, PRAGUE) == ["2026-10-25-02", "2026-10-25-03"]
    assert begins("2026-04-24", ZoneInfo("Africa/Cairo")) % 3600 == 0  # its midnight does not exist
