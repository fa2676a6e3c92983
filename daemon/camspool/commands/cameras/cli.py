"""The command line of `camspool cameras`."""

import os
from pathlib import Path

import click

from camspool.commands.invocation import config_option, configuration_file, give_up, settings_of


@click.command(short_help="List the cameras that the token may see.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
def cameras(config_path: Path | None, *, as_json: bool) -> None:
    """List the cameras that the token may see: node id, external id, name, and where each is in the tree."""
    from camspool.commands.cameras.command import show_cameras
    from camspool.core.errors import CamspoolError

    settings = settings_of(configuration_file(config_path))
    try:
        show_cameras(settings, os.environ, as_json=as_json)
    except CamspoolError as error:
        give_up(f"The cameras cannot be listed: {error}.", 1)
