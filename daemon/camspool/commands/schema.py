"""`camspool schema`: the JSON Schema of each kind of file."""

import click


@click.command()
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
