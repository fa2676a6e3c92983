"""The vendor's API: whether it answers, accepts the token, agrees about the time and has the expected schema.

Sends only queries that the daemon sends too, and none that starts or changes anything.
"""

import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from camspool import USER_AGENT
from camspool.adapters import logs
from camspool.adapters.survilla import Reached, Survilla, reach
from camspool.commands.api import client
from camspool.commands.check.result import Result, not_checked, ok, warning, wrong
from camspool.commands.terminal import counted
from camspool.config.network import trusted
from camspool.config.settings import Settings
from camspool.config.token import read_token
from camspool.core.durations import written
from camspool.core.errors import CamspoolError, ServiceTrouble
from camspool.core.ports import ListCameras
from camspool.core.values import WaitReason

CALLS: Final = 3
"""The number of calls; each may take `api.timeout`."""

_SKEW_SEEN_S: Final = 30.0
_SKEW_HARMS_S: Final = 300.0
_PROXIES: Final = ("https_proxy", "http_proxy", "all_proxy")
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


async def results(
    settings: Settings, environ: Mapping[str, str], of_unit: Collection[str] = ()
) -> list[Result]:
    """Everything that can be found out by asking the API.

    Args:
        settings: where it is.
        environ: the environment.
        of_unit: the names of the variables that systemd's unit sets.
    """
    api = settings.api
    try:
        reached = await reach(api.endpoint, api.timeout, USER_AGENT, verify=trusted(settings, environ))
    except ServiceTrouble as trouble:
        remedy = "Check api.endpoint, the network and the firewall" + _perhaps_proxy(environ)
        unreached = [not_checked(check, "the API does not answer") for check in ("clock", "access", "schema")]
        return [wrong("api", trouble.message, f"{remedy}."), *unreached]
    way = _way(api.endpoint, reached, environ, of_unit)
    return [way, *_clock(reached), *await _with_token(settings, environ)]


async def _with_token(settings: Settings, environ: Mapping[str, str]) -> list[Result]:
    try:
        token = read_token(settings, environ).get_secret_value()
    except ServiceTrouble:
        return [not_checked(check, "there is no token to ask with") for check in ("access", "schema")]
    logs.redact(token)
    survilla = client(settings, token, trusted(settings, environ))
    try:
        access = await _access(survilla, settings.api.token_file)
        if not access.found.startswith(_ACCEPTED):
            return [access, not_checked("schema", "the API gives no access")]
        return [access, *await _schema(survilla)]
    finally:
        await survilla.aclose()


def _way(endpoint: str, reached: Reached, environ: Mapping[str, str], of_unit: Collection[str]) -> Result:
    found = f"{endpoint} answers within {reached.seconds:.2f} s"
    if proxies := _proxies({name: environ[name] for name in environ.keys() - of_unit}):
        found += f"; {proxies} of this environment, the service has its own"
    if proxies := _proxies({name: environ[name] for name in environ.keys() & of_unit}):
        found += f"; {proxies} of the unit"
    url = urlsplit(endpoint)
    if url.scheme == "http" and url.hostname not in _HERE:
        return warning(
            "api", f"{found}, without encryption: the token can be read on the way", "Use https://."
        )
    return ok("api", found)


def _clock(reached: Reached) -> Iterator[Result]:
    if reached.ahead_s is None:
        yield warning("clock", "the server does not send its time to compare with this machine's")
        return
    off = abs(reached.ahead_s)
    if off <= _SKEW_SEEN_S:
        yield ok("clock", "agrees with the server's to half a minute")
        return
    behind = "behind" if reached.ahead_s > 0 else "ahead of"
    found = f"this machine's clock is {written(round(off))} {behind} the server's"
    remedy = "Let NTP set it: timedatectl set-ntp true"
    if off <= _SKEW_HARMS_S:
        yield warning("clock", found, remedy)
    else:
        yield wrong("clock", f"{found}: ranges, expiry and grace depend on it", remedy)


async def _access(survilla: Survilla, token_file: Path) -> Result:
    began = time.monotonic()
    try:
        (cameras,) = await survilla.ask([ListCameras()])
    except ServiceTrouble as trouble:
        return _refused(trouble, token_file)
    if isinstance(cameras, CamspoolError):
        found = f"{_ACCEPTED}, but cameras cannot be listed: {cameras}"
        return warning("access", found, "Requests must then name cameras by their node ids.")
    if not isinstance(cameras, tuple) or not cameras:
        return warning("access", f"{_ACCEPTED}, but sees no camera", _RIGHTS)
    took = time.monotonic() - began
    return ok("access", f"{_ACCEPTED} and sees {counted(len(cameras), 'camera')} ({took:.2f} s)")


_ACCEPTED: Final = "the token is accepted"
_RIGHTS: Final = "In the portal, let the token's user see the cameras and their recordings."


def _refused(trouble: ServiceTrouble, token_file: Path) -> Result:
    match trouble.reason:
        case WaitReason.UNAUTHORISED:
            remedy = f"Make a new token in the portal's API section, and write it to {token_file}."
            return wrong("access", f"the token is refused: {trouble.message}", remedy)
        case WaitReason.RATE_LIMITED:
            return warning(
                "access", trouble.message, "Try again in some minutes; if it stays, lower api.rate."
            )
        case _:
            remedy = "Check that api.endpoint is the GraphQL address: https://THE-PORTAL/api/graphql.php"
            return wrong("access", trouble.message, remedy)


async def _schema(survilla: Survilla) -> list[Result]:
    try:
        found = await survilla.look_at_schema()
    except ServiceTrouble as trouble:
        remedy = "You need do nothing: camspool works, but its queries cannot be compared with the schema."
        return [warning("schema", f"cannot be read: {trouble.message}", remedy)]
    if found.missing:
        remedy = "The API has changed: look for a newer camspool, or report these names."
        return [wrong("schema", "; ".join(found.missing), remedy)]
    result = ok("schema", "has everything that camspool asks for")
    if not found.undocumented:
        return [result]
    more = f"beyond the vendor's documents: {'; '.join(found.undocumented)}"
    return [result, ok("schema", f"{more}. Please report it: camspool could use it")]


def _proxies(environ: Mapping[str, str]) -> str:
    named = [name for name in environ if name.lower() in _PROXIES and environ[name]]
    return ("proxy: " if named else "") + ", ".join(sorted(named))


def _perhaps_proxy(environ: Mapping[str, str]) -> str:
    proxies = _proxies(environ)
    return f", and the {proxies}" if proxies else ""
