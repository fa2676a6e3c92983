"""Runs each check in a process of its own, for so long and no longer, and as another user where wanted.

A dead share lets whoever looks at it wait for ever, and only a process can be left behind. What a user may do
is only known by being that user: mode bits do not tell of ACLs, network shares and mounts.
"""

import contextlib
import grp
import json
import os
import pwd
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import NoReturn

from camspool.adapters.logs import without_secrets
from camspool.commands.check.result import Row, Verdict, wrong
from camspool.core.quantities import written

Work = Callable[[], Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Person:
    """Whom to be: a user's number, group and further groups."""

    uid: int
    gid: int
    groups: tuple[int, ...]


def own_name() -> str:
    """The name of the user that this process runs as, or the number of one without a name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def own_group() -> str:
    """The same for its group."""
    try:
        return grp.getgrgid(os.getegid()).gr_name
    except KeyError:
        return str(os.getegid())


class Aside:
    """A check at work; they all run at once. Start them while there is only one thread.

    Args:
        check: what is said to have failed when there is no answer.
        work: the check itself.
        limit: seconds that it may take.
        person: whom to do it as, which needs root; None for whoever this is.
    """

    def __init__(self, check: str, work: Work, *, limit: float, person: Person | None = None) -> None:
        self._check = check
        self._limit = limit
        self._end = time.monotonic() + limit
        self._answer, answer = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            _answer_and_exit(answer, check, work, person)
        os.close(answer)

    def rows(self) -> list[Row]:
        """What the check has found, or that it has not answered in time."""
        try:
            answer = b"".join(self._read())
        except TimeoutError:
            found = f"did not answer within {written(self._limit)}"
            return [
                wrong(self._check, found, "Look for a network share whose server is gone, or a slow network.")
            ]
        finally:
            self._leave()
        try:
            return [Row(check, Verdict(verdict), *texts) for check, verdict, *texts in json.loads(answer)]
        except ValueError:
            return [wrong(self._check, "the check ended without an answer", "Please report this.")]

    def _read(self) -> Iterator[bytes]:
        while True:
            ready, _, _ = select.select([self._answer], [], [], max(0.0, self._end - time.monotonic()))
            if not ready:
                raise TimeoutError
            data = os.read(self._answer, 65536)
            if not data:
                return
            yield data

    def _leave(self) -> None:
        os.close(self._answer)
        os.kill(self._process, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._process, os.WNOHANG)  # one that hangs in the kernel is not waited for


def _answer_and_exit(answer: int, check: str, work: Work, person: Person | None) -> NoReturn:
    """The life of the other process: no code of ours runs after it, whatever happens."""
    try:
        try:
            if person is not None:
                _become(person)
            rows = list(work())
        except Exception as error:  # noqa: BLE001  it costs the other checks nothing
            found = f"the check itself failed: {type(error).__name__}: {error}"
            rows = [wrong(check, found, "Please report this.")]
        # Not the check's name and verdict: a bad token may be a word like `wrong`.
        texts = [(*astuple(row)[:2], without_secrets(row.found), without_secrets(row.remedy)) for row in rows]
        with open(answer, "wb") as pipe:
            pipe.write(json.dumps(texts).encode())
    finally:
        os._exit(0)


def _become(person: Person) -> None:
    os.setgroups(person.groups)
    os.setresgid(person.gid, person.gid, person.gid)
    os.setresuid(person.uid, person.uid, person.uid)
