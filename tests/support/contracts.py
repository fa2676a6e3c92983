"""What each port of `core/ports.py` promises, as tests that the real adapter and its fake both have to pass.

`tests/adapters/test_ports.py` derives a class from each of these for every implementation, with fixtures that
say how it is made. Whatever only one implementation does is tested elsewhere.
"""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from camspool.core.errors import (
    AddressRefused,
    BadVideo,
    CameraNotFound,
    CamspoolError,
    ClipTrouble,
    NameTaken,
    RecordingExpired,
    StorageTrouble,
)
from camspool.core.ports import (
    Answer,
    Api,
    AskProgress,
    Clock,
    Downloaded,
    DownloadOrder,
    DownloadProgress,
    Downloads,
    ListCameras,
    ListRecordings,
    PrepareRecording,
    Question,
    Recordings,
    Spool,
    Videos,
)
from camspool.core.status_document import OutputFile, Status
from camspool.core.values import Camera, Listed, Preparation, State, WaitReason
from support.builders import a_clip, a_file, a_status

Result = TypeVar("Result")

UNKNOWN_ID = "nobody-listed-this"
UNKNOWN_CAMERA = 987_654_321


class Runs(Protocol):
    """Runs coroutines in the event loop that the implementation lives in, real or virtual."""

    def __call__(self, work: Coroutine[Any, Any, Result]) -> Result: ...


class Portal(Protocol):
    """A camera cloud behind `Recordings`, `Downloads` and `Videos`, and what a test may do to it."""

    clock: Clock
    recordings: Recordings
    downloads: Downloads
    videos: Videos

    gate: int
    """A camera with one recording of any range that begins at `start`."""
    yard: int
    """A camera with several recordings of the minute from `start`."""
    blind: int
    """A camera without recordings."""
    start: int

    def run(self, work: Coroutine[Any, Any, Result]) -> Result: ...

    def expire(self) -> None:
        """Every id and address that was given out is dead from now on."""

    def refuse_next_preparation(self) -> None: ...

    def cut_next_download(self) -> None:
        """The next download breaks, after at least one byte and before the last."""


# --- time -------------------------------------------------------------------------------------------------


class ClockContract:
    """Derive with fixtures `clock` and `run`."""

    def test_now_is_aware_and_in_utc(self, clock: Clock) -> None:
        assert clock.now().utcoffset() == timedelta(0)
        assert clock.now().tzinfo is UTC

    def test_monotonic_never_steps_back(self, clock: Clock, run: Runs) -> None:
        async def look() -> list[float]:
            seen = []
            for _ in range(20):
                seen.append(clock.monotonic())
                await clock.sleep(0.001)
            return seen

        seen = run(look())
        assert seen == sorted(seen)
        assert seen[-1] > seen[0]

    def test_a_sleep_takes_as_long_as_it_says(self, clock: Clock, run: Runs) -> None:
        before = clock.monotonic()
        run(clock.sleep(0.02))
        assert clock.monotonic() - before >= 0.02 - 1e-6

    @pytest.mark.parametrize("seconds", [0.0, -1.0])
    def test_a_sleep_of_no_time_ends_but_lets_others_run(
        self, clock: Clock, run: Runs, seconds: float
    ) -> None:
        order: list[str] = []

        async def note(word: str) -> None:
            order.append(word)

        async def sleep() -> None:
            other = asyncio.ensure_future(note("other"))
            await clock.sleep(seconds)
            order.append("sleeper")
            await other

        run(sleep())
        assert order == ["other", "sleeper"]

    def test_sleepers_wake_in_the_order_of_their_ends(self, clock: Clock, run: Runs) -> None:
        order: list[float] = []

        async def sleep(seconds: float) -> None:
            await clock.sleep(seconds)
            order.append(seconds)

        async def all_at_once() -> None:
            await asyncio.gather(sleep(0.15), sleep(0.01), sleep(0.08))

        run(all_at_once())
        assert order == [0.01, 0.08, 0.15]

    def test_a_sleep_can_be_cancelled(self, clock: Clock, run: Runs) -> None:
        async def cancel() -> float:
            before = clock.monotonic()
            sleeper = asyncio.ensure_future(clock.sleep(3600))
            await clock.sleep(0.001)
            sleeper.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sleeper
            return clock.monotonic() - before

        assert run(cancel()) < 60


