"""The index is made again when it is not what was written."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from camspool.page import script
from support.page import PageHarness, a_row, done


@pytest.mark.parametrize("damage", [b"", b"\0" * 50, b"camspool.index({});\n", b"camspool.index(["])
async def test_a_damaged_index_is_made_again(harness: PageHarness, damage: bytes) -> None:
    shown = await harness.shown_after(done())
    harness.path("index.js").write_bytes(damage)
    harness.another()
    assert await harness.shown_after() == shown


@pytest.mark.parametrize(
    "change",
    [
        *({"days": {"../x": ["", 0, 0, 0, 0, ""]}}, {"days": {"2020-05-11": None}}, {"days": []}),
        *({"days": {"2020-05-11": ["", 0, 0, 0, 0, "x"]}}, {"days": {"2020-05-11": ["", 0]}}),
        *({"latest": [None]}, {"latest": [{}]}, {"latest": [a_row()]}, {"latest": ["x"]}, {"latest": {}}),
        *({"cameras": [1]}, {"cameras": {}}, {"more": 1}, {"format": 2}),
    ],
)
async def test_an_index_with_something_else_in_it_is_made_again(
    harness: PageHarness, change: dict[str, Any]
) -> None:
    shown = await harness.shown_after(done())
    harness.path("index.js").write_bytes(script.dump("index", harness.data("index") | change))
    harness.another()
    with capture_logs() as logs:
        assert await harness.shown_after() == shown
    assert logs == []
