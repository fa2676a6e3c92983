"""What the server answered, read and checked: values of `core`, or the problem with each question. Pure.

Which texts mean what is a guess informed by GraphQL servers at large: the vendor documents no error texts.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from camspool.adapters.survilla import parsing
from camspool.adapters.survilla.documents import alias
from camspool.adapters.survilla.failures import PerhapsCarriedOut, excerpt
from camspool.core.errors import (
    CameraNotFound,
    CamspoolError,
    ClipTrouble,
    RecordingExpired,
    RecordingUnknown,
    ServiceTrouble,
)
from camspool.core.ports import Answer, AskProgress, ListCameras, ListRecordings, PrepareRecording, Question
from camspool.core.values import WaitReason


class Meaning(Enum):
    """What a GraphQL error speaks of, by its text and its code."""

    RATE_LIMIT = auto()
    TOKEN = auto()
    PERMISSION = auto()
    GONE = auto()
    OTHER = auto()


MOST_COMPLAINTS: Final = 200
"""Entries of `errors` that are read; a call asks fewer questions than that unless `api.batch` was raised."""
_LONGEST_CODE: Final = 60

_PATTERNS: Final = (
    (Meaning.RATE_LIMIT, r"rate.?limit|too many (requests|calls)|throttl|slow down"),
    (
        Meaning.TOKEN,
        (
            r"unauthenticated|unauthori[sz]ed|authentication|not (logged|signed) in|log ?in required"
            r"|\b(invalid|expired|missing|bad|wrong|unknown|revoked) ((access|api|bearer|auth\w*) )?token"
            r"|\btoken\b.{0,20}\b(invalid|expired|missing|revoked|not valid|wrong)"
        ),
    ),
    (Meaning.PERMISSION, r"forbidden|denied|permission|not (allowed|permitted|authori[sz]ed)|insufficient"),
    (
        Meaning.GONE,
        (
            r"not found|expired|no longer|no such|(does not|doesn't|not) exist"
            r"|\b(unknown|invalid|bad) (recording|camera|node|id)"
            r"|\b(recording|camera|node|id)\b[^.]{0,60}\b(unknown|invalid)\b"
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """One entry of `errors`: its text, its meaning, the alias that its path begins with.

    `deep`: the path goes on below the alias. `before_execution`: said by the server's validation, which knows
    a location in the document but no path in the answer.
    """

    message: str
    meaning: Meaning
    alias: str | None
    deep: bool = False
    before_execution: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A GraphQL answer taken apart; `data` is None where the server executed nothing or lost everything."""

    data: Mapping[str, Any] | None
    complaints: tuple[Complaint, ...]

    @property
    def refused_types(self) -> bool:
        """True when the document may have been refused because of the types of its variables."""
        return self.data is None and any(
            complaint.before_execution and re.search(r"(?i)variable|type|argument", complaint.message)
            for complaint in self.complaints
        )


def take_apart(document: Any, secret: str) -> Reply | None:
    """`document`, the decoded JSON, as a Reply; None when it is no GraphQL answer."""
    if not isinstance(document, dict):
        return None
    data, errors = document.get("data"), document.get("errors") or []
    if not isinstance(errors, list) or not isinstance(data, dict | None) or (data is None and not errors):
        return None
    return Reply(data, tuple(_complaint(error, secret) for error in errors[:MOST_COMPLAINTS]))


def _complaint(error: Any, secret: str) -> Complaint:
    found = error if isinstance(error, dict) else {"message": error}
    extensions = found.get("extensions")
    named = [extensions.get("code"), extensions.get("category")] if isinstance(extensions, dict) else []
    codes = " ".join(code for each in named if (code := _words(each)[:_LONGEST_CODE]))
    message = excerpt(_words(found.get("message")) or codes or "an error without a message", secret)
    path = found.get("path")
    return Complaint(
        message,
        _meaning(f"{message} {codes}"),
        _words(path[0])[:_LONGEST_CODE] if isinstance(path, list) and path else None,
        deep=isinstance(path, list) and len(path) > 1,
        before_execution=not path and bool(found.get("locations")),
    )


