"""SIGHUP: a good configuration is applied at once, a bad one changes nothing but is reported."""

import asyncio
import json
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import structlog

from camspool.adapters import logs
from camspool.adapters.mp4 import Mp4Videos
from camspool.config import loading
from camspool.config.settings import Settings
from camspool.core.errors import ServiceTrouble
from camspool.service import reload, wiring
from camspool.service.wiring import Parts
from camspool.simulator import Simulator
from support.running import Running, daemon, request, simulator, write_config

OTHER: dict[str, Any] = {
    "api.token_file": "/other/token",
    "api.timeout": "7s",
    "api.rate": 0.5,
    "api.batch": 7,
    "api.poll.fastest": "7s",
    "api.poll.slowest": "70s",
    "api.lifetimes.recording_id": "7m",
    "api.lifetimes.download_url": "7h",
    "api.lifetimes.downloaded_url": "7m",
    "timezone": "Asia/Tokyo",
    "watch.settle": "7s",
    "watch.rescan": "7m",
    "watch.poll": "7s",
    "requests.height": 720,
    "requests.longest": "7h",
    "requests.delay": "7s",
    "requests.grace": "7s",
    "limits.preparing": 7,
    "limits.downloading": 7,
    "limits.clips_per_request": 7,
    "retry.first": "7s",
    "retry.longest": "7m",
    "retry.give_up_after": "7h",
    "retry.stalled": "7m",
    "download.rate": "7MB/s",
    "download.timeout": "7s",
    "download.verify": "decode",
    "cleanup.keep": "7d",
    "cleanup.min_free": "7GB",
    "mirror.heartbeat": "7m",
    "page.enabled": False,
    "logging.level": "error",
    "logging.format": "console",
    "notify.urls": ["json://other.example"],
    "notify.webhook": "https://other.example/hook",
    "notify.events": ["done"],
    "notify.timeout": "7s",
    "hooks.done": ["/other/program"],
    "hooks.timeout": "7s",
}
"""Another value than the default for each key that `reload.apply` has to apply."""

ELSEWHERE = {"cleanup.every", "metrics.file", "page.every"}
"""Applied by the service itself, which has the scheduler, the metrics and the pauses."""


def settings(folder: Path, **changes: Any) -> Settings:
    values: dict[str, Any] = {"folders": {name: str(folder / name) for name in ("drop", "mirror", "state")}}
    for key, value in changes.items():
        *sections, name = key.split(".")
        section = values
        for each in sections:
            section = section.setdefault(each, {})
        section[name] = value
    return Settings.model_validate(values)


@asynccontextmanager
async def built(by: Settings) -> AsyncIterator[Parts]:
    parts = wiring.build(by, {}, lambda: None)
    yield parts
    parts.pipeline.downloads.close()
    await parts.api.survilla.aclose()


def works_by(parts: Parts) -> dict[str, Any]:
    """What the parts make of the configuration."""
    pipeline, workflow = parts.pipeline, parts.pipeline.dispatcher._workflow
    return {
        "steps": workflow._context.settings,
        "triage": pipeline.intake._triage._settings(),
        "limits": pipeline.dispatcher._limits(),
        "give up": pipeline.jobs.job_context.give_up_after_s(),
        "token": token_place(parts),
        "api": (parts.api.survilla._timeout(), parts.api.recordings._batch()),
        "pacing": (parts.api.pacing._rate._rate(), parts.api.pacing._breaker._backoff()),
        "download": pipeline.downloads._session_settings().timeout,
        "download rate": pipeline.downloads._limit._rate(),
        "verify": cast(Mp4Videos, workflow._context.videos)._verify(),
        "watch": parts.folders.watcher._settings(),
        "disk space": parts.folders.disk_space._settings(),
        "keep": pipeline.cleanup._keep(),
        "page": parts.reports.page._settings(),
        "heartbeat": parts.settings.current.mirror.heartbeat,
        "notices": [outbox.channel for outbox in parts.reports.notices.outboxes],
    }


def token_place(parts: Parts) -> str:
    """Where the token is looked for: the folder's owner has put none there."""
    with pytest.raises(ServiceTrouble) as missing:
        parts.api.survilla._token()
    return missing.value.message


