"""A day at a glance."""

import json
from typing import Any

import pytest

from camspool.page import lanes
from support.page import PRAGUE, a_row


def test_lanes_come_back_as_they_were() -> None:
    made, row = lanes.Lanes("2020-05-11"), a_row()
    made.replace(
        "2020-05-11-11", [row, row._replace(at=row.at - 60), row._replace(camera="b")], ["x"], PRAGUE
    )
    assert lanes.load(json.loads(json.dumps(lanes.dump(made, "f", PRAGUE))), "f", "2020-05-11") == made
    assert lanes.load(lanes.dump(made, "f", PRAGUE), "g", "2020-05-11") is None
    assert (made.clips, made.seconds, made.bytes, made.files) == (3, 1800, 3 * row.bytes, 1)
    made.replace("2020-05-11-11", [], [], PRAGUE)
    assert made == lanes.Lanes("2020-05-11")


@pytest.mark.parametrize("found", [None, [], {}, {"format": "f", "day": "2020-05-11"}])
def test_what_is_no_lanes_is_none(found: Any) -> None:
    assert lanes.load(found, "f", "2020-05-11") is None
