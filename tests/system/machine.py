"""A machine with a systemd of its own as process 1: namespaces over a throw-away view of our files.

It boots in half a second, has its own processes, mounts, users, network and journal, and leaves nothing
behind. What is missing for it is an error: a test that is skipped proves nothing. How it comes up: `boot.sh`.
"""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

_BOOT: Final = Path(__file__).with_name("boot.sh")
_NAMESPACES: Final = ("--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup")
_CLONE_NEWNET: Final = 0x40000000  # linux/sched.h
_PROGRAMS: Final = ("systemctl", "unshare", "nsenter", "pivot_root", "mount", "runuser", "dpkg-deb")


@contextmanager
def booted() -> Iterator["Machine"]:
    """A machine that has just come up, taken down again after the block."""
    _check()
    with ExitStack() as stack:
        disk = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="camspool-machine-")))
        group = stack.enter_context(_control_group(disk.name))
        output = stack.enter_context((disk / "output").open("w+"))
        (disk / "machine").mkdir()
        process = stack.enter_context(_process(group, disk / "machine", output.fileno()))
        machine = Machine(_first_process(process))
        machine.until(
            lambda: machine.succeeds("systemctl", "is-active", "--quiet", "machine.target"),
            lambda: f"the machine is up: {(disk / 'output').read_text()}",
        )
        yield machine


class Machine:
    """A running machine; `pid` is its process 1 as this machine sees it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def path(self, path: str) -> Path:
        """Where a path of the machine is to be found from outside. Symbolic links on the way lead astray."""
        return Path(f"/proc/{self.pid}/root") / path.lstrip("/")

    def write(self, path: str, content: str, mode: int = 0o644) -> None:
        """Write a file, with its folders."""
        outside = self.path(path)
        outside.parent.mkdir(parents=True, exist_ok=True)
        outside.write_text(content)
        outside.chmod(mode)

    def run(self, *command: str, check: bool = True, typed: str = "") -> str:
        """Run a command to its end, as root; `typed` is its input.

        Returns:
            What it says, on both of its outputs.

        Raises:
            AssertionError: it fails, unless `check` is false.
        """
        done = self._run(*command, typed=typed)
        assert not check or done.returncode == 0, f"{command} exits {done.returncode}: {done.stdout}"
        return done.stdout

    def succeeds(self, *command: str) -> bool:
        """Run a command to its end, and say whether it ends with 0."""
        return self._run(*command).returncode == 0

    def as_user(self, user: str, script: str, umask: str = "022") -> str:
        """Run a shell script as an ordinary user."""
        return self.run("runuser", "-u", user, "--", "sh", "-ec", f"umask {umask}; {script}")

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Properties of a unit, as `systemctl show` names them."""
        lines = self.run("systemctl", "show", unit, f"--property={','.join(properties)}").splitlines()
        return {name: value for name, _, value in (line.partition("=") for line in lines)}

    def wait_for(self, unit: str, timeout: float = 20.0, **properties: str) -> None:
        """Return as soon as all properties of the unit have the given values."""
        self.until(
            lambda: self.show(unit, *properties) == properties,
            lambda: f"{properties} of {unit}: {self.show(unit, *properties)}\n{self.tail()}",
            timeout,
        )

    def journal(self, *matches: str) -> list[dict[str, Any]]:
        """The journal's entries that match, with all their fields."""
        lines = self.run("journalctl", "--no-pager", "--output=json", *matches).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def tail(self) -> str:
        """The end of the journal, for people."""
        return self.run("journalctl", "--no-pager", "--lines=40")

    def until(
        self, happened: Callable[[], object], what: Callable[[], object], timeout: float = 20.0
    ) -> None:
        """Return as soon as `happened` is true; after `timeout` seconds tell by `what` what was expected."""
        end = time.monotonic() + timeout
        while not happened():
            assert time.monotonic() < end, f"not in {timeout:g} s: {what()}"
            time.sleep(0.05)

    @contextmanager
    def network(self) -> Iterator[None]:
        """Sockets that this thread makes within the block are the machine's."""
        with ExitStack() as stack:
            ours, theirs = (
                stack.enter_context(Path(f"/proc/{pid}/ns/net").open()) for pid in ("thread-self", self.pid)
            )
            _set_network(theirs.fileno())
            try:
                yield
            finally:
                _set_network(ours.fileno())

    def _run(self, *command: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["nsenter", f"--target={self.pid}", *_NAMESPACES, "--", *command],
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
            cwd="/",
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
        )


def _check() -> None:
    assert os.geteuid() == 0, "these tests boot a machine: run them as root (sudo make test-system)"
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    assert not missing, f"missing: {', '.join(missing)} (Debian: apt-get install systemd mount util-linux)"
    known = Path("/proc/filesystems").read_text().split()
    assert {"overlay", "cgroup2"} <= set(known), "this kernel has no overlay or cgroup2 file system"


@contextmanager
def _control_group(name: str) -> Iterator[Path]:
    """A group of version 2 for all processes of a machine, which systemd takes for the uppermost."""
    with ExitStack() as stack:
        group = _control_groups(stack) / name
        group.mkdir()
        try:
            yield group
        finally:
            _remove_groups(group)


def _control_groups(stack: ExitStack) -> Path:
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    for _, point, kind, *_ in mounts:
        if kind == "cgroup2":
            return Path(point)
    point = stack.enter_context(tempfile.TemporaryDirectory())
    subprocess.run(["mount", "-t", "cgroup2", "cgroup2", point], check=True)
    stack.callback(subprocess.run, ["umount", point], check=True)
    return Path(point)


def _remove_groups(group: Path) -> None:
    """Remove a tree of groups; the kernel takes a moment to notice that a group's last process has ended."""
    end = time.monotonic() + 10
    while group.exists():
        for folder, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
        assert time.monotonic() < end, f"{group} is still in use"
        time.sleep(0.02)


@contextmanager
def _process(group: Path, disk: Path, output: int) -> Iterator["subprocess.Popen[bytes]"]:
    """`unshare`, with process 1 of the machine as its only child, and all of it killed after the block."""
    enter = f'echo $$ > "{group}/cgroup.procs"; exec "$@"'  # before it has a view of its own of the groups
    unshare = ["unshare", *_NAMESPACES, "--propagation=private", "--fork", "--kill-child"]
    with subprocess.Popen(
        ["sh", "-c", enter, "sh", *unshare, str(_BOOT), str(disk)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _first_process(unshare: "subprocess.Popen[bytes]") -> int:
    """The process id, out here, of the machine's process 1, once it is systemd."""
    children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        assert unshare.poll() is None, "the machine did not come up"
        with contextlib.suppress(OSError, ValueError):
            pid = int(children.read_text())
            if Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
                return pid
        time.sleep(0.02)
    raise AssertionError("the machine did not come up in 20 s")


def _set_network(namespace: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "the network of the machine cannot be entered")