# --- the vendor's API -------------------------------------------------------------------------------------


class ApiContract:
    """Derive with fixtures `api` and `portal`, the cloud that it asks."""

    def ask(self, portal: Portal, api: Api, *questions: Question) -> list[Answer | CamspoolError]:
        async def ask() -> list[Answer | CamspoolError]:
            return list(await api.ask(questions))

        return portal.run(ask())

    def test_cameras(self, api: Api, portal: Portal) -> None:
        (cameras,) = self.ask(portal, api, ListCameras())
        assert isinstance(cameras, tuple)
        assert {portal.gate, portal.yard, portal.blind} <= {
            camera.node_id for camera in cameras if isinstance(camera, Camera)
        }

    def test_each_question_has_one_answer_in_their_order(self, api: Api, portal: Portal) -> None:
        start = portal.start
        questions = [
            ListRecordings(node, start, start + 60) for node in (portal.blind, portal.yard, portal.gate)
        ]
        answers = self.ask(portal, api, *questions)
        assert [len(answer) for answer in answers if isinstance(answer, tuple)] == [0, 3, 1]

    def test_an_error_belongs_to_its_own_question(self, api: Api, portal: Portal) -> None:
        start = portal.start
        questions = [
            ListRecordings(node, start, start + 10) for node in (portal.gate, UNKNOWN_CAMERA, portal.gate)
        ]
        first, second, third = self.ask(portal, api, *questions)
        assert isinstance(second, CameraNotFound)
        assert isinstance(first, tuple)
        assert isinstance(third, tuple)

    def test_three_steps(self, api: Api, portal: Portal) -> None:
        ((listed,),) = self.ask(portal, api, ListRecordings(portal.gate, portal.start, portal.start + 10))  # type: ignore[misc]
        assert isinstance(listed, Listed)
        recording_id = listed.recording_id
        assert self.ask(portal, api, AskProgress(recording_id)) == [Preparation(0.0, None)]
        assert self.ask(portal, api, PrepareRecording(recording_id, max(listed.heights))) == [True]
        (preparation,) = self.ask(portal, api, AskProgress(recording_id))
        assert isinstance(preparation, Preparation)

    def test_an_unknown_id_has_expired_and_the_others_are_answered(self, api: Api, portal: Portal) -> None:
        ((listed,),) = self.ask(portal, api, ListRecordings(portal.gate, portal.start, portal.start + 10))  # type: ignore[misc]
        assert isinstance(listed, Listed)
        known, unknown = self.ask(portal, api, AskProgress(listed.recording_id), AskProgress(UNKNOWN_ID))
        assert isinstance(known, Preparation)
        assert isinstance(unknown, RecordingExpired)


# --- recordings -------------------------------------------------------------------------------------------


