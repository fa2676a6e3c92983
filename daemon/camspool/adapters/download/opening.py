"""The first bytes of a body: those of an MP4, or what else they look like, in words of our own.

The words never hold a byte of the body: it may come from a place that only our network can reach.
"""

from typing import Final

NEEDED: Final = 8
"""Bytes that show whether a body is an MP4."""

_FIRST_BOXES: Final = frozenset(
    (
        *(b"ftyp", b"styp", b"free", b"skip", b"wide", b"moov", b"mdat", b"uuid", b"moof"),
        *(b"pdin", b"pnot", b"sidx", b"ssix", b"emsg", b"prft", b"meta", b"junk"),
    )
)
"""Boxes that a file may begin with; cameras and QuickTime put other ones before `ftyp`, or have no `ftyp`."""

_MAGIC: Final = (
    (b"\x1f\x8b", "data compressed with gzip"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"%PDF", "a PDF document"),
    (b"\x1a\x45\xdf\xa3", "a Matroska or WebM video"),
    (b"FLV\x01", "a Flash video"),
    (b"RIFF", "an AVI video or other RIFF file"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
)
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_WHITE: Final = b" \t\r\n\f\v"


def is_mp4(opening: bytes) -> bool:
    """True when a body that begins like this may be an MP4; whether it is one, only all of it shows."""
    return opening[4:NEEDED] in _FIRST_BOXES


def describe(opening: bytes) -> str:
    """What a body that is no MP4 looks like, in words for people."""
    text = opening.removeprefix(_BYTE_ORDER_MARK).lstrip(_WHITE)
    if not opening:
        return "nothing"
    if not opening.strip(b"\0"):
        return "zeros"
    for magic, words in _MAGIC:
        if opening.startswith(magic):
            return words
    if text[:1] == b"<":
        return "XML" if text.startswith(b"<?xml") else "an HTML page"
    if text[:1] in (b"{", b"["):
        return "JSON"
    return "text" if _is_text(opening) else "bytes of an unknown kind"


def _is_text(opening: bytes) -> bool:
    return all(byte >= 0x80 or 0x20 <= byte < 0x7F or byte in _WHITE for byte in opening)
