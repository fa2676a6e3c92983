"""`camspool request`: points in time and ranges in a person's words, and mistakes that are answered."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.commands.request.order import Order, Refused, make
from camspool.commands.request.relative_times import Begin, as_range, moment
from camspool.core import request_parser
from camspool.core.problems import Unexpected

PRAGUE = ZoneInfo("Europe/Prague")
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
"""A Wednesday, 13:00 in Prague."""
RULES = request_parser.RequestSettings(
    height="best", longest_s=86400, timezone=PRAGUE, clips_per_request=1000
)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PRAGUE).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2026-03-01 8:00", "2026-03-01 08:00"),
        ("2026-03-01 8am", "2026-03-01 08:00"),
        ("2026-03-01, 8:30 pm", "2026-03-01 20:30"),
        ("2026-3-1 at 18.00", "2026-03-01 18:00"),
        ("2026-03-01 noon", "2026-03-01 12:00"),
        ("8am", "2026-03-04 08:00"),
        ("8 a.m.", "2026-03-04 08:00"),
        ("8:15PM", "2026-03-04 20:15"),
        ("12am", "2026-03-04 00:00"),
        ("12pm", "2026-03-04 12:00"),
        ("noon", "2026-03-04 12:00"),
        ("midnight", "2026-03-04 00:00"),
        ("yesterday noon", "2026-03-03 12:00"),
        ("today 18.00", "2026-03-04 18:00"),
        ("today at 18:00", "2026-03-04 18:00"),
        ("18:00 yesterday", "2026-03-03 18:00"),
        ("8am yesterday", "2026-03-03 08:00"),
        ("8 am, yesterday", "2026-03-03 08:00"),
        ("2h ago", "2026-03-04 11:00"),
        ("2 hours ago", "2026-03-04 11:00"),
        ("an hour ago", "2026-03-04 12:00"),
        ("a minute ago", "2026-03-04 12:59"),
        ("1h30 ago", "2026-03-04 11:30"),
        ("-2h", "2026-03-04 11:00"),
        ("- 90 min", "2026-03-04 11:30"),
        ("\u22122h", "2026-03-04 11:00"),
        ("last monday 9:00", "2026-03-02 09:00"),
        ("last wednesday 9:00", "2026-02-25 09:00"),
        ("wednesday 9:00", "2026-03-04 09:00"),
        ("on tuesday at 9am", "2026-03-03 09:00"),
        ("Tues 9:00", "2026-03-03 09:00"),
        ("3 days ago 9:00", "2026-03-01 09:00"),
        ("a day ago at noon", "2026-03-03 12:00"),
        ("3 days ago", "2026-03-01 13:00"),
        ("yesterday 24:00", "2026-03-04 00:00"),
        ("2026-W10-3 08:00", "2026-03-04 08:00"),
    ],
)
def test_what_people_write(text: str, means: str) -> None:
    assert moment(text, NOW, PRAGUE) == local(means)
    assert moment(text.upper(), NOW, PRAGUE) == local(means)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("today 8", "write 8:00, or 8am or 8pm"),
        ("8", "write 8:00, or 8am or 8pm"),
        ("13pm", "a time such as"),
        ("0am", "a time such as"),
        ("today 24:01", "a time such as"),
        ("yesterday 18:60", "a time such as"),
        ("next monday 8:00", "a time such as"),
        ("last night", "a time such as"),
        ("tomorrow morning", "a time such as"),
        ("this evening", "a time such as"),
        ("ago", "a time such as"),
        ("soon ago", "a time such as"),
        ("2 fortnights ago", "a duration such as"),
        ("1.3.2026 18:00", 'this one is written "2026-03-01T18:00'),
        ("03/01/2026 6pm", "year-month-day, in Europe/Prague"),
        ("2026-13-01 8am", "a time such as"),
        ("2026-03-01 18:00 CET", "in place of CET an offset"),
        ("x" * 5000, "a time such as"),
    ],
)
def test_what_has_no_meaning_or_more_than_one(text: str, expected: str) -> None:
    with pytest.raises(Unexpected) as unexpected:
        moment(text, NOW, PRAGUE)
    assert expected in unexpected.value.expected
    if "a time such as" in unexpected.value.expected:
        assert '"2026-03-01 14:05" (year-month-day, in Europe/Prague)' in unexpected.value.expected
        assert '"2026-03-01T13:05Z" (UTC)' in unexpected.value.expected


@pytest.mark.parametrize(
    ("begin", "end", "means"),
    [
        ("yesterday 23:50", "00:10", "2026-03-04 00:10"),
        ("yesterday 20:00", "8am", "2026-03-04 08:00"),
        ("yesterday 18:00", "midnight", "2026-03-04 00:00"),
        ("yesterday 18:00", "24:00", "2026-03-04 00:00"),
        ("yesterday 18:00", "yesterday 19:00", "2026-03-03 19:00"),
        ("yesterday 18:00", "2h ago", "2026-03-04 11:00"),
        ("2026-03-01T18:00:00Z", "19:00", "2026-03-01 20:00"),
        ("2026-03-01 18:00-05:00", "2026-03-01 19:00", "2026-03-02 01:00"),
        ("2026-03-01T23:50Z", "0:10", "2026-03-02 01:10"),
        ("2026-03-01T18:00:00Z", "2026-03-01T20:30:00+01:00", "2026-03-01 20:30"),
        ("2026-03-01 18:00", "2026-03-01T19:00Z", "2026-03-01 20:00"),
    ],
)
def test_an_end_is_read_with_its_beginning(begin: str, end: str, means: str) -> None:
    start = Begin(moment(begin, NOW, PRAGUE), begin)
    assert moment(end, NOW, PRAGUE, begin=start) == local(means)


@pytest.mark.parametrize(
    ("begin", "end", "next_day"),
    [
        ("yesterday 18:00", "17:00", "2026-03-04 17:00"),
        ("yesterday 18:00", "18:00", "2026-03-04 18:00"),
        ("2026-03-01T18:00:00Z", "17:00", "2026-03-02T17:00:00+00:00"),
    ],
)
def test_a_range_over_most_of_a_day_is_rather_a_slip(begin: str, end: str, next_day: str) -> None:
    start = Begin(moment(begin, NOW, PRAGUE), begin)
    with pytest.raises(Unexpected, match="an end after the beginning") as unexpected:
        moment(end, NOW, PRAGUE, begin=start)
    assert next_day in unexpected.value.expected


@pytest.mark.parametrize(
    "text",
    [
        "yesterday 18:00-19:00",
        "yesterday 18:00 - 19:00",
        "yesterday 18:00\u201319:00",
        "yesterday 6pm to 7pm",
        "yesterday 18:00 until 19:00",
        "2026-03-03 18:00-19:00",
        "2026-03-03 18:00 - 19:00",
    ],
)
def test_a_range_in_one(text: str) -> None:
    entry = make(Order(camera=("gate",), begin=text), NOW, RULES).entry
    assert (entry.start, entry.end) == (local("2026-03-03 18:00"), local("2026-03-03 19:00"))


def test_an_offset_is_not_taken_for_a_range() -> None:
    order = Order(camera=("gate",), begin="2026-03-01T08:00-05:00", duration="1h")
    assert make(order, NOW, RULES).entry.start == datetime(2026, 3, 1, 13, 0, tzinfo=UTC)
    assert as_range("2026-03-01") is None


@pytest.mark.parametrize(
    ("order", "path", "words"),
    [
        (Order(last="2d"), "--last", "a range of at most 24h"),
        (Order(last="0s"), "--last", "an end after the beginning"),
        (Order(around="now", duration="5m"), "--around", "--around and --duration; --before and --after"),
        (Order(around="now", before="25h"), "--around", "a range of at most 24h"),
        (Order(last="5m", end="now"), "--last", "not both: --last and --to"),
        (Order(before="5m", begin="now", end="now"), "--before", "not all of --before, --from, --to"),
        (Order(begin="today 8:00", duration="10 minuts"), "--duration", 'did you mean "10 minutes"'),
    ],
)
def test_problems_name_what_was_typed(order: Order, path: str, words: str) -> None:
    fields = {name: getattr(order, name) for name in Order.__slots__} | {"camera": ("gate",)}
    with pytest.raises(Refused) as refused:
        make(Order(**fields), NOW, RULES)
    (problem,) = refused.value.problems
    assert problem.path == path
    assert words in problem.sentence


DAYS = {"today": 0, "yesterday": 1, "2 days ago": 2, "mon": 2, "last wed": 7, "2026-03-01": 3}


@given(st.sampled_from(sorted(DAYS)), st.integers(0, 23), st.integers(0, 59), st.booleans(), st.booleans())
def test_every_day_with_every_clock(day: str, hour: int, minute: int, twelve: bool, at: bool) -> None:  # noqa: FBT001
    if twelve:
        clock = f"{(hour + 11) % 12 + 1}:{minute:02} {'am' if hour < 12 else 'pm'}"
    else:
        clock = f"{hour}:{minute:02}"
    means = local("2026-03-04") - timedelta(days=DAYS[day]) + timedelta(hours=hour, minutes=minute)
    assert moment(f"{day}{' at' if at else ''} {clock}", NOW, PRAGUE) == means


@given(st.text(alphabet="0123456789:.- amphonlstuyediw", max_size=30) | st.text(max_size=30))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    for begin in (None, Begin(NOW, "now"), Begin(NOW, "2026-03-04T12:00Z")):
        try:
            found = moment(text, NOW, PRAGUE, begin=begin)
        except Unexpected as unexpected:
            assert unexpected.expected  # noqa: PT017 - both outcomes are right, others are not
        else:
            assert found.tzinfo is not None
