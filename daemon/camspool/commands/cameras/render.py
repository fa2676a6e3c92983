"""The cameras on a terminal or in a pipe, and as one JSON document."""

import sys

from rich.table import Table
from rich.text import Text

from camspool.commands.terminal import standard_output, terminal_safe
from camspool.core import camera_list
from camspool.core.camera_list import CameraList


def write_table(listed: CameraList) -> None:
    """Print a row for each camera."""
    console = standard_output()
    if not listed.cameras:
        console.print("The token sees no camera. In the portal, let its user see the cameras.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("node id", justify="right", no_wrap=True)
    for heading in ("external id", "name", "path"):
        table.add_column(heading, overflow="fold")
    for camera in listed.cameras:
        texts = (camera.external_id or "", camera.name, " / ".join(camera.place))
        table.add_row(str(camera.node_id), *(Text(terminal_safe(text)) for text in texts))
    console.print(table)


def write_json(listed: CameraList) -> None:
    """Print the document."""
    sys.stdout.write(camera_list.dump(listed).decode())
