"""Runs each check in a process of its own, with a time limit, and as another user where wanted.

Looking at a dead share blocks for ever, and only a process can be abandoned. What a user may do can only be
found out as that user: mode bits say nothing about ACLs, network shares and mounts.
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
from typing import Final, NoReturn

from camspool.adapters.logs import without_secrets
from camspool.commands.check.result import Result, Verdict, wrong
from camspool.core.durations import written

ENDING_S: Final = 1.0
"""Seconds that a process which has answered may take to exit."""

Work = Callable[[], Sequence[Result]]


@dataclass(frozen=True, slots=True)
class Person:
    """A user to become: uid, primary group, supplementary groups."""

    uid: int
    gid: int
    groups: tuple[int, ...]


def own_name() -> str:
    """The name of the user that this process runs as, or the uid if there is no name."""
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


class IsolatedCheck:
    """A check that runs in a process of its own, beside others. Start them while there is only one thread.

    Args:
        check: the name to report if there is no answer.
        work: the check itself.
        limit: seconds that it may take.
        person: the user to run it as, which needs root; None for the current one.
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

    def results(self) -> list[Result]:
        """The check's results; one that says so if it has not answered in time."""
        try:
            answer = b"".join(self._read())
            self._wait_for_end()
        except TimeoutError:
            found = f"did not answer within {written(self._limit)}"
            return [
                wrong(self._check, found, "Look for a network share whose server is down, or a slow network.")
            ]
        finally:
            self._leave()
        try:
            return [Result(check, Verdict(verdict), *texts) for check, verdict, *texts in json.loads(answer)]
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

    def _wait_for_end(self) -> None:
        """One that has answered is about to end by itself; let it, unless it hangs even there."""
        with contextlib.suppress(OSError), os.fdopen(os.pidfd_open(self._process)) as ended:
            select.select([ended], [], [], ENDING_S)

    def _leave(self) -> None:
        os.close(self._answer)
        os.kill(self._process, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._process, os.WNOHANG)  # not waited for: it may hang in the kernel


def _answer_and_exit(answer: int, check: str, work: Work, person: Person | None) -> NoReturn:
    """Everything that the child process does; it never returns into the parent's code."""
    try:
        try:
            if person is not None:
                _become(person)
            results = list(work())
        except Exception as error:  # noqa: BLE001  the other checks go on
            found = f"the check itself failed: {type(error).__name__}: {error}"
            results = [wrong(check, found, "Please report this.")]
        # Name and verdict stay as they are: a bad token may be a word such as `wrong`.
        texts = [
            (*astuple(result)[:2], without_secrets(result.found), without_secrets(result.remedy))
            for result in results
        ]
        with open(answer, "wb") as pipe:
            pipe.write(json.dumps(texts).encode())
    finally:
        os._exit(0)


def _become(person: Person) -> None:
    os.setgroups(person.groups)
    os.setresgid(person.gid, person.gid, person.gid)
    os.setresuid(person.uid, person.uid, person.uid)
