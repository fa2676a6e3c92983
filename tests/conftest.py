"""What holds for every test: how it logs, and which secrets it knows, is forgotten after it."""

import logging
import os
import sys
from collections.abc import Iterator

import hypothesis
import pytest
import structlog

from camspool.adapters.logs import redaction
from camspool.core import settling

# pytest-xdist sets it for its workers, and what the commands print in a pipe would be broken into lines.
os.environ.pop("COLUMNS", None)

pytest.register_assert_rewrite("support.contracts")

_LIBRARIES = ("httpx", "httpcore", "apscheduler.scheduler")
"""Their loggers are made quieter by the daemon, for the rest of the process."""

if "coverage" in sys.modules:  # it is measuring, which takes time
    hypothesis.settings.register_profile("measured", deadline=None)
    hypothesis.settings.load_profile("measured")


@pytest.fixture
def untraced() -> Iterator[None]:
    """For tests of what something costs: while coverage.py measures, each line costs more."""
    measuring = sys.modules["coverage"].Coverage.current() if "coverage" in sys.modules else None
    if measuring:
        measuring.stop()
    yield
    if measuring:
        measuring.start()


@pytest.fixture
def quickly_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of other types are answered after a second and not after a minute."""
    monkeypatch.setattr(settling, "OTHER_TYPE_FOR", 1.0)


@pytest.fixture(autouse=True)
def _logging_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(redaction, "_secrets", [])
    loggers = [logging.getLogger(), *map(logging.getLogger, _LIBRARIES)]
    levels, handlers = [logger.level for logger in loggers], loggers[0].handlers[:]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    loggers[0].handlers[:] = handlers
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()
