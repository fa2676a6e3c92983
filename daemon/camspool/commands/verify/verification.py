"""Goes through the mirror, and looks twice before it reports anything, since a daemon may be at work."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from camspool.adapters.spool import FolderContents, Foreign
from camspool.adapters.spool.reader import why
from camspool.commands.targets import Target
from camspool.commands.verify.mirror import Mirror
from camspool.commands.verify.verdicts import Discrepancy, Kind, Tally, accounted, compare, promised
from camspool.core import naming
from camspool.core.errors import StorageTrouble
from camspool.core.naming import below
from camspool.core.status_document import OutputFile, Status

_BEING_REMOVED: Final = timedelta(minutes=1)
"""How long retention may take from the status that says so to the last MP4 of it."""


class Verification:
    """One run, which keeps in memory one status and the names of the files of one folder.

    Args:
        mirror: what to read.
        targets: what of it.
        started: the time now.
    """

    def __init__(self, mirror: Mirror, targets: Iterable[Target], started: datetime) -> None:
        self.tally = Tally()
        self.root = mirror.root
        self._mirror = mirror
        self._targets = targets
        self._removed_before = started - _BEING_REMOVED
        self._on_look: Callable[[str], None] = lambda _: None

    def problems(self, on_look: Callable[[str], None] | None = None) -> Iterator[Discrepancy]:
        """Every discrepancy, as it is found.

        Args:
            on_look: called with the path of each status file and MP4 before it is read.

        Raises:
            StorageTrouble: the mirror is not there, or has gone away meanwhile.
        """
        self._on_look = on_look or self._on_look
        self._mirror.check()
        for target in self._targets:
            for problem in self._look_at(target):
                self._mirror.check()  # else it is the mount that is missing, and not the footage
                self.tally.problems += 1
                yield problem
        self._mirror.check()

    def _look_at(self, target: Target) -> Iterator[Discrepancy]:
        if target.request is not None:
            yield from self._request(below(target.folder, target.request), set())
        elif target.video is not None:
            yield from self._video(target.folder, target.video)
        else:
            yield from self._tree(target.folder)

    def _tree(self, folder: str) -> Iterator[Discrepancy]:
        waiting = [folder]
        while waiting:
            path = waiting.pop()
            listing = self._list(path)
            if isinstance(listing, Discrepancy):
                yield listing
                continue
            waiting += reversed(listing.folders)
            unknown = listing.videos
            for request in listing.requests:
                yield from self._request(below(path, request), unknown)
            yield from self._unknown(path, unknown)

    def _list(self, folder: str) -> FolderContents | Discrepancy:
        try:
            return self._mirror.contents(folder)
        except FileNotFoundError:
            return FolderContents()  # gone since its parent was read
        except StorageTrouble as error:
            return _unreadable(folder, None, error)

    def _video(self, folder: str, video: str) -> Iterator[Discrepancy]:
        listing, unknown = self._list(folder), {video}
        if isinstance(listing, Discrepancy):
            yield listing
            return
        for request in listing.requests:
            if video.startswith(request):
                yield from self._request(below(folder, request), unknown, only=video)
        yield from self._unknown(folder, unknown)

    def _request(self, name: str, unknown: set[str], only: str | None = None) -> Iterator[Discrepancy]:
        """The discrepancies of a request; takes the files that its status accounts for out of `unknown`."""
        self._on_look(naming.status_path(name))
        status = self._load(name)
        if isinstance(status, Discrepancy):
            yield status
        if not isinstance(status, Status):
            return
        self.tally.requests += 1
        self.tally.in_work += not status.state.final
        unknown -= accounted(status, self._removed_before)
        for file in promised(status):
            if only in {None, file.name} and (problem := self._examine(name, file)):
                yield problem

    def _load(self, name: str) -> Status | Discrepancy | None:
        try:
            found = self._mirror.status(name)
        except StorageTrouble as error:
            return _unreadable(naming.status_path(name), name, error)
        if isinstance(found, Foreign):
            return Discrepancy(found.path, None, Kind.FOREIGN, found.why, f"the status of {name}")
        return found

    def _examine(self, name: str, file: OutputFile) -> Discrepancy | None:
        path = below(naming.folder_of(name), file.name)
        self._on_look(path)
        self.tally.files += 1
        try:
            found = self._mirror.examine(path, file)
        except StorageTrouble as error:
            return _unreadable(path, name, error)
        if found is not None and found.sha256 is not None:
            self.tally.bytes += found.bytes
        problem = compare(path, name, file, found)
        return problem if problem and self._still_promised(name, file) else None

    def _still_promised(self, name: str, file: OutputFile) -> bool:
        """False when retention, or a person with a request dropped again, has overtaken us."""
        status = self._load(name)
        return isinstance(status, Status) and file in promised(status)

    def _unknown(self, folder: str, unknown: set[str]) -> Iterator[Discrepancy]:
        """MP4s that no status named, unless one does by now: a status is there before its MP4 is."""
        if unknown:
            unknown -= self._accounted_now(folder)
        for video in sorted(unknown):
            path = below(folder, video)
            size = self._mirror.size(path)
            if size is not None:
                yield Discrepancy(path, None, Kind.UNKNOWN, f"{size} bytes", "footage that a status names")

    def _accounted_now(self, folder: str) -> set[str]:
        names: set[str] = set()
        listing = self._list(folder)
        for request in listing.requests if isinstance(listing, FolderContents) else ():
            status = self._load(below(folder, request))
            if isinstance(status, Status):
                names |= accounted(status, self._removed_before)
        return names


def _unreadable(path: str, request: str | None, trouble: StorageTrouble) -> Discrepancy:
    return Discrepancy(path, request, Kind.UNREADABLE, why(trouble), "a file or folder that can be read")
