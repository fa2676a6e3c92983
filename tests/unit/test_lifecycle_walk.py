"""Whatever course a clip's life takes, what must hold of it holds."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from camspool.core import events, trouble
from camspool.core.errors import IllegalEvent
from camspool.core.events import Event
from camspool.core.lifecycle import TABLE, advance
from camspool.core.status_document import Clip, ClipRuntime, Download, Prepare
from camspool.core.values import ErrorCode, State, WaitReason
from support.builders import NOW, a_clip, a_wait
from support.lifecycle_samples import DAY, SAMPLES


class AnyCourse(RuleBasedStateMachine):
    """Feeds a clip whatever its state can take, and keeps an eye on what must always hold."""

    def __init__(self) -> None:
        super().__init__()
        self.clip = a_clip()
        self.before = self.clip
        self.now = NOW

    @initialize(scheduled=st.booleans())
    def begin(self, scheduled: bool) -> None:  # noqa: FBT001
        self.clip = a_clip(State.SCHEDULED if scheduled else State.QUEUED)
        self.before = self.clip

    @precondition(lambda self: self.clip.state in TABLE)
    @rule(data=st.data(), pause=st.sampled_from([0.0, 1.0, 3600.0, DAY]))
    def something_happens(self, data: st.DataObject, pause: float) -> None:
        self.now += timedelta(seconds=pause)
        event = data.draw(happenings(self.clip, self.now), label="event")
        self.before, self.clip = self.clip, advance(self.clip, event, self.now, DAY)[0]

    @rule(event=st.sampled_from(SAMPLES))
    def something_out_of_place_happens(self, event: Event) -> None:
        if type(event) not in TABLE.get(self.clip.state, {}):
            with pytest.raises(IllegalEvent):
                advance(self.clip, event, self.now, DAY)

    @rule()
    def the_daemon_restarts(self) -> None:
        self.clip = replace(self.clip, runtime=ClipRuntime())

    @invariant()
    def an_end_leaves_what_it_promises(self) -> None:
        clip = self.clip
        assert (clip.error is not None) == (clip.state is State.FAILED)
        if clip.state in {State.DONE, State.REMOVED}:
            assert clip.file is not None
        elif clip.state is not State.VERIFYING:
            assert clip.file is None
        if clip.state.final:
            assert clip.waiting is None

    @invariant()
    def nothing_is_known_of_a_recording_that_is_to_be_listed(self) -> None:
        if self.clip.state in {State.SCHEDULED, State.QUEUED, State.LISTING}:
            assert replace(self.clip.runtime, held_by=None) == ClipRuntime()
            assert (self.clip.prepare, self.clip.download) == (Prepare(), Download())
        if self.clip.state in {State.PREPARING, State.DOWNLOADING, State.VERIFYING, State.DONE}:
            assert self.clip.recording is not None

    @invariant()
    def attempts_never_become_fewer(self) -> None:
        assert all(now >= then for now, then in zip(counts(self.clip), counts(self.before), strict=True))

    @invariant()
    def trouble_is_counted_from_its_first_moment(self) -> None:
        assert self.clip.tries > 0 or self.clip.troubled_s == 0

    @invariant()
    def trouble_ends_only_further_on_than_ever(self) -> None:
        before, after = self.before, self.clip
        further = trouble.rank(after.reached) > trouble.rank(before.reached)
        assert trouble.rank(after.reached) >= trouble.rank(before.reached)
        if not further:
            assert (after.tries, after.troubled_s) >= (before.tries, before.troubled_s)
        else:
            assert (after.tries, after.troubled_s) == (0, 0)

    @invariant()
    def a_failure_has_what_it_takes(self) -> None:
        """No count that can be reached within minutes costs a clip its footage."""
        if self.clip.error is None or self.clip.error.code is ErrorCode.NO_RECORDING:
            return
        waited = self.before.troubled_s
        least = {ErrorCode.GAVE_UP: DAY, ErrorCode.BAD_VIDEO: 600.0}.get(self.clip.error.code, 1800.0)
        assert waited >= least, self.clip.error


def counts(clip: Clip) -> tuple[int, ...]:
    attempts = clip.attempts
    return (
        attempts.list,
        attempts.prepare,
        attempts.download,
        attempts.refused,
        attempts.expired,
        attempts.bad_video,
    )


def happenings(clip: Clip, now: datetime) -> st.SearchStrategy[Event]:
    """Events that the clip's state can take, and that the workflow would tell it of."""
    legal = [event for event in SAMPLES if type(event) in TABLE[clip.state]]
    if clip.file is None:
        legal = [event for event in legal if not isinstance(event, events.Published)]
    if clip.recording is None or clip.recording.id is None:
        legal = [event for event in legal if not isinstance(event, events.IdStillFresh)]
    # The ends are rare, so that the walks are long.
    rare = events.Failed | events.Cancelled | events.Removed
    weighted = [event for event in legal for _ in range(1 if isinstance(event, rare) else 6)]
    waits = [
        events.Waits(a_wait(reason, now + timedelta(seconds=pause)))
        for reason in WaitReason
        for pause in (5.0, 600.0)
        if not clip.state.final
    ]
    more = [events.DownloadProgressed(Download(bytes=size)) for size in (0, 10, 99)]
    return st.sampled_from(weighted + waits + (more if clip.state is State.DOWNLOADING else []))


TestAnyCourse = AnyCourse.TestCase
TestAnyCourse.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
