"""What holds for every test of a command: most of them run it as people do, in a process of its own."""

import pytest


@pytest.fixture(autouse=True)
def _processes_are_measured(processes_are_measured: None) -> None:
    pass
