"""The rows of the page's clips: when they begin, and names that do no harm."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from camspool.core.status_document import StartsAt
from camspool.page import clips
from camspool.page.local_days import hour_of
from support.builders import START
from support.page import PRAGUE, done


def test_footage_belongs_to_the_day_it_is_of_where_the_people_are() -> None:
    late = datetime.fromisoformat("2026-03-01T23:30:00+00:00")
    [(hour, [row])] = clips.footage(done(start=late), PRAGUE).items()
    assert (hour, row.file, row.at) == ("2026-03-02-00", "store-12/evening.mp4", late.timestamp())
    assert list(clips.footage(done(start=late), ZoneInfo("UTC"))) == ["2026-03-01-23"]
    first_hour = datetime.fromisoformat("0001-01-01T00:30:00+00:00")
    assert list(clips.footage(done(start=first_hour), ZoneInfo("America/New_York"))) == ["0001-01-01-00"]
    last_hour = datetime.fromisoformat("9999-12-31T23:30:00+00:00")
    assert hour_of(last_hour.timestamp(), PRAGUE).startswith("9999-12-31")


def test_a_piece_begins_where_the_earlier_ones_end() -> None:
    """Its status has the beginning of what was asked for."""
    whole = done().clips[0]
    assert whole.recording
    pieces = tuple(replace(whole, piece=piece, pieces=3) for piece in (1, 2, 3))
    dated = replace(pieces[1], starts_at=StartsAt(at=START + timedelta(seconds=77), estimated=True))
    [row] = clips.rows_of(clips.footage(done(clips=(dated,)), PRAGUE))
    assert (row.at, row.estimated) == (START.timestamp() + 77, 1)
    [first, second, third] = clips.rows_of(clips.footage(done(clips=pieces), PRAGUE))
    assert (first.at, first.estimated) == (START.timestamp(), 0)
    assert (second.at, second.estimated) == (START.timestamp() + whole.recording.duration_s, 1)
    assert (third.at, third.estimated) == (whole.end.timestamp(), 1), "not after the end of the range"


def test_a_poster_has_a_harmless_name_whatever_the_status_says() -> None:
    assert clips.poster_name("../../\n/AB12" + "0" * 64) == "ab12" + "0" * 28
