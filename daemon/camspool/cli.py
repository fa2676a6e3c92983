"""The command line: all commands, and the one that runs the daemon.

Each command imports what it needs when it is called, so that `--help` and completion are instant.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from camspool import __version__
from camspool.commands.cameras.cli import cameras
from camspool.commands.cancel.cli import cancel
from camspool.commands.check.cli import check
from camspool.commands.demo.cli import demo
from camspool.commands.invocation import EX_CONFIG, config_option, configuration_file, give_up, settings_of
from camspool.commands.program import Program
from camspool.commands.request.cli import request
from camspool.commands.retry.cli import retry
from camspool.commands.schema import schema
from camspool.commands.simulator import simulator
from camspool.commands.status.cli import show_status
from camspool.commands.verify.cli import verify

if TYPE_CHECKING:
    from camspool.config.settings import Settings

EX_TEMPFAIL = 75
"""Another daemon works on the same folders (sysexits.h)."""
FILE_THREADS = 12
"""asyncio's default, four more than there are cores, would be used up by a handful of large MP4s to hash.

With 32, accepting 10,000 requests takes a third longer: the GIL is passed back and forth.
"""


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="camspool")
def main() -> None:
    """Drop a request file, get the MP4: recordings from the Survilla/NetRex camera cloud."""


@main.command(short_help="Run the daemon in the foreground.")
@config_option
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

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the daemon handles it, it would end the process
    manager = ServiceManager()
    manager.status("starting: reading the configuration")  # which a dead share may block
    manager.close()
    path = configuration_file(config_path)
    settings = settings_of(path)
    logs.configure(settings.logging.level, settings.logging.format)

    def reread() -> "Settings":
        return loading.load(path, os.environ, may_be_empty=False)

    async def serve() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(FILE_THREADS, "files"))
        await Service(settings, os.environ, reread).run()

    try:
        asyncio.run(serve())
    except AlreadyRunning as error:
        give_up(str(error), EX_TEMPFAIL)
    except ConfigurationError as error:
        give_up(str(error), EX_CONFIG)
    except StorageTrouble as error:
        give_up(error.message, 1)
    except Exception:  # noqa: BLE001  through the log, which keeps secrets out
        structlog.get_logger().exception("service_crashed")
        sys.exit(1)


def _leave_out_rich() -> None:
    """Keep httpx and structlog from importing rich, which they do wherever it is installed.

    The daemon prints nothing with it, and it takes 4 MB, a twelfth of the memory of an idle daemon. None in
    `sys.modules` is Python's documented way to make an import fail; both libraries work without rich. It must
    happen before they are imported, and concerns this process only.
    """
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]


for _command in (
    *(demo, simulator, check, cameras, schema),
    *(request, show_status, cancel, retry, verify),
):
    main.add_command(_command)
