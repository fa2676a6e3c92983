"""How every command ends when it is interrupted or cannot write its output. Loads nothing heavy."""

import errno
import os
import sys
from typing import Any, Final

import click

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C: 128 and the number of SIGINT, as shells report it."""

_OUTPUT_FAILED: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class Program(click.Group):
    """The group of all commands."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the program; see click.

        If the output cannot be written, for instance to a full disk, it says so and ends with 1. Click itself
        deals with a closed pipe.
        """
        try:
            return self._flushed(*args, **extra)
        except OSError as error:
            if error.filename is not None or error.errno not in _OUTPUT_FAILED:
                raise
            # What is buffered would fail again when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            click.echo(f"The output cannot be written: {error.strerror}.", err=True)
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; see click. Ctrl-C ends it with the exit code 130, and nothing is printed."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)

    def _flushed(self, *args: Any, **extra: Any) -> Any:
        try:
            return super().main(*args, **extra)
        finally:
            sys.stdout.flush()
