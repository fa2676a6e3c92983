"""What holds for every test: how it logs, and which secrets it knows, is forgotten after it."""

import logging
import os
from collections.abc import Iterator

import pytest
import structlog

from camspool.adapters.logs import redaction
from camspool.core import settling

# pytest-xdist sets it for its workers, and what the commands print in a pipe would be broken into lines.
os.environ.pop("COLUMNS", None)

pytest.register_assert_rewrite("support.contracts")

_LIBRARIES = ("httpx", "httpcore", "apscheduler.scheduler")
"""Their loggers are made quieter by the daemon, for the rest of the process."""

_measured: dict[str, str] = {}
"""The variables by which coverage.py measures the processes that a test starts, while `make test` runs."""


def pytest_configure(config: pytest.Config) -> None:
    """Measure the processes only of tests that ask for it: each of them costs a fifth of a second more."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        names = [name for name in os.environ if name.startswith("COVERAGE_PROCESS_")]
        _measured.update((name, os.environ.pop(name)) for name in names)


@pytest.fixture
def processes_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of code that runs in processes of its own, and is not reached by calling it."""
    for name, value in _measured.items():
        monkeypatch.setenv(name, value)


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
