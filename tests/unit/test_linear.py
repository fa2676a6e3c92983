"""Hostile text costs time in proportion to its length: no pattern looks for its end from every beginning.

Every door by which somebody else's text comes in is tried with 64 KiB of whatever makes patterns go back:
runs of one character, of a word that a pattern begins with, and both with an ending that fits nothing.
"""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from camspool.adapters import documents
from camspool.adapters.logs import without_secrets
from camspool.adapters.survilla import answers, failures, parsing
from camspool.commands.request.relative_times import moment
from camspool.core import addresses, fields, http_dates, mount_table, naming, text, timetable, web_address
from camspool.core.durations import duration
from camspool.core.errors import CamspoolError
from camspool.core.instants import instant, interval
from camspool.core.problems import Unexpected
from camspool.core.quantities import rate, size
from camspool.page import index, script
from camspool.page.clips import clip_row, poster_name

pytestmark = pytest.mark.usefixtures("untraced")

ROOT: Final = Path(__file__).parents[2] / "daemon/camspool"
LONG: Final = 64 * 1024
SHORT: Final = LONG // 4
ZONE: Final = ZoneInfo("Europe/Prague")
NOW: Final = datetime(2020, 5, 11, tzinfo=UTC)


def file_name(name: str) -> None:
    naming.ignored(name)
    naming.stem_of_part(name)
    for look in (naming.refusal, naming.refused_name, naming.portable_name, naming.family, naming.printable):
        look(name)


DOORS: Final[dict[str, Callable[[str], Any]]] = {
    "a time": lambda t: instant(t, ZONE),
    "an interval": lambda t: interval(t, ZONE),
    "an interval's end": lambda t: interval(f"2020-05-11T09:41:29Z/{t}", ZONE),
    "a time in words": lambda t: moment(t, NOW, ZONE),
    "a duration": duration,
    "a size": size,
    "a rate": rate,
    "a height": fields.height,
    "a camera": fields.camera,
    "a span of the day": lambda t: timetable.limit({t: 1}),
    "an address to listen on": addresses.listen,
    "a web address": addresses.webhook,
    "a list of addresses": addresses.services,
    "a list of occasions": addresses.occasions,
    "a command": addresses.command,
    "a clip on the page": lambda t: clip_row([t, t, 0, 0, 0, t, 0, t, None, 0]),
    "a clip's picture": poster_name,
    "a file of the page": lambda t: script.load("hour", f"camspool.{t};\n".encode(errors="replace")),
    "an index of the page": lambda t: index.load(
        {"format": "", "cameras": [], "days": {t: ["", 0, 0, 0, 0, t]}, "latest": []}, ""
    ),
    "a request in JSON": lambda t: documents.read(t.encode(errors="surrogatepass"), ".json"),
    "a text in JSON": lambda t: documents.read(b'["' + t.encode(errors="surrogatepass") + b'"]', ".json"),
    "a server's text": lambda t: failures.excerpt(t, "secret"),
    "tags": text.without_markup,
    "queries": lambda t: text.without_queries(t, "?"),
    "a line": lambda t: text.one_line(t, 200),
    "a name": text.comparable,
    "a complaint": lambda t: answers.take_apart({"errors": [{"message": t, "path": [t]}]}, "secret"),
    "a code": lambda t: answers.take_apart({"errors": [{"message": "", "extensions": {"code": t}}]}, ""),
    "a code that is a list": lambda t: answers.take_apart(
        {"errors": [{"extensions": {"code": list(t)}}]}, ""
    ),
    "a download address": web_address.encoded,
    "a header": lambda t: http_dates.read_retry_after(t, NOW),
    "a camera's name": lambda t: parsing.cameras([{"node_id": 1, "type": "camera", "name": t}]),
    "a listing": lambda t: parsing.listed([{"recording_id": t, "duration": t, "outputs": [{"height": t}]}]),
    "a preparation": lambda t: parsing.preparation({"progress": t, "download_url": t}, "https://x/"),
    "a log line": without_secrets,
    "a file's name": lambda t: file_name(t.encode(errors="replace").decode()),
    "a mount": mount_table.parse,
}
"""What is done with a text that somebody else has written."""

