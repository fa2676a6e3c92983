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

MP4_SUFFIX: Final = ".mp4"
PAGE_FILE: Final = "index.html"
REJECTED_SUFFIX: Final = ".rejected"

_UNFINISHED: Final = (
    *("~", ".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp"),
    *(".lftp", ".!sync", ".opdownload"),
)
_FOREIGN: Final = frozenset(
    {"@eadir", "#recycle", "$recycle.bin", "system volume information", "thumbs.db", "desktop.ini"}
    | {"#snapshot", "~snapshot", "@recently-snapshot", "@recycle", "@tmp", "lost+found"}
    | {"network trash folder", "temporary items"}
)
_CONFLICT: Final = re.compile(r"\.sync-conflict-|conflicted copy|_conflict-", re.IGNORECASE)
"""How Syncthing, Dropbox and Nextcloud, and ownCloud name the copy that lost a conflict."""

LONGEST_COMPONENT: Final = 255
"""Bytes that Linux file systems allow for one name (NAME_MAX)."""
LONGEST_NAME: Final = LONGEST_COMPONENT - len(".~999.999999-999999.mp4.part")
"""Bytes for the last component of a request's name: the longest thing we put around it still fits."""
LONGEST_PATH: Final = 2048
"""Bytes for a whole path below drop/: half of PATH_MAX, so that the folders above have the other half."""
_KEPT_BYTES: Final = 200
_PORTABLE_CHARACTERS: Final = 40

_PORTABLE: Final = re.compile(rf"(?![. ])[A-Za-z0-9 ._-]{{1,{_PORTABLE_CHARACTERS}}}(?<![. ])")
_DEVICE: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, whatever comes after a dot."""
_PART: Final = re.compile(r"\.(?P<stem>.+)\.(?:[0-9]{3}|[1-9][0-9]{3,})(?:-[0-9]+)?\.mp4\.part", re.DOTALL)


_HINT_FOR_BAD_NAME: Final = "Give the file a shorter name in UTF-8 and drop it again."
_HINT_FOR_CONFLICT: Final = "If this version is the right one, give it a name of its own and drop it again."


def ignored(file: str) -> bool:
    """True when `file`, or a folder on the way to it, is ignored: see the contract's list."""
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
            _HINT_FOR_CONFLICT if is_conflict_copy(file) else _HINT_FOR_BAD_NAME,
        )
    if _reserved(file):
        return RequestRejected(
            ErrorCode.RESERVED_NAME,
            f"The name {printable(file)} is reserved for camspool's own files.",
            "Use a name that neither begins with _ nor ends in .status before its suffix, in folders whose "
            "names do not end in .mp4 or .status.json.",
        )
    if not is_request(file):
        return RequestRejected(
            ErrorCode.UNSUPPORTED_TYPE,
            f"{printable(file)} is no request by its name: expected .json, .yaml or .yml at its end.",
            "Rename the file if it is a request; nothing else is read here.",
        )
    return None


def unusable(file: str, why: str) -> RequestRejected:
    """The refusal of a file whose name the mirror's file system cannot hold; `why` in its own words."""
    return RequestRejected(
        ErrorCode.BAD_NAME,
        f"The name {printable(file)} cannot be used: the mirror's file system does not take it ({why}).",
        'Give the file a shorter name, without any of : ? * | < > " \\ in it, and drop it again.',
    )


def is_conflict_copy(file: str) -> bool:
    """True when a tool that synchronises folders made the file out of two versions of another one."""
    return _CONFLICT.search(stem_of(file)) is not None


def refused_name(file: str) -> str:
    """The request's name for a file that `refusal` refuses.

    What is no request, or has a reserved name, keeps its whole name: `gate.mp4`, `x.status.json`. A folder
    with a reserved name gets `.rejected`, so that nothing in it is taken for ours. A component that cannot be
    used becomes its first 200 bytes with bad bytes as `%XX`, `~`, and eight hex digits of the SHA-256 of the
    original's bytes.
    """
    path = _usable(file)
    return path if _keeps_its_whole_name(file) else name_of(path)


def portable_name(file: str) -> str:
    """The request's name for a file whose own name the mirror's file system cannot hold.

    Letters, digits, `_`, `-`, dots and spaces stay; a component with anything else, or with more than 40
    characters, becomes what is left of its beginning, `~`, and eight hex digits of its SHA-256.
    """
    path = "/".join(map(_portable, _usable(name_of(file)).split("/")))
    return path if len(path) <= LONGEST_PATH else _portable(file)


