"""The details of an hour."""

import os
from typing import Any

import pytest
from structlog.testing import capture_logs

from camspool.page import script
from camspool.page.clips import ClipRow
from camspool.page.hours import Details, Hours
from support.page import PageHarness, a_row, done

NO_ROWS: list[Any] = [
    *(None, [], {}, {"camera": 1}, [*a_row(), 1], list(a_row())[1:]),
    *(a_row(poster=name) for name in ("../../index.html", "a/b", None, "x", "a" * 33)),
    *(a_row(at=at) for at in (None, 1e18, -(10**18), 10**30, True, "1")),
    *(a_row(file=path) for path in ("../a.mp4", "/a.mp4", "a//b.mp4", "a\0.mp4", "\ud800.mp4", None)),
    *(a_row(seconds=number) for number in (-1, 1e300, "1", None)),
    *(a_row(bytes=10**30), a_row(camera=None), a_row(piece="1"), a_row(estimated=True)),
]


@pytest.mark.parametrize("row", NO_ROWS)
async def test_a_day_with_something_else_in_it_is_made_again(harness: PageHarness, row: Any) -> None:
    shown = await harness.shown_after(done(), done("b"))
    hour = {"format": "2 Europe/Prague", "hour": "2020-05-11-11", "requests": [["x", [row]]]}
    harness.path("days/2020-05-11-11.js").write_bytes(script.dump("hour", hour))
    for name in ("store-12/evening", "b"):
        os.utime(harness.mirror / f"{name}.status.json", (0, 0))
    with capture_logs() as logs:
        await harness.posters.make()
        await harness.shown_after(done("c"))
        await harness.turn()
    assert sorted(harness.shown()["2020-05-11"]) == sorted([*shown["2020-05-11"], "c.mp4"])
    assert [line for line in logs if line["event"] != "poster_not_made"] == []


MANY = 4000


def many(names: range, **changes: Any) -> dict[str, list[ClipRow]]:
    return {f"request-{number}": [a_row(file=f"{number}.mp4", **changes)] for number in names}


def test_an_hour_with_very_many_clips_has_several_files_and_one_clip_rewrites_one(
    harness: PageHarness,
) -> None:
    hours = Hours(harness.spool.own_files, "f")
    hour = "2020-05-11-11"
    first, _ = hours.write(hour, Details([], []).changed(many(range(MANY))), Details([], []))
    sizes = [path.stat().st_size for path in harness.path("days").iterdir()]
    assert len(first) == len(sizes) > 1
    assert max(sizes) < 400_000
    before = hours.read(hour)
    assert before
    assert before.all() == many(range(MANY))
    assert before.versions() == first
    second, written = hours.write(hour, before.changed(many(range(1), seconds=1.5)), before)
    assert [old == new for old, new in zip(first, second, strict=True)] == [False, *[True] * (len(first) - 1)]
    assert written < 400_000
    before = hours.read(hour)
    assert before
    nothing = {name: list[ClipRow]() for name in before.all()}
    assert hours.write(hour, before.changed(nothing), before) == ([], 0)
    assert list(harness.path("days").iterdir()) == []


def test_a_request_in_two_files_is_left_in_one() -> None:
    """So it may be after a kill between two files."""
    details = Details([many(range(2)), many(range(1, 3))], [b"", b""])
    assert details.changed({"request-1": [a_row()]}) == [
        {**many(range(1)), "request-1": [a_row()]},
        many(range(2, 3)),
    ]


def test_the_requests_of_an_hour_are_found_without_reading_it_all(harness: PageHarness) -> None:
    hours = Hours(harness.spool.own_files, "f")
    hours.write("2020-05-11-11", [{'a "b" <c>': [a_row()]}], Details([], []))
    assert hours.mentions("2020-05-11-11", ["x", 'a "b" <c>'])
    assert not hours.mentions("2020-05-11-11", ["a"])
    assert not hours.mentions("2020-05-11-12", ['a "b" <c>'])
