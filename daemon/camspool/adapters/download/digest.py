"""A SHA-256 that is computed while more is being read: hashing takes longer than all else in a download."""

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor

_LARGE = 256 << 10
"""Bytes from which on another thread is worth its trouble."""


class Digest:
    """The SHA-256 of all that was given to `update`. To be used from one thread at a time, and closed."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._worker: ThreadPoolExecutor | None = None
        self._pending: Future[None] | None = None

    def update(self, data: bytes | memoryview) -> None:
        """Add `data`, which must stay as it is until the next call of any method."""
        self._finish()
        if len(data) < _LARGE:
            self._hash.update(data)
            return
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, thread_name_prefix="sha256")
        self._pending = self._worker.submit(self._hash.update, data)

    def start_over(self) -> None:
        """Forget all of it."""
        self._finish()
        self._hash = hashlib.sha256()

    def hex(self) -> str:
        """The SHA-256 so far, as 64 hex digits."""
        self._finish()
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the other thread."""
        if self._worker is not None:
            self._worker.shutdown()

    def _finish(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None