def _words(value: Any) -> str:
    """A text or a number as text; nothing of what is neither: a list of a million codes is no code."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)


def _meaning(text: str) -> Meaning:
    plain = text.lower().replace("_", " ")
    return next((meaning for meaning, pattern in _PATTERNS if re.search(pattern, plain)), Meaning.OTHER)


def read(questions: Sequence[Question], reply: Reply, endpoint: str) -> list[Answer | CamspoolError]:
    """One item a question, in order.

    Raises:
        ServiceTrouble: no question was answered, and it is not the questions' fault;
            `PerhapsCarriedOut` where the server may have acted all the same.
    """
    own = {complaint.alias: complaint for complaint in reversed(reply.complaints)}
    _raise_common_trouble(questions, reply, own)
    data = reply.data or {}
    answers: list[Answer | CamspoolError] = []
    for index, question in enumerate(questions):
        name = alias(index)
        # Some servers forget the path: their complaint is about what came back null.
        complaint = (
            own.get(name) or (own.get(None) if data.get(name) is None else None) or _missing(name, data)
        )
        answers.append(_read_one(question, data.get(name), complaint, endpoint))
    return answers


def _missing(name: str, data: Mapping[str, Any]) -> Complaint | None:
    if name in data:
        return None
    return Complaint("nothing at all about this question", Meaning.OTHER, name)


def _raise_common_trouble(
    questions: Sequence[Question], reply: Reply, own: Mapping[str | None, Complaint]
) -> None:
    names = [alias(index) for index in range(len(questions))]
    if any(_answered(name, reply, own) for name in names):
        # A bad token or a rate limit stops every question alike: one good answer proves that it is neither.
        return
    for complaint in reply.complaints:
        if reason := _common_reason(complaint):
            # With a path but without data, what the server did for the other questions is lost.
            lost = reply.data is None and complaint.alias is not None and len(names) > 1
            kind = PerhapsCarriedOut if lost else ServiceTrouble
            raise kind(reason, f"the server says: {complaint.message}")
    if reply.data is None and not (len(names) == 1 and names[0] in own):
        refused = all(complaint.before_execution for complaint in reply.complaints)
        raise (ServiceTrouble if refused else PerhapsCarriedOut)(
            WaitReason.API_ERROR, f"the server refuses the whole call: {reply.complaints[0].message}"
        )


def _answered(name: str, reply: Reply, own: Mapping[str | None, Complaint]) -> bool:
    if reply.data is None or name not in reply.data or name in own:
        return False
    return reply.data[name] is not None or None not in own


def _common_reason(complaint: Complaint) -> WaitReason | None:
    match complaint.meaning:
        case Meaning.RATE_LIMIT:
            return WaitReason.RATE_LIMITED
        case Meaning.TOKEN:
            return WaitReason.UNAUTHORISED
        case Meaning.PERMISSION if complaint.alias is None:
            return WaitReason.UNAUTHORISED
        case _:
            return None


def _read_one(
    question: Question, value: Any, complaint: Complaint | None, endpoint: str
) -> Answer | CamspoolError:
    if complaint:
        return _complained(question, complaint)
    try:
        match question:
            case ListCameras():
                return parsing.cameras(value)
            case ListRecordings():
                return _recordings(value)
            case PrepareRecording():
                return value is True
            case AskProgress():
                return RecordingUnknown(_FORGOTTEN) if value is None else parsing.preparation(value, endpoint)
    except ClipTrouble as trouble:
        return trouble


_FORGOTTEN: Final = "the server no longer knows the recording's id"


def _recordings(camera: Any) -> Answer | CamspoolError:
    if camera is None:
        return CameraNotFound("the server knows no such camera, or does not show it to this token")
    recordings = camera.get("recordings", camera) if isinstance(camera, dict) else camera
    return () if recordings is None else parsing.listed(recordings)


def _complained(question: Question, complaint: Complaint) -> CamspoolError:
    said = f"the server says: {complaint.message}"
    match question, complaint.meaning:
        case ListRecordings(), Meaning.PERMISSION:
            return CameraNotFound(said)
        case ListRecordings(), Meaning.GONE if not complaint.deep:
            return CameraNotFound(said)
        case ((PrepareRecording() | AskProgress()), Meaning.GONE):
            return RecordingExpired(said)
        case _:
            return ClipTrouble(WaitReason.API_ERROR, said)
