"""The manual page camspool(1), made of the commands' own help, so that the two cannot differ."""

from collections.abc import Iterator

import click


def page(program: click.Group, version: str) -> str:
    """The page in the language of man(7).

    Args:
        program: the group of all commands.
        version: for the footer.
    """
    return "\n".join(_lines(program, version)) + "\n"


def _lines(program: click.Group, version: str) -> Iterator[str]:
    yield f'.TH CAMSPOOL 1 "" "camspool {version}" "User Commands"'
    yield ".SH NAME"
    yield "camspool \\- fetches recordings from the Survilla/NetRex camera cloud through folders of files"
    yield ".SH SYNOPSIS"
    yield ".B camspool"
    yield ".I COMMAND"
    yield "[OPTIONS]"
    yield ".SH DESCRIPTION"
    yield _escaped(program.help or "")
    yield ".SH COMMANDS"
    for name in sorted(program.commands):
        yield from _command(name, program.commands[name])
    yield ".SH EXIT STATUS"
    yield "0; 1 for a negative answer; 2 for wrong usage; 75 if another daemon works on the same folders;"
    yield "78 for a bad configuration; 130 after Ctrl-C."
    yield ".SH FILES"
    yield _escaped("/etc/camspool/config.yaml, /etc/camspool/token, /srv/camspool/drop, /srv/camspool/mirror")
    yield ".SH SEE ALSO"
    yield _escaped("README.md, INTEGRATE.md and OPERATE.md in /usr/share/doc/camspool")


def _command(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=f"camspool {name}")
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_escaped(f'camspool {name} {usage}')}"
    for paragraph in (command.help or "").split("\n\n"):
        yield ".PP"
        yield _escaped(" ".join(paragraph.split()))
    for parameter in command.get_params(context):
        if record := parameter.get_help_record(context):
            yield ".TP"
            yield f".B {_escaped(record[0])}"
            yield _escaped(record[1])


def _escaped(text: str) -> str:
    """Text that groff shows as it is: no requests, no hyphens that become dashes."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
