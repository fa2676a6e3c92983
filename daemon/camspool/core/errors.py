"""Everything that camspool itself raises.

The adapter that meets a foreign error classifies it into this tree; nobody above an adapter sees an
`httpx`, `OSError` or GraphQL error. Texts are for people: what was found, what was expected, what to do.

CamspoolError
 +-- ConfigurationError     the configuration cannot be used; carries every problem of it
 +-- RequestRejected        a file in drop/ is no valid request; carries every problem of it
 +-- IllegalEvent           a clip was told of an event that its state does not know: a bug
 +-- ServiceTrouble         the API stops all clips alike: unreachable, unauthorised, rate limited, broken
 +-- ClipTrouble            one clip's question or download failed; trying again may help
 |    +-- OutcomeUnknown    a call failed that may have been carried out all the same
 +-- RecordingExpired       the id or the URL is no longer known to the server: make it anew
 |    +-- RecordingUnknown  the server knows nothing of the id: perhaps not yet, perhaps no longer
 +-- CameraNotFound         the API does not know the camera, or the token may not see it
 +-- BadVideo               what was downloaded is not the video that was asked for
 +-- NameTaken              something else stands where a file was to be published
 +-- StorageTrouble         a folder or disk cannot be used now: full, gone, read-only, failing
"""

from camspool.core.values import ErrorCode, Problem, WaitReason


class CamspoolError(Exception):
    """The root of the tree."""


class ConfigurationError(CamspoolError):
    """The configuration cannot be used.

    Args:
        problems: all that is wrong; each `path` is dotted (`api.rate`), relative to the file's root.
        source: the file, or a word for where the settings came from.
    """

    def __init__(self, problems: tuple[Problem, ...], source: str) -> None:
        super().__init__(f"{source}: " + "; ".join(problem.sentence for problem in problems))
        self.problems = problems
        self.source = source


class RequestRejected(CamspoolError):
    """A file is no valid request.

    Args:
        code: which of the contract's codes for rejected files.
        message: all that is wrong, in words.
        hint: what to do about it.
        problems: the same, one by one; empty where the file as a whole is at fault.
    """

    def __init__(
        self, code: ErrorCode, message: str, hint: str = "", problems: tuple[Problem, ...] = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.problems = problems


class IllegalEvent(CamspoolError):
    """An event arrived in a state that has no row for it; the clip is unchanged."""


class ServiceTrouble(CamspoolError):
    """The API fails for everybody, whatever is asked.

    Args:
        reason: `api_unreachable`, `unauthorised`, `rate_limited` or `api_error`.
        message: what was seen, without secrets.
        retry_after: seconds that the server asked to be left alone, if it did.
    """

    def __init__(self, reason: WaitReason, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class ClipTrouble(CamspoolError):
    """One clip's question or download failed in a way that may pass.

    Args:
        reason: `api_error` or `download_interrupted`.
        message: what was seen, without secrets.
    """

    def __init__(self, reason: WaitReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class OutcomeUnknown(ClipTrouble):
    """A preparation was asked for, and nobody can say whether it has begun: ask how far it is."""


class RecordingExpired(CamspoolError):
    """The server no longer knows the recording's id, or its download URL is gone (403, 404, 410)."""


class RecordingUnknown(RecordingExpired):
    """The server answers null for the recording. Right after a preparation began, that may mean not yet."""


class CameraNotFound(CamspoolError):
    """The API has no such camera, or does not show it to this token."""


class BadVideo(CamspoolError):
    """A complete download that is not the video that was asked for: cut, no MP4, other height or length."""


class NameTaken(CamspoolError):
    """Something stands under the name already; nothing was overwritten."""


class StorageTrouble(CamspoolError):
    """A folder cannot be used now.

    Args:
        reason: `disk_full` or `folder_unavailable` (gone, not mounted, read-only, failing).
        message: what was seen, with the path.
    """

    def __init__(self, reason: WaitReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
