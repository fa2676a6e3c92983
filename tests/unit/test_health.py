"""The service file, and what makes a service degraded."""

import json

import pytest
from pydantic import ValidationError

from camspool.core import health
from camspool.core.health import ApiHealth, DiskHealth, ServiceProblem, ServiceState, ServiceStatus, Watching
from camspool.core.values import State
from support.builders import NOW, later

SERVICE = ServiceStatus(
    version="0.1.0",
    state=ServiceState.OK,
    started_at=NOW,
    updated_at=later(15),
    next_update_by=later(75),
    problems=(ServiceProblem("disk_full", "No room in the mirror", NOW),),
    watching=Watching("inotify", "ext4", later(10)),
    api=ApiHealth(later(12), 12),
    queue={State.QUEUED: 3, State.PREPARING: 2},
    oldest_request_at=NOW,
    disk=DiskHealth(1, 2),
)


def problem(code: str, since_s: float) -> ServiceProblem:
    return ServiceProblem(code, f"There is {code}", later(since_s))


@pytest.mark.parametrize(
    ("problems", "expected"),
    [
        ((), ServiceState.OK),
        ((problem("api_unreachable", 0),), ServiceState.DEGRADED),
        ((problem("rate_limited", 0),), ServiceState.OK),
        ((problem("rate_limited", -299),), ServiceState.OK),
        ((problem("rate_limited", -300),), ServiceState.DEGRADED),
        ((problem("rate_limited", 60),), ServiceState.OK),  # the clock was set back meanwhile
        ((problem("rate_limited", 0), problem("disk_full", 0)), ServiceState.DEGRADED),
        ((problem("something_new", 0),), ServiceState.DEGRADED),
    ],
)
def test_only_being_rate_limited_for_a_short_while_is_normal(
    problems: tuple[ServiceProblem, ...], expected: ServiceState
) -> None:
    assert health.state_of(problems, NOW) is expected


def test_the_service_in_words() -> None:
    assert health.in_words({}, ()) == "nothing to do"
    words = health.in_words(
        {State.QUEUED: 3, State.DOWNLOADING: 1}, (problem("disk_full", 60), problem("unauthorised", 0))
    )
    assert words.startswith("3 queued, 1 downloading; ")
    assert "There is disk_full (since 12:01 UTC)" in words
    assert "There is unauthorised (since 12:00 UTC)" in words
    assert "\n" not in words


def test_the_service_file_has_the_contracts_names() -> None:
    assert json.loads(health.dump(SERVICE)) == {
        "schema": "camspool/service/1",
        "version": "0.1.0",
        "state": "ok",
        "started_at": "2020-05-11T12:00:00Z",
        "updated_at": "2020-05-11T12:00:15Z",
        "next_update_by": "2020-05-11T12:01:15Z",
        "problems": [
            {"code": "disk_full", "message": "No room in the mirror", "since": "2020-05-11T12:00:00Z"}
        ],
        "watching": {"mode": "inotify", "file_system": "ext4", "last_scan_at": "2020-05-11T12:00:10Z"},
        "api": {"last_success_at": "2020-05-11T12:00:12Z", "calls_last_hour": 12},
        "queue": {"queued": 3, "preparing": 2},
        "oldest_request_at": "2020-05-11T12:00:00Z",
        "disk": {"free_bytes": 1, "min_free_bytes": 2},
    }


def test_the_service_file_can_be_read_again() -> None:
    assert health.load(health.dump(SERVICE)) == SERVICE


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"schema": "camspool/service/1"}'])
def test_what_is_no_service_file_says_so(data: bytes) -> None:
    with pytest.raises(ValidationError):
        health.load(data)
