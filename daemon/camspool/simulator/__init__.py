"""A stand-in for the vendor's portal: a real GraphQL server, real MP4s, the three clocks, faults on request.

For integrators (`camspool simulator`), the demo and the tests. It imports nothing from the rest of camspool.
"""

from camspool.simulator.faults import CATALOGUE, Fault
from camspool.simulator.footage import PAGE_FROM, PAGE_NODE, PAGE_TO, Node, Stretch, World, default_world
from camspool.simulator.server import API_PATH, Simulator, run
from camspool.simulator.settings import Settings

__all__ = [
    "API_PATH",
    "CATALOGUE",
    "PAGE_FROM",
    "PAGE_NODE",
    "PAGE_TO",
    "Fault",
    "Node",
    "Settings",
    "Simulator",
    "Stretch",
    "World",
    "default_world",
    "run",
]
