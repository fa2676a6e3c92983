"""The command line of `camspool cancel`."""

import sys
from pathlib import Path

import click

from camspool.commands.completion import complete_outstanding
from camspool.commands.invocation import config_option, configuration_file, settings_of


@click.command(short_help="Cancel requests that are outstanding.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_outstanding)
@config_option
def cancel(names: tuple[str, ...], config_path: Path | None) -> None:
    """Cancel outstanding requests, by deleting their files from the drop folder.

    NAME is a request's name, its file or its status file. MP4s that have already arrived stay. The exit code
    is 1 if any of the requests could not be cancelled.
    """
    from camspool.commands.cancel.command import cancel_requests

    sys.exit(0 if cancel_requests(settings_of(configuration_file(config_path)), names) else 1)
