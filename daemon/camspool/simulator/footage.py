"""What the simulated portal contains: a tree of nodes, and the stretches of time that its cameras recorded.

A world is immutable and knows nothing about recording ids, preparation or expiry; those belong to `portal`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Storage = Literal["cloud", "local"]
NodeType = Literal[
    "folder",
    "location",
    "user",
    "camera",
    "videoChannel",
    "box",
    "cameraAudioDevice",
    "cashdesk",
    "dashboard",
    "deviceInput",
]

PAGE_NODE = 62303
PAGE_FROM = 1589190089
PAGE_TO = 1589190689


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time without gaps for which one storage has footage.

    `start` and `end` are Unix seconds; `end=None` is a camera that records until now. `arrives_after` is how
    many seconds after its moment footage can be listed, as if it were still on its way to the storage.
    `padding` is a number of bytes by which each MP4 is made larger without costing time.
    """

    start: int
    end: int | None = None
    storage: Storage = "cloud"
    heights: tuple[int, ...] = (480, 720, 800)
    arrives_after: float = 0
    padding: int = 0

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"stretch ends at {self.end}, which is not after its start {self.start}")
        if odd := [height for height in self.heights if height < 32 or height % 2]:
            raise ValueError(f"heights must be even and at least 32, found {odd}")

    def overlap(self, start: int, end: int, now: float) -> tuple[int, int] | None:
        """The part of `start`..`end` that can be listed at `now`, or None if that is less than a second."""
        arrived = int(now - self.arrives_after)
        first = max(start, self.start)
        last = min(end, arrived, arrived if self.end is None else self.end)
        return (first, last) if last > first else None


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the portal's tree; cameras and video channels may have stretches."""

    node_id: int
    name: str
    type: NodeType = "camera"
    external_id: str | None = None
    parent_node_id: int | None = None
    stretches: tuple[Stretch, ...] = ()

    def __post_init__(self) -> None:
        if self.type not in get_args(NodeType):
            raise ValueError(
                f"node {self.node_id} has type {self.type!r}, expected one of {get_args(NodeType)}"
            )

    @property
    def records(self) -> bool:
        return self.type in {"camera", "videoChannel"}


@dataclass(frozen=True, slots=True)
class World:
    """All nodes that the tokens of the simulator may see.

    Raises ValueError when two nodes share a node id or an external id; names may repeat, as in the portal.
    """

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        _refuse_duplicates("node_id", [node.node_id for node in self.nodes])
        _refuse_duplicates("external_id", [node.external_id for node in self.nodes if node.external_id])

    def node(self, node_id: int) -> Node | None:
        return next((node for node in self.nodes if node.node_id == node_id), None)


def _refuse_duplicates(what: str, values: Iterable[object]) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{what} {value!r} is used by two nodes; it must be unique")
        seen.add(value)


def default_world() -> World:
    """A small shop with cameras of every kind, among them the one of the vendor's page.

    Listing camera 62303 from PAGE_FROM to PAGE_TO gives the page's answer: one recording of 598 seconds.
    """
    always = Stretch(start=1577836800)
    local = Stretch(start=1577836800, storage="local", heights=(480, 720, 1080))
    return World(
        (
            Node(1, "Demo", "folder"),
            Node(10, "Store 12", "location", parent_node_id=1),
            Node(11, "Warehouse", "location", parent_node_id=1),
            Node(12, "Recorder", "box", parent_node_id=11),
            Node(20, "operator", "user", parent_node_id=1),
            Node(PAGE_NODE, "ACCC8EE8A9CA", parent_node_id=10, stretches=_page_stretches()),
            Node(62304, "North gate", external_id="gate-north", parent_node_id=10, stretches=(always,)),
            Node(62305, "Cash desk 3", external_id="cashdesk-3", parent_node_id=10, stretches=(local,)),
            Node(62306, "Loading ramp", external_id="ramp", parent_node_id=11, stretches=_with_gaps()),
            Node(62307, "Aisle 4", external_id="aisle-4", parent_node_id=10, stretches=_two_storages()),
            Node(62308, "Panorama", parent_node_id=11),
            Node(62309, "Panorama 1", "videoChannel", "panorama-1", 62308, (always,)),
            Node(62310, "Parking", external_id="parking-a", parent_node_id=11, stretches=(always,)),
            Node(62311, "Parking", external_id="parking-b", parent_node_id=11, stretches=(always,)),
            Node(
                62312,
                "Roof",
                external_id="roof",
                parent_node_id=11,
                stretches=(Stretch(start=1577836800, arrives_after=90),),
            ),
            Node(62313, "Till 3", "cashdesk", parent_node_id=10),
        )
    )


def _page_stretches() -> tuple[Stretch, ...]:
    # Two seconds short of the page's range, since the page's answer to 600 seconds is 598.
    return (Stretch(start=1589180000, end=PAGE_TO - 2), Stretch(start=PAGE_TO + 61))


def _with_gaps() -> tuple[Stretch, ...]:
    """Ten minutes on, two minutes off, around the page's hour, then always."""
    hour = PAGE_FROM - PAGE_FROM % 3600
    pieces = tuple(Stretch(start, start + 600) for start in range(hour, hour + 7200, 720))
    return (*pieces, Stretch(start=hour + 7200))


def _two_storages() -> tuple[Stretch, ...]:
    """The same time in the cloud and on the site, of which the cloud lost some minutes."""
    hour = PAGE_FROM - PAGE_FROM % 3600
    return (
        Stretch(start=1577836800, end=PAGE_TO - 60),
        Stretch(start=PAGE_TO, heights=(480, 720)),
        Stretch(start=hour, storage="local", heights=(480, 720, 1080)),
    )
