"""What every step works with: the ports, and the settings that steer a clip."""

from collections.abc import Callable
from dataclasses import dataclass, field

from camspool.core import backoff, events
from camspool.core.errors import RecordingExpired
from camspool.core.expiry import Lifetimes
from camspool.core.ports import Clock, Downloads, Recordings, Spool, Videos
from camspool.core.status_document import Clip, Waiting
from camspool.core.values import WaitReason


@dataclass(frozen=True, slots=True)
class StepSettings:
    """The settings that steer a clip; seconds throughout. See config.example.yaml for what each is for."""

    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    grace: float = 900.0
    delay: float = 60.0
    poll_fastest: float = 1.0
    poll_slowest: float = 30.0
    retry_first: float = 5.0
    retry_longest: float = 600.0
    stalled: float = 1800.0


@dataclass(slots=True)
class StepContext:
    """The ports that the steps work through.

    Args:
        recordings: the vendor's API.
        downloads: fetches what it has prepared.
        videos: looks into what was fetched.
        spool: the folders.
        clock: for dates and pauses.
        random: gives a number from 0 to 1, for jitter.
        read_settings: gives the settings in force.
    """

    recordings: Recordings
    downloads: Downloads
    videos: Videos
    spool: Spool
    clock: Clock
    random: Callable[[], float]
    read_settings: Callable[[], StepSettings]

    @property
    def settings(self) -> StepSettings:
        """The settings in force."""
        return self.read_settings()

    def wait(self, clip: Clip, reason: WaitReason, message: str) -> events.Waits:
        """The event of a clip in trouble: it waits, longer each time."""
        settings = self.settings
        pause = backoff.backoff(clip.tries + 1, settings.retry_first, settings.retry_longest, self.random())
        return events.Waits(
            Waiting(reason=reason, message=message, until=backoff.after(self.clock.now(), pause))
        )


def id_of(clip: Clip) -> str:
    """The id of the clip's recording.

    Raises:
        RecordingExpired: the clip has none any more.
    """
    if clip.recording is None or clip.recording.id is None:
        raise RecordingExpired("The recording has to be listed again")
    return clip.recording.id
