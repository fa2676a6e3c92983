"""What has to be true in the end, whatever was done to the daemon: the files against the server's record."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from support.running import Running
from system.daemon_process import wait_for

Footage = tuple[int, int, int, int]
"""Camera, first and last second, height: what two recording ids of the same video have in common."""


def wait_until_all_ended(camspool: Running, names: Mapping[str, object], timeout: float = 60.0) -> None:
    """Return when each request has ended and nothing but what belongs there is left in the folders."""

    def open_ones() -> list[tuple[str, dict[str, Any] | None]]:
        found = ((name, status(camspool, name)) for name in names)
        return [(name, each) for name, each in found if not each or not each["finished_at"]]

    def untidy() -> list[str]:
        return [*_wrongly_filed(camspool), *strays(camspool)]

    def ended() -> bool:
        return not open_ones() and not untidy()

    def found() -> str:
        return f"not ended: {json.dumps(open_ones(), indent=1)}; {untidy()}"

    wait_for(ended, found, timeout)


def problems(camspool: Running, expected: Mapping[str, str]) -> list[str]:
    """Everything that is not as it should be.

    Args:
        camspool: the folders and the server.
        expected: the final state of each request, by name.
    """
    return [*problems_of_files(camspool, expected), *prepared_too_often(camspool)]


def problems_of_files(camspool: Running, expected: Mapping[str, str]) -> list[str]:
    """The same without a look at how often the server was asked."""
    return [
        *_wrong_states(camspool, expected),
        *_wrong_footage(camspool),
        *_wrongly_filed(camspool),
        *strays(camspool),
    ]


def status(camspool: Running, name: str) -> dict[str, Any] | None:
    """The status of a request, if there is one that can be read."""
    try:
        return camspool.status(name)
    except (FileNotFoundError, ValueError):  # zeros are no UTF-8, and half a document no JSON
        return None


def statuses(camspool: Running) -> dict[str, dict[str, Any]]:
    """All statuses, by the name of the request."""
    names = [
        str(path.relative_to(camspool.mirror)).removesuffix(".status.json")
        for path in camspool.mirror.rglob("*.status.json")
    ]
    return {name: found for name in names if (found := status(camspool, name))}


def done_clips(camspool: Running) -> Iterator[tuple[str, dict[str, Any]]]:
    """The path below mirror/ and the clip of each MP4 that a status calls done."""
    for name, found in statuses(camspool).items():
        for clip in found["clips"]:
            if clip["state"] == "done":
                yield _beside(name, clip["file"]["name"]), clip


def _wrong_states(camspool: Running, expected: Mapping[str, str]) -> Iterator[str]:
    found = statuses(camspool)
    for name, state in expected.items():
        if name not in found:
            yield f"{name} has vanished"
        elif found[name]["state"] != state:
            yield f"{name} is {found[name]['state']}, not {state}: {found[name]['error']}"
    yield from (f"nobody asked for {name}" for name in found.keys() - expected.keys())


def _wrong_footage(camspool: Running) -> Iterator[str]:
    for path, clip in done_clips(camspool):
        mp4 = camspool.mirror / path
        if not mp4.is_file():
            yield f"{path} is done, and not there"
        elif mp4.read_bytes() != camspool.server_bytes(clip):
            yield f"{path} is not what the server has"


def _wrongly_filed(camspool: Running) -> Iterator[str]:
    for name, found in statuses(camspool).items():
        filed_as = found["request"]["filed_as"]
        if found["state"] != "cancelled" and (not filed_as or not (camspool.mirror / filed_as).is_file()):
            yield f"the request file of {name} should be in the mirror as {filed_as}"


def strays(camspool: Running) -> Iterator[str]:
    """Files that no status speaks of: parts, temporaries, MP4s that nobody knows, requests in drop/."""
    known = {".camspool", "_service.json", "_cameras.json"}
    for name, found in statuses(camspool).items():
        files = [clip["file"]["name"] for clip in found["clips"] if clip["file"]]
        known |= {f"{name}.status.json", *(_beside(name, file) for file in files)}
        known.add(found["request"]["filed_as"] or "")
    for root, allowed in ((camspool.mirror, known), (camspool.drop, {".camspool"})):
        files = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
        # What a tool has begun to write into drop/ is its own business.
        files = [path for path in files if not path.endswith(".new")]
        yield from (f"{path} is left in {root.name}/" for path in files if path not in allowed)


def prepared_too_often(camspool: Running) -> Iterator[str]:
    """Footage that the server was made to prepare again, though what it had prepared was still good."""
    wanted = Counter(
        footage(camspool, clip["recording"]["id"], clip["recording"]["height"])
        for found in statuses(camspool).values()
        for clip in found["clips"]
        if clip["recording"] and clip["recording"]["id"]
    )
    accepted = Counter(
        footage(camspool, each.recording_id, each.height)
        for each in list(camspool.sim.record.preparations)
        if each.accepted
    )
    for each, count in accepted.items():
        if count > wanted[each]:
            yield f"{each} was prepared {count} times, for {wanted[each]} clips"


def footage(camspool: Running, recording_id: str, height: int) -> Footage:
    """What a recording id stands for."""
    recording = camspool.sim.portal.known(recording_id)
    assert recording, f"the server never gave the id {recording_id}"
    return recording.node.node_id, recording.start, recording.end, height


def _beside(name: str, file: str) -> str:
    folder = name.rpartition("/")[0]
    return f"{folder}/{file}" if folder else file
