"""Which recordings are fetched, at which height, and what counts as all of a range."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.core.selection import Choice, HeightNotOffered, choose, choose_again, covers, pick_height
from camspool.core.values import HeightSelector, Listed, Take

ALL_HEIGHTS = (480, 720, 800)


def listing(*durations: float, heights: tuple[int, ...] = ALL_HEIGHTS) -> list[Listed]:
    """Recordings r1, r2, ... with these durations."""
    return [Listed(f"r{number}", duration, heights) for number, duration in enumerate(durations, start=1)]


def chosen(
    listed: list[Listed], selector: HeightSelector = "best", take: Take = Take.AUTO, asked_s: float = 600.0
) -> list[tuple[str, int]]:
    """Ids and heights, in the order of the choice."""
    choices = choose(listed, selector, take, asked_s)
    assert not isinstance(choices, HeightNotOffered)
    return [(choice.recording.recording_id, choice.height) for choice in choices]


def ids(listed: list[Listed], take: Take = Take.AUTO, asked_s: float = 600.0) -> str:
    return " ".join(recording for recording, _ in chosen(listed, take=take, asked_s=asked_s))


@pytest.mark.parametrize(
    ("durations", "asked_s", "expected"),
    [
        ((598,), 600, "r1"),
        ((3600,), 600, "r1"),  # one that is longer than the range is no piece, and still the only one
        ((200, 300), 600, "r1 r2"),
        ((300, 200, 100), 600, "r1 r2 r3"),  # in the listed order, not by length
        ((306, 306), 600, "r1 r2"),  # 2 % of 600 s: 12 s
        ((306, 306.5), 600, "r2"),
        ((52.5, 52.5), 100, "r1 r2"),  # 5 s are more than 2 % of 100 s
        ((52.5, 53), 100, "r2"),
        ((127.5, 127.5), 250, "r1 r2"),  # where 5 s and 2 % are the same
        ((127.5, 128), 250, "r2"),
        ((600, 600), 600, "r1"),  # copies: on a tie the first listed
        ((590, 598, 598), 600, "r2"),
        ((400, 300), 600, "r1"),
        ((0, 600), 600, "r2"),  # no footage, no piece
        ((0, 300, 0, 300), 600, "r2 r4"),
        ((0, 0), 600, ""),
        ((-5, 300), 600, "r2"),
        ((), 600, ""),
    ],
)
def test_durations_distinguish_pieces_from_alternatives(
    durations: tuple[float, ...], asked_s: float, expected: str
) -> None:
    assert ids(listing(*durations), asked_s=asked_s) == expected


@pytest.mark.parametrize(
    ("durations", "take", "expected"),
    [
        ((200, 300), Take.BEST, "r2"),
        ((300, 300), Take.BEST, "r1"),
        ((598, 600), Take.ALL, "r1 r2"),
        ((598, 0, 600), Take.ALL, "r1 r3"),
        ((), Take.ALL, ""),
        ((), Take.BEST, ""),
    ],
)
def test_take_overrules_the_durations(durations: tuple[float, ...], take: Take, expected: str) -> None:
    assert ids(listing(*durations), take=take) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (720, 720),
        (721, None),
        ("best", 800),
        ("smallest", 480),
        ("<=720", 720),
        ("<=799", 720),
        ("<=479", None),
        (">=720", 720),
        (">=721", 800),
        (">=801", None),
    ],
)
def test_a_selector_picks_among_the_heights_on_offer(selector: HeightSelector, expected: int | None) -> None:
    assert pick_height((800, 480, 720), selector) == expected
    assert pick_height((), selector) is None


def test_the_selector_is_applied_to_each_recording_by_itself() -> None:
    listed = [Listed("r1", 300, (480, 720)), Listed("r2", 300, (360, 1080))]
    assert chosen(listed) == [("r1", 720), ("r2", 1080)]
    assert chosen(listed, "<=720") == [("r1", 720), ("r2", 360)]


def test_recordings_without_the_height_do_not_count() -> None:
    # With r1 they would add up to more than the range, and be taken for alternatives.
    listed = [Listed("r1", 600, (480,)), Listed("r2", 300, (720,)), Listed("r3", 290, (720,))]
    assert chosen(listed, 720) == [("r2", 720), ("r3", 720)]
    assert chosen(listed, 720, Take.ALL) == [("r2", 720), ("r3", 720)]
    assert chosen(listed, 480) == [("r1", 480)]


@pytest.mark.parametrize("take", Take)
def test_a_height_that_nothing_has_names_those_that_are_offered(take: Take) -> None:
    listed = [Listed("r1", 300, (720, 480)), Listed("r2", 300, (480, 800)), Listed("empty", 0, (240,))]
    assert choose(listed, 1080, take, 600) == HeightNotOffered((480, 720, 800))


def test_footage_without_any_height_is_no_empty_listing() -> None:
    assert choose(listing(600, heights=()), "best", Take.AUTO, 600) == HeightNotOffered(())


@given(
    st.lists(st.floats(0, 1e5), max_size=6),
    st.sampled_from(Take),
    st.floats(1, 86400),
)
def test_what_is_chosen_is_always_a_part_of_the_listing_in_its_order(
    durations: list[float], take: Take, asked_s: float
) -> None:
    listed = listing(*durations)
    choices = choose(listed, "best", take, asked_s)
    assert not isinstance(choices, HeightNotOffered)
    recordings = [choice.recording for choice in choices]
    assert recordings == [recording for recording in listed if recording in recordings]
    assert bool(choices) == any(duration > 0 for duration in durations)
    if take is Take.AUTO and len(choices) > 1:
        assert sum(recording.duration_s for recording in recordings) <= asked_s + max(5, asked_s * 0.02)
    if choices:
        longest = max(durations)
        assert longest in [recording.duration_s for recording in recordings]


@pytest.mark.parametrize(
    ("durations", "piece", "expected"),
    [
        ((100.0, 200.0, 300.0), 1, "r1"),
        ((100.0, 200.0, 300.0), 3, "r3"),
        ((10.0, 10.0, 10.0), 2, "r2"),
        ((100.0, 200.0), 2, None),  # another piece's footage must not stand for it
        ((100.0, 200.0, 300.0, 400.0), 2, None),
        ((), 1, None),
    ],
)
def test_a_piece_is_found_again_by_its_place_alone(
    durations: tuple[float, ...], piece: int, expected: str | None
) -> None:
    choices = [Choice(recording, 720) for recording in listing(*durations)]
    found = choose_again(choices, piece, pieces=3)
    assert (found.recording.recording_id if found else None) == expected


@pytest.mark.parametrize(
    ("delivered_s", "asked_s", "expected"),
    [
        (600, 600, True),
        (594, 600, True),  # 1 % of 600 s: 6 s
        (593.9, 600, False),
        (95, 100, True),  # 5 s are more than 1 % of 100 s
        (94.9, 100, False),
        (495, 500, True),  # where both are the same
        (494.9, 500, False),
        (700, 600, True),
        (3, 4, True),
        (0, 4, False),  # no footage is never all of it, however short the range
        (0, 600, False),
    ],
)
def test_coverage_is_complete_within_5_s_and_1_percent(
    delivered_s: float,
    asked_s: float,
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert covers(delivered_s, asked_s) is expected