UNITS: Final = (
    *" \t\n0a-:./,+~_<[{(\"'\\@&%?PTZe=",
    *(
        "1.",
        "1,1",
        "1h",
        "1 ",
        "P1",
        "T0",
        "2020-05-11T",
        "2020-05-11 ",
        "09:41:29.",
        "T.",
        "00",
        "-05",
        "1/",
    ),
    *(
        "http:/",
        "https://",
        "https://a?",
        "https:\\/",
        "https://a@",
        "<script ",
        "<script>",
        "<a",
        "</",
        "<>",
    ),
    *(
        "bearer ",
        "Bearer a",
        "eyJ",
        "eyJ-",
        "eyJaaaaaaaa.",
        "-eyJ.",
        "token ",
        "recording ",
        "id invalid",
        "id x",
    ),
    *(
        "a.",
        "~2",
        ".001",
        "a.001.mp4",
        "$a",
        "a: ",
        "- a",
        "\\u0000",
        "\ud83d",
        "\u202e",
        "\u0301",
        "a\u0301",
    ),
    *("/a:/b", "/a:/b:rbind", "LoadCredential=", "\n ", "a b", "a, ", "08:00-", "[::", "1:", "x" * 63 + "."),
    *('{"a":', '"a",', '"a":1,', "[1,", "1,", "true,"),
)
ENDINGS: Final = ("", "\x00", "\n!")


def cost(door: Callable[[str], Any], hostile: str) -> float:
    """Seconds of CPU for one text, whatever becomes of it."""
    began = time.process_time()
    with suppress(Unexpected, CamspoolError):  # refusing it is right as well; here only its cost counts
        door(hostile)
    return time.process_time() - began


def assert_linear(door: Callable[[str], Any], unit_: str, ending: str) -> None:
    long = cost(door, (unit_ * LONG)[:LONG] + ending)
    if long > 0.2:  # less is too little to be measured, and harms nobody
        short = max(cost(door, (unit_ * SHORT)[:SHORT] + ending), 0.01)
        assert long < 8 * short, (
            f"{unit_!r} ... {ending!r}: {short:.2f} s, and {long:.2f} s for four times as much"
        )


@pytest.mark.parametrize("door", DOORS)
def test_hostile_text_costs_no_more_than_its_length(door: str) -> None:
    for unit_ in UNITS:
        for ending in ENDINGS:
            assert_linear(DOORS[door], unit_, ending)


@pytest.mark.parametrize("unit_", UNITS)
def test_hostile_yaml_costs_no_more_than_its_length(unit_: str) -> None:
    assert_linear(lambda t: documents.read(t.encode(errors="surrogatepass"), ".yaml"), unit_, "\n!")


LOOKED_AT: Final = {
    "adapters/documents.py",
    "adapters/download/answer.py",
    "adapters/download/validators.py",
    "adapters/endpoint.py",  # a head of 16 KiB
    "adapters/logs/journal.py",  # names of our own fields
    "adapters/logs/lines.py",
    "adapters/logs/redaction.py",
    "adapters/notify/services.py",
    "adapters/spool/marker_file.py",  # an id in a file of 4 KiB
    "adapters/spool/temporary.py",  # a name of 255 bytes
    "adapters/systemd.py",
    "adapters/survilla/answers.py",
    "adapters/survilla/client.py",
    "adapters/survilla/documents.py",
    "adapters/survilla/parsing.py",
    "adapters/survilla/schema_check.py",  # our own documents
    "commands/check/unit.py",  # what systemd says
    "commands/request/order.py",  # a person's own words
    "commands/request/relative_times.py",
    "config/token.py",
    "core/addresses.py",
    "core/fields.py",
    "core/instants.py",
    "core/iso8601.py",
    "core/mount_table.py",
    "core/naming.py",
    "core/durations.py",
    "core/quantities.py",
    "core/text.py",
    "core/timetable.py",
    "core/web_address.py",
    "page/clips.py",
    "page/hours.py",  # names of our own files
    "page/index.py",
    "page/script.py",
    "page/shelf.py",
}
"""Modules whose patterns are tried above, or are only given what is short or our own."""


def test_no_module_has_patterns_that_nobody_has_looked_at() -> None:
    using = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if re.search(r"\bre\.(compile|f?u?l?l?match|search|sub|split|findall|finditer)\(", path.read_text())
    }
    assert {name for name in using if not name.startswith("simulator/")} <= LOOKED_AT
