"""The cameras on a terminal or in a pipe, and as one JSON document."""

import json
import sys
from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from camspool.commands.terminal import standard_output, terminal_safe
from camspool.core.values import Camera

SCHEMA: Final = "camspool/cameras/1"


def write_table(cameras: Sequence[Camera]) -> None:
    """Print a row for each camera."""
    console = standard_output()
    if not cameras:
        console.print("The token sees no camera. In the portal, let its user see the cameras.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("node id", justify="right", no_wrap=True)
    for heading in ("external id", "name", "path"):
        table.add_column(heading, overflow="fold")
    for camera in cameras:
        texts = (camera.external_id or "", camera.name, " / ".join(camera.place))
        table.add_row(str(camera.node_id), *(Text(terminal_safe(text)) for text in texts))
    console.print(table)


def write_json(cameras: Sequence[Camera]) -> None:
    """Print one document; `path` has the names from the root of the tree down."""
    listed = [
        {
            "node_id": camera.node_id,
            "external_id": camera.external_id,
            "name": camera.name,
            "type": camera.type,
            "path": camera.place,
        }
        for camera in cameras
    ]
    json.dump({"schema": SCHEMA, "cameras": listed}, sys.stdout, indent=2)
    sys.stdout.write("\n")
