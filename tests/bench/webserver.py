"""nginx on the loopback, by http and https, with what lies in one folder."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.servers import CERTIFICATE

_CONFIGURATION = """
{user}
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    sendfile on;
    default_type video/mp4;
    {temporary}
    server {{
        listen 127.0.0.1:{http};
        listen 127.0.0.1:{https} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        root {root};
    }}
}}
"""
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True, slots=True)
class WebServer:
    """A running nginx: what is put into `root` is served."""

    root: Path
    ports: dict[str, int]

    def url(self, scheme: str, name: str) -> str:
        return f"{scheme}://127.0.0.1:{self.ports[scheme]}/{name}"


@contextmanager
def nginx(folder: Path) -> Iterator[WebServer]:
    """Run nginx while the block lasts, with its files in `folder`."""
    root = folder / "served"
    root.mkdir(parents=True)
    ports = {"http": _free_port(), "https": _free_port()}
    configuration = folder / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            user="user root;" if os.geteuid() == 0 else "",  # else its workers may not look into the folder
            folder=folder,
            root=root,
            certificate=CERTIFICATE,
            temporary=" ".join(f"{name}_temp_path {folder}/{name};" for name in _TEMPORARY),
            **ports,
        )
    )
    command = ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(configuration)]
    with subprocess.Popen(command) as process:
        try:
            for port in ports.values():
                _wait_for(port)
            yield WebServer(root, ports)
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _wait_for(port: int) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
