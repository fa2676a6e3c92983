"""What a dropped file means, seen the status that is there already: the contract's sentences as rows."""

from dataclasses import replace
from typing import Any, NoReturn

import pytest

from camspool.core.overview import first_clips
from camspool.core.redrop import Decision, DroppedFile, decide, keep_finished
from camspool.core.status_document import Clip, RequestRecord, Status
from camspool.core.values import Entry, State
from support.builders import END, a_clip, a_file, a_status, an_entry

S, D = State, Decision
ENDED_WITHOUT_FOOTAGE = [S.FAILED, S.CANCELLED, S.REJECTED, S.VALIDATED, S.REMOVED]
IN_WORK = [state for state in State if not state.final]
FILE = "a/b.json"


def found(
    state: State, *, file: str = FILE, version: str = "old", filed_as: str | None = "", name: str = "a/b"
) -> Status:
    record = RequestRecord(
        file=file, sha256=version, filed_as=(file if filed_as == "" else filed_as) if state.final else None
    )
    return a_status(name=name, state=state, request=record)


def decision(
    status: Status | None, version: str, *, whole: bool | None = None, first: bool = True
) -> Decision:
    """What FILE means in this version; `whole` None: nobody may ask."""

    def is_whole(asked: Status) -> bool:
        assert asked is status
        assert whole is not None, "asked though it does not matter"
        return whole

    return decide(DroppedFile(FILE, version), status, first=first, is_whole=is_whole)


@pytest.mark.parametrize("first", [True, False])
def test_a_new_name_begins(first: bool) -> None:  # noqa: FBT001
    assert decision(None, "old", first=first) is D.BEGIN


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("state", IN_WORK)
def test_a_request_in_work_goes_on_and_starts_over_when_edited(state: State, first: bool) -> None:  # noqa: FBT001
    assert decision(found(state), "old", first=first) is D.RESUME
    assert decision(found(state), "new", first=first) is D.START_OVER


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("state", "version", "whole", "expected"),
    [
        # Unchanged, and its MP4s are whole: no new work.
        (S.DONE, "old", True, D.REPEAT),
        # Changed, while an earlier one is done: the new one gets the next name.
        (S.DONE, "new", True, D.NEXT_NAME),
        # The MP4 is gone: it starts again under its own name.
        (S.DONE, "old", False, D.BEGIN),
        (S.DONE, "new", False, D.BEGIN),
        # A partial one is treated as changed.
        (S.PARTIAL, "old", None, D.NEXT_NAME),
        (S.PARTIAL, "new", None, D.NEXT_NAME),
        # After an end without footage it starts again under its own name.
        *((state, version, None, D.BEGIN) for state in ENDED_WITHOUT_FOOTAGE for version in ("old", "new")),
    ],
)
def test_an_ended_request_dropped_again(
    state: State,
    version: str,
    whole: bool | None,  # noqa: FBT001
    expected: Decision,
    first: bool,  # noqa: FBT001
) -> None:
    assert decision(found(state), version, whole=whole, first=first) is expected


@pytest.mark.parametrize("state", [S.DONE, S.PARTIAL])
def test_a_restart_before_the_move_files_a_request_with_footage_away(state: State) -> None:
    assert decision(found(state, filed_as=None), "old", whole=True) is D.FILE_AWAY


def test_without_its_footage_it_starts_again_though_it_was_never_filed() -> None:
    assert decision(found(S.DONE, filed_as=None), "old", whole=False) is D.BEGIN


@pytest.mark.parametrize("state", ENDED_WITHOUT_FOOTAGE)
@pytest.mark.parametrize("version", ["old", "new"])
def test_an_end_without_footage_is_tried_again_though_it_was_never_filed(state: State, version: str) -> None:
    # A kill between the move and the note of it, then moved back to try again: once too often is no harm.
    assert decision(found(state, filed_as=None), version) is D.BEGIN


@pytest.mark.parametrize(
    ("state", "version", "expected"),
    [(S.DONE, "new", D.NEXT_NAME), (S.PARTIAL, "new", D.NEXT_NAME), (S.FAILED, "new", D.BEGIN)],
)
def test_another_version_is_not_filed_away_in_the_place_of_the_one_that_ended(
    state: State, version: str, expected: Decision
) -> None:
    assert decision(found(state, filed_as=None), version, whole=True) is expected


@pytest.mark.parametrize("version", ["old", "new"])
@pytest.mark.parametrize("state", [state for state in State if state is not S.CANCELLED])
def test_of_two_requests_with_one_stem_the_first_keeps_the_name(state: State, version: str) -> None:
    assert decision(found(state, file="a/b.yaml"), version) is D.NAME_TAKEN


