"""When a file is settled: no sleeping, only numbers."""

import pytest

from camspool.core.settling import (
    EMPTY_FOR,
    OTHER_TYPE_FOR,
    Sighting,
    Signature,
    age_at_start,
    settled_at,
    settled_once_it_parses,
    sighted,
)

SETTLE = 2.0
SOME = Signature(size=100, modified_ns=0, changed_ns=0, inode=1)


@pytest.mark.parametrize(
    "changed",
    [
        SOME._replace(size=101),
        SOME._replace(modified_ns=1),
        SOME._replace(changed_ns=1),
        SOME._replace(inode=2),
    ],
)
def test_every_change_starts_the_wait_again(changed: Signature) -> None:
    first = sighted(None, SOME, now=10.0, renamed=True)
    assert sighted(first, SOME, now=11.0) == first
    again = sighted(first, changed, now=11.5)
    assert settled_at("b.json", again, SETTLE) == 13.5
    assert not again.renamed


def test_a_rename_noticed_later_counts_for_the_same_version() -> None:
    first = sighted(None, SOME, now=10.0)
    assert sighted(first, SOME, now=11.0, renamed=True) == Sighting(SOME, 10.0, renamed=True)


@pytest.mark.parametrize(
    ("size", "settle", "waits"), [(1, 2.0, 2.0), (0, 2.0, EMPTY_FOR), (0, 90.0, 90.0), (1, 0.0, 0.0)]
)
def test_an_empty_file_gets_its_minute(size: int, settle: float, waits: float) -> None:
    assert settled_at("b.json", sighted(None, SOME._replace(size=size), now=10.0), settle) == 10.0 + waits


@pytest.mark.parametrize(
    ("file", "settle", "waits"),
    [
        ("b.json", 2.0, 2.0),
        ("b.txt", 2.0, OTHER_TYPE_FOR),
        ("evening.json.xyz", 2.0, OTHER_TYPE_FOR),
        ("b", 90.0, 90.0),
    ],
)
def test_what_may_be_on_its_way_to_another_name_gets_its_minute(
    file: str, settle: float, waits: float
) -> None:
    assert settled_at(file, sighted(None, SOME, now=10.0, renamed=True), settle) == 10.0 + waits


@pytest.mark.parametrize(
    ("modified", "changed", "age"),
    [
        (900.0, 900.0, 100.0),
        (900.0, 990.0, 10.0),  # an old mtime that was set a moment ago: it is still being copied
        (900.0, 2000.0, 0.0),
        (2000.0, 900.0, 0.0),  # from the future
    ],
)
def test_age_of_a_file_found_at_start(modified: float, changed: float, age: float) -> None:
    signature = SOME._replace(modified_ns=int(modified * 1e9), changed_ns=int(changed * 1e9))
    assert age_at_start(signature, wall_clock=1000.0) == age


def test_a_file_that_was_lying_there_is_settled_at_once() -> None:
    assert settled_at("b.json", sighted(None, SOME, now=10.0, age=5.0), SETTLE) <= 10.0


@pytest.mark.parametrize(
    ("file", "renamed", "size", "early"),
    [
        ("b.json", False, 1, True),
        ("b.JSON", True, 1, True),
        ("b.yaml", False, 1, False),
        ("b.yaml", True, 1, True),
        ("b.json", True, 0, False),
        ("b.txt", True, 1, False),
    ],
)
def test_what_may_be_taken_as_soon_as_it_parses(file: str, *, renamed: bool, size: int, early: bool) -> None:
    sighting = sighted(None, SOME._replace(size=size), now=10.0, renamed=renamed)
    assert settled_once_it_parses(file, sighting) is early
