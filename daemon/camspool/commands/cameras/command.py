"""The command as one function: ask the API, print the cameras, remember them."""

import asyncio
import ssl
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

from camspool.adapters import logs
from camspool.commands import api
from camspool.commands.cameras import render
from camspool.commands.cameras.known import KnownCameras, known_cameras
from camspool.commands.cameras.remembered import remember
from camspool.config.network import trusted
from camspool.config.settings import Settings
from camspool.config.token import TOKEN_REMEDY, read_token
from camspool.core import camera_list
from camspool.core.camera_list import CameraList
from camspool.core.errors import CamspoolError, ServiceTrouble
from camspool.core.ports import ListCameras
from camspool.core.values import Camera, WaitReason


def show_cameras(settings: Settings, environ: Mapping[str, str], *, as_json: bool) -> None:
    """List the cameras on standard output.

    Raises:
        CamspoolError: they cannot be listed; the text says why and what to do.
    """
    logs.configure("error", "auto")
    try:
        token = read_token(settings, environ).get_secret_value()
    except ServiceTrouble as trouble:
        if (known := known_cameras(settings, environ, datetime.now(UTC))) is None:
            raise
        _show_known(known, trouble, as_json=as_json)
        return
    logs.redact(token)
    cameras = sorted(asyncio.run(_ask(settings, token, trusted(settings, environ))), key=_by_place)
    listed = CameraList(tuple(cameras), datetime.now(UTC), settings.api.endpoint)
    (render.write_json if as_json else render.write_table)(listed)
    remember(camera_list.dump(listed), environ)


def _show_known(known: KnownCameras, trouble: ServiceTrouble, *, as_json: bool) -> None:
    """What the daemon has listed, to those who may not read the token."""
    found = trouble.message.removesuffix(f"; {TOKEN_REMEDY}")
    sys.stderr.write(f"{found}: this is the list of {known.listed.listed_at:%Y-%m-%d %H:%M} UTC.\n")
    (render.write_json if as_json else render.write_table)(known.listed)


def _by_place(camera: Camera) -> tuple[tuple[str, ...], str, int]:
    return camera.place, camera.name.casefold(), camera.node_id


async def _ask(settings: Settings, token: str, verify: ssl.SSLContext) -> tuple[Camera, ...]:
    survilla = api.client(settings, token, verify)
    try:
        (answer,) = await survilla.ask([ListCameras()])
    except ServiceTrouble as trouble:
        raise _with_remedy(trouble) from None
    finally:
        await survilla.aclose()
    if isinstance(answer, CamspoolError):
        raise answer
    return tuple(each for each in answer if isinstance(each, Camera)) if isinstance(answer, tuple) else ()


def _with_remedy(trouble: ServiceTrouble) -> ServiceTrouble:
    remedy = "camspool check looks into it"
    if trouble.reason is WaitReason.UNAUTHORISED:
        remedy = TOKEN_REMEDY
    elif trouble.reason is WaitReason.RATE_LIMITED:
        remedy = "try again in some minutes"
    return ServiceTrouble(trouble.reason, f"{trouble.message}; {remedy}")
