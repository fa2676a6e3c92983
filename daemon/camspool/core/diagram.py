"""The state diagram of a clip in Mermaid's notation, drawn from `lifecycle.TABLE`.

`python -m camspool.core.diagram` prints it as in ARCHITECTURE.md; a test fails when that is outdated.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from camspool.core.lifecycle import TABLE
from camspool.core.values import State

_FIRST: Final = (State.SCHEDULED, State.QUEUED)
"""The states that a new clip can be in (see `overview.first_clips`)."""


def mermaid() -> str:
    """The diagram, without the fence around it and without a final newline."""
    return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in _lines())])


def _lines() -> Iterator[str]:
    yield from (f"[*] --> {state}" for state in _FIRST)
    ends: dict[State, None] = {}
    for state, row in TABLE.items():
        arrows: dict[State, list[str]] = defaultdict(list)
        for event, target in row.items():
            arrows[target].append(event.__name__)
            if target.final:
                ends[target] = None
        yield from (f"{state} --> {target}: {', '.join(names)}" for target, names in arrows.items())
    yield from (f"{state} --> [*]" for state in ends)


if __name__ == "__main__":
    print(f"```mermaid\n{mermaid()}\n```")  # noqa: T201 - to be pasted
