"""Puts the simulator together and runs it: in a thread for tests, or blocking for the command line."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from starlette.applications import Starlette
from starlette.routing import Route
from uvicorn import Config, Server

from camspool.simulator.api import Api
from camspool.simulator.clips import ClipStore, cache_folder
from camspool.simulator.control import control_routes
from camspool.simulator.downloads import Downloads
from camspool.simulator.faults import Faults
from camspool.simulator.footage import World, default_world
from camspool.simulator.portal import Clock, Portal
from camspool.simulator.record import Record
from camspool.simulator.settings import Settings
from camspool.simulator.wire import Wires

API_PATH = "/api/graphql.php"


class Simulator:
    """A running stand-in for the vendor's portal, used as a context manager.

    `url` is the GraphQL endpoint and `token` one that it accepts; `tokens` is the set of all, free to change.
    `clock`, `faults` and `record` steer and observe it while it runs. Port 0 takes a free one.
    Raises OSError when the port is taken.
    """

    def __init__(
        self,
        world: World | None = None,
        settings: Settings | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.settings = settings or Settings()
        self.tokens = set(self.settings.tokens)
        self.clock = Clock()
        self.faults = Faults(self.clock.now)
        self.record = Record()
        self._socket = socket.create_server((host, port), backlog=1024)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by each connection
        self.base_url = f"http://{host}:{self._socket.getsockname()[1]}"
        self.url = self.base_url + API_PATH
        self._clips = ClipStore(self.settings.cache or cache_folder())
        self.portal = Portal(world or default_world(), self.settings, self._clips, self.clock, self.record)
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def token(self) -> str:
        return self.settings.tokens[0]

    def clip_path(self, recording_id: str, height: int | None = None) -> Path:
        """The MP4 of a listed recording, in the prepared height unless another is given.

        Raises KeyError for an id that was never listed, ValueError if no height is known.
        """
        recording = self.portal.known(recording_id)
        if recording is None:
            raise KeyError(recording_id)
        return self._clips.path(recording.clip(height) if height else recording.prepared_clip())

    def clip_bytes(self, recording_id: str, height: int | None = None) -> bytes:
        return self.clip_path(recording_id, height).read_bytes()

    def start(self) -> None:
        self._thread.start()
        self._started.wait()

    def wait(self) -> None:
        """Blocks until the server ends, which it does only by `stop` or by an interrupt."""
        self._thread.join()

    def stop(self) -> None:
        """Ends the server at once, even if requests hang on purpose."""
        if self._loop and self._serving and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop may have ended by itself just now
                self._loop.call_soon_threadsafe(self._serving.cancel)
            self._thread.join()
        self._socket.close()
        self._clips.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        wires = Wires()
        server = Server(
            Config(
                self._application(wires),
                loop="asyncio",
                http=wires.protocol(),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=60,
            )
        )
        self._loop = asyncio.get_running_loop()
        self._serving = asyncio.create_task(server.serve(sockets=[self._socket]))
        self._loop.call_soon(self._started.set)
        with contextlib.suppress(asyncio.CancelledError):
            await self._serving
        for listener in server.servers:
            listener.close()
        for wire in list(wires.values()):
            wire.abort()
        await asyncio.sleep(0)

    def _application(self, wires: Wires) -> Starlette:
        api = Api(self.portal, self.faults, self.record, self.tokens, wires)
        downloads = Downloads(self.portal, self.faults, self.record, wires)
        return Starlette(
            routes=[
                Route(API_PATH, api.answer, methods=["POST"]),
                Route("/download/{key}.mp4", downloads),
                *control_routes(self.clock, self.faults, self.record, self.tokens),
            ]
        )


def run(
    ready: Callable[[Simulator], None],
    world: World | None = None,
    settings: Settings | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8420,
) -> None:
    """Serves until it is interrupted (KeyboardInterrupt passes through); `ready` is called once it listens.

    Raises OSError when the port is taken.
    """
    with Simulator(world, settings, host=host, port=port) as simulator:
        ready(simulator)
        simulator.wait()
