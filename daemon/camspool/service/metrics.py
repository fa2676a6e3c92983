"""Publishes the figures: in a file for node_exporter, and over HTTP, where these are configured."""

import asyncio
from http import HTTPStatus
from typing import Final

import structlog

from camspool.adapters.endpoint import Endpoint, Page
from camspool.adapters.spool import replace_file
from camspool.core import exposition, health
from camspool.core.addresses import Address
from camspool.core.errors import StorageTrouble
from camspool.core.health import ServiceState
from camspool.service.health import Health
from camspool.service.wiring import Parts

log = structlog.get_logger()

LISTEN_AGAIN_S: Final = 15.0
READABLE: Final = 0o644
"""The mode of the file: node_exporter runs as another user, who is not a member of our group."""


class Metrics:
    """The figures of one daemon.

    Args:
        parts: where they are counted, and the settings that say where to publish them.
        daemon_health: the health of the daemon.
    """

    def __init__(self, parts: Parts, daemon_health: Health) -> None:
        self._parts = parts
        self._daemon_health = daemon_health
        self._logged = False

    async def write_metrics(self) -> None:
        """Replace the file; the periodic job."""
        file = self._parts.settings.current.metrics.file
        if file is None:
            return
        try:
            await asyncio.to_thread(replace_file, file, self._metrics().body, READABLE)
        except StorageTrouble as trouble:
            if not self._logged:
                log.warning("metrics_not_written", problem=trouble.message)
            self._logged = True
        else:
            self._logged = False

    async def serve(self) -> None:
        """Answer over HTTP until cancelled."""
        listen = self._parts.settings.current.metrics.listen
        if listen is None:
            return
        server = await self._open(listen)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    async def _open(self, address: Address) -> asyncio.Server:
        endpoint, logged = Endpoint({"/metrics": self._metrics, "/healthz": self._health}), False
        while True:
            try:
                server = await endpoint.open(address.host, address.port)
            except (OSError, ValueError) as error:  # ValueError: not a name that can be looked up
                if not logged:
                    log.warning("metrics_not_served", address=str(address), problem=str(error))
                logged = True
                await self._parts.clock.sleep(LISTEN_AGAIN_S)
            else:
                log.info("metrics_served", address=str(address))
                return server

    def _metrics(self) -> Page:
        jobs = self._parts.pipeline.jobs
        text = exposition.text(
            self._parts.reports.figures, self._daemon_health.status(), jobs.count_by_reason()
        )
        return Page(HTTPStatus.OK, exposition.CONTENT_TYPE, text)

    def _health(self) -> Page:
        status = self._daemon_health.status()
        well = status.state is ServiceState.OK
        answer = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
        return Page(answer, "application/json", health.dump(status))
