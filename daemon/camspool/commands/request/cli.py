"""The command line of `camspool request`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from camspool.commands.completion import settings_for_completion
from camspool.commands.invocation import (
    config_option,
    configuration_file,
    give_up,
    settings_of,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def _complete_camera(context: click.Context, _: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Complete a camera from the user's cache, which is filled from the mirror if it is not there."""
    from click.shell_completion import CompletionItem

    from camspool.commands.cameras import remembered

    if not remembered.cache_path(os.environ).exists() and (settings := settings_for_completion(context)):
        from camspool.commands.cameras.known import remember_from_mirror

        remember_from_mirror(settings, os.environ)
    return [CompletionItem(word, help=what) for word, what in remembered.completions(incomplete, os.environ)]


def _complete_height(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    heights = ["best", "smallest", "480", "720", "1080", "<=720", ">=720"]
    return [height for height in heights if height.startswith(incomplete)]


_TAKE: Final = click.Choice(["auto", "all", "best"])


@click.command(short_help="Write a request file, and follow it if wanted.")
@click.option(
    "--camera",
    multiple=True,
    shell_complete=_complete_camera,
    help="A node id (a number), external id or name; several times for several cameras.",
)
@click.option("--from", "begin", metavar="TIME", help="The beginning.")
@click.option("--to", "end", metavar="TIME", help="The end; a time alone is on the day of the beginning.")
@click.option("--duration", metavar="DURATION", help="Instead of --to.")
@click.option("--last", metavar="DURATION", help="Instead of --from: so long until now.")
@click.option("--around", metavar="TIME", help="Instead of --from: what was before and after it.")
@click.option("--before", metavar="DURATION", help="How long before --around [default: 1m].")
@click.option("--after", metavar="DURATION", help="How long after --around [default: 1m].")
@click.option(
    "--height",
    shell_complete=_complete_height,
    help="720 (exactly), best, smallest, '<=720', '>=720' [default: the configured].",
)
@click.option("--split", metavar="DURATION", help="Fetch consecutive MP4s of at most this length.")
@click.option("--take", type=_TAKE, help="Which of several recordings of one time.")
@click.option("--priority", type=int, help="-10 to 10; higher comes first.")
@click.option("--meta", metavar="KEY=VALUE", multiple=True, help="Comes back in the status; several times.")
@click.option("--name", help="The request's name, with folders if wanted [default: of camera and time].")
@click.option("--validate-only", is_flag=True, help="Let the daemon only check the request.")
@click.option("--wait", is_flag=True, help="Follow it to its end, and print where the MP4s are.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document; with --wait, the status.")
@click.option("--dry-run", is_flag=True, help="Print what would be written, and write nothing.")
@config_option
def request(
    name: str | None, config_path: Path | None, *, wait: bool, as_json: bool, dry_run: bool, **options: Any
) -> None:
    """Write a request file into the drop folder.

    TIME is "today 8:00", "yesterday 17:30", "monday 9am" (the latest one), "last friday noon", "2h ago",
    "08:10", "now", "2026-03-01 14:05", ISO 8601 or Unix seconds; without an offset it is in the configured
    time zone. --from also takes a range, "yesterday 18:00-19:00".

    DURATION is 90 (seconds), 10m, "10 minutes", 1h30, 1d or PT10M.

    With --wait the exit code is 0 if everything that was asked for has arrived, else 1. Ctrl-C only stops
    waiting; camspool cancel cancels the request.
    """
    from camspool.commands.advice import with_advice
    from camspool.commands.request.command import Manner
    from camspool.commands.request.command import request as write_request
    from camspool.commands.request.order import Order, Refused
    from camspool.core.errors import CamspoolError

    settings = settings_of(configuration_file(config_path))
    try:
        manner = Manner(wait=wait, as_json=as_json, dry_run=dry_run)
        code = write_request(settings, Order(**options), name, manner)
    except Refused as refused:
        lines = [f"  {problem.sentence}" for problem in refused.problems]
        raise click.UsageError("\n".join(["this is no request:", *lines])) from None
    except CamspoolError as error:
        give_up(with_advice(error, settings), 1)
    sys.exit(code)
