"""What goes on and what went wrong, as the page shows it."""

from dataclasses import replace

from camspool.core.status_document import Progress, Status
from camspool.core.values import State
from camspool.page import activity
from support.builders import NOW, a_clip, a_failure, a_status, a_wait, later
from support.page import done


def test_what_went_wrong_is_reported_with_what_to_do() -> None:
    failed = a_status(a_clip(State.FAILED), state=State.FAILED, error=a_failure(), finished_at=NOW)
    shown = activity.failure(failed)
    assert shown
    assert (shown["code"], shown["message"], shown["hint"], shown["cameras"]) == (
        "no_recording",
        "Nothing was recorded.",
        "Look in the portal.",
        ["camera 62303"],
    )
    assert activity.failure(done()) is None
    assert activity.failure(replace(failed, state=State.REMOVED)) is None


def test_the_busiest_requests_are_reported_and_the_others_counted() -> None:
    def at_work(state: State, number: int, percent: float = 0) -> Status:
        return a_status(a_clip(state), state=state, name=f"{number}", progress=Progress(percent=percent))

    queued = [at_work(State.QUEUED, number) for number in range(activity.MOST_OUTSTANDING)]
    waiting = replace(queued[0], name="w", state=State.SCHEDULED, waiting=a_wait(until=later(60)))
    shown = activity.outstanding(
        [waiting, *queued, at_work(State.DOWNLOADING, 1000), at_work(State.DOWNLOADING, 1001, 9)]
    )
    assert [row["request"] for row in shown[:3]] == ["1001", "1000", "0"]
    assert len(shown) == activity.MOST_OUTSTANDING
    assert [row["request"] for row in activity.active(shown)] == ["1001", "1000"]
    later_turn = replace(waiting, name="later", waiting=a_wait(until=later(90)))
    assert [row["request"] for row in activity.outstanding([later_turn, waiting])] == ["w", "later"]
    [row] = activity.outstanding([waiting])
    assert row["waiting"] == {"message": "The API broke.", "until": activity.written(later(60))}
