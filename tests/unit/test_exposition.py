"""What is counted, and that Prometheus' own parser reads it."""

from dataclasses import replace
from itertools import pairwise

import pytest
from prometheus_client.parser import text_string_to_metric_families

from camspool.core import exposition
from camspool.core.figures import BOUNDS_S, Figures
from camspool.core.health import ServiceState
from camspool.core.status_document import Clip
from camspool.core.values import State, WaitReason
from support.builders import a_clip, a_file, a_wait, later
from unit.test_health import SERVICE


def read(text: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample, by its name and labels; each may be there once only."""
    families = list(text_string_to_metric_families(text.decode()))
    assert all(family.documentation and family.type != "unknown" for family in families)
    samples = [sample for family in families for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples)
    return found


def value(figures: Figures, name: str, **labels: str) -> float:
    text = exposition.text(figures, SERVICE, {WaitReason.DISK_FULL: 2})
    return read(text)[f"camspool_{name}", frozenset(labels.items())]


def test_the_health_of_the_service() -> None:
    figures = Figures()
    assert value(figures, "build_info", version="0.1.0") == 1
    assert value(figures, "healthy") == 1
    assert value(figures, "problem", code="disk_full") == 1
    assert value(figures, "requests", state="queued") == 3
    assert value(figures, "requests", state="downloading") == 0
    assert value(figures, "requests_waiting", reason="disk_full") == 2
    assert value(figures, "oldest_request_age_seconds") == 15
    assert (value(figures, "disk_free_bytes"), value(figures, "disk_min_free_bytes")) == (1, 2)
    assert value(figures, "api_last_success_time_seconds") == later(12).timestamp()
    ill = exposition.text(figures, replace(SERVICE, state=ServiceState.DEGRADED), {})
    assert read(ill)["camspool_healthy", frozenset()] == 0


def changes(figures: Figures, *steps: tuple[Clip, float]) -> None:
    for (before, _), (after, at) in pairwise(steps):
        figures.clip_changed("evening", before, after, at)


def test_each_step_is_measured_from_its_beginning_to_its_end() -> None:
    figures = Figures()
    preparing = a_clip(State.PREPARING)
    changes(
        figures,
        (a_clip(State.QUEUED), 0),
        (a_clip(State.LISTING), 100),
        (preparing, 101),
        (replace(preparing, waiting=a_wait()), 110),
        (preparing, 150),
        (a_clip(State.DOWNLOADING), 161),
        (a_clip(State.VERIFYING), 1161),
        (a_clip(State.DONE, file=a_file()), 1161.05),
    )
    for step, seconds in {"listing": 1, "preparing": 60, "downloading": 1000}.items():
        assert value(figures, "step_duration_seconds_sum", step=step) == seconds
        assert value(figures, "step_duration_seconds_count", step=step) == 1
    for bound, count in {"0.1": 0, "0.5": 0, "1": 1, "5": 1, "86400": 1, "+Inf": 1}.items():
        assert value(figures, "step_duration_seconds_bucket", step="listing", le=bound) == count
    assert value(figures, "clips_ended_total", state="done") == 1
    assert value(figures, "clips_ended_total", state="failed") == 0
    assert value(figures, "mp4_bytes_total") == a_file().bytes
    assert value(figures, "clip_waits_total", reason="api_error") == 1


def test_of_what_began_before_the_daemon_no_length_is_known() -> None:
    figures = Figures()
    changes(figures, (a_clip(State.DOWNLOADING), 0), (a_clip(State.VERIFYING), 5), (a_clip(State.FAILED), 6))
    assert value(figures, "step_duration_seconds_count", step="downloading") == 0
    assert value(figures, "step_duration_seconds_count", step="verifying") == 1
    assert figures._entered == {}


def test_a_wait_counts_when_it_begins_or_gets_another_reason() -> None:
    figures, clip = Figures(), a_clip(State.LISTING)
    waits = [
        replace(clip, waiting=a_wait(reason, later(at))) for at, reason in enumerate(list(WaitReason)[:2] * 2)
    ]
    changes(figures, (clip, 0), (waits[0], 1), (replace(waits[0], tries=2), 2), (waits[1], 3), (clip, 4))
    assert [figures.waits[reason] for reason in list(WaitReason)[:2]] == [1, 1]


@pytest.mark.parametrize("seconds", [0.0, 0.1, 86400.0, 1e9])
def test_every_duration_has_its_bucket(seconds: float) -> None:
    figures = Figures()
    histogram = figures.steps[State.LISTING]
    histogram.add(seconds)
    assert histogram.at_most == [*(int(seconds <= bound) for bound in BOUNDS_S), 1]
