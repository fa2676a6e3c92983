"""What every step works with: the ports, the settings that steer a clip, and the pauses that it makes."""

from collections.abc import Callable
from dataclasses import dataclass, field

from camspool.core import backoff, events
from camspool.core.errors import RecordingExpired, SharedTrouble
from camspool.core.expiry import Lifetimes
from camspool.core.ports import Clock, Downloads, Recordings, Spool, Videos
from camspool.core.status_document import Clip, Waiting
from camspool.core.values import WaitReason
from camspool.pipeline.host_troubles import HostTroubles


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
    stalled: float = 7200.0


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
    host_troubles: HostTroubles

    @property
    def settings(self) -> StepSettings:
        """The settings in force."""
        return self.read_settings()

    def wait(self, clip: Clip, reason: WaitReason, message: str) -> events.Waits:
        """The event of a clip in trouble: it waits, longer each time."""
        return events.Waits(self.pause(clip, reason, message))

    def pause(self, clip: Clip, reason: WaitReason, message: str, *, least: float = 0.0) -> Waiting:
        """The next pause of a clip in trouble, which lasts at least so many seconds."""
        settings = self.settings
        pause = backoff.backoff(clip.tries + 1, settings.retry_first, settings.retry_longest, self.random())
        return self._until(reason, message, max(pause, least))

    def pause_before_more_work(self, clip: Clip, reason: WaitReason, message: str) -> Waiting:
        """The next pause of a clip for which the server has to work again, as for a preparation made anew."""
        settings, times = self.settings, max(1, clip.verdict.made_anew)
        least = backoff.steep_backoff(times, settings.retry_first, settings.retry_longest, self.random())
        return self.pause(clip, reason, message, least=least)

    def pause_after_bad_video(self, clip: Clip, message: str) -> Waiting:
        """The next pause of a clip whose download was broken: the third is `retry.longest` by default."""
        settings, times = self.settings, max(1, clip.verdict.made_anew)
        pause = min(settings.retry_longest, settings.retry_first * backoff.STEEP ** min(times - 1, 9))
        return self._until(WaitReason.DOWNLOAD_INTERRUPTED, message, pause)

    def hold_up(self, trouble: SharedTrouble, url: str | None = None) -> events.HeldUp:
        """The event of a clip that waits for a host with others; `url` is an address not tried yet."""
        waiting = self._until(trouble.reason, trouble.message, trouble.pause)
        tried = trouble.__cause__ is not None
        return events.HeldUp(waiting, tried, trouble.action if trouble.recall else None, url)

    def length_of(self, waiting: Waiting) -> float:
        """How many seconds a pause that begins now lasts."""
        return (waiting.until - self.clock.now()).total_seconds() if waiting.until else 0.0

    def _until(self, reason: WaitReason, message: str, pause: float) -> Waiting:
        return Waiting(reason=reason, message=message, until=backoff.after(self.clock.now(), pause))


def id_of(clip: Clip) -> str:
    """The id of the clip's recording.

    Raises:
        RecordingExpired: the clip has none any more.
    """
    if clip.recording is None or clip.recording.id is None:
        raise RecordingExpired("The recording has to be listed again")
    return clip.recording.id
