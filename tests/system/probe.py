"""Tries what a daemon that somebody has taken over might try: `python3 probe.py FILE`.

Run as the service's user, in its sandbox and without. Writes what came of each attempt, as JSON, to FILE.
Permissions alone allow that user everything that is tried: it is the sandbox that refuses it.
"""

import ctypes
import json
import mmap
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

DROP, MIRROR = Path("/srv/camspool/drop"), Path("/srv/camspool/mirror")
STATE = Path("/var/lib/camspool")
TEMPORARY, SHARED_MEMORY = Path("/tmp"), Path("/dev/shm")  # noqa: S108 - what is in them is the question
LETTER = Path("/home", "alice", "shared", "letter")
CLONE_NEWUSER = 0x10000000


def write(path: Path) -> None:
    path.write_text("probe")
    path.unlink()


def rename() -> None:
    (DROP / ".probe").write_text("probe")
    (DROP / ".probe").rename(MIRROR / ".probe")
    (MIRROR / ".probe").unlink()


def run_from(folder: Path) -> None:
    program = folder / ".probe"
    program.write_text("#!/bin/sh\n")
    try:
        program.chmod(0o755)
        subprocess.run([program], check=True)
    finally:
        program.unlink()


def pass_the_group_on() -> None:
    program = STATE / "probe"
    program.write_text("#!/bin/sh\n")
    try:
        program.chmod(0o2755)
    finally:
        program.unlink()


def make_a_namespace() -> None:
    # In a child: who has entered one cannot go back.
    script = f"import ctypes; raise SystemExit(ctypes.CDLL(None).unshare({CLONE_NEWUSER}) != 0)"
    subprocess.run([sys.executable, "-c", script], check=True)


def write_code_into_memory() -> None:
    mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def listen() -> None:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()


def change_the_personality() -> None:
    if ctypes.CDLL(None, use_errno=True).personality(0x0008) == -1:  # PER_LINUX32
        raise OSError(ctypes.get_errno(), "personality")


ATTEMPTS: dict[str, Callable[[], Any]] = {
    "write to drop/": lambda: write(DROP / ".probe"),
    "rename from drop/ to mirror/": rename,
    "write to the state folder": lambda: write(STATE / "probe"),
    "give way to others": lambda: os.nice(5),
    "write where everybody may": lambda: write(Path("/srv/elsewhere/probe")),
    "write to shared memory": lambda: write(SHARED_MEMORY / "probe"),
    "read what somebody has in a home": LETTER.read_text,
    "see other users' processes": Path("/proc/1/cmdline").read_text,
    "see others' temporary files": (TEMPORARY / "somebody").stat,
    "see the kernel's settings": Path("/proc/sys/kernel/hostname").read_text,
    "run what was downloaded": lambda: run_from(MIRROR),
    "run a temporary file": lambda: run_from(TEMPORARY),
    "run what is in the state folder": lambda: run_from(STATE),
    "make a program that runs as the group": pass_the_group_on,
    "make a namespace": make_a_namespace,
    "write code into memory": write_code_into_memory,
    "speak with the kernel's network": listen,
    "change the personality": change_the_personality,
    "be scheduled otherwise": lambda: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)),
}


def outcome(attempt: Callable[[], Any]) -> str:
    try:
        attempt()
    except (OSError, subprocess.SubprocessError) as refusal:
        return f"refused: {refusal}"
    return "allowed"


if __name__ == "__main__":
    result = json.dumps({name: outcome(attempt) for name, attempt in ATTEMPTS.items()})
    Path(sys.argv[1]).write_text(result)
