"""The command line. Each command imports what it needs itself, so that `--help` is instant."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from camspool import __version__
from camspool.commands.program import Program

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from camspool.config.settings import Settings
    from camspool.core.errors import ConfigurationError

EX_TEMPFAIL = 75
"""Another daemon works on the same folders (sysexits.h)."""
EX_CONFIG = 78
"""The configuration cannot be used: systemd must not restart (sysexits.h)."""

FILE_THREADS = 12
"""asyncio's default, four more than there are cores, would be used up by a handful of large MP4s to hash.

With 32, accepting 10,000 requests takes a third longer: the GIL is passed back and forth.
"""

_config_option = click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration file [default: $CAMSPOOL_CONFIG, ./config.yaml, /etc/camspool/config.yaml].",
)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="camspool")
def main() -> None:
    """Drop a request file, get the MP4: recordings from the Survilla/NetRex camera cloud."""


@main.command(short_help="Run the daemon in the foreground.")
@_config_option
def run(config_path: Path | None) -> None:
    """Run the daemon in the foreground.

    SIGTERM and SIGINT stop it cleanly, SIGHUP reloads the configuration.
    """
    import asyncio
    import signal
    from concurrent.futures import ThreadPoolExecutor

    _leave_out_rich()
    import structlog

    from camspool.adapters import logs
    from camspool.adapters.spool import AlreadyRunning
    from camspool.adapters.systemd import ServiceManager
    from camspool.config import loading
    from camspool.core.errors import ConfigurationError, StorageTrouble
    from camspool.service.daemon import Service

    signal.signal(
        signal.SIGHUP, signal.SIG_IGN
    )  # its default would end the process before the daemon can handle it
    manager = ServiceManager()
    manager.status("starting: reading the configuration")  # which a dead share may block
    manager.close()
    path = _configuration_file(config_path)
    settings = _load(path)
    logs.configure(settings.logging.level, settings.logging.format)

    def reread() -> "Settings":
        return loading.load(path, os.environ, may_be_empty=False)

    async def serve() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(FILE_THREADS, "files"))
        await Service(settings, os.environ, reread).run()

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
    from camspool.commands.demo import Demo

    sys.exit(Demo(directory, stay=stay).run())


@main.command(short_help="Run a stand-in for the vendor's API.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8420,
    show_default=True,
    help="The port to listen on; 0 takes a free one.",
)
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
    except OSError as error:
        _give_up(f"cannot listen on {host}:{port}: {error.strerror or error}", 1)


@main.command(short_help="Check whether a daemon could do its work here.")
@_config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
def check(config_path: Path | None, *, as_json: bool) -> None:
    """Check configuration, folders, token, API, clock and systemd's unit, each with a verdict and a remedy.

    Before the first start, or beside a running daemon: nothing is changed. Run as root, it tries folders and
    token as the service's user. The exit code is 1 when anything is wrong, 78 when the configuration is.
    """
    from camspool.commands.check import check as check_all

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
    from camspool.commands.verify import NoSuchTarget
    from camspool.commands.verify import verify as verify_mirror
    from camspool.core.errors import ConfigurationError, StorageTrouble

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


@main.command("status", short_help="Show what is outstanding and how far, and what has ended.")
@click.argument("name", required=False)
@_config_option
@click.option("--watch", is_flag=True, help="Keep showing it, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--last", type=click.IntRange(0), default=10, show_default=True, help="How many of those that have ended."
)
def show_status(name: str | None, config_path: Path | None, last: int, *, watch: bool, as_json: bool) -> None:
    """Show what is outstanding and how far, and what has ended; from the files alone, without a daemon.

    NAME shows one request whole. It is the request's name, its file, its status file, or one of its MP4s.
    """
    if watch and (as_json or name is not None):
        raise click.UsageError("--watch shows the overview: it goes neither with --json nor with NAME.")
    if watch and not sys.stdout.isatty():
        raise click.UsageError("--watch needs a terminal; --json is for scripts.")
    from camspool.commands import status
    from camspool.core.errors import CamspoolError

    settings = _load(_configuration_file(config_path))
    try:
        if name is not None:
            status.show_one(settings, name, as_json=as_json)
        elif watch:
            status.watch(settings, last)
        else:
            status.show(settings, last, as_json=as_json)
    except CamspoolError as error:
        _give_up(str(error), 1)


def _complete_camera(
    _context: click.Context, _option: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem

    from camspool.commands.cameras import remembered

    return [CompletionItem(word, help=what) for word, what in remembered.completions(incomplete, os.environ)]


_TAKE: Final = click.Choice(["auto", "all", "best"])


@main.command(short_help="Write a request file, and follow it if wanted.")
@click.option(
    "--camera",
    multiple=True,
    shell_complete=_complete_camera,
    help="A node id (a number), external id or name; several times for several cameras.",
)
@click.option("--from", "begin", metavar="TIME", help="The beginning.")
@click.option("--to", "end", metavar="TIME", help="The end; a time alone is on the day of the beginning.")
@click.option("--duration", metavar="DURATION", help="Instead of --to: 90, 10m, 1h30m.")
@click.option("--last", metavar="DURATION", help="Instead of --from: so long until now.")
@click.option("--around", metavar="TIME", help="Instead of --from: what was before and after it.")
@click.option("--before", metavar="DURATION", help="How long before --around [default: 1m].")
@click.option("--after", metavar="DURATION", help="How long after --around [default: 1m].")
@click.option("--height", help="720 (exactly), best, smallest, '<=720', '>=720' [default: the configured].")
@click.option("--split", metavar="DURATION", help="Fetch consecutive MP4s of at most this length.")
@click.option("--take", type=_TAKE, help="Which of several recordings of one time.")
@click.option("--priority", type=int, help="-10 to 10; higher comes first.")
@click.option("--meta", metavar="KEY=VALUE", multiple=True, help="Comes back in the status; several times.")
@click.option("--name", help="The request's name, with folders if wanted [default: of camera and time].")
@click.option("--validate-only", is_flag=True, help="Let the daemon only check the request.")
@click.option("--wait", is_flag=True, help="Follow it to its end, and print where the MP4s are.")
@_config_option
def request(name: str | None, config_path: Path | None, *, wait: bool, **options: Any) -> None:
    """Write a request file into the drop folder.

    TIME is "today 08:00", "yesterday 17:30", "monday 9:00" (the last one), "08:10", "now",
    "2026-03-01 14:05", ISO 8601 or Unix seconds; without an offset in the configured time zone.

    With --wait the exit code is 0 when all that was asked for has come, else 1. Ctrl-C stops waiting; the
    request goes on, and is cancelled by deleting its file.
    """
    from camspool.commands import request as requesting
    from camspool.core.errors import CamspoolError

    settings = _load(_configuration_file(config_path))
    try:
        code = requesting.request(settings, requesting.Order(**options), name, wait=wait)
    except requesting.Refused as refused:
        lines = [f"  {problem.sentence}" for problem in refused.problems]
        raise click.UsageError("\n".join(["this is no request:", *lines])) from None
    except CamspoolError as error:
        _give_up(str(error), 1)
    sys.exit(code)


@main.command(short_help="List the cameras that the token may see.")
@_config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
def cameras(config_path: Path | None, *, as_json: bool) -> None:
    """List the cameras that the token may see: node id, external id, name, and where each is in the tree."""
    from camspool.commands.cameras.command import show_cameras
    from camspool.core.errors import CamspoolError

    settings = _load(_configuration_file(config_path))
    try:
        show_cameras(settings, os.environ, as_json=as_json)
    except CamspoolError as error:
        _give_up(f"The cameras cannot be listed: {error}.", 1)


@main.command()
@click.argument("document", type=click.Choice(["request", "status", "config"]))
def schema(document: str) -> None:
    """Print the JSON Schema of a kind of file."""
    import json

    from camspool.config import loading
    from camspool.core import document as status_document
    from camspool.core import request_parser

    schemas = {
        "request": request_parser.request_schema,
        "status": status_document.schema,
        "config": loading.config_schema,
    }
    click.echo(json.dumps(schemas[document](), indent=2, ensure_ascii=False))


def _configuration_file(named: Path | None) -> Path:
    """Where the configuration is; ends the program with exit code 78 when it is nowhere."""
    from camspool.config import loading
    from camspool.core.errors import ConfigurationError

    try:
        path = loading.find(named, os.environ)
    except ConfigurationError as error:
        _give_up_configuration(error)
    if path is None:
        places = ", ".join(["$CAMSPOOL_CONFIG", *map(str, loading.PLACES)])
        _give_up(
            f"There is no configuration file: looked for -c, {places}. Copy config.example.yaml.", EX_CONFIG
        )
    return path


def _load(path: Path) -> "Settings":
    """The settings; ends the program with exit code 78 when they cannot be used."""
    from camspool.config import loading
    from camspool.core.errors import ConfigurationError

    try:
        return loading.load(path, os.environ)
    except ConfigurationError as error:
        _give_up_configuration(error)


def _give_up_configuration(error: "ConfigurationError") -> NoReturn:
    lines = [f"  {problem.sentence}" for problem in error.problems]
    _give_up("\n".join([f"{error.source} cannot be used:", *lines]), EX_CONFIG)


def _leave_out_rich() -> None:
    """Keep httpx and structlog from importing rich, which they do wherever it is installed.

    The daemon prints nothing with it, and it takes 4 MB, a twelfth of the memory of an idle daemon. None in
    `sys.modules` is Python's documented way to make an import fail; both libraries work without rich. It must
    happen before they are imported, and concerns this process only.
    """
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]


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
