"""What the command lines share: the option -c, loading the settings, ending with a message."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import click

if TYPE_CHECKING:
    from camspool.config.settings import Settings
    from camspool.core.errors import ConfigurationError

EX_CONFIG: Final = 78
"""The configuration cannot be used: systemd must not restart (sysexits.h)."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


def config_option(command: _Command) -> _Command:
    """The option that names the configuration file."""
    return click.option(
        "-c",
        "--config",
        "config_path",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The configuration file [default: $CAMSPOOL_CONFIG, ./config.yaml, /etc/camspool/config.yaml].",
    )(command)


def configuration_file(named: Path | None) -> Path:
    """The configuration file; without one, ends the program with exit code 78."""
    from camspool.config import loading
    from camspool.core.errors import ConfigurationError

    try:
        path = loading.find(named, os.environ)
    except ConfigurationError as error:
        _give_up_configuration(error)
    if path is None:
        places = ", ".join(["$CAMSPOOL_CONFIG", *map(str, loading.PLACES)])
        give_up(
            f"There is no configuration file: looked for -c, {places}. Copy config.example.yaml.", EX_CONFIG
        )
    return path


def settings_of(path: Path) -> "Settings":
    """The settings in a file; ends the program with exit code 78 if they cannot be used."""
    from camspool.config import loading
    from camspool.core.errors import ConfigurationError

    try:
        settings = loading.load(path, os.environ)
    except ConfigurationError as error:
        _give_up_configuration(error)
    if ignored := loading.ignored_variables(os.environ):
        click.echo(f"Ignored, since no setting is called like that: {', '.join(ignored)}.", err=True)
    return settings


def give_up(message: str, code: int) -> NoReturn:
    """Print the message on standard error and end the program."""
    click.echo(message, err=True)
    sys.exit(code)


def need_simulator() -> None:
    """End the program where the libraries of the simulator are missing."""
    try:
        import av  # noqa: F401
        import graphql  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        give_up(
            f"This needs the extra `simulator` ({error.name} is missing): pip install 'camspool[simulator]'",
            1,
        )


def _give_up_configuration(error: "ConfigurationError") -> NoReturn:
    lines = [f"  {problem.sentence}" for problem in error.problems]
    give_up("\n".join([f"{error.source} cannot be used:", *lines]), EX_CONFIG)
