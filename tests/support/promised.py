"""What the contract promises, as questions to the folders, at any moment and when everything has ended."""

from pathlib import Path

from camspool.core import naming
from camspool.core.status_document import Clip, Status
from camspool.core.values import ErrorCode, State
from support.model_daemon import ModelDaemon
from support.model_server import BLIND, HEIGHTS, Trouble, video
from support.people import NOBODY, People, sha256, stem


class Promised:
    """Looks after the promises; what it has seen to have ended must stay so."""

    def __init__(self, daemon: ModelDaemon, people: People) -> None:
        self._daemon = daemon
        self._people = people
        self._ended: dict[str, tuple[State, str, int]] = {}

    def check(self) -> None:
        """What holds at every moment."""
        broken = self._daemon.server.broken_promises
        assert not broken, broken
        if not self._people.is_mounted("mirror"):
            return
        statuses = self._people.statuses()
        for status in statuses:
            _check_one_end(status)
        self._check_mp4s(statuses)
        self._check_what_has_ended(statuses)
        if self._people.is_mounted("drop"):
            self._check_nothing_has_vanished()

    def check_ends(self) -> None:
        """What holds once every request has ended."""
        statuses = self._people.statuses()
        for file, data in self._people.wanted.items():
            found = [status for status in statuses if status.request.sha256 == sha256(data)]
            found = [status for status in found if status.state is not State.CANCELLED]
            assert found, f"nothing is known of {file}"
            for status in found:
                self._check_outcome(status)
        assert not self._people.hidden()

    def _check_mp4s(self, statuses: list[Status]) -> None:
        """`done` means a whole MP4, no two clips have the same one, and what is another's is left alone."""
        owners: dict[Path, str] = {}
        for status in statuses:
            for clip in status.clips:
                if clip.state is State.DONE:
                    path = self._check_mp4(status, clip)
                    assert path not in owners, f"{path} belongs to {owners[path]} and {status.name}"
                    owners[path] = status.name
        for path, data in self._people.foreign.items():
            assert path.read_bytes() == data, f"{path} was overwritten"

    def _check_mp4(self, status: Status, clip: Clip) -> Path:
        assert clip.file
        path = self._daemon.mirror / naming.folder_of(status.name) / clip.file.name
        if path.exists() and path not in self._people.foreign:
            self._people.removed.discard(path)
            data = path.read_bytes()
            assert (len(data), sha256(data)) == (clip.file.bytes, clip.file.sha256), path
            assert self._is_asked_for(data, clip), f"{path} is another video"
        else:
            assert path in self._people.removed, f"{status.name} is done, and {path} is not there"
        return path

    def _is_asked_for(self, data: bytes, clip: Clip) -> bool:
        """Whether these are the bytes that the server has for a piece of the clip's range."""
        start, end, half = clip.start.timestamp(), clip.end.timestamp(), clip.asked_s / 2
        if clip.piece is not None:
            start, end = start + half * (clip.piece - 1), start + half * clip.piece
        return data == video(clip.node_id or 0, int(start), int(end), HEIGHTS[-1])

    def _check_what_has_ended(self, statuses: list[Status]) -> None:
        """Once a request has ended and its file is in its place, only people can make it work again."""
        by_name = {status.name: status for status in statuses}
        for name, (state, version, acts) in self._ended.items():
            status = by_name.get(name)
            assert status, f"the status of {name} is gone"
            if self._acts(status) == acts:
                assert (status.state, status.request.sha256) == (state, version), name
        self._ended = {
            status.name: (status.state, status.request.sha256, self._acts(status))
            for status in statuses
            if self._is_at_rest(status)
        }

    def _is_at_rest(self, status: Status) -> bool:
        file = status.request.file
        in_drop = map(stem, self._people.waiting_files())
        if not status.state.final or not self._people.is_mounted("drop") or stem(file) in in_drop:
            return False
        wanted = self._people.wanted.get(file)
        return wanted is None or sha256(wanted) == status.request.sha256

    def _acts(self, status: Status) -> int:
        return self._people.acts[stem(status.request.file)]

    def _check_nothing_has_vanished(self) -> None:
        there = self._people.contents()
        for file, data in self._people.wanted.items():
            assert sha256(data) in there, f"{file} has vanished"

    def _check_outcome(self, status: Status) -> None:
        """The footage is there, or there is a reason why not."""
        if status.state is State.REJECTED:
            assert status.error
            assert status.error.code in {ErrorCode.NAME_TAKEN, ErrorCode.INVALID}, status.error
        else:
            assert status.state in {State.DONE, State.PARTIAL, State.FAILED}, status.name
        assert (status.state is State.DONE) == ({clip.state for clip in status.clips} == {State.DONE})
        for clip in status.clips:
            assert clip.state in {State.DONE, State.FAILED}
            assert clip.error is None or self._has_reason(clip, clip.error.code), clip

    def _has_reason(self, clip: Clip, code: ErrorCode) -> bool:
        """Whether the server has really done what the clip failed for, as often as it takes."""
        struck, expired = self._daemon.server.struck, self._daemon.server.expired_answers
        bad = (Trouble.VIDEO_BROKEN, Trouble.VIDEO_TOO_SHORT)
        reasons = {
            ErrorCode.NO_RECORDING: clip.camera == BLIND,
            ErrorCode.CAMERA_NOT_FOUND: clip.camera == NOBODY,
            ErrorCode.PREPARE_REFUSED: struck[Trouble.PREPARE_REFUSED] >= 3,
            ErrorCode.BAD_VIDEO: sum(struck[each] for each in bad) >= 3,
            ErrorCode.KEPT_EXPIRING: expired >= 5,
        }
        return reasons.get(code, False)


def _check_one_end(status: Status) -> None:
    ends = [entry.state for entry in status.history if entry.state.final]
    assert ends in ([], [status.state]), (status.name, ends)
    assert bool(ends) == status.state.final == (status.finished_at is not None), status.name
