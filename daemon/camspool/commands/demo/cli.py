"""The command line of `camspool demo`."""

import sys
from pathlib import Path

import click

from camspool.commands.invocation import need_simulator


@click.command(short_help="Show the whole thing on this machine.")
@click.option("--dir", "directory", type=click.Path(path_type=Path, file_okay=False), help="Where to work.")
@click.option("--stay", is_flag=True, help="Keep running afterwards, for request files of your own.")
def demo(directory: Path | None, *, stay: bool) -> None:
    """Run a simulator and a daemon, drop some requests, and watch the MP4s arrive."""
    need_simulator()
    from camspool.commands.demo.demo import Demo

    sys.exit(Demo(directory, stay=stay).run())
