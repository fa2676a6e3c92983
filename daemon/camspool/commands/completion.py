"""Completes words of the command line in the shell: the names of requests.

Shows no errors: a person who presses Tab is not asking for them.
"""

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from camspool.config.settings import Settings


def complete_outstanding(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete the names of outstanding requests."""
    from camspool.commands import request_names

    settings = settings_for_completion(context)
    return request_names.outstanding(settings.folders.drop, incomplete) if settings else []


def complete_request(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete the names of requests."""
    from camspool.commands import request_names

    settings = settings_for_completion(context)
    folders = settings.folders if settings else None
    return request_names.known(folders.drop, folders.mirror, incomplete) if folders else []


def settings_for_completion(context: click.Context) -> "Settings | None":
    """The settings, or None if they cannot be used."""
    from camspool.config import loading
    from camspool.core.errors import ConfigurationError

    try:
        path = loading.find(context.params.get("config_path"), os.environ)
        return loading.load(path, os.environ) if path else None
    except ConfigurationError:
        return None