def logs_by() -> Any:
    return structlog.get_config()["wrapper_class"], type(structlog.get_config()["processors"][-1])


def test_each_key_is_applied_at_once_or_needs_a_restart(tmp_path: Path) -> None:
    keys = {key for key, _ in reload._leaves(settings(tmp_path))}
    assert keys == OTHER.keys() | ELSEWHERE | reload.NEEDS_RESTART


async def test_what_is_applied_is_as_after_a_restart(tmp_path: Path) -> None:
    now, wanted = settings(tmp_path), settings(tmp_path, **OTHER)
    async with built(now) as running, built(wanted) as restarted:
        outcome = reload.compare(now, wanted)
        assert set(outcome.applied) == OTHER.keys()
        reload.apply(running, outcome.settings)
        assert works_by(running) == works_by(restarted)


async def test_each_key_has_an_effect(tmp_path: Path) -> None:
    now = settings(tmp_path)
    without = []
    async with built(now) as running:
        for key, value in OTHER.items():
            reload.apply(running, now)
            before = works_by(running), logs_by()
            reload.apply(running, settings(tmp_path, **{key: value}))
            if (works_by(running), logs_by()) == before:
                without.append(key)
    assert without == []


def test_what_needs_a_restart_is_named_and_left_as_it_was(tmp_path: Path) -> None:
    now = settings(tmp_path)
    wanted = settings(
        tmp_path / "new",
        **{
            "api.endpoint": "https://other.example/",
            "watch.mode": "polling",
            "metrics.listen": 9745,
            "api.ca_file": "/etc/ssl/own.pem",
            "api.rate": 1,
        },
    )
    outcome = reload.compare(now, wanted)
    assert set(outcome.needs_restart) == reload.NEEDS_RESTART
    assert outcome.applied == ("api.rate",)
    assert outcome.settings == settings(tmp_path, **{"api.rate": 1})


# --- a real daemon, a real signal


@pytest.fixture
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("cache")) as running:
        yield running


HangUp = Callable[[str], Awaitable[dict[str, Any]]]


@pytest.fixture
def hang_up(capsys: pytest.CaptureFixture[str]) -> HangUp:
    """Sends SIGHUP to the daemon, and returns the log line of this event, which tells of the outcome."""

    async def send(event: str) -> dict[str, Any]:
        logs.configure("info", "json")
        capsys.readouterr()
        os.kill(os.getpid(), signal.SIGHUP)
        lines: list[dict[str, Any]] = []

        def logged() -> bool:
            lines.extend(json.loads(line) for line in capsys.readouterr().err.splitlines())
            return any(line["event"] == event for line in lines)

        await until(logged)
        return next(line for line in lines if line["event"] == event)

    return send


