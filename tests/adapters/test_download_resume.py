"""Which part files are continued: by a strong ETag, else by a strong Last-Modified; odd header fields."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.adapters.download.validators import Validator, resumed_total, usable, validator_of
from camspool.core.errors import ClipTrouble
from camspool.core.ports import Downloaded, DownloadOrder, DownloadProgress
from support.downloading import ETAG, HALF, SHA256, SIZE, VIDEO, downloads, in_turn
from support.servers import Exchange, FaultyServer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODIFIED = "Sun, 01 Mar 2026 11:00:00 GMT"
DATE = "Sun, 01 Mar 2026 12:00:00 GMT"


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / ".clip.mp4.part"


def answer(**headers: str) -> httpx.Response:
    return httpx.Response(200, headers={name.replace("_", "-"): value for name, value in headers.items()})


def http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"etag": ETAG}, Validator(ETAG)),
        ({"etag": ETAG, "last_modified": MODIFIED, "date": DATE}, Validator(ETAG)),
        ({"etag": f"W/{ETAG}"}, Validator()),
        ({"etag": f"W/{ETAG}", "last_modified": MODIFIED, "date": DATE}, Validator()),
        ({"etag": "unquoted", "last_modified": MODIFIED, "date": DATE}, Validator()),
        ({"last_modified": MODIFIED, "date": DATE}, Validator(None, MODIFIED)),
        ({"last_modified": MODIFIED}, Validator()),
        ({"last_modified": MODIFIED, "date": "yesterday"}, Validator()),
        ({"last_modified": DATE, "date": DATE}, Validator()),
        ({"last_modified": DATE, "date": MODIFIED}, Validator()),
        ({"last_modified": "Sunday, 01-Mar-26 11:00:00 GMT", "date": DATE}, Validator()),
        ({"last_modified": "2026-03-01T11:00:00Z", "date": DATE}, Validator()),
        ({"last_modified": "Sun, 31 Feb 2026 11:00:00 GMT", "date": DATE}, Validator()),
        ({"date": DATE}, Validator()),
    ],
)
def test_the_strong_validator_of_an_answer(headers: dict[str, str], expected: Validator) -> None:
    assert validator_of(answer(**headers)) == expected


@given(st.integers(-100_000, 100_000))
def test_a_date_is_strong_when_the_answer_is_clearly_younger(age: int) -> None:
    modified = http_date(NOW - timedelta(seconds=age))
    found = validator_of(answer(last_modified=modified, date=http_date(NOW)))
    assert bool(found) == (age >= 2)


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_is_remembered_is_sent_only_when_it_can_be_a_validator(etag: str, modified: str) -> None:
    for validator in (usable(etag, None), usable(None, modified), usable(etag, modified)):
        condition = validator.condition or ""
        assert condition.isascii()
        assert condition.isprintable()
        assert not condition or condition[0] == condition[-1] == '"' or condition.endswith(" GMT")


def resumed(**headers: str) -> httpx.Response:
    whole = {"content_range": f"bytes {HALF}-{SIZE - 1}/{SIZE}", "content_length": str(SIZE - HALF)}
    named = {name.replace("_", "-"): value for name, value in (whole | headers).items()}
    return httpx.Response(206, headers=named)


@pytest.mark.parametrize(
    ("validator", "headers", "fits"),
    [
        (Validator(ETAG), {"etag": ETAG}, True),
        (Validator(ETAG), {"etag": ETAG, "last_modified": MODIFIED}, True),
        (Validator(ETAG), {"etag": f"W/{ETAG}"}, False),
        (Validator(ETAG), {}, False),
        (Validator(ETAG), {"last_modified": MODIFIED}, False),
        (Validator(None, MODIFIED), {"last_modified": MODIFIED}, True),
        (Validator(None, MODIFIED), {"last_modified": DATE}, False),
        (Validator(None, MODIFIED), {}, False),
        (Validator(None, MODIFIED), {"last_modified": MODIFIED, "etag": ETAG}, False),
        (Validator(ETAG), {"etag": ETAG, "content_encoding": "gzip"}, False),
        (Validator(ETAG), {"etag": ETAG, "content_encoding": "none"}, True),
        (Validator(ETAG), {"etag": ETAG, "content_encoding": "identity"}, True),
        (Validator(ETAG), {"etag": ETAG, "content_encoding": ""}, True),
    ],
)
def test_the_rest_is_of_the_same_version(
    validator: Validator, headers: dict[str, str], *, fits: bool
) -> None:
    assert resumed_total(resumed(**headers), HALF, validator, SIZE) == (SIZE if fits else None)


def dated(modified: str, date: str = DATE, *, cut: bool = False) -> Callable[[Exchange], None]:
    """A server that knows dates only."""

    def script(exchange: Exchange) -> None:
        start = exchange.request.first_byte
        if start and exchange.request.headers.get("if-range") == modified:
            whole = f"bytes {start}-{SIZE - 1}/{SIZE}"
            exchange.answer(VIDEO[start:], 206, content_range=whole, last_modified=modified, date=date)
            return
        exchange.head(content_length=SIZE, last_modified=modified, date=date)
        exchange.send(VIDEO[:HALF] if cut else VIDEO)
        if cut:
            exchange.close()

    return script


async def fetched(
    url: str, part: Path, reports: list[DownloadProgress], last: DownloadProgress | None = None
) -> Downloaded:
    """Download as the workflow does: with what the latest progress said."""
    order = DownloadOrder(url, part)
    if last is not None:
        order = DownloadOrder(url, part, last.etag, last.total_bytes, last.last_modified)
    async with downloads(1.0) as adapter:
        return await adapter.fetch(order, reports.append)


async def test_a_download_is_resumed_by_its_date(part: Path) -> None:
    reports: list[DownloadProgress] = []
    with FaultyServer(in_turn(dated(MODIFIED, cut=True), dated(MODIFIED))) as server:
        with pytest.raises(ClipTrouble):
            await fetched(server.url(), part, reports)
        assert part.stat().st_size == HALF
        assert reports[-1].last_modified == MODIFIED
        done = await fetched(server.url(), part, reports, reports[-1])
    assert done == Downloaded(SIZE, SHA256)
    assert server.requests[1].headers["range"] == f"bytes={HALF}-"
    assert server.requests[1].headers["if-range"] == MODIFIED
    assert reports[-1] == DownloadProgress(HALF, SIZE, None, None, MODIFIED)


async def test_a_file_that_has_changed_since_is_fetched_anew(part: Path) -> None:
    reports: list[DownloadProgress] = []
    with FaultyServer(
        in_turn(dated(MODIFIED, cut=True), dated(DATE, http_date(NOW + timedelta(1))))
    ) as server:
        with pytest.raises(ClipTrouble):
            await fetched(server.url(), part, reports)
        done = await fetched(server.url(), part, reports, reports[-1])
    assert done == Downloaded(SIZE, SHA256)
    assert part.read_bytes() == VIDEO


async def test_a_date_that_is_too_young_resumes_nothing(part: Path) -> None:
    reports: list[DownloadProgress] = []
    with FaultyServer(in_turn(dated(DATE, cut=True), dated(DATE))) as server:
        with pytest.raises(ClipTrouble):
            await fetched(server.url(), part, reports)
        assert part.stat().st_size == 0
        assert reports[-1].last_modified is None
        await fetched(server.url(), part, reports, reports[-1])
    assert "range" not in server.requests[1].headers


async def test_an_edited_status_smuggles_nothing_into_the_request(part: Path) -> None:
    part.write_bytes(VIDEO[:HALF])
    forged = DownloadProgress(HALF, SIZE, None, None, f"{MODIFIED}\r\nX-Evil: 1")
    with FaultyServer(dated(MODIFIED)) as server:
        done = await fetched(server.url(), part, [], forged)
    assert done == Downloaded(SIZE, SHA256)
    assert not {"range", "if-range", "x-evil"} & set(server.requests[0].headers)


# What an answer calls itself


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "text/html; charset=utf-8"},
        {"content_type": "application/json"},
        {"content_type": ""},
        {"content_type": "\xff"},
        *(
            {"content_encoding": name}
            for name in ("none", "identity", "binary", "", "8bit", "utf-8", "Identity, none")
        ),
        {"content_encoding": "gzip"},
    ],
)
async def test_a_video_is_fetched_whatever_its_answer_calls_it(part: Path, headers: dict[str, str]) -> None:
    with FaultyServer(lambda exchange: exchange.answer(VIDEO, 200, etag=ETAG, **headers)) as server:
        done = await fetched(server.url(), part, [])
    assert done == Downloaded(SIZE, SHA256)


FIRST_BOXES = (
    b"ftyp",
    b"styp",
    b"free",
    b"skip",
    b"wide",
    b"moov",
    b"mdat",
    b"uuid",
    b"pnot",
    b"sidx",
    b"pdin",
)


@pytest.mark.parametrize("kind", FIRST_BOXES)
async def test_whatever_box_a_video_begins_with_it_is_fetched(part: Path, kind: bytes) -> None:
    body = VIDEO[:4] + kind + VIDEO[8:]
    with FaultyServer(lambda exchange: exchange.answer(body)) as server:
        assert (await fetched(server.url(), part, [])).bytes == SIZE


@pytest.mark.parametrize(
    "location", ["/dl/Vchod 1.mp4", "/dl/Příjezd[1].mp4", "http://127.0.0.1:{port}/dl/a b.mp4"]
)
async def test_a_redirect_may_lead_to_characters_that_belong_encoded(part: Path, location: str) -> None:
    def script(exchange: Exchange) -> None:
        if exchange.request.target.startswith("/dl/"):
            exchange.answer(VIDEO)
        else:
            exchange.answer(b"", 302, location=location.format(port=server.url("").rpartition(":")[2]))

    with FaultyServer(script) as server:
        assert (await fetched(server.url(), part, [])).sha256 == SHA256
