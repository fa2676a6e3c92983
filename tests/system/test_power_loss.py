"""The power goes at any moment: what was fsynced is enough to go on from, in the right order.

The daemon works once on a file system that takes an image of its disk at each durable operation. Then a
daemon is started on the images, as after a cut at that moment.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from camspool.simulator import Simulator
from support.running import Running, request, simulator
from system.aftermath import (
    done_clips,
    problems,
    problems_of_files,
    status,
    strays,
    wait_until_all_ended,
)
from system.daemon_process import logged, process, running, times_logged, wait_for
from system.lossy_file_system import Disk

FOLDERS = ("drop", "mirror", "state")
AT_ONCE = 3
"""So many daemons are started on images side by side."""

SHARES = 2
"""The images are dealt out to so many tests, which can run side by side."""

EVERY = int(os.environ.get("CAMSPOOL_TEST_EVERY", "3"))
"""One image in so many is tried; 1 tries them all."""


@pytest.fixture
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(
        tmp_path_factory.getbasetemp() / "clips", prepare_cloud=0.1, throttle=1_500_000
    ) as running:
        yield running


@contextmanager
def lossy(mount_point: Path, images: Path, disk: Disk) -> Iterator[None]:
    """The file system of `lossy_file_system`, mounted while the block runs."""
    assert os.geteuid() == 0, "mounting takes root"
    assert Path("/dev/fuse").exists(), "there is no /dev/fuse: this kernel has no FUSE"
    assert shutil.which("fusermount3"), "fuse3 is missing (Debian: apt-get install fuse3)"
    mount_point.mkdir()
    images.mkdir()
    program = Path(__file__).with_name("lossy_file_system.py")
    with subprocess.Popen([sys.executable, str(program), str(mount_point), str(images), disk]) as served:
        wait_for(mount_point.is_mount, lambda: f"not mounted: {served.poll()}")
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(mount_point)], check=True)
            served.kill()  # by itself it may go on: namespaces of others may have a copy of the mount


def put_durably(camspool: Running, file: str, content: Any) -> None:
    """Drop a file as a tool does that cannot afford to lose it either."""
    path = camspool.drop / file
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as opened:
        opened.write(json.dumps(content).encode())
        opened.flush()
        os.fsync(opened.fileno())
    temporary.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def work_once(folder: Path, sim: Simulator, disk: Disk) -> dict[str, str]:
    """Let a daemon bring some requests to their end on the lossy file system; their final states by name."""
    camspool = running(folder / "data", sim)
    places = {name: str(folder / "data" / name) for name in FOLDERS}
    with (
        lossy(folder / "data", folder / "images", disk),
        process(folder, sim, folders=places, watch={"poll": "200ms"}),
    ):
        wait_for(lambda: times_logged(folder, "service_ready"), lambda: logged(folder)[-5:])
        put_durably(camspool, "one.json", request(1, at=20))
        put_durably(
            camspool, "three.json", [request(1, height=64), request("Fat", height=64), request("Blind")]
        )
        put_durably(camspool, "wrong.json", {"camera": 1})
        expected = {"one": "done", "three": "partial", "wrong": "rejected"}
        wait_until_all_ended(camspool, expected)
        assert problems(camspool, expected) == []
    return expected


@pytest.mark.timeout(600)
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("disk", ["lazy", "journal"])
def test_after_a_power_cut_at_any_moment_nothing_is_lost(
    tmp_path: Path, sim: Simulator, disk: Disk, share: int
) -> None:
    expected = work_once(tmp_path, sim, disk)
    images = sorted((tmp_path / "images").glob("[0-9]*"))
    assert len(images) > 60, "a request takes more operations than that: this is not the work that was meant"
    forgotten = [*vanished(images, sim, expected)]
    chosen = images[share :: SHARES * EVERY]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda image: after_cut(tmp_path, image, sim, expected), chosen)
        wrong = {image.name: each for image, each in zip(chosen, found, strict=True) if each}
    print(json.dumps({"images": len(images), "started on": len(chosen), "wrong": wrong}, indent=1))  # noqa: T201
    assert (forgotten, wrong) == ([], {})


def vanished(images: Sequence[Path], sim: Simulator, names: Iterable[str]) -> Iterator[str]:
    """Requests of which an image knows nothing, though an earlier one did."""
    seen: set[str] = set()
    for image in images:
        known = {name for name in names if is_known(running(image, sim), name)}
        yield from (f"{name} is gone in {image.name}" for name in seen - known)
        seen |= known


def after_cut(folder: Path, image: Path, sim: Simulator, expected: dict[str, str]) -> list[str]:
    """What is wrong with an image, and with what a daemon then makes of it."""
    camspool = running(image, sim)
    found = [f"{path} is done, and not whole" for path in broken_promises(camspool)]
    known = {name: state for name, state in expected.items() if is_known(camspool, name)}
    without_record = [name for name in known if status(camspool, name) is None]
    home = folder / f"daemon-{image.name}"
    home.mkdir()
    tell_from_its_copies(image)
    # Each daemon sees its image at the place that state/ remembers, and nobody else does.
    inside = f'mount --bind "{image}" "{folder / "data"}" && exec "$@"'
    wrapper = ["unshare", "--mount", "sh", "-c", inside, "sh"]
    places = {name: str(folder / "data" / name) for name in FOLDERS}
    with process(home, sim, wrapper=wrapper, folders=places):
        wait_for(lambda: times_logged(home, "service_ready"), lambda: logged(home)[-3:])
        left = partial(unfinished, camspool, known, without_record)
        wait_for(lambda: not left(), left)
    return found + left()


def tell_from_its_copies(image: Path) -> None:
    """Give the folders' markers ids of their own: two daemons on folders with one id are refused."""
    remembered = image / "state/folders.json"
    for marker in (image / "drop/.camspool", image / "mirror/.camspool"):
        if not marker.exists() or not marker.read_bytes().strip(b"\0"):
            continue
        old, new = json.loads(marker.read_bytes())["id"], secrets.token_hex(16)
        for file in (marker, remembered):
            if file.exists():
                file.write_text(file.read_text().replace(old, new))


def unfinished(camspool: Running, known: dict[str, str], without_record: list[str]) -> list[str]:
    """All problems but those that a power cut excuses.

    The server has seen more than the image knows of, so nothing is said of what is prepared again. Progress
    is written without fsync, so a status may be empty afterwards; its request is done again from the
    beginning, and MP4s that were published before stay beside the new ones.
    """
    excused: set[str] = set()
    for name in without_record:
        excused |= {each for each in strays(camspool) if each.startswith(f"{name}.") and ".mp4 is" in each}
    return [each for each in problems_of_files(camspool, known) if each not in excused]


def is_known(camspool: Running, name: str) -> bool:
    """Whether anything on the disk tells of the request."""
    files = (camspool.drop / f"{name}.json", camspool.mirror / f"{name}.json")
    return status(camspool, name) is not None or any(path.exists() and path.stat().st_size for path in files)


def broken_promises(camspool: Running) -> Iterator[str]:
    """MP4s that a status calls done, and that are not there as the server has them."""
    for path, clip in done_clips(camspool):
        mp4 = camspool.mirror / path
        if not mp4.is_file() or mp4.read_bytes() != camspool.server_bytes(clip):
            yield path
