"""Time stamps: every spelling of the grammar means what it says, and all others are refused."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.core import iso8601
from camspool.core.instants import instant, interval
from camspool.core.iso8601 import NoTimeStamp
from camspool.core.problems import Unexpected

PRAGUE = ZoneInfo("Europe/Prague")
MAY = datetime(2020, 5, 11, 9, 41, 29, tzinfo=UTC)


# --- The grammar, constructed

days = st.dates(date(2001, 1, 1), date(2098, 12, 31))
clocks = st.times()
offsets = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timedelta(minutes=15 * quarters))


def _week(day: date, pattern: str) -> str:
    year, week, weekday = day.isocalendar()
    return pattern.format(year, week, weekday)


@st.composite
def written_dates(draw: st.DrawFn, day: date) -> str:
    forms = [
        day.isoformat(),
        f"{day:%Y%m%d}",
        f"{day.year}-{day.month}-{day.day}",
        _week(day, "{}-W{:02}-{}"),
        _week(day, "{}W{:02}{}"),
        f"{day:%Y-%j}",
        f"{day:%Y%j}",
    ]
    return draw(st.sampled_from(forms))


@st.composite
def written_clocks(draw: st.DrawFn, clock: time) -> tuple[str, time]:
    """A spelling, and what it says: some leave the seconds or what is finer out."""
    second = clock.replace(microsecond=0)
    minute = second.replace(second=0)
    fraction = f"{clock.microsecond:06}" + draw(st.sampled_from(["", "0", "789"]))
    mark = draw(st.sampled_from(".,"))
    forms = [
        (f"{clock:%H:%M}", minute),
        (f"{clock:%H:%M:%S}", second),
        (f"{clock:%H%M%S}", second),
        (f"{clock:%H%M}", minute),
        (f"{clock:%H:%M:%S}{mark}{fraction}", clock),
        (f"{clock:%H%M%S}{mark}{fraction}", clock),
        (f"{clock.hour}:{clock:%M:%S}", second),
    ]
    return draw(st.sampled_from(forms))


@st.composite
def written_offsets(draw: st.DrawFn, offset: timedelta) -> str:
    minutes = abs(offset) // timedelta(minutes=1)
    sign = draw(st.sampled_from("-\u2212")) if offset < timedelta() else "+"
    forms = [f"{sign}{minutes // 60:02}:{minutes % 60:02}", f"{sign}{minutes // 60:02}{minutes % 60:02}"]
    if not minutes % 60:
        forms += [f"{sign}{minutes // 60:02}", f"{sign}{minutes // 60}"]
    if not minutes:
        forms += ["Z", "z", "UTC", "GMT", "-00:00"]
    return draw(st.sampled_from(["", " ", "  ", "\t"])) + draw(st.sampled_from(forms))


@given(st.data(), days, clocks, offsets)
def test_every_spelling_with_an_offset(
    data: st.DataObject, day: date, clock: time, offset: timedelta
) -> None:
    text, said = data.draw(written_clocks(clock))
    separator = data.draw(st.sampled_from(["T", "t", " ", "  ", "\t", "\u00a0", "\u202f"]))
    stamp = data.draw(written_dates(day)) + separator + text + data.draw(written_offsets(offset))
    assert instant(stamp, PRAGUE) == datetime.combine(day, said, timezone(offset))


@given(st.data(), days, clocks)
def test_every_spelling_without_an_offset(data: st.DataObject, day: date, clock: time) -> None:
    text, said = data.draw(written_clocks(clock))
    local = datetime.combine(day, said)
    stamp = data.draw(written_dates(day)) + "T" + text
    try:
        begins, ends = instant(stamp, PRAGUE), instant(stamp, PRAGUE, later=True)
    except Unexpected as unexpected:
        # Only where clocks went forward: the two offsets around then disagree about it both ways.
        assert "skipped" in unexpected.expected  # noqa: PT017 - both outcomes are right, others are not
        there_and_back = local.replace(tzinfo=PRAGUE).astimezone(UTC).astimezone(PRAGUE)
        assert there_and_back.replace(tzinfo=None) != local
    else:
        assert begins.astimezone(PRAGUE).replace(tzinfo=None) == local
        assert ends.astimezone(PRAGUE).replace(tzinfo=None) == local
        assert ends - begins in {timedelta(), timedelta(hours=1)}


@given(st.data(), days)
def test_every_spelling_of_a_date_alone(data: st.DataObject, day: date) -> None:
    midnight = datetime.combine(day, time(), PRAGUE).astimezone(UTC)
    assert instant(data.draw(written_dates(day)), PRAGUE) == midnight


@given(st.data(), days, clocks, clocks, offsets)
def test_what_an_end_leaves_out_is_as_in_the_start(
    data: st.DataObject, day: date, clock: time, until: time, offset: timedelta
) -> None:
    (start, begins), (end, ends) = data.draw(written_clocks(clock)), data.draw(written_clocks(until))
    whole = data.draw(written_dates(day)) + "T" + start + data.draw(written_offsets(offset))
    shortened = data.draw(st.sampled_from(["", "T", data.draw(written_dates(day)) + " "])) + end
    zone = timezone(offset)
    found = interval(f"{whole}/{shortened}", PRAGUE)
    assert found == (datetime.combine(day, begins, zone), datetime.combine(day, ends, zone))


NEARLY = st.text("0123456789-:/.,+TZW PGMUCAE@[]_\u2212\u00a0", max_size=40)


@given(NEARLY | st.text() | st.text("0123456789-:+TZ ", min_size=1000, max_size=1000))
def test_any_text_is_a_time_of_these_years_or_refused_in_few_words(text: str) -> None:
    try:
        found = instant(text, PRAGUE)
    except Unexpected as unexpected:
        assert len(unexpected.expected) < 250  # noqa: PT017 - both outcomes are right, others are not
    else:
        assert 1999 <= found.year <= 2100


@given(NEARLY)
def test_what_is_suggested_is_a_time_stamp(text: str) -> None:
    written = iso8601.spelling(text)
    if written is not None:
        iso8601.read(written)


@given(st.integers() | st.floats())
def test_any_number_is_a_time_of_these_years_or_refused(number: float) -> None:
    try:
        assert 2000 <= instant(number, PRAGUE).year <= 2099
    except Unexpected as unexpected:
        assert len(unexpected.expected) < 250  # noqa: PT017 - both outcomes are right, others are not


# --- By hand


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2020-05-11 11:41:29 +0200", MAY),  # date '+%F %T %z'
        ("2020-05-11T09:41:29Z", MAY),
        ("2020-05-11T11:41:29+02:00", MAY),  # date -Is
        ("2020-05-11T11:41:29,000000000+02:00", MAY),  # date -Ins
        ("2020-05-11 09:41:29 UTC", MAY),
        ("2020-05-11 09:41:29 -00:00", MAY),
        ("2020-5-11 9:41:29 Z", MAY),
        ("20200511T094129Z", MAY),
        ("20200511 094129Z", MAY),
        ("2020-132T09:41:29Z", MAY),
        ("2020-W20-1T09:41:29Z", MAY),
        ("2020-05-11T09Z", MAY.replace(minute=0, second=0)),
        ("2020-05-10T24:00:00Z", MAY.replace(hour=0, minute=0, second=0)),
        ("2020-05-11T23:41:29+14", MAY),
        ("2020-05-10T21:41:29-12", MAY),
    ],
)
def test_spellings(text: str, utc: datetime) -> None:
    assert instant(text, PRAGUE) == utc


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # what cannot be
        ("2021-02-29", "day is out of range for month"),
        ("2020-13-01", "month must be in 1..12"),
        ("2020-000", "day of the year must be in 1..366"),
        ("2019-366", "day of the year must be in 1..365"),
        ("2020-W54-1", "invalid week: 54"),
        ("2020-05-11T25:00", "hour must be in 0..23"),
        ("2020-05-11T24:00:01", "must be 0 when hour is 24"),
        ("2020-05-11T09:60", "minute must be in 0..59"),
        ("2020-06-30T23:59:60Z", "second must be in 0..59"),
        ("2020-05-11T09:41+15:00", r"the offset must be in -12:00\.\.\+14:00"),
        ("2020-05-11T09:41-13:00", r"the offset must be in -12:00\.\.\+14:00"),
        ("2020-05-11T09:41+02:60", "minutes of the offset"),
        ("2020-05-11 20-05", "an hour with an offset has minutes"),  # 20:05, or 20:00 five hours west?
        # what is written in another way
        ("2020/05/11 09:41:29", '"2020-05-11T09:41:29"'),
        ("2020.05.11", '"2020-05-11T00:00:00"'),
        ("2020-05-11_09:41:29", '"2020-05-11T09:41:29"'),
        ("2020-05-11, 09:41", '"2020-05-11T09:41:00"'),
        ("2020-05-11T09.41.29", '"2020-05-11T09:41:29"'),
        ("20200511094129", '"2020-05-11T09:41:29"'),
        ("202005110941", '"2020-05-11T09:41:00"'),
        ("11.5.2020 9:41", '"2020-05-11T09:41:00"'),
        ("11. 5. 2020", '"2020-05-11T00:00:00"'),
        ("2020-05-11 9:41 PM", '"2020-05-11T21:41:00"'),
        ("2020-05-11 12:41 a.m.", '"2020-05-11T00:41:00"'),
        ("2020-05-11Z", '"2020-05-11T00:00:00Z"'),
        ("2020-05-11+02:00", r'"2020-05-11T00:00:00\+02:00"'),
        ("2020-05-11T11:41:29+02:00[Europe/Prague]", r'"2020-05-11T11:41:29\+02:00"'),
        ("Mon, 11 May 2020 09:41:29 GMT", '"2020-05-11T09:41:29Z"'),
        ("Mon, 11 May 2020 11:41:29 +0200", r'"2020-05-11T11:41:29\+02:00"'),
        ("@1589190089", "written 1589190089"),
        ("1589190089000", "milliseconds"),
        # what nobody can be certain of
        ("2020-05-11T09:41:29 CEST", "in place of CEST an offset"),
        ("2020-05-11 09:41 Europe/Prague", "in place of EUROPE/PRAGUE an offset"),
        ("5/11/2020 9:41", "Unix seconds or ISO 8601"),
        ("2020-05-11-09:41", "Unix seconds or ISO 8601"),
        ("2020-05-11T20-05-00", "Unix seconds or ISO 8601"),
        ("2020-05-11T09:41,5", "Unix seconds or ISO 8601"),  # half a minute, or five seconds?
        ("2020-05-11T09:41+200", "Unix seconds or ISO 8601"),
        ("2020-05-11x09:41", "Unix seconds or ISO 8601"),
        ("2020-05", "Unix seconds or ISO 8601"),
        ("2020", "Unix seconds or ISO 8601"),
        ("20-05-11", "Unix seconds or ISO 8601"),
        ("18:00", "Unix seconds or ISO 8601"),
        ("now", "Unix seconds or ISO 8601"),
        ("May 11, 2020", "Unix seconds or ISO 8601"),
        ("1_589_190_089", "Unix seconds or ISO 8601"),
        ("0x5eb91cc9", "Unix seconds or ISO 8601"),
        ("\u0662\u0660\u0662\u0660-05-11", "Unix seconds or ISO 8601"),
        ("2020-05-11T09:41:29\u00b2Z", "Unix seconds or ISO 8601"),
        ("x" * 65_000, "Unix seconds or ISO 8601"),
    ],
)
def test_what_is_refused_says_how_it_is_written(text: str, words: str) -> None:
    with pytest.raises(Unexpected, match=words):
        instant(text, PRAGUE)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (20200511, '"2020-05-11"'),
        (20200511094129, '"2020-05-11T09:41:29"'),
        (20209999, "a number is taken as Unix seconds$"),
        (1589190089000.5, "milliseconds"),
    ],
)
def test_numbers_that_are_dates_or_finer_than_seconds(number: float, words: str) -> None:
    with pytest.raises(Unexpected, match=words):
        instant(number, PRAGUE)


def test_the_end_of_time() -> None:
    with pytest.raises(NoTimeStamp):
        _ = iso8601.read("9999-12-31T24:00").moment
