"""The examples in the documents for users, and a daemon that they can be tried on."""

import re
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from camspool.simulator import Node, Settings, Simulator, Stretch, World
from support.running import Running, daemon

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = ("README.md", "INTEGRATE.md", "OPERATE.md")
FOLDERS: Final = "/srv/camspool"
"""Where the examples have drop/ and mirror/."""

_PART = re.compile(
    r"(?ms)^##+ (?P<section>[^\n]+)$|^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$"
)


@dataclass(frozen=True, slots=True)
class Example:
    """One code block: the section that it stands in, its language, its text."""

    document: str
    section: str
    language: str
    text: str


def examples(document: str) -> list[Example]:
    """The document's code blocks, from its beginning."""
    found, section = [], ""
    for part in _PART.finditer((ROOT / document).read_text()):
        if part["section"]:
            section = part["section"]
        else:
            found.append(Example(document, section, part["language"], textwrap.dedent(part["text"])))
    return found


def example(document: str, section: str, language: str, number: int = 0) -> str:
    """The text of one code block; `number` counts those of the same section and language from 0."""
    texts = [each.text for each in examples(document) if (each.section, each.language) == (section, language)]
    return texts[number]


@asynccontextmanager
async def camspool(folder: Path, **changes: Any) -> AsyncIterator[Running]:
    """A daemon in `folder`, and a server with the cameras of the examples, which record since February."""
    recorded = Stretch(start=int(datetime(2026, 2, 1, tzinfo=UTC).timestamp()), heights=(64,))
    cameras = {62303: "yard", 62304: "gate-north", 62305: "gate-south"}
    nodes = (
        Node(node_id, name.title(), external_id=name, stretches=(recorded,))
        for node_id, name in cameras.items()
    )
    settings = Settings(prepare_cloud=0, prepare_local=0, cache=folder / "cache")
    with Simulator(World(tuple(nodes)), settings) as sim:
        async with daemon(folder, sim, requests={"grace": 0}, **changes) as running:
            yield running
