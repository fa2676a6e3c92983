"""Hints that something changed: "look at this file", "look at everything"; gathered, one wake-up a batch.

A hint may be missing (the kernel's queue overflows, watches run out) and may be wrong: scans are the truth.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from camspool.core import naming

_MOST_FILES: Final = 10_000
"""Hints worth keeping one by one; beyond that a scan is as quick, and memory stays bounded."""


@dataclass(slots=True)
class GatheredHints:
    """Hints gathered since the last look: files, each with "it came by a rename"; or everything."""

    files: dict[str, bool] = field(default_factory=dict)
    everything: bool = False


class Hints:
    """Collects hints from watchdog's threads; `wake` is called once a batch, from such a thread."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._batch = GatheredHints()
        self._woken = False

    def add(self, file: str, *, renamed: bool) -> None:
        """Look at this file."""
        if naming.ignored(file):
            return
        with self._lock:
            self._batch.files[file] = renamed or self._batch.files.get(file, False)
            if len(self._batch.files) > _MOST_FILES:
                self._batch = GatheredHints(everything=True)
        self._ring()

    def add_everything(self) -> None:
        """Look at everything."""
        with self._lock:
            self._batch.everything = True
        self._ring()

    def take(self) -> GatheredHints:
        """What was hinted since the last call."""
        with self._lock:
            batch, self._batch, self._woken = self._batch, GatheredHints(), False
        return batch

    def _ring(self) -> None:
        with self._lock:
            if self._woken:
                return
            self._woken = True
        self._wake()
