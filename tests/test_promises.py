"""The contract's promises under any course of events: people, faults, expiry, restarts, jumping clocks."""

import hashlib
import json
import os
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from camspool.core import document, naming
from camspool.core.model import Clip, ErrorCode, State, Status
from model_daemon import ModelDaemon, write_whole
from model_server import AISLE, BLIND, GATE, YARD, Trouble
from virtual_time import START

FILES: Final = ("a.json", "b.json", "sub/c.json", "a.yaml")
ASKS: Final[tuple[Any, ...]] = (GATE, "yard", AISLE, [GATE, YARD], BLIND, "nobody", None)
"""What a version of a request asks for; None is no request at all."""
SECONDS: Final = 100
LONG_AGO: Final = 1_580_000_000
FOREIGN: Final = ("a.mp4", "b-1.mp4", "b.mp4", "sub/c.001.mp4", "b.status.json", "a.json", ".a.001.mp4.part")
IN_MEMORY: Final = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
"""Thousands of fsyncs a second; what a power cut leaves of them is another test's business."""
ENDS_WITHIN_S: Final = 2400
"""Far longer than all that a request may wait for once every fault is over: pauses, polls, the grace."""
SURE: Final = {
    ErrorCode.NO_RECORDING: BLIND,
    ErrorCode.CAMERA_NOT_FOUND: "nobody",
}

pauses = st.sampled_from([0, 0, 0.3, 1.0, 2.5, 8.0, 20.0, 90.0])
turns = st.integers(0, 60)


def content(file: str, version: int) -> bytes:
    """A version of a request file; the range of each is its own."""
    asked = ASKS[version]
    if asked is None:
        return b'{"camera": 1, "form": 1}'
    begins = LONG_AGO + 1_000_000 * FILES.index(file) + 10_000 * version
    return json.dumps({"camera": asked, "from": begins, "duration": SECONDS}).encode()