class RecordingsContract:
    """Derive with a fixture `portal`."""

    def test_cameras_have_ids_of_their_own(self, portal: Portal) -> None:
        cameras = portal.run(portal.recordings.cameras())
        ids = [camera.node_id for camera in cameras]
        assert len(set(ids)) == len(ids)
        assert {portal.gate, portal.yard, portal.blind} <= set(ids)

    def test_a_range_is_listed_as_one_recording(self, portal: Portal) -> None:
        (listed,) = listed_at(portal, portal.gate, 10)
        assert listed.duration_s == 10
        assert list(listed.heights) == sorted(set(listed.heights))

    def test_several_recordings_of_a_range_have_ids_of_their_own(self, portal: Portal) -> None:
        listed = listed_at(portal, portal.yard, 60)
        assert len({recording.recording_id for recording in listed}) == len(listed) > 1
        assert sum(recording.duration_s for recording in listed) <= 60

    def test_each_listing_gives_new_ids(self, portal: Portal) -> None:
        first, second = (listed_at(portal, portal.gate, 10) for _ in range(2))
        assert first[0].recording_id != second[0].recording_id

    def test_nothing_recorded_is_an_empty_list(self, portal: Portal) -> None:
        assert listed_at(portal, portal.blind, 10) == ()

    def test_an_unknown_camera(self, portal: Portal) -> None:
        with pytest.raises(CameraNotFound):
            listed_at(portal, UNKNOWN_CAMERA, 10)

    def test_a_recording_that_nobody_prepared_makes_no_progress(self, portal: Portal) -> None:
        (listed,) = listed_at(portal, portal.gate, 10)
        assert portal.run(portal.recordings.progress(listed.recording_id)) == Preparation(0.0, None)

    def test_progress_rises_to_100_and_only_then_there_is_an_address(self, portal: Portal) -> None:
        seen = portal.run(self._progress_of(portal, listed_at(portal, portal.gate, 10)[0]))
        percents = [preparation.percent or 0.0 for preparation in seen]
        assert percents == sorted(percents)
        assert percents[-1] == 100
        assert [bool(preparation.download_url) for preparation in seen] == [
            percent == 100 for percent in percents
        ]

    async def _progress_of(self, portal: Portal, listed: Listed) -> list[Preparation]:
        assert await portal.recordings.prepare(listed.recording_id, max(listed.heights))
        seen: list[Preparation] = []
        while not seen or not seen[-1].download_url:
            seen.append(await portal.recordings.progress(listed.recording_id))
            await portal.clock.sleep(0.01)
        return seen

    def test_a_refused_preparation_starts_nothing(self, portal: Portal) -> None:
        (listed,) = listed_at(portal, portal.gate, 10)
        portal.refuse_next_preparation()
        assert portal.run(portal.recordings.prepare(listed.recording_id, max(listed.heights))) is False
        assert portal.run(portal.recordings.progress(listed.recording_id)) == Preparation(0.0, None)

    def test_a_height_that_was_not_offered_is_refused(self, portal: Portal) -> None:
        (listed,) = listed_at(portal, portal.gate, 10)
        assert portal.run(portal.recordings.prepare(listed.recording_id, 4321)) is False

    def test_an_unknown_id_cannot_be_prepared(self, portal: Portal) -> None:
        assert not portal.run(is_accepted(portal, UNKNOWN_ID, 64))

    def test_an_unknown_id_has_no_progress(self, portal: Portal) -> None:
        with pytest.raises(RecordingExpired):
            portal.run(portal.recordings.progress(UNKNOWN_ID))

    def test_an_id_expires_unprepared(self, portal: Portal) -> None:
        (listed,) = listed_at(portal, portal.gate, 10)
        portal.expire()
        assert not portal.run(is_accepted(portal, listed.recording_id, max(listed.heights)))

    def test_an_id_expires_prepared(self, portal: Portal) -> None:
        listed, _ = portal.run(prepared(portal))
        portal.expire()
        with pytest.raises(RecordingExpired):
            portal.run(portal.recordings.progress(listed.recording_id))

    def test_questions_at_once_have_each_their_own_answer(self, portal: Portal) -> None:
        async def ask() -> list[tuple[Listed, ...]]:
            return await asyncio.gather(
                *(
                    portal.recordings.list_recordings(portal.gate, portal.start, portal.start + seconds)
                    for seconds in (10, 20, 30)
                )
            )

        assert [listed[0].duration_s for listed in portal.run(ask())] == [10, 20, 30]


def listed_at(portal: Portal, camera: int, seconds: int) -> tuple[Listed, ...]:
    """The recordings of the first `seconds` of the portal's footage."""
    return portal.run(portal.recordings.list_recordings(camera, portal.start, portal.start + seconds))


async def is_accepted(portal: Portal, recording_id: str, height: int) -> bool:
    """Whether the preparation has begun. Of a dead id a server may say no, or that it knows of none."""
    try:
        return await portal.recordings.prepare(recording_id, height)
    except RecordingExpired:
        return False


async def prepared(portal: Portal) -> tuple[Listed, str]:
    """A recording of ten seconds, and the address of its MP4."""
    listed = (await portal.recordings.list_recordings(portal.gate, portal.start, portal.start + 10))[0]
    assert await portal.recordings.prepare(listed.recording_id, max(listed.heights))
    while True:
        preparation = await portal.recordings.progress(listed.recording_id)
        if preparation.download_url:
            return listed, preparation.download_url
        await portal.clock.sleep(0.01)


# --- downloads --------------------------------------------------------------------------------------------


