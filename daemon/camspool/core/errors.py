"""Everything that camspool itself raises.

The adapter that meets a foreign error classifies it into this tree; nothing above an adapter sees an
`httpx`, `OSError` or GraphQL error. Texts are for people: what was found, what was expected, what to do.

CamspoolError
 +-- ConfigurationError     the configuration cannot be used; carries every problem of it
 +-- RequestRejected        a file in drop/ is no valid request; carries every problem of it
 +-- IllegalEvent           an event reached a clip whose state has no row for it: a bug
 +-- ServiceTrouble         the API stops all clips alike: unreachable, unauthorised, rate limited, broken
 +-- ClipTrouble            one clip's question or download failed; trying again may help
 |    +-- OutcomeUnknown    a call failed that may have been carried out all the same
 |    +-- DownloadTrouble   a download host failed, in a way that other downloads may meet there as well
 |    +-- SharedTrouble     several clips meet it at one host: it is not this clip's own
 +-- AddressRefused         a download address was answered with 401, 403, 404 or 410
 +-- RecordingExpired       the id or the URL is no longer known to the server
 |    +-- RecordingUnknown  the server knows nothing of the id: perhaps not yet, perhaps no longer
 +-- CameraNotFound         the API does not know the camera, or the token may not see it
 +-- BadVideo               a complete file is no whole video: its structure is broken
 +-- NameTaken              something else stands where a file was to be published
 +-- StorageTrouble         a folder or disk cannot be used now: full, gone, read-only, failing
      +-- NameNotHeld       the file system is fine, but does not take this name
"""

from camspool.core.values import ErrorCode, HostAction, Problem, WaitReason


class CamspoolError(Exception):
    """The root of the tree."""


class ConfigurationError(CamspoolError):
    """The configuration cannot be used.

    Args:
        problems: all problems; each `path` is dotted (`api.rate`), relative to the file's root.
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
        message: all problems, in words.
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
    """The API fails for every call, whatever it asks.

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
    """A preparation was requested, and it is unknown whether it has begun: ask for its progress."""


class DownloadTrouble(ClipTrouble):
    """A download failed in a way that may pass, and that other downloads may meet at the same host.

    Args:
        reason: `download_interrupted` or `rate_limited`.
        message: what was seen, without secrets and without a byte of the answer.
        host: scheme, name and port of the download address, `https://name:443`, as `core.web_address.origin`
            gives it; empty for text that is no such address.
        kind: what failed, a `DownloadFault`.
        retry_after: seconds that the host asked to be left alone, if it did.
    """

    def __init__(
        self, reason: WaitReason, message: str, *, host: str, kind: str, retry_after: float | None = None
    ) -> None:
        super().__init__(reason, message)
        self.host = host
        self.kind = kind
        self.retry_after = retry_after


class SharedTrouble(ClipTrouble):
    """Several clips meet the same trouble at one host, so it is the host's, and no clip is given up for it.

    Args:
        reason: why clips wait for the host.
        message: what was seen, without secrets.
        action: what is in vain at which host.
        pause: seconds after which this clip may look again.
        recall: it may as well look as soon as the host has recovered; it has never failed there itself.
    """

    def __init__(
        self, reason: WaitReason, message: str, action: HostAction, pause: float, *, recall: bool
    ) -> None:
        super().__init__(reason, message)
        self.recall = recall
        self.action = action
        self.pause = pause


class AddressRefused(CamspoolError):
    """A download address was answered with 401, 403, 404 or 410, which is about this one address alone."""


class RecordingExpired(CamspoolError):
    """The server no longer knows the recording's id, or has no download URL for it any more."""


class RecordingUnknown(RecordingExpired):
    """The server answers null for the recording. Right after a preparation began, that may mean not yet."""


class CameraNotFound(CamspoolError):
    """The API has no such camera, or does not show it to this token."""


class BadVideo(CamspoolError):
    """A complete file whose structure is broken: cut, joined wrongly, or without a video."""


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


class NameNotHeld(StorageTrouble):
    """A file system does not take a name: too long for it, or with characters that it forbids.

    Args:
        message: what was seen, with the path.
        why: what the kernel said of the name.
    """

    def __init__(self, message: str, why: str) -> None:
        super().__init__(WaitReason.FOLDER_UNAVAILABLE, message)
        self.why = why
