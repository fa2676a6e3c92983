"""Whether the demo ended as it should: the expected states, and every MP4 with the stated bytes."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from camspool.commands.demo.examples import Example
from camspool.commands.demo.folder import DemoFolder
from camspool.core.status_document import OutputFile, Status
from camspool.core.values import State


@dataclass(frozen=True, slots=True)
class ExampleState:
    """An example, as the folders show it now."""

    example: Example
    status: Status | None
    outstanding: bool

    @property
    def ended(self) -> bool:
        """An old status may be final while its request, dropped again, waits in drop/."""
        return self.status is not None and self.status.state.final and not self.outstanding


def look(folder: DemoFolder, example: Example) -> ExampleState:
    """What the folders show about an example."""
    # In this order: a request that has left drop/ has its last status in place.
    outstanding = folder.is_outstanding(example.file)
    return ExampleState(example, folder.status(example.name), outstanding)


def differences(folder: DemoFolder, seen: ExampleState) -> Iterator[str]:
    """How an example that has ended differs from what was expected, in words."""
    example, status = seen.example, seen.status
    if not seen.ended or status is None:
        yield f"{example.file} has not ended: {_how_far(seen)}"
        return
    if status.state is not example.ends_as:
        why = f": {status.error.message}" if status.error else "."
        yield f"{example.file} was to end as {example.ends_as}, and ended as {status.state}{why}"
    if not (folder.mirror / example.file).is_file():
        yield f"{example.file} is not in mirror/, where requests that have ended are."
    for clip in status.clips:
        if clip.file:
            yield from _file_differences(folder, status, clip.file)
        elif example.ends_as is State.DONE:
            yield f"{example.file}: clip {clip.key} has no MP4."


def _how_far(seen: ExampleState) -> str:
    if seen.status is None:
        return "the daemon has not accepted it."
    waiting = seen.status.waiting
    return f"it is {seen.status.state}" + (f". {waiting.message}" if waiting else ".")


def _file_differences(folder: DemoFolder, status: Status, stated: OutputFile) -> Iterator[str]:
    path = folder.mp4(status, stated.name)
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except OSError as error:
        yield f"{path} cannot be read, although a status file names it: {error.strerror}."
        return
    if (size, sha256) != (stated.bytes, stated.sha256):
        yield (
            f"{path} has {size} bytes and SHA-256 {sha256}; "
            f"its status file says {stated.bytes} and {stated.sha256}."
        )