def soon() -> bytes:
    """A request for what has not been recorded yet when the tests begin."""
    return json.dumps({"camera": GATE, "from": START.timestamp() + 60, "duration": SECONDS}).encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Promises(RuleBasedStateMachine):
    """People, the portal and the machine do what they do; the daemon keeps what the contract promises."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="camspool-", dir=IN_MEMORY)
        self.daemon = ModelDaemon(Path(self.folder.name))
        self.wanted: dict[str, bytes] = {}
        """By path below drop/: the latest version of each file that nobody has deleted."""
        self.foreign: dict[Path, bytes] = {}
        self.removed: set[Path] = set()
        self.acts: Counter[str] = Counter()
        """By stem: how often somebody has touched a file that may have that name."""
        self.ended: dict[str, tuple[State, str, int]] = {}
        self.rests = 0
        self.failed = False

    @initialize(seed=st.integers(0, 10_000), version=st.integers(0, 3))
    def begin(self, seed: int, version: int) -> None:
        self.daemon.loop.chance = random.Random(seed)  # noqa: S311
        self.daemon.start()
        self.daemon.loop.let_pass(1)
        self._put("a.json", content("a.json", version))

    # People

    @precondition(lambda self: self.drop_is_there)
    @rule(file=st.sampled_from(FILES), version=st.integers(0, len(ASKS) - 1), ticks=turns, pause=pauses)
    def drop_or_edit(self, file: str, version: int, ticks: int, pause: float) -> None:
        self._put(file, content(file, version))
        self._go_on(ticks, pause)

    @precondition(lambda self: self.drop_is_there)
    @rule(ticks=turns, pause=pauses)
    def ask_for_the_future(self, ticks: int, pause: float) -> None:
        self._put("soon.json", soon())
        self._go_on(ticks, pause)

    @precondition(lambda self: self.drop_is_there and self.wanted)
    @rule(data=st.data(), ticks=turns, pause=pauses)
    def drop_the_same_again(self, data: st.DataObject, ticks: int, pause: float) -> None:
        file = data.draw(st.sampled_from(sorted(self.wanted)))
        self._put(file, self.wanted[file])
        self._go_on(ticks, pause)

    @precondition(lambda self: self.drop_is_there and self.waiting_files())
    @rule(data=st.data(), ticks=turns, pause=pauses)
    def delete(self, data: st.DataObject, ticks: int, pause: float) -> None:
        file = data.draw(st.sampled_from(self.waiting_files()))
        (self.daemon.drop / file).unlink()
        self.wanted.pop(file, None)
        self._act(file)
        self._go_on(ticks, pause)

    @precondition(lambda self: self.drop_is_there and self.filed_files())
    @rule(data=st.data(), ticks=turns, pause=pauses)
    def move_back(self, data: st.DataObject, ticks: int, pause: float) -> None:
        file = data.draw(st.sampled_from(self.filed_files()))
        source, target = self.daemon.mirror / file, self.daemon.drop / file
        target.parent.mkdir(exist_ok=True)
        self.wanted[file] = source.read_bytes()
        source.rename(target)
        self._act(file)
        self._go_on(ticks, pause)

    @precondition(lambda self: self.mirror_is_there)
    @rule(name=st.sampled_from(FOREIGN), pause=pauses)
    def put_something_foreign_into_the_mirror(self, name: str, pause: float) -> None:
        path = self.daemon.mirror / name
        if not path.exists() and path.parent.exists() and path.name[0] != ".":
            path.write_bytes(b"somebody else's")
            self.foreign[path] = b"somebody else's"
        self._go_on(0, pause)

    @precondition(lambda self: self.mirror_is_there and self.mp4s())
    @rule(data=st.data(), pause=pauses)
    def remove_an_mp4(self, data: st.DataObject, pause: float) -> None:
        path = data.draw(st.sampled_from(self.mp4s()))
        path.unlink()
        self.removed.add(path)
        self.daemon.server.forgive(lambda _: True)
        self._go_on(0, pause)

    # The portal

    @rule(trouble=st.sampled_from(Trouble), times=st.integers(1, 4), pause=pauses)
    def portal_makes_trouble(self, trouble: Trouble, times: int, pause: float) -> None:
        self.daemon.server.troubles[trouble] += times
        self._go_on(0, pause)

    @rule(ticks=turns, pause=pauses)
    def portal_forgets_ids(self, ticks: int, pause: float) -> None:
        self.daemon.server.lose_ids()
        self._go_on(ticks, pause)

    @rule(ticks=turns, pause=pauses)
    def portal_goes_down_or_comes_back(self, ticks: int, pause: float) -> None:
        server = self.daemon.server
        server.go_down() if server.up else server.come_back()
        self._go_on(ticks, pause)

    # The machine

    @rule(done=st.lists(st.booleans(), min_size=1, max_size=4), ticks=turns, pause=pauses)
    def writes_fail(self, done: list[bool], ticks: int, pause: float) -> None:
        self.daemon.disk.failures = done
        self._go_on(ticks, pause)

    @rule(ticks=turns, pause=pauses)
    def disk_fills_or_gets_room(self, ticks: int, pause: float) -> None:
        self.daemon.disk.full = not self.daemon.disk.full
        self._go_on(ticks, pause)

    @rule(which=st.sampled_from(["drop", "mirror"]), ticks=turns, pause=pauses)
    def share_goes_or_comes_back(self, which: str, ticks: int, pause: float) -> None:
        self._mount(which) if self._away(which).exists() else self._unmount(which)
        self._go_on(ticks, pause)

    @rule(seconds=st.sampled_from([-7200.0, -60.0, -2.0, 2.0, 60.0, 7200.0]), ticks=turns, pause=pauses)
    def clock_is_stepped(self, seconds: float, ticks: int, pause: float) -> None:
        self.daemon.clock.jump(seconds)
        self._go_on(ticks, pause)

    @rule(hours=st.sampled_from([2, 25]), ticks=turns, pause=pauses)
    def box_sleeps(self, hours: int, ticks: int, pause: float) -> None:
        self.daemon.clock.suspend(hours * 3600)
        self._go_on(ticks, pause)

    @precondition(lambda self: self.daemon.runs)
    @rule(kill=st.booleans(), rests=st.integers(0, 2), hours_down=st.sampled_from([0, 0, 2, 25]))
    def daemon_is_ended(self, kill: bool, rests: int, hours_down: int) -> None:  # noqa: FBT001
        self.daemon.kill() if kill else self.daemon.stop()
        self.rests = rests
        self.daemon.clock.suspend(hours_down * 3600)

    @precondition(lambda self: self.daemon.runs)
    @rule(accesses=st.integers(0, 30), rests=st.integers(0, 2), pause=pauses)
    def daemon_is_killed_while_it_writes(self, accesses: int, rests: int, pause: float) -> None:
        self.daemon.disk.accesses_left = accesses
        self.rests = rests
        self._go_on(0, pause)

    # Time

    @rule(ticks=turns, pause=pauses)
    def time_passes(self, ticks: int, pause: float) -> None:
        self._go_on(ticks, pause)

    @rule()
    def all_is_well_for_long_enough(self) -> None:
        self._heal()
        self._wait_for_the_end()
        self._check_ends()

    # Promises

    @invariant()
    def promises_are_kept(self) -> None:
        if not self.mirror_is_there:
            return
        self.failed = True
        statuses = self.statuses()
        broken = self.daemon.server.broken_promises
        assert not broken, broken
        for status in statuses:
            self._check_one_end(status)
        self._check_mp4s(statuses)
        self._check_ended_stay_ended(statuses)
        self._check_nothing_is_lost()
        self.failed = False

    def teardown(self) -> None:
        try:
            if not self.failed:
                self.all_is_well_for_long_enough()
        finally:
            self.daemon.close()
            self.folder.cleanup()

    def _check_one_end(self, status: Status) -> None:
        ends = [entry.state for entry in status.history if entry.state.final]
        assert ends in ([], [status.state]), (status.name, ends)
        assert bool(ends) == status.state.final == (status.finished_at is not None), status.name

    def _check_mp4s(self, statuses: list[Status]) -> None:
        owners: dict[Path, str] = {}
        for status in statuses:
            for clip in status.clips:
                if clip.state is State.DONE:
                    path = self._check_mp4(status, clip)
                    assert path not in owners, f"{path} belongs to {owners[path]} and {status.name}"
                    owners[path] = status.name
        for path, data in self.foreign.items():
            assert path.read_bytes() == data, f"{path} was overwritten"

    def _check_mp4(self, status: Status, clip: Clip) -> Path:
        assert clip.file
        path = self.daemon.mirror / naming.folder_of(status.name) / clip.file.name
        if path.exists() and path not in self.foreign:
            self.removed.discard(path)
            data = path.read_bytes()
            assert (len(data), sha256(data)) == (clip.file.bytes, clip.file.sha256), path
        else:
            assert path in self.removed, f"{status.name} is done, and {path} is not there"
        return path

    def _check_ended_stay_ended(self, statuses: list[Status]) -> None:
        """Once a request has ended and its file is in its place, only people can make it work again."""
        now = {status.name: self._end_of(status) for status in statuses if self._is_at_rest(status)}
        for name, (state, version, acts) in self.ended.items():
            found = next((status for status in statuses if status.name == name), None)
            assert found, f"the status of {name} is gone"
            if self._acts(found) == acts:
                assert (found.state, found.request.sha256) == (state, version), name
        self.ended = now

    def _check_nothing_is_lost(self) -> None:
        if not self.drop_is_there:
            return
        roots = (self.daemon.drop, self.daemon.mirror)
        files = [path for root in roots for path in root.rglob("*") if path.is_file()]
        there = {sha256(path.read_bytes()) for path in files if path.suffix != ".mp4"}
        for file, data in self.wanted.items():
            assert sha256(data) in there, f"{file} has vanished"

    def _check_ends(self) -> None:
        statuses = self.statuses()
        for file, data in self.wanted.items():
            found = [status for status in statuses if status.request.sha256 == sha256(data)]
            found = [status for status in found if status.state is not State.CANCELLED]
            assert found, f"nothing is known of {file}"
            for status in found:
                self._check_outcome(status, file)
        hidden = [path for path in self.daemon.mirror.rglob(".*") if path.name != ".camspool"]
        assert not [path for path in hidden if path not in self.foreign], hidden

    def _check_outcome(self, status: Status, file: str) -> None:
        """It is done, or there is a reason why not."""
        assert status.state in {State.DONE, State.FAILED, State.PARTIAL, State.REJECTED}, (file, status)
        if status.state is State.REJECTED:
            codes = {ErrorCode.NAME_TAKEN, ErrorCode.INVALID}
            assert status.error
            assert status.error.code in codes, status.error
        for clip in status.clips:
            assert clip.state in {State.DONE, State.FAILED}
            if clip.error:
                assert self._has_reason(clip, clip.error.code), (file, clip)

    def _has_reason(self, clip: Clip, code: ErrorCode) -> bool:
        struck, expired = self.daemon.server.struck, self.daemon.server.expired_answers
        reasons = {
            ErrorCode.NO_RECORDING: clip.camera == BLIND,
            ErrorCode.CAMERA_NOT_FOUND: clip.camera == "nobody",
            ErrorCode.PREPARE_REFUSED: struck[Trouble.PREPARE_REFUSED]
            + struck[Trouble.PREPARE_FAILS]
            + struck[Trouble.PREPARE_UNHEARD]
            >= 3,
            ErrorCode.BAD_VIDEO: struck[Trouble.DOWNLOAD_NO_VIDEO] + struck[Trouble.VIDEO_TOO_SHORT] >= 3,
            ErrorCode.KEPT_EXPIRING: expired >= 6,
        }
        return reasons.get(code, False)

    # What people see

    @property
    def drop_is_there(self) -> bool:
        return not self._away("drop").exists() and self.daemon.drop.exists()

    @property
    def mirror_is_there(self) -> bool:
        return not self._away("mirror").exists() and self.daemon.mirror.exists()

    def statuses(self) -> list[Status]:
        paths = sorted(self.daemon.mirror.rglob("*.status.json"))
        return [document.load(path.read_bytes()) for path in paths if path not in self.foreign]

    def waiting_files(self) -> list[str]:
        return self._requests_in(self.daemon.drop)

    def filed_files(self) -> list[str]:
        if not self.mirror_is_there:
            return []
        foreign = {str(path.relative_to(self.daemon.mirror)) for path in self.foreign}
        found = self._requests_in(self.daemon.mirror)
        return [file for file in found if file not in foreign and not (self.daemon.drop / file).exists()]

    def mp4s(self) -> list[Path]:
        return sorted(path for path in self.daemon.mirror.rglob("*.mp4") if path not in self.foreign)

    def _requests_in(self, root: Path) -> list[str]:
        files = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
        return sorted(
            file
            for file in files
            if naming.is_request(file)
            and not naming.ignored(file)
            and not file.endswith(naming.STATUS_SUFFIX)
            and not file.startswith("_")
        )

    def _is_at_rest(self, status: Status) -> bool:
        file = status.request.file
        in_place = self.drop_is_there and _stem(file) not in map(_stem, self.waiting_files())
        wanted = self.wanted.get(file)
        return status.state.final and in_place and (wanted is None or sha256(wanted) == status.request.sha256)

    def _end_of(self, status: Status) -> tuple[State, str, int]:
        return status.state, status.request.sha256, self._acts(status)

    def _acts(self, status: Status) -> int:
        return self.acts[_stem(status.request.file)]

    # What people do

    def _put(self, file: str, data: bytes) -> None:
        write_whole(self.daemon.drop / file, data)
        self.wanted[file] = data
        self._act(file)

    def _act(self, file: str) -> None:
        """Whoever touches a file may have everything about it made anew."""
        self.acts[_stem(file)] += 1
        block = FILES.index(file) if file in FILES else -1
        self.daemon.server.forgive(lambda start: _block(start) == block or block < 0)

    def _away(self, which: str) -> Path:
        return self.daemon.folder / f"{which}.away"

    def _unmount(self, which: str) -> None:
        root: Path = getattr(self.daemon, which)
        if root.exists():
            root.rename(self._away(which))
            root.mkdir()

    def _mount(self, which: str) -> None:
        root: Path = getattr(self.daemon, which)
        left = [path for path in root.rglob("*") if path.suffix != ".part"]
        assert not left, f"written into a folder that was not mounted: {left}"
        for path in root.rglob("*"):
            path.unlink()
        root.rmdir()
        self._away(which).rename(root)

    # How things go on

    def _go_on(self, ticks: int, pause: float) -> None:
        """So many turns of the loop, which leave everything in the middle, or so many seconds."""
        if not self.daemon.runs:
            self._rest_or_start()
        if pause:
            self.daemon.loop.let_pass(pause)
        self.daemon.loop.turns(ticks + 1)
        self.daemon.check_alive()

    def _rest_or_start(self) -> None:
        if self.rests:
            self.rests -= 1
        else:
            self.daemon.start()

    def _heal(self) -> None:
        self.daemon.server.troubles.clear()
        self.daemon.server.come_back()
        self.daemon.disk.full, self.daemon.disk.failures = False, []
        self.daemon.disk.accesses_left = None
        self.daemon.clock.set_right()
        for which in ("drop", "mirror"):
            if self._away(which).exists():
                self._mount(which)
        self.daemon.check_alive()
        if not self.daemon.runs:
            self.daemon.start()

    def _wait_for_the_end(self) -> None:
        waited = 0
        while waited < ENDS_WITHIN_S and self._outstanding():
            self.daemon.loop.let_pass(20)
            self.daemon.check_alive()
            waited += 20
        assert not self._outstanding(), f"after {waited} s: {self._outstanding()}"
        self.daemon.loop.let_pass(61)  # the clean-up's turn
        self.daemon.check_alive()

    def _outstanding(self) -> list[str]:
        unended = [f"{status.name} is {status.state}" for status in self.statuses() if not status.state.final]
        return self.waiting_files() + unended


def _stem(file: str) -> str:
    """What the files have in common that may follow one another under a name."""
    return naming.name_of(file).partition("~")[0]


def _block(start: int) -> int:
    return (start - LONG_AGO) // 1_000_000


TestPromises = Promises.TestCase
TestPromises.settings = settings(
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
