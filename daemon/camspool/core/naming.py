"""What things are called: request file -> request -> status, MP4s, part files; what is refused by its name.

Paths are POSIX, relative to drop/ or mirror/; names that are not UTF-8 carry surrogates (`os.fsdecode`).
Only strings are judged here: whether a name is free is the spool's question.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable
from typing import Final

from camspool.core.errors import RequestRejected
from camspool.core.values import ErrorCode

REQUEST_SUFFIXES: Final = (".json", ".yaml", ".yml")
STATUS_SUFFIX: Final = ".status.json"

_UNFINISHED: Final = ("~", ".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp")
_FOREIGN: Final = frozenset(
    {"@eadir", "#recycle", "$recycle.bin", "system volume information", "thumbs.db", "desktop.ini"}
)

LONGEST_COMPONENT: Final = 255
"""Bytes that Linux file systems allow for one name (NAME_MAX)."""
LONGEST_NAME: Final = LONGEST_COMPONENT - len(".~999.999999-999999.mp4.part")
"""Bytes for the last component of a request's name: the longest thing we put around it still fits."""
LONGEST_PATH: Final = 2048
"""Bytes for a whole path below drop/: half of PATH_MAX, so that the folders above have the other half."""
_KEPT_BYTES: Final = 200

_REJECTED: Final = "rejected~"
_MARKS: Final = re.compile(rf"\A(?:{_REJECTED})+")
_NUMBERS: Final = re.compile(r"(?:~[0-9]+)+\Z")
_PART: Final = re.compile(r"\.(?P<stem>.+)\.(?:[0-9]{3}|[1-9][0-9]{3,})(?:-[0-9]+)?\.mp4\.part", re.DOTALL)


def ignored(file: str) -> bool:
    """True when `file`, or a folder on the way to it, is none of our business: see the contract's list."""
    return any(ignored_component(component) for component in file.split("/"))


def ignored_component(component: str) -> bool:
    """The same for one file or folder name; without case, since the names come from Windows and NAS."""
    lowered = component.lower()
    return component.startswith(".") or lowered.endswith(_UNFINISHED) or lowered in _FOREIGN


def suffix(file: str) -> str:
    """The last suffix in lower case, with its dot; empty where there is none."""
    stem, dot, ending = file.rpartition("/")[2].rpartition(".")
    return dot + ending.lower() if stem else ""


def is_request(file: str) -> bool:
    """True when the suffix is one that requests have."""
    return suffix(file) in REQUEST_SUFFIXES


def is_json(file: str) -> bool:
    """True when half the file can never parse."""
    return suffix(file) == ".json"


def name_of(file: str) -> str:
    """The request's name: `a/b` for `a/b.json`. What is no request keeps its whole name: `b.txt`."""
    return file[: -len(suffix(file))] if is_request(file) else file


def status_path(name: str) -> str:
    """Where the status of `name` lies below mirror/."""
    return name + STATUS_SUFFIX


def refusal(file: str) -> RequestRejected | None:
    """Why `file` cannot be a request, going by its name alone; None when it can."""
    if problem := _bad_name(file):
        return RequestRejected(
            ErrorCode.BAD_NAME,
            f"The name {printable(file)} cannot be used: {problem}.",
            "Give the file a shorter name in UTF-8 and drop it again.",
        )
    if _reserved(file):
        return RequestRejected(
            ErrorCode.RESERVED_NAME,
            f"The name {printable(file)} is reserved for camspool's own files.",
            "Use a name that neither begins with _ nor ends in .status before its suffix.",
        )
    if not is_request(file):
        return RequestRejected(
            ErrorCode.UNSUPPORTED_TYPE,
            f"{printable(file)} is no request by its name: expected .json, .yaml or .yml at its end.",
            "Rename the file if it is a request; nothing else is read here.",
        )
    return None


def kept_name(file: str) -> str:
    """Where in mirror/ a file is kept in the end, by the contract's rulings on names.

    An ordinary file keeps its path. Reserved components get `rejected~`; unusable ones become their first
    200 bytes with bad bytes as `%XX`, `~`, and eight hex digits of the SHA-256 of the original's bytes.
    """
    *folders, last = file.split("/")
    kept = [_kept(folder, LONGEST_COMPONENT, reserved=False) for folder in folders]
    kept.append(_kept(last, LONGEST_NAME + len(last) - len(name_of(last)), reserved=_ends_in_status(last)))
    if file.startswith("_"):
        first = kept[0].removeprefix(_REJECTED)
        kept[0] = _kept(first, LONGEST_NAME, reserved=True)
    path = "/".join(kept)
    return path if len(os.fsencode(path)) <= LONGEST_PATH else _shortened(file.replace("/", "%2F"))


