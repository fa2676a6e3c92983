"""The four request files that the demo drops, and how each of them must end."""

from dataclasses import dataclass
from typing import Final

from camspool.core import naming
from camspool.core.values import State


@dataclass(frozen=True, slots=True)
class Example:
    """A request file: its path below drop/, what it shows, its content, the state that it must end in."""

    file: str
    shows: str
    content: str
    ends_as: State

    @property
    def name(self) -> str:
        """The request's name, which its status file and MP4s have too."""
        return naming.name_of(self.file)


_PAGE: Final = Example(
    "page-example.json",
    "the example of the vendor's own page",
    '{"camera": 62303, "from": 1589190089, "to": 1589190689, "height": 720}\n',
    State.DONE,
)
_GATE: Final = Example(
    "store-12/gate.yaml",
    "YAML, your own camera id, an ISO interval",
    "camera: gate-north\nrange: 2020-05-11T11:41:29+02:00/PT5M\nheight: best\n",
    State.DONE,
)
# Cash desk 3 is stored on site. The ramp's camera was off from 10:58 to 11:00, hence two pieces, and it is
# requested for so long that the gap is within the 1 % that may be missing from a request that is done.
_LIST: Final = Example(
    "three-cameras.json",
    "a list: one stored on site, one with a gap",
    """\
[{"camera": "cashdesk-3", "from": "2020-05-11T09:41Z", "duration": "2m"},
 {"camera": "ramp", "range": "2020-05-11T10:50Z/PT4H", "height": "<=500"},
 {"camera": "Aisle 4", "from": 1589189400, "to": 1589189460}]
""",
    State.DONE,
)
_MISTAKES: Final = Example(
    "with-mistakes.json",
    "what happens to mistakes",
    '{"camera": 62303, "form": "2020-05-11T09:41:29Z", "duration": "10 minuts"}\n',
    State.REJECTED,
)

EXAMPLES: Final = (_PAGE, _GATE, _LIST, _MISTAKES)

OWN_FILE: Final = "mine.json"
OWN_REQUEST: Final = '{"camera": "gate-north", "range": "2020-05-11T12:00Z/PT2M"}'
"""What the demo suggests to drop next; it must work as it stands."""