def test_a_name_is_free_again_once_its_request_was_deleted() -> None:
    assert decision(found(S.CANCELLED, file="a/b.yaml"), "new") is D.BEGIN


def test_the_answer_to_what_is_no_request_is_not_replaced() -> None:
    # `a/b.txt` was rejected; its status stands where that of `a/b.txt.json` would.
    status = found(S.REJECTED, file="a/b.txt", name="a/b.txt")
    assert (
        decide(DroppedFile("a/b.txt.json", "new"), status, first=True, is_whole=lambda _: True) is D.NEXT_NAME
    )


@pytest.mark.parametrize(
    ("state", "version", "expected"),
    [(S.DONE, "old", D.REPEAT), (S.DONE, "new", D.NEXT_NAME), (S.FAILED, "old", D.BEGIN)],
)
def test_a_numbered_request_moved_back_is_itself(state: State, version: str, expected: Decision) -> None:
    # `a/b.json` was changed once, became `a/b~2`, and is moved back as `a/b~2.json`.
    status = found(state, filed_as="a/b~2.json", name="a/b~2")
    dropped = DroppedFile("a/b~2.json", version)
    assert decide(dropped, status, first=True, is_whole=lambda _: True) is expected


@pytest.mark.parametrize("state", State)
def test_a_numbered_name_of_another_file_is_passed_over(state: State) -> None:
    other = found(state, file="a/b~2.json", name="a/b~2")
    assert decision(other, "old", first=False) is D.NEXT_NAME


# --- what a request that starts anew takes over

WHOLE = "whole.mp4"


def is_whole(clip: Clip) -> bool:
    assert clip.file
    return clip.file.name.startswith("whole")


def of_another_run(*entries: Entry, **first_clip: Any) -> Status:
    """A run with these entries whose first clip is done, but for what is given."""
    clip, *others = first_clips(entries, END, delay_s=0)
    done = {"state": S.DONE, "file": a_file(name=WHOLE), **first_clip}
    return a_status(
        replace(clip, **done), *others, request=RequestRecord(file=FILE, sha256="old", entries=entries)
    )


def new_run(*entries: Entry) -> Status:
    clips = first_clips(entries, END, delay_s=0)
    return a_status(*clips, request=RequestRecord(file=FILE, sha256="new", entries=entries))


GATE, DOOR = an_entry(camera="gate"), an_entry(camera="door")


def test_what_was_finished_is_taken_over_to_its_new_place() -> None:
    before, after = of_another_run(GATE), new_run(DOOR, GATE)
    door, gate = keep_finished(before, after, is_whole)
    assert door == after.clips[0]
    assert gate == replace(before.clips[0], ask=2, entry=1)


@pytest.mark.parametrize(
    "first_clip",
    [
        {"state": S.FAILED, "file": None},
        {"state": S.CANCELLED, "file": None},
        {"state": S.VERIFYING},
        {"state": S.REMOVED},
        {"file": a_file(name="damaged.mp4")},
        {"piece": 1, "pieces": 2},
    ],
)
def test_what_is_not_finished_and_whole_is_fetched_again(first_clip: dict[str, Any]) -> None:
    after = new_run(GATE)
    assert keep_finished(of_another_run(GATE, **first_clip), after, is_whole) == after.clips


@pytest.mark.parametrize(
    "change",
    [
        {"camera": "yard"},
        {"end": END.replace(minute=50)},
        {"start": END.replace(minute=50)},
        {"height": 480},
        {"take": "best"},
        {"split_s": 300.0},
    ],
)
def test_what_is_asked_for_differently_is_fetched_again(change: dict[str, Any]) -> None:
    after = new_run(replace(GATE, **change))
    assert keep_finished(of_another_run(GATE), after, is_whole) == after.clips


def test_what_does_not_change_the_footage_does_not_matter() -> None:
    after = new_run(replace(GATE, priority=5, metadata={"case": 7}))
    assert keep_finished(of_another_run(GATE), after, is_whole)[0].state is S.DONE


def test_one_mp4_is_not_taken_over_by_two_clips() -> None:
    kept = keep_finished(of_another_run(GATE), new_run(GATE, GATE), is_whole)
    assert [clip.state for clip in kept] == [S.DONE, S.QUEUED]


def test_a_run_that_never_had_clips_has_nothing_to_take_over() -> None:
    def never(_: Clip) -> NoReturn:
        raise AssertionError

    after = new_run(GATE)
    assert keep_finished(found(S.REJECTED), after, never) == after.clips
    assert keep_finished(a_status(a_clip()), after, never) == after.clips
