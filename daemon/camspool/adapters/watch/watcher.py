"""Reports what happens in drop/: `Settled` once for each version of a file, `Gone` when it is deleted.

Scans are the truth: at start, every `rescan` or `poll`, and when folders change. When a file is settled is
decided in `core/settling.py`; what becomes of it is the workflow's business.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import structlog

from camspool.adapters.watch import scan
from camspool.adapters.watch.hints import GatheredHints, Hints
from camspool.adapters.watch.observer import Observer
from camspool.aio import first_of
from camspool.core import naming, settling
from camspool.core.errors import CamspoolError, StorageTrouble
from camspool.core.ports import Clock
from camspool.core.settling import Sighting, Signature
from camspool.core.values import WaitReason

_LONGEST_PAUSE: Final = 5.0
"""Seconds: so often at least `progressed_at` moves, though nothing happens."""
_BREATH: Final = 4
"""After a scan of one second the next is at least four seconds away, whatever the hints say."""

log = structlog.get_logger()

Looking = Callable[[Mapping[str, Exception]], scan.ScanResult]
"""Takes the mounts that are away; see `scan`."""

Mode = Literal["auto", "inotify", "polling"]


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """The contract's `watch` section: `settle`, `rescan` (with inotify), `poll` (without) are seconds."""

    mode: Mode = "auto"
    settle: float = 2.0
    rescan: float = 30.0
    poll: float = 5.0


@dataclass(frozen=True, slots=True)
class Settled:
    """The file, in this version, may be read. It may be gone by then: a `Gone` follows."""

    file: str
    signature: Signature


@dataclass(frozen=True, slots=True)
class Gone:
    """A file that was reported has been deleted or moved away, and drop/ itself is there."""

    file: str


Change = Settled | Gone


