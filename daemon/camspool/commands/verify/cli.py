"""The command line of `camspool verify`."""

import sys
from pathlib import Path

import click

from camspool.commands.completion import complete_request
from camspool.commands.invocation import (
    EX_CONFIG,
    config_option,
    configuration_file,
    give_up,
    settings_of,
)


@click.command(short_help="Compare the MP4s in the mirror with their status files.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", shell_complete=complete_request)
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
def verify(paths: tuple[str, ...], config_path: Path | None, *, as_json: bool) -> None:
    """Re-read the MP4s in the mirror against their status files: bytes, SHA-256, structure.

    PATH is a request's name, a status file, an MP4 or a folder, in the file system or below the mirror;
    without any, all of the mirror is verified. The exit code is 1 when anything is missing, changed, damaged
    or unknown.
    """
    from camspool.commands.advice import with_advice
    from camspool.commands.targets import NoSuchTarget
    from camspool.commands.verify.command import verify as verify_mirror
    from camspool.core.errors import ConfigurationError, StorageTrouble

    settings = settings_of(configuration_file(config_path))
    try:
        well = verify_mirror(settings.folders.mirror, settings.download.verify, paths, as_json=as_json)
    except NoSuchTarget as error:
        raise click.BadParameter(str(error), param_hint="PATH") from error
    except ConfigurationError as error:
        give_up(str(error), EX_CONFIG)
    except StorageTrouble as error:
        give_up(with_advice(error, settings), 1)
    sys.exit(0 if well else 1)