async def until(happened: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def ready(camspool: Running) -> None:
    await until(lambda: camspool.service()["watching"]["last_scan_at"])


async def test_running_downloads_go_on_and_a_new_limit_counts_at_once(
    tmp_path: Path, sim: Simulator, hang_up: HangUp
) -> None:
    sim.faults.add("download_slow", times=None, rate=200_000)
    async with daemon(tmp_path, sim, limits={"downloading": 1}) as camspool:
        for name in ("a", "b"):
            camspool.put(f"{name}.json", request("Fat"))
            await camspool.until(name, "downloading")
        await until(lambda: received(camspool, "a"))
        write_config(tmp_path, sim, limits={"downloading": 2})
        line = await hang_up("configuration_reloaded")
        assert (line["applied"], line["needs_restart"]) == (["limits.downloading"], [])
        before = received(camspool, "a")
        await until(lambda: received(camspool, "b") and received(camspool, "a") > before)
        assert camspool.status("a")["clips"][0]["attempts"]["download"] == 1


def received(camspool: Running, name: str) -> int:
    """Bytes that have come in of a download."""
    downloaded: int = camspool.status(name)["clips"][0]["download"]["bytes"]
    return downloaded


async def test_a_bad_configuration_changes_nothing_and_is_reported(
    tmp_path: Path, sim: Simulator, hang_up: HangUp
) -> None:
    async with daemon(tmp_path, sim) as camspool:
        await ready(camspool)
        good = (tmp_path / "config.json").read_bytes()
        bad = json.loads(good) | {"limits": {"preparing": 0, "downlaoding": 9}, "logging": {"level": "x"}}
        (tmp_path / "config.json").write_text(json.dumps(bad))
        line = await hang_up("configuration_not_reloaded")
        assert [problem.split(":")[0] for problem in line["problems"]] == [
            "limits.preparing",
            "limits.downlaoding",
            "logging.level",
        ]
        await until(lambda: camspool.service()["problems"])
        (problem,) = camspool.service()["problems"]
        assert (problem["code"], camspool.service()["state"]) == ("bad_configuration", "degraded")
        assert "limits.downlaoding" in problem["message"]
        camspool.put("b.json", request())
        assert (await camspool.ended("b"))["state"] == "done"
        (tmp_path / "config.json").write_bytes(good)
        line = await hang_up("configuration_reloaded")
        assert line["applied"] == []
        await until(lambda: not camspool.service()["problems"])


@pytest.mark.parametrize("kind", ["empty", "fifo", "hangs"])
async def test_what_cannot_be_read_leaves_the_old_configuration(
    tmp_path: Path, sim: Simulator, hang_up: HangUp, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(reload, "REREAD_WITHIN_S", 0.2)
    path, released = tmp_path / "config.json", threading.Event()
    async with daemon(tmp_path, sim) as camspool:
        good = path.read_bytes()
        path.unlink()
        if kind == "fifo":
            os.mkfifo(path)
        else:
            path.write_bytes(b"" if kind == "empty" else good)
        if kind == "hangs":
            monkeypatch.setattr(loading, "load", lambda *_, **__: released.wait(5))
        line = await hang_up("configuration_not_reloaded")
        assert line["problems"] == [
            {
                "empty": "found 'an empty file', expected a configuration",
                "fifo": "found 'it is a pipe, not a file', expected a file that can be read",
                "hangs": "found nothing, expected an answer within 0.2 seconds; "
                "does a share that it names hang?",
            }[kind]
        ]
        monkeypatch.undo()
        released.set()
        path.unlink()
        path.write_bytes(good)
        await hang_up("configuration_reloaded")
        camspool.put("b.json", request(validate_only=True))
        assert (await camspool.ended("b"))["state"] == "validated"


async def test_a_new_token_is_tried_at_once(tmp_path: Path, sim: Simulator, hang_up: HangUp) -> None:
    (tmp_path / "token").write_text("wrong")
    async with daemon(tmp_path, sim, retry={"first": "1h", "longest": "1h"}) as camspool:
        camspool.put("b.json", request())
        await until(lambda: any(p["code"] == "unauthorised" for p in camspool.service()["problems"]))
        (tmp_path / "token").write_text(sim.token)
        await hang_up("configuration_reloaded")
        assert (await camspool.ended("b"))["state"] == "done"


async def test_the_clean_up_comes_round_as_often_as_is_configured_now(
    tmp_path: Path, sim: Simulator, hang_up: HangUp
) -> None:
    async with daemon(tmp_path, sim, cleanup={"every": "1h", "min_free": 0}) as camspool:
        await ready(camspool)
        left_over = camspool.mirror / ".gone.001.mp4.part"
        left_over.touch()
        write_config(tmp_path, sim, cleanup={"every": "50ms", "min_free": 0})
        line = await hang_up("configuration_reloaded")
        assert line["applied"] == ["cleanup.every"]
        await until(lambda: not left_over.exists())


async def test_the_service_manager_is_notified_of_the_reload(
    tmp_path: Path, sim: Simulator, hang_up: HangUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        messages: list[str] = []

        def hears(message: str) -> bool:
            try:
                while True:
                    messages.extend(manager.recv(4096).decode().splitlines())
            except BlockingIOError:
                return message in messages

        async with daemon(tmp_path, sim):
            await until(lambda: hears("READY=1"))
            messages.clear()
            (tmp_path / "config.json").write_text("{")
            await hang_up("configuration_not_reloaded")
            await until(lambda: hears("READY=1"))
    order = [line.split("=")[0] for line in messages]
    assert order.index("RELOADING") < order.index("READY")
    assert any(line.startswith("STATUS=") and "configuration is bad" in line for line in messages)
