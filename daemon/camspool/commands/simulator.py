"""`camspool simulator`: the stand-in for the vendor's API alone, for integrators."""

import click

from camspool.commands.invocation import give_up, need_simulator


@click.command(short_help="Run a stand-in for the vendor's API.")
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
    need_simulator()
    from camspool.simulator import Simulator
    from camspool.simulator import run as run_simulator

    def ready(server: Simulator) -> None:
        click.echo(f"GraphQL: {server.url}\nToken:   {server.token}\nStop with Ctrl-C.")
        click.echo(
            "\nFor config.yaml, with the token in a file:\n"
            f"  api:\n    endpoint: {server.url}\n    token_file: /absolute/path/of/that/file"
        )

    try:
        run_simulator(ready, host=host, port=port)
    except OSError as error:
        give_up(f"cannot listen on {host}:{port}: {error.strerror or error}", 1)