def mp4_name(name: str, asks: int, ask: int, piece: int | None) -> str:
    """The file name that a clip's MP4 should have.

    Args:
        name: the request's name; only its last component counts.
        asks: how many asks the request has (entries, cameras, parts of a split).
        ask: which of them this is, from 1.
        piece: which piece of the ask, from 1; None when one recording holds all of it.
    """
    number = f".{ask:03d}" if asks > 1 else ""
    return stem_of(name) + number + (f"-{piece}" if piece else "") + ".mp4"


def part_name(name: str, ask: int, piece: int | None) -> str:
    """The file that a clip is downloaded to. It always has the ask's number, so no two requests share one."""
    return f".{stem_of(name)}.{ask:03d}" + (f"-{piece}" if piece else "") + ".mp4.part"


def stem_of_part(file_name: str) -> str | None:
    """The stem that `part_name` was given for `file_name`; None when it was not made by `part_name`."""
    match = _PART.fullmatch(file_name)
    return match["stem"] if match else None


def stem_of(name: str) -> str:
    """The last component of a request's name."""
    return name.rpartition("/")[2]


def folder_of(path: str) -> str:
    """The folder that a relative path lies in; empty for the root."""
    return path.rpartition("/")[0]


def below(folder: str, name: str) -> str:
    """`name` in `folder`, as a relative path."""
    return f"{folder}/{name}" if folder else name


def numbered_name(name: str, number: int) -> str:
    """The request's name with `~2`, `~3`...; number 1 is the name itself."""
    return name if number == 1 else f"{name}~{number}"


def unblocked(name: str, blocked: Callable[[str], bool]) -> str:
    """`name`, with `~2`, `~3`... on each folder whose place is taken, as `blocked` says of its path."""
    path = ""
    *folders, last = name.split("/")
    for folder in folders:
        number = 1
        while blocked(path + numbered_name(folder, number)):
            number += 1
        path += numbered_name(folder, number) + "/"
    return path + last


def family(file: str) -> str:
    """The same for all files of drop/ that could come to have one name in mirror/; others may share it."""
    *folders, last = unicodedata.normalize("NFD", kept_name(file)).casefold().split("/")
    components = (*folders, last.partition(".")[0])
    return "/".join(_NUMBERS.sub("", _MARKS.sub("", component)) for component in components)


def numbered_file(file: str, number: int) -> str:
    """The same for a file, before its suffix: `evening.001~2.mp4`."""
    length = len(suffix(file))
    return numbered_name(file[: len(file) - length], number) + file[len(file) - length :]


def printable(file: str) -> str:
    """The name for people and for UTF-8 documents: bytes that are not UTF-8 as `%XX`."""
    return "".join(map(_without_bad_byte, file))


def _bad_name(file: str) -> str:
    data = os.fsencode(file)
    if _not_utf8(file):
        return "it is not UTF-8"
    if len(data) > LONGEST_PATH:
        return f"with its folders it has {len(data)} bytes, expected at most {LONGEST_PATH}"
    if any(len(os.fsencode(folder)) > LONGEST_COMPONENT for folder in file.split("/")[:-1]):
        return f"one of its folders has more than {LONGEST_COMPONENT} bytes"
    length = len(os.fsencode(stem_of(name_of(file))))
    if length > LONGEST_NAME:
        return f"it has {length} bytes, expected at most {LONGEST_NAME}"
    return ""


def _reserved(file: str) -> bool:
    return file.startswith("_") or _ends_in_status(file)


def _ends_in_status(file: str) -> bool:
    return file[: len(file) - len(suffix(file))].lower().endswith(".status")


def _kept(component: str, longest: int, *, reserved: bool) -> str:
    room = longest - len(_REJECTED) if reserved else longest
    if _not_utf8(component) or len(os.fsencode(component)) > room:
        component = _shortened(component)
    return _REJECTED + component if reserved else component


def _not_utf8(text: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in text)


def _shortened(component: str) -> str:
    data = os.fsencode(component)
    beginning = ""
    for character in data.decode("utf-8", "surrogateescape"):
        longer = beginning + _without_bad_byte(character)
        if len(longer.encode()) > _KEPT_BYTES:
            break
        beginning = longer
    return f"{beginning}~{hashlib.sha256(data).hexdigest()[:8]}"


def _without_bad_byte(character: str) -> str:
    return f"%{ord(character) - 0xDC00:02X}" if "\udc80" <= character <= "\udcff" else character