class Fetched:
    """One download: what came of it, and what was reported on the way."""

    def __init__(self, portal: Portal, order: DownloadOrder) -> None:
        self.reports: list[DownloadProgress] = []
        self.done = portal.run(portal.downloads.fetch(order, self.reports.append))


class DownloadsContract:
    """Derive with a fixture `portal`."""

    @pytest.fixture
    def part(self, tmp_path: Path) -> Path:
        return tmp_path / ".clip.mp4.part"

    @pytest.fixture
    def url(self, portal: Portal) -> str:
        return portal.run(prepared(portal))[1]

    @pytest.fixture
    def etag(self, portal: Portal, url: str, tmp_path: Path) -> str:
        """The strong validator of the video at `url`, from an earlier download."""
        whole = Fetched(portal, DownloadOrder(url, tmp_path / "earlier.part"))
        etag = whole.reports[0].etag
        assert etag
        return etag

    @pytest.fixture
    def video(self, etag: str, tmp_path: Path) -> bytes:
        return (tmp_path / "earlier.part").read_bytes()

    def test_what_is_reported_as_done_is_in_the_file(self, portal: Portal, url: str, part: Path) -> None:
        fetched = Fetched(portal, DownloadOrder(url, part))
        assert fetched.done == of(part.read_bytes())
        first, last = fetched.reports[0], fetched.reports[-1]
        assert first.bytes == 0
        assert first.total_bytes == last.total_bytes == fetched.done.bytes
        assert [report.bytes for report in fetched.reports] == sorted(
            report.bytes for report in fetched.reports
        )

    def test_a_part_of_the_same_version_is_resumed(
        self, portal: Portal, url: str, part: Path, etag: str, video: bytes
    ) -> None:
        half = len(video) // 2
        part.write_bytes(video[:half])
        fetched = Fetched(portal, DownloadOrder(url, part, etag))
        assert fetched.done == of(video)
        assert part.read_bytes() == video
        assert fetched.reports[0].bytes == half

    @pytest.mark.parametrize("other", [None, '"another"'])
    def test_a_part_of_another_version_is_started_over(
        self, portal: Portal, url: str, part: Path, video: bytes, other: str | None
    ) -> None:
        part.write_bytes(b"?" * (len(video) // 2))
        fetched = Fetched(portal, DownloadOrder(url, part, other))
        assert fetched.done == of(video)
        assert part.read_bytes() == video
        assert fetched.reports[0].bytes == 0

    def test_a_part_that_is_longer_than_the_video_is_started_over(
        self, portal: Portal, url: str, part: Path, etag: str, video: bytes
    ) -> None:
        part.write_bytes(video + b"more")
        assert Fetched(portal, DownloadOrder(url, part, etag)).done == of(video)
        assert part.read_bytes() == video

    def test_a_part_that_is_whole_already_is_only_hashed(
        self, portal: Portal, part: Path, video: bytes
    ) -> None:
        part.write_bytes(video)
        assert Fetched(portal, DownloadOrder(None, part, None, len(video))).done == of(video)

    def test_a_broken_download_keeps_what_it_has_and_goes_on_later(
        self, portal: Portal, url: str, part: Path, video: bytes
    ) -> None:
        reports: list[DownloadProgress] = []
        portal.cut_next_download()
        with pytest.raises(ClipTrouble) as trouble:
            portal.run(portal.downloads.fetch(DownloadOrder(url, part), reports.append))
        assert trouble.value.reason is WaitReason.DOWNLOAD_INTERRUPTED
        kept = part.read_bytes()
        assert 0 < len(kept) < len(video)
        assert video.startswith(kept)
        fetched = Fetched(portal, DownloadOrder(url, part, reports[-1].etag, reports[-1].total_bytes))
        assert fetched.reports[0].bytes == len(kept)
        assert fetched.done == of(video)

    def test_a_cancelled_download_goes_on_later(
        self, portal: Portal, url: str, part: Path, etag: str, video: bytes
    ) -> None:
        async def cancel() -> None:
            begun = asyncio.Event()
            task = asyncio.ensure_future(
                portal.downloads.fetch(DownloadOrder(url, part), lambda _: begun.set())
            )
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        portal.run(cancel())
        assert video.startswith(part.read_bytes())
        assert Fetched(portal, DownloadOrder(url, part, etag)).done == of(video)

    def test_an_address_that_is_dead(self, portal: Portal, url: str, part: Path) -> None:
        portal.expire()
        with pytest.raises(AddressRefused):
            Fetched(portal, DownloadOrder(url, part))

    def test_a_part_file_that_cannot_be_written(self, portal: Portal, url: str, tmp_path: Path) -> None:
        with pytest.raises(StorageTrouble):
            Fetched(portal, DownloadOrder(url, tmp_path / "no-such-folder" / ".clip.mp4.part"))


def of(data: bytes) -> Downloaded:
    """What a download of `data` reports."""
    return Downloaded(len(data), hashlib.sha256(data).hexdigest())


# --- videos -----------------------------------------------------------------------------------------------


class VideosContract:
    """Derive with a fixture `portal`, whose downloads are what is looked at."""

    @pytest.fixture
    def listed(self, portal: Portal, path: Path) -> Listed:
        listed, url = portal.run(prepared(portal))
        Fetched(portal, DownloadOrder(url, path))
        return listed

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "clip.mp4"

    def test_a_whole_video_says_what_it_is(self, portal: Portal, listed: Listed, path: Path) -> None:
        facts = portal.run(portal.videos.inspect(path))
        assert facts.duration_s == pytest.approx(listed.duration_s, abs=1)
        assert facts.height == max(listed.heights)
        assert facts.width > 0
        assert facts.codec == "h264"

    def test_looking_changes_nothing(self, portal: Portal, listed: Listed, path: Path) -> None:
        before = path.read_bytes()
        assert portal.run(portal.videos.inspect(path)) == portal.run(portal.videos.inspect(path))
        assert path.read_bytes() == before

    @pytest.mark.parametrize("left", [0.0, 0.1, 0.5, 0.99])
    def test_a_video_that_is_cut_is_bad(
        self, portal: Portal, listed: Listed, path: Path, left: float
    ) -> None:
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * left)])
        with pytest.raises(BadVideo):
            portal.run(portal.videos.inspect(path))

    @pytest.mark.parametrize("data", [b"<html>maintenance</html>", b"\0" * 4096, b"{}\n"])
    def test_what_is_no_video_is_bad(self, portal: Portal, path: Path, data: bytes) -> None:
        path.write_bytes(data)
        with pytest.raises(BadVideo):
            portal.run(portal.videos.inspect(path))

    def test_a_file_that_is_not_there_is_trouble_of_the_storage(self, portal: Portal, path: Path) -> None:
        with pytest.raises(StorageTrouble):
            portal.run(portal.videos.inspect(path))


