"""A program of the administrator's that is run for each MP4 of a request that has ended."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from camspool.adapters.notify import program
from camspool.core import naming
from camspool.core.notices import Notice, Occasion

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Hook:
    """`Channel` to a program. It is started for each MP4, one after the other, and never twice for one.

    Args:
        command: the program and its arguments, or nothing; the paths of the MP4 and of the status are added.
        timeout: seconds that it may take.
        mirror: where the files are.
        environ: the environment.
    """

    command: tuple[str, ...]
    timeout: float
    mirror: Path
    environ: Mapping[str, str] = field(repr=False)
    name: str = field(default="hook", init=False)

    def wants(self, notice: Notice) -> bool:
        """See `Channel`."""
        ended_with_footage = notice.occasion in {Occasion.DONE, Occasion.PARTIAL}
        return bool(self.command) and ended_with_footage and bool(notice.mp4s)

    def kept(self, notice: Notice) -> Notice:
        """See `Channel`."""
        return replace(notice, text="", document=b"")

    async def send(self, notice: Notice) -> None:
        """See `Channel`. Failures are only logged: not every program may be run twice."""
        name = notice.name or ""
        status = self.mirror / naming.status_path(name)
        for mp4 in notice.mp4s:
            await self._run(status.with_name(mp4), status, name)

    async def _run(self, mp4: Path, status: Path, name: str) -> None:
        began = time.monotonic()
        argv = (*self.command, str(mp4), str(status))
        try:
            ended = await program.run(argv, program.without_ours(self.environ), self.timeout)
        except OSError as error:
            log.warning("hook_failed", request=name, mp4=mp4.name, problem=f"{argv[0]}: {error.strerror}")
            return
        fields = {"request": name, "mp4": mp4.name, "exit_code": ended.code, "output": ended.output}
        if ended.code == 0:
            log.info("hook_done", **fields, after_s=round(time.monotonic() - began, 1))
        else:
            over = f"it was still running after {self.timeout:g} seconds"
            problem = over if ended.code is None else f"it ended with {ended.code}"
            log.warning("hook_failed", **fields, problem=problem)
