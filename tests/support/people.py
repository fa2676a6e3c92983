"""The people around a model daemon: what they drop, edit, delete, move and see, and the shares they mount.

They remember what they have done, so that what the daemon does about it can be judged.
"""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

from camspool.core import document, naming
from camspool.core.status_document import Status
from support.model_daemon import ModelDaemon, write_whole
from support.model_server import AISLE, BLIND, GATE, YARD
from support.virtual_time import START

FILES: Final = ("a.json", "b.json", "sub/c.json", "a.yaml")
NOBODY: Final = "nobody"
ASKS: Final[tuple[Any, ...]] = (GATE, "yard", AISLE, [GATE, YARD], BLIND, NOBODY, None)
"""What a version of a request asks for; None is no request at all."""
FOREIGN: Final = (
    *("a.mp4", "a-1.mp4", "a-2.mp4", "a.001.mp4", "b.mp4", "b-2.mp4", "sub/c.mp4"),
    *("a.status.json", "b.status.json", "a.json", "b.json"),
)
"""Things of others in the mirror, in the way of ours."""
SECONDS: Final = 100
_LONG_AGO: Final = 1_580_000_000
_BLOCK: Final = 1_000_000


def content(file: str, version: int) -> bytes:
    """A version of a request file; the range of each is its own."""
    asked = ASKS[version]
    if asked is None:
        return b'{"camera": 1, "form": 1}'
    begins = _LONG_AGO + _BLOCK * FILES.index(file) + 10_000 * version
    return json.dumps({"camera": asked, "from": begins, "duration": SECONDS}).encode()


def soon() -> bytes:
    """A request for what has not been recorded yet when the tests begin."""
    return json.dumps({"camera": GATE, "from": START.timestamp() + 60, "duration": SECONDS}).encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def stem(file: str) -> str:
    """What the files have in common that may follow one another under a name."""
    return naming.name_of(file).partition("~")[0]


class People:
    """Everybody with access to the shares."""

    def __init__(self, daemon: ModelDaemon) -> None:
        self._daemon = daemon
        self.wanted: dict[str, bytes] = {}
        """By path below drop/: the latest version of each file that nobody has deleted."""
        self.foreign: dict[Path, bytes] = {}
        self.removed: set[Path] = set()
        """MP4s that somebody has deleted."""
        self.acts: Counter[str] = Counter()
        """By stem: how often somebody has touched a file that may have that name."""

    # What they do

    def put(self, file: str, data: bytes) -> None:
        write_whole(self._daemon.drop / file, data)
        self.wanted[file] = data
        self._act(file)

    def delete(self, file: str) -> None:
        (self._daemon.drop / file).unlink()
        self.wanted.pop(file, None)
        self._act(file)

    def move_back(self, file: str) -> None:
        source, target = self._daemon.mirror / file, self._daemon.drop / file
        target.parent.mkdir(exist_ok=True)
        data = source.read_bytes()
        # Where its name was taken it was filed under the next, and from now on that is what it is called.
        former = [name for name in self.wanted if stem(name) == stem(file) and self.wanted[name] == data]
        for name in former:
            del self.wanted[name]
        self.wanted[file] = data
        source.rename(target)
        self._act(file)

    def put_foreign(self, name: str) -> None:
        path = self._daemon.mirror / name
        if path.parent.exists() and not path.exists():
            path.write_bytes(b"somebody else's")
            self.foreign[path] = b"somebody else's"

    def remove(self, mp4: Path) -> None:
        mp4.unlink()
        self.removed.add(mp4)
        self._daemon.server.forgive(lambda _: True)

    def _act(self, file: str) -> None:
        """Whoever touches a file may have everything about it made anew."""
        self.acts[stem(file)] += 1
        block = FILES.index(file) if file in FILES else None
        self._daemon.server.forgive(lambda start: block in {None, (start - _LONG_AGO) // _BLOCK})

    def mount(self, which: str) -> None:
        """Bring the share back; nothing may have been written where it should have been."""
        root, away = self._daemon.folder / which, self._away(which)
        if self.is_mounted(which):
            return
        # A download that began at the wrong moment may leave a part; the next look at the folder ends it.
        parts = [path for path in root.rglob("*") if path.suffix == ".part"]
        for part in parts:
            part.unlink()
        assert not list(root.iterdir()), f"written into a folder that was not mounted: {list(root.iterdir())}"
        root.rmdir()
        away.rename(root)

    def unmount(self, which: str) -> None:
        """Take the share away; its empty mount point remains."""
        root = self._daemon.folder / which
        if self.is_mounted(which):
            root.rename(self._away(which))
            root.mkdir()

    def is_mounted(self, which: str) -> bool:
        return not self._away(which).exists() and (self._daemon.folder / which).exists()

    def _away(self, which: str) -> Path:
        return self._daemon.folder / f"{which}.away"

    # What they see

    def statuses(self) -> list[Status]:
        paths = sorted(self._daemon.mirror.rglob("*.status.json"))
        return [document.load(path.read_bytes()) for path in paths if path not in self.foreign]

    def waiting_files(self) -> list[str]:
        """The requests in drop/."""
        return _requests_in(self._daemon.drop)

    def filed_files(self) -> list[str]:
        """The requests in the mirror that could be moved back."""
        if not self.is_mounted("mirror"):
            return []
        root, drop = self._daemon.mirror, self._daemon.drop
        filed = [file for file in _requests_in(root) if root / file not in self.foreign]
        return [file for file in filed if not (drop / file).exists()]

    def mp4s(self) -> list[Path]:
        return sorted(path for path in self._daemon.mirror.rglob("*.mp4") if path not in self.foreign)

    def hidden(self) -> list[Path]:
        """Parts and temporary files in the mirror."""
        return sorted(path for path in self._daemon.mirror.rglob(".*") if path.name != ".camspool")

    def contents(self) -> set[str]:
        """The hashes of everything in both folders that is no MP4."""
        roots = (self._daemon.drop, self._daemon.mirror)
        files = [path for root in roots for path in root.rglob("*") if path.is_file()]
        return {sha256(path.read_bytes()) for path in files if path.suffix != ".mp4"}


def _requests_in(root: Path) -> list[str]:
    files = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    return sorted(file for file in files if naming.is_request(file) and not _is_other(file))


def _is_other(file: str) -> bool:
    return naming.ignored(file) or file.endswith(naming.STATUS_SUFFIX) or file.startswith("_")
