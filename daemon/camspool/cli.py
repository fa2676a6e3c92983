"""The command line. Each command imports what it needs itself, so that `--help` is instant."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from camspool import __version__

if TYPE_CHECKING:
    from camspool.core.errors import ConfigurationError
    from camspool.settings import Settings

EX_TEMPFAIL = 75
"""Another daemon works on the same folders (sysexits.h)."""
EX_CONFIG = 78
"""The configuration cannot be used: systemd must not restart (sysexits.h)."""

_config_option = click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration file [default: $CAMSPOOL_CONFIG, ./config.yaml, /etc/camspool/config.yaml].",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="camspool")
def main() -> None:
    """Drop a request file, get the MP4: recordings from the Survilla/NetRex camera cloud."""


@main.command(short_help="Run the daemon in the foreground.")
@_config_option
def run(config_path: Path | None) -> None:
    """Run the daemon in the foreground.

    SIGTERM and SIGINT stop it cleanly, SIGHUP reloads the configuration.
    """
    import asyncio

    import structlog

    from camspool import config
    from camspool.adapters import logs
    from camspool.adapters.spool import AlreadyRunning
    from camspool.core.errors import ConfigurationError, StorageTrouble
    from camspool.service import Service

    path = _configuration_file(config_path)
    settings = _load(path)
    logs.configure(settings.logging.level, settings.logging.format)

    async def serve() -> None:
        await Service(settings, os.environ, lambda: config.load(path, os.environ)).run()

    try:
        asyncio.run(serve())
    except AlreadyRunning as error:
        _give_up(str(error), EX_TEMPFAIL)
    except ConfigurationError as error:
        _give_up(str(error), EX_CONFIG)
    except StorageTrouble as error:
        _give_up(error.message, 1)
    except Exception:  # noqa: BLE001  through the log, which keeps secrets out
        structlog.get_logger().exception("service_crashed")
        sys.exit(1)


@main.command(short_help="Show the whole thing on this machine.")
@click.option("--dir", "directory", type=click.Path(path_type=Path, file_okay=False), help="Where to work.")
@click.option("--stay", is_flag=True, help="Keep running afterwards, for request files of your own.")
def demo(directory: Path | None, *, stay: bool) -> None:
    """Show the whole thing: a simulator, a daemon, some requests, and the MP4s that arrive."""
    _need_simulator()
    from camspool.demo import Demo

    sys.exit(Demo(directory, stay=stay).run())


@main.command(short_help="Run a stand-in for the vendor's API.")
@click.option("--port", default=8420, show_default=True, help="The port to listen on; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
def simulator(port: int, host: str) -> None:
    """Run a stand-in for the vendor's API, with cameras and footage of its own."""
    _need_simulator()
    from camspool.simulator import Simulator
    from camspool.simulator import run as run_simulator

    def ready(server: Simulator) -> None:
        click.echo(f"GraphQL: {server.url}\nToken:   {server.token}\nStop with Ctrl-C.")

    try:
        run_simulator(ready, host=host, port=port)
    except KeyboardInterrupt:
        click.echo()
    except OSError as error:
        _give_up(f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}", 1)


@main.command(short_help="Check whether a daemon could do its work here.")
@_config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
def check(config_path: Path | None, *, as_json: bool) -> None:
    """Check configuration, folders, token, API, clock and systemd's unit, each with a verdict and a remedy.

    Before the first start, or beside a running daemon: nothing is changed. Run as root, it tries folders and
    token as the service's user. The exit code is 1 when anything is wrong, 78 when the configuration is.
    """
    from camspool.check import check as check_all

    wrong = check_all(config_path, os.environ, as_json=as_json)
    sys.exit(EX_CONFIG if "configuration" in wrong else int(bool(wrong)))


@main.command(short_help="Compare the MP4s in the mirror with their status files.")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@_config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
def verify(paths: tuple[str, ...], config_path: Path | None, *, as_json: bool) -> None:
    """Re-read the MP4s in the mirror against their status files: bytes, SHA-256, structure.

    PATH is a request's name, a status file, an MP4 or a folder, in the file system or below the mirror;
    without any, all of the mirror is verified. The exit code is 1 when anything is missing, changed, damaged
    or unknown.
    """
    from camspool.core.errors import ConfigurationError, StorageTrouble
    from camspool.verify import NoSuchTarget
    from camspool.verify import verify as verify_mirror

    settings = _load(_configuration_file(config_path))
    try:
        well = verify_mirror(settings.folders.mirror, settings.download.verify, paths, as_json=as_json)
    except NoSuchTarget as error:
        raise click.BadParameter(str(error), param_hint="PATH") from error
    except ConfigurationError as error:
        _give_up(str(error), EX_CONFIG)
    except StorageTrouble as error:
        _give_up(error.message, 1)
    sys.exit(0 if well else 1)


@main.command()
@click.argument("document", type=click.Choice(["request", "status", "config"]))
def schema(document: str) -> None:
    """Print the JSON Schema of a kind of file."""
    import json

    from camspool import config
    from camspool.core import document as status_document
    from camspool.core import intake

    schemas = {
        "request": intake.request_schema,
        "status": status_document.schema,
        "config": config.config_schema,
    }
    click.echo(json.dumps(schemas[document](), indent=2, ensure_ascii=False))


def _configuration_file(named: Path | None) -> Path:
    """Where the configuration is; ends the program with exit code 78 when it is nowhere."""
    from camspool import config
    from camspool.core.errors import ConfigurationError

    try:
        path = config.find(named, os.environ)
    except ConfigurationError as error:
        _give_up_configuration(error)
    if path is None:
        places = ", ".join(["$CAMSPOOL_CONFIG", *map(str, config.PLACES)])
        _give_up(
            f"There is no configuration file: looked for -c, {places}. Copy config.example.yaml.", EX_CONFIG
        )
    return path


def _load(path: Path) -> "Settings":
    """The settings; ends the program with exit code 78 when they cannot be used."""
    from camspool import config
    from camspool.core.errors import ConfigurationError

    try:
        return config.load(path, os.environ)
    except ConfigurationError as error:
        _give_up_configuration(error)


def _give_up_configuration(error: "ConfigurationError") -> NoReturn:
    lines = [f"  {problem.sentence}" for problem in error.problems]
    _give_up("\n".join([f"{error.source} cannot be used:", *lines]), EX_CONFIG)


def _need_simulator() -> None:
    try:
        import av  # noqa: F401
        import graphql  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        _give_up(
            f"This needs the extra `simulator` ({error.name} is missing): pip install 'camspool[simulator]'",
            1,
        )


def _give_up(message: str, code: int) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)
