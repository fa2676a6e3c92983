"""The command line of `camspool check`."""

import os
import sys
from pathlib import Path

import click

from camspool.commands.invocation import EX_CONFIG, config_option


@click.command(short_help="Check whether a daemon could do its work here.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
def check(config_path: Path | None, *, as_json: bool) -> None:
    """Check configuration, folders, token, API, clock and systemd's unit, each with a verdict and a remedy.

    Before the first start, or beside a running daemon: nothing is changed. Run as root, it tries folders and
    token as the service's user. The exit code is 1 when anything is wrong, 78 when the configuration is.
    """
    from camspool.commands.check.command import check as check_all

    wrong = check_all(config_path, os.environ, as_json=as_json)
    sys.exit(EX_CONFIG if "configuration" in wrong else int(bool(wrong)))
