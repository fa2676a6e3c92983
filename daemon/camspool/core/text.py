"""Text from outside, cleaned once where it comes in: afterwards all of it can be saved, printed and compared.

`whole` is for data that are kept as they are, `one_line` for what people will read, `comparable` for names.
Everything here takes time in proportion to the text, whoever wrote it: see `tests/unit/test_linear.py`.
"""

import re
import unicodedata
from typing import Any, Final

_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: terminals obey them
    "\u2028\u2029"  # separators: some programs begin a line there
    "\u202a-\u202e\u2066-\u2069"  # embeddings, overrides, isolates: what follows is shown in another order
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # byte order mark, annotations, tags: not seen at all
    "\ud800-\udfff]"
)
_WORD: Final = re.compile(r"\S+")
# A server written in PHP escapes slashes in JSON (https:\/\/host\/...), and repr() doubles the backslash.
_WEB_ADDRESS: Final = re.compile(r"https?:[\\/]", re.IGNORECASE)


def whole(value: Any) -> Any:
    r"""A decoded document in which each half of a surrogate pair has found the other, or become U+FFFD.

    JSON may write half a pair (`"\ud83d"`: an emoji that somebody cut), which no UTF-8 can hold.

    Args:
        value: what a JSON or YAML decoder makes: dict, list, str and other plain values.
    """
    match value:
        case str():
            return _paired(value) if _SURROGATES.search(value) else value
        case list():
            return [whole(item) for item in value]
        case dict():
            return {whole(key): whole(item) for key, item in value.items()}
    return value


def one_line(text: str, longest: int) -> str:
    """`text` for people: one line, at most `longest` characters, nothing in it that a terminal obeys."""
    # Cleaning what will be cut off is a waste, but spaces may vanish: hence twice the length.
    clean = _UNSAFE.sub(" ", whole(text[: 2 * longest + 1]))
    line = " ".join(clean.split())
    cut = len(line) > longest or len(text) > 2 * longest + 1
    return line[: longest - 3].rstrip() + "..." if cut else line


def is_clean(text: str) -> bool:
    """True when nothing in it is a control character, or changes how what follows is shown."""
    return not _UNSAFE.search(text)


def comparable(name: str) -> str:
    """A name as names are compared: composed (NFC), without unsafe characters, and with single spaces.

    A Mac writes `ž` as two code points, a Windows machine as one; people see no difference. Case counts.
    """
    return " ".join(unicodedata.normalize("NFC", _UNSAFE.sub("", whole(name))).split())


def without_queries(text: str, mark: str) -> str:
    """`text` in which the query of each http(s) URL, up to the next white space, is `mark`: it may be a key.

    Word by word, because a pattern for a whole URL would look for its question mark from each `http:` on.
    """
    return _WORD.sub(lambda found: _without_query(found[0], mark), text)


def without_markup(text: str) -> str:
    """`text` with a space in place of each tag; a script or style sheet goes with all that is in it.

    What follows a `<` that nothing closes stays, unless it opens a script.
    """
    pieces: list[str] = []
    lower, done = text.lower(), 0
    while (begins := lower.find("<", done)) >= 0:
        kind = next((kind for kind in ("script", "style") if lower.startswith(kind, begins + 1)), None)
        closes = lower.find(f"</{kind}" if kind else ">", begins)
        if closes < 0 and kind is None:
            break
        pieces += [text[done:begins], " "]
        ends = lower.find(">", closes) if closes >= 0 else -1
        done = ends + 1 if ends >= 0 else len(text)
    return "".join(pieces) + text[done:]


def _without_query(word: str, mark: str) -> str:
    found = _WEB_ADDRESS.search(word)
    query = word.find("?", found.end()) + 1 if found else 0
    return word[:query] + mark if 0 < query < len(word) else word


def _paired(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
