"""Requests that a Samba and an FTP client drop, and whose results they read, as INTEGRATE.md says it."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.documented import FOLDERS, camspool, example
from support.running import Running

PASSWORD = "a-password"  # noqa: S105 - of servers that live as long as a test

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Running]:
    async with camspool(tmp_path) as running:
        yield running


@contextmanager
def serving(port: int, command: Sequence[str | Path]) -> Iterator[None]:
    """A server of somebody else's, from when it accepts connections to the end of the block."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            _wait_for(port, process)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            output = process.stdout.read().decode() if process.stdout else ""
            pytest.fail(f"{process.args!r} does not listen: {output}")
        time.sleep(0.05)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def paste(script: str, folder: Path) -> None:
    """Run an example in an empty folder, at somebody else's machine."""
    process = await asyncio.create_subprocess_exec(
        *("timeout", "40", "sh", "-ec", script),  # else one that waits in vain would wait for ever
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
    )
    assert await process.wait() == 0


# SMB


@contextmanager
def samba(folder: Path, share: str) -> Iterator[int]:
    """smbd with a share, all of its own files in `folder`, and root for its only user."""
    assert shutil.which("smbd"), "smbd is missing (Debian: apt-get install samba smbclient)"
    port = free_port()
    for name in ("private", "lock", "state", "cache", "pid", "rpc"):
        (folder / name).mkdir(parents=True, mode=0o755)
    (folder / "users").write_text("")
    settings = {
        "server role": "standalone server",
        "interfaces": "127.0.0.1",
        "bind interfaces only": "yes",
        "smb ports": port,
        "disable netbios": "yes",
        "load printers": "no",
        "private dir": folder / "private",
        "lock directory": folder / "lock",
        "state directory": folder / "state",
        "cache directory": folder / "cache",
        "pid directory": folder / "pid",
        "ncalrpc dir": folder / "rpc",
        "log file": folder / "log",
    }
    file = folder / "smb.conf"
    lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
    file.write_text(f"[global]\n{lines}\n{share}")
    typed = f"{PASSWORD}\n{PASSWORD}\n"
    subprocess.run(
        ["smbpasswd", "-c", file, "-a", "-s", "root"], input=typed, text=True, check=True, capture_output=True
    )
    with serving(port, ["smbd", "--foreground", "--no-process-group", "--debug-stdout", "-s", file]):
        yield port


def share_of(spool: Running) -> str:
    """The share of OPERATE.md, for the folders of the test and for root."""
    share = example("OPERATE.md", "Shares", "ini")
    for theirs, ours in (
        (FOLDERS, str(spool.drop.parent)),
        ("@camspool", "root"),
        ("force group = camspool", "force group = root"),
    ):
        assert theirs in share
        share = share.replace(theirs, ours)
    return share


async def test_a_samba_client_drops_a_request_and_reads_its_footage(spool: Running, tmp_path: Path) -> None:
    client = tmp_path / "client"
    client.mkdir()
    (client / "nas.auth").write_text(f"username = root\npassword = {PASSWORD}\n")
    with samba(tmp_path / "samba", share_of(spool)) as port:
        script = example("INTEGRATE.md", "SMB", "sh")
        await paste(script.replace("//nas/camspool", f"//127.0.0.1/camspool --port={port}"), client)
    read = (client / "night.mp4").read_bytes()
    assert read == spool.server_bytes(spool.status("night")["clips"][0])
    assert (await spool.ended("night"))["state"] == "done"
    assert (spool.mirror / "night.json").stat().st_mode & 0o777 == 0o660


async def test_over_samba_a_request_is_cancelled_and_tried_again(spool: Running, tmp_path: Path) -> None:
    client = tmp_path / "client"
    client.mkdir()
    (client / "a.yaml").write_text("{camera: gate-north, range: 2026-03-01T18:00:00Z/PT1M}\n")
    (client / "b.json").write_text('{"camera": "gate-north", "range": "2099-03-01T18:00:00Z/PT1M"}')
    with samba(tmp_path / "samba", share_of(spool)) as port:

        async def do(*commands: str) -> None:
            server = f"//127.0.0.1/camspool --port={port} --user=root%{PASSWORD}"
            await paste(f"smbclient {server} --command '{'; '.join(commands)}'", client)

        await do("mkdir drop/shop", "put a.yaml drop/shop/a.yaml.tmp", "put b.json drop/b.json")
        await do("rename drop/shop/a.yaml.tmp drop/shop/a.yaml")
        assert (await spool.ended("shop/a"))["state"] == "done"
        await spool.until("b", "scheduled")
        await do("del drop/b.json")
        await spool.until("b", "cancelled")
        await do("rename mirror/shop/a.yaml drop/shop/a.yaml")
        await spool.when("shop/a", lambda status: bool(status["repeated_at"]))


# FTP


@contextmanager
def ftp(folder: Path) -> Iterator[int]:
    """An FTP server for a folder."""
    port = free_port()
    user = ("--username", "alice", "--password", PASSWORD)
    address = ("--interface", "127.0.0.1", "--port", str(port))
    with serving(
        port, [sys.executable, "-m", "pyftpdlib", *address, *user, "--write", "--directory", folder]
    ):
        yield port


async def test_an_ftp_client_drops_a_request_and_reads_its_footage(spool: Running, tmp_path: Path) -> None:
    client = tmp_path / "client"
    client.mkdir()
    (client / ".netrc").write_text(f"machine 127.0.0.1 login alice password {PASSWORD}\n")
    with ftp(spool.drop.parent) as port:
        await paste(
            example("INTEGRATE.md", "FTP", "sh").replace("ftp://nas/", f"ftp://127.0.0.1:{port}/"), client
        )
    read = (client / "evening.mp4").read_bytes()
    assert read == spool.server_bytes(spool.status("evening")["clips"][0])
    assert (await spool.ended("evening"))["state"] == "done"
