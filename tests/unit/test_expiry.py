"""The vendor's three clocks."""

from datetime import datetime

import pytest

from camspool.core import expiry
from camspool.core.expiry import Lifetimes
from camspool.core.status_document import Recording
from camspool.core.values import State
from support.builders import NOW, a_clip, a_recording, later

FINAL = [State.DONE, State.FAILED, State.CANCELLED, State.REMOVED]
OPEN = [
    State.SCHEDULED,
    State.QUEUED,
    State.LISTING,
    State.PREPARING,
    State.DOWNLOADING,
    State.VERIFYING,
]


def listed_for(seconds: float) -> Recording:
    """A recording that was listed now and has an id for so long."""
    return a_recording(listed_at=NOW, id_expires_at=later(seconds))


def test_the_vendors_lifetimes_are_the_defaults() -> None:
    hour = 3600
    assert Lifetimes() == Lifetimes(recording_id=hour, download_url=24 * hour, downloaded_url=6 * hour)
    assert expiry.id_expires(NOW, Lifetimes()) == later(hour)
    assert expiry.url_expires(NOW, Lifetimes()) == later(24 * hour)


@pytest.mark.parametrize(
    ("lifetime_s", "at_s", "fresh"),
    [
        (3600, 0, True),
        (3600, 3569.9, True),
        (3600, 3570, False),  # the margin of 30 s
        (3600, 3600, False),
        (60, 29.9, True),
        (60, 30, False),
        (4, 0, True),  # a tiny lifetime is not eaten up by the margin
        (4, 1.9, True),
        (4, 2, False),
        (0, 0, False),
        (3600, -7200, True),  # our clock was set back: the server has the last word
    ],
)
def test_an_id_is_fresh_until_shortly_before_its_end(
    lifetime_s: float,
    at_s: float,
    fresh: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert expiry.id_is_fresh(listed_for(lifetime_s), later(at_s)) is fresh


@pytest.mark.parametrize("recording", [None, a_recording(id=None), a_recording(id_expires_at=None)])
def test_what_has_no_id_or_no_clock_is_not_fresh(recording: Recording | None) -> None:
    assert not expiry.id_is_fresh(recording, NOW)


def test_clocks_of_an_edited_file_do_no_harm() -> None:
    first, last = datetime.min.replace(tzinfo=NOW.tzinfo), datetime.max.replace(tzinfo=NOW.tzinfo)
    assert not expiry.id_is_fresh(a_recording(listed_at=first, id_expires_at=first), NOW)
    assert expiry.id_is_fresh(a_recording(listed_at=first, id_expires_at=last), NOW)


@pytest.mark.parametrize(
    ("url_dies_s", "used_at_s", "expected_s"),
    [
        (86400, 0, 21600),
        (86400, 64800, 86400),
        (86400, 80000, 86400),  # being used does not make it live longer
        (None, 100, 21700),
    ],
)
def test_a_used_url_dies_by_the_earlier_of_its_clocks(
    url_dies_s: float | None, used_at_s: float, expected_s: float
) -> None:
    recording = a_recording(url_expires_at=None if url_dies_s is None else later(url_dies_s))
    at = later(used_at_s)
    assert expiry.url_expires_after_download(recording, at, Lifetimes()) == later(expected_s)


def test_a_used_url_of_no_recording_has_the_one_clock() -> None:
    assert expiry.url_expires_after_download(None, NOW, Lifetimes(downloaded_url=3)) == later(3)


@pytest.mark.parametrize(
    ("recording", "expected"),
    [
        (None, None),
        (a_recording(id=None, url_expires_at=later(9)), None),
        (a_recording(id_expires_at=None), None),
        (a_recording(id_expires_at=later(5)), later(5)),
        (a_recording(id_expires_at=later(5), url_expires_at=later(9)), later(9)),  # preparing keeps it alive
        (a_recording(id_expires_at=later(9), url_expires_at=later(5)), later(5)),
    ],
)
def test_when_everything_known_of_a_recording_is_dead(
    recording: Recording | None, expected: datetime | None
) -> None:
    assert expiry.expires_at(a_clip(State.DONE, recording=recording)) == expected


@pytest.mark.parametrize("state", FINAL)
def test_a_dead_id_of_an_ended_clip_is_forgotten(state: State) -> None:
    clip = a_clip(state, recording=a_recording(url_expires_at=later(10)))
    assert expiry.scrub(clip, later(9.9)) is clip
    scrubbed = expiry.scrub(clip, later(10))
    assert scrubbed == a_clip(state, recording=a_recording(id=None, url_expires_at=later(10)))
    assert expiry.scrub(scrubbed, later(11)) is scrubbed
    assert expiry.expires_at(scrubbed) is None


@pytest.mark.parametrize("state", OPEN)
def test_a_clip_in_work_keeps_its_id_however_old(state: State) -> None:
    clip = a_clip(state, recording=a_recording(url_expires_at=later(10)))
    assert expiry.scrub(clip, later(1e6)) is clip


def test_there_may_be_nothing_to_forget() -> None:
    for clip in (a_clip(State.FAILED), a_clip(State.DONE, recording=a_recording(id_expires_at=None))):
        assert expiry.scrub(clip, later(1e6)) is clip