def kept_file(name: str, file: str) -> str:
    """Where in mirror/ the file of a request is kept in the end.

    Whatever ends in `.mp4` there is footage and whatever ends in `.status.json` is a status: so what is no
    request, or has a reserved name, gets `.rejected` behind it.

    Args:
        name: the request's name.
        file: the file's path below drop/.
    """
    if _keeps_its_whole_name(file):
        return name + REJECTED_SUFFIX
    return name if name == printable(file) else name + file[len(name_of(file)) :]


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


def longest_part_name(name: str) -> str:
    """The longest file name that is ever made for a request: where that one fits, all of them do."""
    return part_name(numbered_name(name, 999), 999_999, 999_999)


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
    *folders, last = unicodedata.normalize("NFD", _usable(file)).casefold().split("/")
    components = (*folders, last.partition(".")[0])
    return "/".join(map(_bare, components))


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
    if is_conflict_copy(file):
        return "it is that of a copy which a tool made when two versions of a file were in conflict"
    if len(data) > LONGEST_PATH:
        return f"with its folders it has {len(data)} bytes, expected at most {LONGEST_PATH}"
    if any(len(os.fsencode(folder)) > LONGEST_COMPONENT for folder in file.split("/")[:-1]):
        return f"one of its folders has more than {LONGEST_COMPONENT} bytes"
    length = len(os.fsencode(stem_of(name_of(file))))
    if length > LONGEST_NAME:
        return f"it has {length} bytes, expected at most {LONGEST_NAME}"
    return ""


def _bare(component: str) -> str:
    """Without what we add to a name that is taken or refused, and what Windows takes away from its end."""
    while True:
        bare = component.rstrip(". ").removesuffix(REJECTED_SUFFIX)
        beginning, tilde, number = bare.rpartition("~")
        if tilde and number.isdecimal():
            bare = beginning
        if bare == component:
            return bare
        component = bare


def _keeps_its_whole_name(file: str) -> bool:
    return not is_request(file) or _reserved(file)


def _reserved(file: str) -> bool:
    *folders, last = file.split("/")
    at_the_top = folders[0] if folders else last
    return _is_ours(at_the_top) or any(map(_looks_like_ours, folders)) or _ends_in_status(last)


def _is_ours(at_the_top: str) -> bool:
    """True of what we write at the top of the mirror; such a folder would be in the way of the page."""
    return at_the_top.startswith("_") or at_the_top.casefold() == PAGE_FILE


def _looks_like_ours(folder: str) -> bool:
    return folder.lower().endswith((MP4_SUFFIX, STATUS_SUFFIX))


def _ends_in_status(file: str) -> bool:
    return file[: len(file) - len(suffix(file))].lower().endswith(".status")


def _usable(file: str) -> str:
    """The path with every component as it can be in mirror/, whole file name and all."""
    *folders, last = file.split("/")
    kept = [_usable_folder(folder, first=number == 0) for number, folder in enumerate(folders)]
    kept.append(_shortened_to(last, LONGEST_NAME + len(last) - len(name_of(last))))
    path = "/".join(kept)
    return path if len(os.fsencode(path)) <= LONGEST_PATH else _shortened(file.replace("/", "%2F"))


def _usable_folder(folder: str, *, first: bool) -> str:
    if (first and _is_ours(folder)) or _looks_like_ours(folder):
        return _shortened_to(folder, LONGEST_COMPONENT - len(REJECTED_SUFFIX)) + REJECTED_SUFFIX
    return _shortened_to(folder, LONGEST_COMPONENT)


def _shortened_to(component: str, longest: int) -> str:
    fits = not _not_utf8(component) and len(os.fsencode(component)) <= longest
    return component if fits else _shortened(component)


def _portable(component: str) -> str:
    if _PORTABLE.fullmatch(component) and not _DEVICE.fullmatch(component):
        return component
    beginning = re.sub("[^A-Za-z0-9_-]", "_", component[:_PORTABLE_CHARACTERS])
    return f"{beginning}~{_digest(component)}"


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
    return f"{beginning}~{_digest(component)}"


def _digest(component: str) -> str:
    return hashlib.sha256(os.fsencode(component)).hexdigest()[:8]


def _without_bad_byte(character: str) -> str:
    return f"%{ord(character) - 0xDC00:02X}" if "\udc80" <= character <= "\udcff" else character
