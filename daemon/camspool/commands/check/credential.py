"""The token: where it comes from and who may read it. It is never printed."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from camspool.commands.check.isolated import own_name
from camspool.commands.check.result import Result, ok, warning, wrong
from camspool.config.settings import Settings
from camspool.config.token import TOKEN_REMEDY, find_token
from camspool.core.errors import ServiceTrouble


def results(settings: Settings, environ: Mapping[str, str], *, by_systemd: bool) -> Iterator[Result]:
    """Whether there is a token that this user can read.

    Args:
        settings: where its file is.
        environ: the environment.
        by_systemd: True if systemd reads the file, as root, and passes it to the service.
    """
    file = settings.api.token_file
    how = f" (systemd passes it to the service: LoadCredential=token:{file})" if by_systemd else ""
    try:
        token = find_token(settings, environ)
    except ServiceTrouble as trouble:
        found = trouble.message.removesuffix(f"; {TOKEN_REMEDY}")
        if not _kept_out(file):
            yield wrong("token", found + how, f"{TOKEN_REMEDY}, which is {file}")
        elif by_systemd:
            yield warning("token", found + how, "Run it as root (sudo camspool check) to check it.")
        else:
            yield wrong(
                "token", found, f"To let {own_name()} read it: chown {own_name()} {file} && chmod 600 {file}"
            )
        return
    source = token.source
    if isinstance(source, Path) and source.stat().st_mode & stat.S_IROTH:
        yield warning("token", f"everybody on this machine can read {source}{how}", f"chmod o= {source}")
    elif token.remark:
        yield warning("token", token.remark, f"Let the service's own user read {file}, and only it.")
    else:
        yield ok("token", f"there is one in {source}{how}")


def sealed(settings: Settings, environ: Mapping[str, str]) -> Iterator[Result]:
    """The same where only systemd can read it; only a variable would take precedence."""
    try:
        source = find_token(settings, environ).source
    except ServiceTrouble:
        yield ok("token", "systemd passes it to the service, and nobody else can read it")
    else:
        yield ok("token", f"there is one in {source}")


def _kept_out(file: Path) -> bool:
    try:
        file.stat()
    except OSError as error:
        return isinstance(error, PermissionError)
    return not os.access(file, os.R_OK)
