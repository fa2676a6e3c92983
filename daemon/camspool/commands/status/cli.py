"""The command line of `camspool status`."""

import sys
from pathlib import Path

import click

from camspool.commands.completion import complete_request
from camspool.commands.invocation import (
    config_option,
    configuration_file,
    give_up,
    settings_of,
)


@click.command("status", short_help="Show what is outstanding and how far, and what has ended.")
@click.argument("name", required=False, shell_complete=complete_request)
@config_option
@click.option("--watch", is_flag=True, help="Keep showing it, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--last", type=click.IntRange(0), default=10, show_default=True, help="How many of those that have ended."
)
def show_status(name: str | None, config_path: Path | None, last: int, *, watch: bool, as_json: bool) -> None:
    """Show what is outstanding and how far, and what has ended; from the files alone, without a daemon.

    NAME shows one request in full. It is the request's name, its file, its status file, or one of its MP4s.
    The exit code is then 1 if it has ended without everything that was asked for, as with request --wait,
    and 0 if everything has come or the request is outstanding.
    """
    if watch and (as_json or name is not None):
        raise click.UsageError("--watch shows the overview: it goes neither with --json nor with NAME.")
    if watch and not sys.stdout.isatty():
        raise click.UsageError("--watch needs a terminal; --json is for scripts.")
    from camspool.commands.advice import with_advice
    from camspool.commands.status import command
    from camspool.core.errors import CamspoolError

    settings = settings_of(configuration_file(config_path))
    try:
        if name is not None:
            sys.exit(command.show_one(settings, name, as_json=as_json))
        elif watch:
            command.watch(settings, last)
        else:
            command.show(settings, last, as_json=as_json)
    except CamspoolError as error:
        give_up(with_advice(error, settings), 1)
