"""What an MP4 turned out to be, beside what was listed and chosen: its entry in the status, and remarks.

Pure. An MP4 that is whole is published whatever it is; the remarks say what is odd about it.
"""

from collections.abc import Iterator
from typing import Final

from camspool.core.ports import VideoFacts
from camspool.core.status_document import Clip, Gap, OutputFile, Recording, Remark
from camspool.core.values import RemarkCode

LENGTH_SLACK: Final = 0.02
"""An MP4 may be this part longer or shorter than its recording was listed to be, or 5 s (key frames)."""

HEIGHT_SLACK: Final = 16
"""Lines by which the pictures may differ from the height that was chosen: encoders round to 8 or 16."""


def described(name: str, size: int, sha256: str, facts: VideoFacts) -> OutputFile:
    """The `file` of a clip.

    Args:
        name: the MP4's name beside its status.
        size: in bytes.
        sha256: 64 hex digits.
        facts: what it says about itself.
    """
    gaps = (Gap(at_s=round(gap.at_s, 3), length_s=round(gap.length_s, 3)) for gap in facts.gaps)
    return OutputFile(
        name=name,
        bytes=size,
        sha256=sha256,
        duration_s=round(facts.duration_s, 3),
        width=facts.width,
        height=facts.height,
        codec=facts.codec,
        gaps=tuple(gaps),
    )


def remarks(recording: Recording | None, facts: VideoFacts) -> tuple[Remark, ...]:
    """All that is odd about an MP4, in words for people.

    Args:
        recording: as it was listed and chosen, if that is known.
        facts: what the MP4 says about itself.
    """
    found = (*(_beside(recording, facts) if recording else ()), *_in_itself(facts))
    return tuple(Remark(code=code, message=message) for code, message in found)


def is_too_low(clip: Clip) -> bool:
    """True when the pictures are clearly smaller than those that were chosen."""
    if clip.file is None or clip.recording is None:
        return False
    return clip.file.height < clip.recording.height - HEIGHT_SLACK


def _beside(recording: Recording, facts: VideoFacts) -> Iterator[tuple[RemarkCode, str]]:
    listed = recording.duration_s
    # For clips of a few seconds the usual slack would let half of one pass for all of it.
    slack = min(max(5.0, listed * LENGTH_SLACK), listed / 2)
    if facts.duration_s and abs(facts.duration_s - listed) >= slack:
        message = f"The MP4 is {_seconds(facts.duration_s)} long; {_seconds(listed)} were listed."
        yield RemarkCode.OTHER_DURATION, message
    if abs(facts.height - recording.height) > HEIGHT_SLACK:
        message = f"The pictures are {facts.height} lines high; {recording.height} were chosen."
        yield RemarkCode.OTHER_HEIGHT, message


def _in_itself(facts: VideoFacts) -> Iterator[tuple[RemarkCode, str]]:
    if facts.gaps:
        longest = max(facts.gaps, key=lambda gap: gap.length_s)
        total = _seconds(sum(gap.length_s for gap in facts.gaps))
        where = f"the longest, {_seconds(longest.length_s)}, begins {_seconds(longest.at_s)} into it"
        message = f"{total} are missing inside of the MP4 (gaps: {len(facts.gaps)}; {where})."
        yield RemarkCode.GAPS, message
    if facts.trailing_bytes:
        message = f"{facts.trailing_bytes:,} bytes follow the end of the video; players do not read them."
        yield RemarkCode.TRAILING_BYTES, message
    if not facts.duration_s:
        yield RemarkCode.NO_TIMES, "The MP4 has no usable times: its length is unknown."


def _seconds(seconds: float) -> str:
    return f"{round(seconds, 3):.10g} s"
