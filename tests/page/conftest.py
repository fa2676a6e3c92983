"""What the tests of the page share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.page import PageHarness


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[PageHarness]:
    made = PageHarness(tmp_path)
    yield made
    made.spool.close()
