"""Notices for tests."""

from camspool.core import notices
from camspool.core.notices import Notice
from camspool.core.status_document import Coverage, Progress
from camspool.core.values import State
from support.builders import a_clip, a_file, a_status


def a_notice(state: State = State.DONE, name: str = "store-12/evening", mp4s: int = 1) -> Notice:
    """Of a request that has ended, with ten minutes of footage in each of its MP4s."""
    clips = [
        a_clip(State.DONE, ask=ask, file=a_file(name=f"evening.{ask:03d}.mp4")) for ask in range(1, mp4s + 1)
    ]
    progress = Progress(clips_done=mp4s, clips_total=mp4s)
    coverage = Coverage(requested_s=600.0 * mp4s, delivered_s=600.0 * mp4s)
    status = a_status(*clips, state=state, name=name, progress=progress, coverage=coverage)
    notice = notices.of_request(status)
    assert notice is not None
    return notice
