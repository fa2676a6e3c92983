"""The limit that all downloads share, on a clock of the test's own: exact, fair, and able to change."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from camspool.adapters.download.pace import LARGEST_PIECE, TURN, RateLimit, Share

MB = 1_000_000


@dataclass
class Line:
    """Downloads that read as soon as they may, each in pieces of its own size; reading takes time too."""

    rate: Callable[[float], float | None]
    late: float = 0.0
    """Seconds that each wait lasts longer than was asked for."""
    now: float = 0.0
    limit: RateLimit = field(init=False)

    def __post_init__(self) -> None:
        self.limit = RateLimit(lambda: self.rate(self.now), lambda: self.now)

    def run(self, seconds: float, pieces: list[int], speed: float = 1000 * MB) -> list[int]:
        """Bytes that each has after so many seconds, on a line that gives `speed` to each."""
        end, got = self.now + seconds, [0] * len(pieces)
        shares = [Share(self.limit) for _ in pieces]
        turns = [(self.now, number) for number in range(len(pieces))]
        while True:
            self.now, number = heapq.heappop(turns)
            if self.now >= end:
                return got
            pause = shares[number].wait_s()
            if pause > 0:
                heapq.heappush(turns, (self.now + pause + self.late, number))
                continue
            piece = pieces[number]
            got[number] += piece
            shares[number].take(piece)
            heapq.heappush(turns, (self.now + piece / speed, number))


@pytest.mark.parametrize("rate", [0.1 * MB, 2 * MB, 50 * MB, 200 * MB])
@pytest.mark.parametrize("downloads", [1, 4])
@pytest.mark.parametrize("late", [0.0, 0.002])
def test_the_limit_is_kept_and_used_to_five_percent(rate: float, downloads: int, late: float) -> None:
    line = Line(lambda _: rate, late)
    seconds = 60 if rate < 10 * MB else 5
    assert sum(line.run(seconds, [TURN] * downloads)) / seconds == pytest.approx(rate, rel=0.05)


def test_downloads_get_equal_shares_whatever_the_size_of_their_pieces() -> None:
    line = Line(lambda _: 2 * MB)
    got = line.run(60, [TURN, TURN, TURN // 4, 16_000])
    assert got == [pytest.approx(30 * MB, rel=0.05)] * 4


def test_what_a_slow_server_leaves_is_for_the_others() -> None:
    limit = Line(lambda _: 2 * MB)
    shares = [Share(limit.limit) for _ in range(2)]
    got = [0, 0]
    while limit.now < 60:
        for number, share in enumerate(shares):
            slow = number == 0 and got[0] > 0.2 * MB * limit.now  # its server gives but 0.2 MB/s
            if not slow and share.wait_s() == 0:
                share.take(16_000)
                got[number] += 16_000
        limit.now += 0.001
    assert got == [pytest.approx(12 * MB, rel=0.05), pytest.approx(108 * MB, rel=0.05)]


def test_downloads_smaller_than_a_turn_are_paid_for_too() -> None:
    line = Line(lambda _: MB)
    count = 0
    while line.now < 20:
        share = Share(line.limit)
        share.take(TURN)
        while (pause := share.wait_s()) > 0:
            line.now += pause
        share.take(TURN // 2)
        share.end()
        count += 1
    assert count * TURN * 1.5 / line.now == pytest.approx(MB, rel=0.05)


def test_a_rest_is_not_saved_up() -> None:
    line = Line(lambda _: MB)
    line.run(1, [TURN])
    line.now += 3600
    assert line.run(10, [TURN])[0] < 10.5 * MB


def test_the_limit_follows_the_time_of_day() -> None:
    line = Line(lambda now: MB if now < 60 else 4 * MB)
    assert sum(line.run(60, [TURN] * 4)) == pytest.approx(60 * MB, rel=0.05)
    assert sum(line.run(60, [TURN] * 4)) == pytest.approx(240 * MB, rel=0.05)


def test_a_limit_that_comes_or_goes_holds_at_once() -> None:
    line = Line(lambda _: None)
    assert line.limit.piece == LARGEST_PIECE
    assert line.run(1, [TURN], speed=100 * MB)[0] == pytest.approx(100 * MB, rel=0.05)
    line.rate = lambda _: MB
    assert line.limit.piece == TURN
    assert line.run(10, [TURN])[0] == pytest.approx(10 * MB, rel=0.05)
    owed = line.limit.take(3600 * MB)
    assert 0 < line.limit.wait_s(owed) <= 1
    line.rate = lambda _: None
    assert line.limit.wait_s(owed) == 0