class DropWatcher:
    """Watches one drop folder.

    Args:
        drop: the folder.
        settings: how to watch it now; the mode is that of the start.
        clock: for all waiting and dating.
        check: raises StorageTrouble while the folder is not there; blocking.
        parses: does the content of this file (a path below drop/) parse? False when it is gone; blocking.
        away: the mounts below drop/ that are not there now, and why; blocking.
    """

    def __init__(
        self,
        drop: Path,
        settings: Callable[[], WatchSettings],
        clock: Clock,
        check: Callable[[], None],
        parses: Callable[[str], bool],
        away: Callable[[], Mapping[str, Exception]] = dict,
    ) -> None:
        self._drop = drop.absolute()
        self._settings = settings
        self._clock = clock
        self._check = check
        self._parses = parses
        self._away = away
        self._wake = asyncio.Event()
        self._hints = Hints(self._ring)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._observer = Observer(self._drop, settings().mode, self._hints)
        self._pending: dict[str, Sighting] = {}
        self._unparsed: dict[str, Signature] = {}
        self._reported: dict[str, Signature | None] = {}
        self._absent_since: dict[str, float] = {}
        self._hidden: frozenset[str] = frozenset()
        self._folders_changed = False
        self._scan_at = self._breath_until = float("-inf")
        self.first_scan_done = asyncio.Event()
        self.last_scan_at: datetime | None = None
        self.progressed_at = clock.monotonic()
        self.trouble: StorageTrouble | None = None

    @property
    def mode(self) -> str:
        """How changes are noticed now: `inotify` or `polling`."""
        return self._observer.mode

    @property
    def reason(self) -> str:
        """Why that mode was chosen, in words."""
        return self._observer.reason

    @property
    def file_system(self) -> str:
        """The type of the file system that drop/ is on."""
        return self._observer.file_system

    async def run(self, tell: Callable[[Change], None]) -> None:
        """Watch until cancelled; `tell` is called in the event loop, in no particular order of files.

        Call it again after a crash: everything is then reported again, since something may have been lost.
        """
        self._loop = asyncio.get_running_loop()
        self._start_over()
        try:
            while True:
                await self._round(tell)
        finally:
            await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Stop watchdog's threads; blocking. `run` does so when it is cancelled."""
        self._observer.close()

    def scan_soon(self) -> None:
        """Look at everything again, without waiting for the next scan."""
        self._hints.add_everything()

    def forget(self, file: str) -> None:
        """The file was moved out of drop/ by ourselves: no `Gone`, and if it is put back, it is new."""
        for known in (self._pending, self._unparsed, self._reported, self._absent_since):
            known.pop(file, None)

    def _start_over(self) -> None:
        """Forget how far the files were, though not that they were there: one may have gone meanwhile."""
        self._observer.open()
        self._pending.clear()
        self._unparsed.clear()
        self._reported = dict.fromkeys(self._reported)
        self._scan_at = self._breath_until = float("-inf")

    async def _round(self, tell: Callable[[Change], None]) -> None:
        self.progressed_at = self._clock.monotonic()
        batch = self._hints.take()
        if batch.everything:
            self._folders_changed = True
            self._scan_at = min(self._scan_at, self._breath_until)
        if self._clock.monotonic() >= self._scan_at:
            await self._scan(batch, tell)
        elif files := batch.files | {file: False for file in self._due() if file not in batch.files}:
            await self._look(files, tell)
        else:
            await self._pause()

    async def _scan(self, batch: GatheredHints, tell: Callable[[Change], None]) -> None:
        began = self._clock.monotonic()
        found = await self._found(self._survey)
        now = self._clock.monotonic()
        self._breath_until = now + _BREATH * (now - began)
        interval = self._settings().rescan if self.mode == "inotify" else self._settings().poll
        if found is None:
            return
        # A folder that has just been made may have been filled before it was watched: look once more.
        again = min(self._settings().settle, interval) if self._folders_changed else interval
        self._folders_changed = False
        self._scan_at = max(now + again, self._breath_until)
        self._log_hidden(found)
        await self._judge(found, {*self._pending, *self._reported}, batch.files, tell)
        self.last_scan_at = self._clock.now()
        self.first_scan_done.set()

    async def _look(self, files: dict[str, bool], tell: Callable[[Change], None]) -> None:
        found = await self._found(lambda away: scan.look(self._drop, files, self._progress, away))
        if found is not None:
            await self._judge(found, files, files, tell)

    async def _found(self, looking: Looking) -> scan.ScanResult | None:
        """Look in a thread, between two checks of the folder; None when it is not available."""
        try:
            found = await asyncio.to_thread(self._looked, looking)
        except StorageTrouble as trouble:
            if self.trouble is None:
                log.warning("drop_unavailable", message=trouble.message)
            self.trouble = trouble
            self._absent_since.clear()
            self._scan_at = self._clock.monotonic() + self._settings().poll
            return None
        if self.trouble is not None:
            log.info("drop_available", path=str(self._drop))
        self.trouble = None
        return found

    def _looked(self, looking: Looking) -> scan.ScanResult:
        self._check()
        try:
            found = looking(self._away())
        except OSError as error:
            raise StorageTrouble(WaitReason.FOLDER_UNAVAILABLE, f"{self._drop}: {error.strerror}") from error
        self._check()
        found.hidden |= self._away()
        return found

    def _survey(self, away: Mapping[str, Exception]) -> scan.ScanResult:
        self._observer.tend(self._clock.monotonic())
        return scan.survey(self._drop, self._progress, away)

    def _progress(self) -> None:
        self.progressed_at = self._clock.monotonic()

    async def _judge(
        self,
        found: scan.ScanResult,
        asked: Iterable[str],
        renamed: dict[str, bool],
        tell: Callable[[Change], None],
    ) -> None:
        now = self._clock.monotonic()
        for file, signature in found.present.items():
            self._see(file, signature, now, renamed=renamed.get(file, False))
        for file in [file for file in asked if file not in found.present]:
            if self._misses(file, now, absent=found.is_absent(file)):
                tell(Gone(file))
        for file in await self._settled([file for file in found.present if file in self._pending], now):
            if sighting := self._pending.pop(file, None):
                self._unparsed.pop(file, None)
                self._reported[file] = sighting.signature
                tell(Settled(file, sighting.signature))

    def _see(self, file: str, signature: Signature, now: float, *, renamed: bool) -> None:
        self._absent_since.pop(file, None)
        if self._reported.get(file) == signature:
            self._pending.pop(file, None)
            return
        first = not self.first_scan_done.is_set()
        age = settling.age_at_start(signature, self._clock.now().timestamp()) if first else 0.0
        before = self._pending.get(file)
        self._pending[file] = settling.sighted(before, signature, now, renamed=renamed, age=age)

    def _misses(self, file: str, now: float, *, absent: bool) -> bool:
        """Note that a file was not seen; True when it is to be reported as gone."""
        self._pending.pop(file, None)
        self._unparsed.pop(file, None)
        if not absent or file not in self._reported:
            self._absent_since.pop(file, None)
            return False
        if now - self._absent_since.setdefault(file, now) < self._settings().settle:
            return False  # an editor may be replacing it
        self.forget(file)
        return True

    async def _settled(self, files: list[str], now: float) -> list[str]:
        """Those of the pending `files`, just seen, that may be taken."""
        ripe = [file for file in files if now >= self._settled_at(file)]
        early = [file for file in files if now < self._settled_at(file) and self._worth_parsing(file)]
        if not ripe and not early:
            return []
        before = {file: self._pending[file].signature for file in (*ripe, *early)}
        parsed, fresh = await asyncio.to_thread(self._read_again, early, ripe)
        self._unparsed |= {file: before[file] for file in early if file not in parsed}
        return [*parsed, *(file for file in ripe if fresh.present.get(file) == before[file])]

    def _read_again(self, early: list[str], ripe: list[str]) -> tuple[list[str], scan.ScanResult]:
        return [file for file in early if self._try_to_parse(file)], scan.look(
            self._drop, ripe, self._progress
        )

    def _try_to_parse(self, file: str) -> bool:
        self._progress()
        try:
            return self._parses(file)
        except CamspoolError:
            return False  # it is reported once settled, and whoever reads it then reports its problems
        except Exception:  # a defect that one file brings out must not keep the others from being seen
            log.debug("file_not_parsed", file=naming.printable(file), exc_info=True)
            return False  # once it is settled, whoever reads it meets the same, and answers it

    def _settled_at(self, file: str) -> float:
        return settling.settled_at(file, self._pending[file], self._settings().settle)

    def _worth_parsing(self, file: str) -> bool:
        sighting = self._pending[file]
        tried = self._unparsed.get(file) == sighting.signature
        return not tried and settling.settled_once_it_parses(file, sighting)

    def _due(self) -> list[str]:
        if self.trouble is not None:
            return []
        now = self._clock.monotonic()
        return [file for file, at in self._deadlines() if at <= now]

    def _deadlines(self) -> list[tuple[str, float]]:
        settle = self._settings().settle
        pending = [(file, self._settled_at(file)) for file in self._pending]
        return pending + [(file, since + settle) for file, since in self._absent_since.items()]

    async def _pause(self) -> None:
        """Wait for a hint, the next scan or the next deadline."""
        due = [] if self.trouble is not None else [at for _, at in self._deadlines()]
        seconds = min(self._scan_at, *due, self._clock.monotonic() + _LONGEST_PAUSE) - self._clock.monotonic()
        await first_of(self._clock.sleep(max(seconds, 0.0)), self._wake.wait())
        self._wake.clear()

    def _ring(self) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed while an event was on its way
                self._loop.call_soon_threadsafe(self._wake.set)

    def _log_hidden(self, found: scan.ScanResult) -> None:
        for path in found.hidden.keys() - self._hidden:
            log.warning("folder_unreadable", path=path, message=str(found.hidden[path]))
        self._hidden = frozenset(found.hidden)
