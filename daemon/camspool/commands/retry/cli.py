"""The command line of `camspool retry`."""

import sys
from pathlib import Path

import click

from camspool.commands.completion import complete_request
from camspool.commands.invocation import config_option, configuration_file, settings_of


@click.command(short_help="Try requests again that have ended.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_request)
@config_option
def retry(names: tuple[str, ...], config_path: Path | None) -> None:
    """Try requests again that have failed, were cancelled, or whose MP4s are gone.

    Their files are moved back from the mirror to the drop folder. NAME is a request's name, its file or its
    status file. The exit code is 1 if any of the requests could not be moved back.
    """
    from camspool.commands.retry.command import retry_requests

    sys.exit(0 if retry_requests(settings_of(configuration_file(config_path)), names) else 1)
