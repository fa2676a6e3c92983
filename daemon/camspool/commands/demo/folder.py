"""The folder that the demo works in: choosing it, writing into it, reading from it."""

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from camspool.core import document, health, naming
from camspool.core.health import ServiceStatus
from camspool.core.status_document import Status

_NAME: Final = "camspool-demo"
_FIRST_LINE: Final = "# Made by `camspool demo`, which writes this file anew each time.\n"
_SETTINGS: Final = """\
# All other keys keep their defaults: see config.example.yaml.

api:
  endpoint: {endpoint}  # the simulator's
  token_file: {token_file}
  poll: {{fastest: 500ms}}  # how often it is asked for progress at most; the default is 1s

folders:
  drop: {drop}  # request files go here
  mirror: {mirror}  # status files and MP4s appear here
  state: {state}

cleanup: {{min_free: 50MB}}  # the demo's MP4s are small
logging: {{format: console}}
"""


class FolderRefused(Exception):
    """The demo cannot work in this folder; the text says why, and what to do."""


class DemoFolder:
    """One folder with everything in it: drop/, mirror/, state/, configuration, token, the daemon's log."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.drop, self.mirror, self.state = path / "drop", path / "mirror", path / "state"
        self.config, self.token, self.log = path / "config.yaml", path / "token", path / "daemon.log"

    @classmethod
    def choose(cls, wanted: Path | None) -> "DemoFolder":
        """Create the folder, or reuse that of an earlier demo.

        Args:
            wanted: where to work; None for a new folder below the working folder.

        Raises:
            FolderRefused: it contains something else, or cannot be created.
        """
        path = (wanted or _new_name()).absolute()
        folder = cls(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            strange = any(path.iterdir()) and not folder._is_of_a_demo()
        except OSError as error:
            raise FolderRefused(f"The demo cannot work in {path}: {error.strerror}.") from None
        if strange:
            raise FolderRefused(
                f"The demo does not work in {path}: something else is in there. "
                "Name a folder that is new, empty, or of an earlier demo."
            )
        return folder

    def configure(self, endpoint: str, token: str) -> None:
        """Write the configuration file, and the token so that nobody else can read it."""
        paths = {name: getattr(self, name) for name in ("drop", "mirror", "state")}
        values = paths | {"endpoint": endpoint, "token_file": self.token}
        quoted = {name: json.dumps(str(value), ensure_ascii=False) for name, value in values.items()}
        self.config.write_text(_FIRST_LINE + _SETTINGS.format(**quoted), "utf-8")
        self.token.unlink(missing_ok=True)
        with os.fdopen(os.open(self.token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token + "\n")

    def put(self, file: str, content: str) -> None:
        """Drop a request file."""
        path = self.drop / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")

    def is_outstanding(self, file: str) -> bool:
        """True while the request file lies in drop/."""
        return (self.drop / file).exists()

    def service(self) -> ServiceStatus | None:
        """The service file; None before the daemon has written one."""
        try:
            return health.load((self.mirror / "_service.json").read_bytes())
        except FileNotFoundError:
            return None

    def status(self, name: str) -> Status | None:
        """The status of a request; None before there is one."""
        try:
            return document.load((self.mirror / naming.status_path(name)).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None  # none yet, or another program's file of that name

    def statuses(self) -> Iterator[Status]:
        """The statuses of all requests."""
        for path in sorted(self.mirror.rglob(f"*{naming.STATUS_SUFFIX}")):
            name = path.relative_to(self.mirror).as_posix().removesuffix(naming.STATUS_SUFFIX)
            if status := self.status(name):
                yield status

    def mp4(self, status: Status, file_name: str) -> Path:
        """The path of an MP4 that a status names."""
        return (self.mirror / status.name).parent / file_name

    def _is_of_a_demo(self) -> bool:
        return self.config.is_file() and self.config.read_text("utf-8", "replace").startswith(_FIRST_LINE)


def _new_name() -> Path:
    names = (Path(_NAME if number == 1 else f"{_NAME}-{number}") for number in itertools.count(1))
    return next(path for path in names if not path.exists())