# --- the folders ------------------------------------------------------------------------------------------

NAME = "store-12/evening"
NOW = datetime(2020, 5, 11, 12, 0, tzinfo=UTC)


class SpoolFolders(Protocol):
    """What `SpoolContract` uses: the port, and the folders behind it."""

    spool: Spool
    mirror: Path

    def load(self, name: str) -> Status | None:
        """The status file as a later start of the daemon reads it."""


class SpoolContract:
    """Derive with a fixture `folders`, opened."""

    @pytest.fixture
    def part(self, folders: SpoolFolders) -> Path:
        """A complete download of 100 bytes."""
        part = folders.spool.part_path(NAME, 1, None)
        part.write_bytes(b"m" * 100)
        return part

    @pytest.mark.parametrize("durable", [True, False])
    def test_a_saved_status_is_the_one_that_is_read(self, folders: SpoolFolders, *, durable: bool) -> None:
        queued = a_status(a_clip(State.QUEUED), name=NAME)
        folders.spool.save_status(queued, durable=durable)
        assert folders.load(NAME) == queued
        listing = replace(queued, state=State.LISTING)
        folders.spool.save_status(listing, durable=durable)
        assert folders.load(NAME) == listing

    def test_a_part_lies_hidden_beside_its_status(self, folders: SpoolFolders) -> None:
        part = folders.spool.part_path(NAME, 1, None)
        assert part.parent == folders.mirror / "store-12"
        assert part.parent.is_dir()
        assert part.name.startswith(".")
        assert not part.name.endswith(".mp4")

    def test_parts_have_names_of_their_own(self, folders: SpoolFolders) -> None:
        asked = [(NAME, 1, None), (NAME, 2, None), (NAME, 1, 1), (NAME, 1, 2), ("store-12/even", 1, None)]
        assert len({folders.spool.part_path(*each) for each in asked}) == len(asked)

    def test_a_name_that_nothing_has_is_free(self, folders: SpoolFolders) -> None:
        assert folders.spool.free_mp4_name(NAME, "evening.mp4") == "evening.mp4"

    def test_what_has_a_name_is_passed_by(self, folders: SpoolFolders) -> None:
        (folders.mirror / "store-12").mkdir()
        (folders.mirror / "store-12/evening.mp4").write_bytes(b"somebody's")
        (folders.mirror / "store-12/evening~2.mp4").mkdir()
        (folders.mirror / "store-12/evening~3.mp4").symlink_to("nowhere")
        assert folders.spool.free_mp4_name(NAME, "evening.mp4") == "evening~4.mp4"

    def test_a_published_video_is_whole(self, folders: SpoolFolders, part: Path) -> None:
        folders.spool.publish(part, NAME, "evening.mp4")
        assert (folders.mirror / "store-12/evening.mp4").read_bytes() == b"m" * 100
        assert not part.exists()
        assert folders.spool.is_whole(NAME, a_video(b"m" * 100))

    @pytest.mark.parametrize("content", [b"", b"m" * 99, b"m" * 99 + b"n", b"m" * 101])
    def test_a_video_of_other_bytes_is_not_whole(self, folders: SpoolFolders, content: bytes) -> None:
        (folders.mirror / "store-12").mkdir()
        (folders.mirror / "store-12/evening.mp4").write_bytes(content)
        assert not folders.spool.is_whole(NAME, a_video(b"m" * 100))

    def test_a_video_that_is_not_there_is_not_whole(self, folders: SpoolFolders) -> None:
        assert not folders.spool.is_whole(NAME, a_video(b"m" * 100))

    @pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
    def test_nothing_is_overwritten(self, folders: SpoolFolders, part: Path, kind: str) -> None:
        target = folders.mirror / "store-12/evening.mp4"
        match kind:
            case "file":
                target.write_bytes(b"somebody's")
            case "folder":
                target.mkdir()
            case _:
                target.symlink_to("nowhere")
        before = target.lstat()
        with pytest.raises(NameTaken):
            folders.spool.publish(part, NAME, "evening.mp4")
        assert target.lstat() == before
        assert part.read_bytes() == b"m" * 100

    def test_a_part_that_was_taken_away_is_trouble_of_the_clip(
        self, folders: SpoolFolders, part: Path
    ) -> None:
        part.unlink()
        with pytest.raises(ClipTrouble):
            folders.spool.publish(part, NAME, "evening.mp4")
        assert not (folders.mirror / "store-12/evening.mp4").exists()

    def test_a_mirror_that_is_there_can_be_written(self, folders: SpoolFolders) -> None:
        before = sorted(folders.mirror.rglob("*"))
        folders.spool.check_mirror()
        folders.spool.probe_mirror()
        assert sorted(folders.mirror.rglob("*")) == before

    def test_a_mirror_without_its_marker_is_not_there(self, folders: SpoolFolders, part: Path) -> None:
        (folders.mirror / ".camspool").unlink()
        tries: list[Callable[[], object]] = [
            folders.spool.check_mirror,
            folders.spool.probe_mirror,
            lambda: folders.spool.save_status(a_status(name=NAME)),
            lambda: folders.spool.part_path(NAME, 2, None),
            lambda: folders.spool.publish(part, NAME, "evening.mp4"),
            lambda: folders.spool.is_whole(NAME, a_video(b"m" * 100)),
        ]
        for attempt in tries:
            with pytest.raises(StorageTrouble) as trouble:
                attempt()
            assert trouble.value.reason is WaitReason.FOLDER_UNAVAILABLE
        assert not (folders.mirror / "store-12/evening.mp4").exists()

    def test_room_is_counted_in_bytes(self, folders: SpoolFolders) -> None:
        free, size = folders.spool.free_bytes()
        assert 0 <= free <= size


def a_video(data: bytes) -> OutputFile:
    """`evening.mp4` with this content, as a status describes it."""
    return replace(a_file(), bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
