"""What people would use instead, as far as it is no program of others: a shell script, and a naive client."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from bench.daemon import START
from camspool.simulator import Simulator


@contextmanager
def script(folder: Path, sim: Simulator) -> Iterator[tuple[Path, Path]]:
    """`script.sh` at work; its drop and mirror folders."""
    drop, mirror = folder / "script-drop", folder / "script-mirror"
    drop.mkdir()
    mirror.mkdir()
    command = ("bash", Path(__file__).with_name("script.sh"), drop, mirror, sim.url, sim.token)
    with subprocess.Popen(command, start_new_session=True) as process:
        time.sleep(0.5)  # until it watches
        try:
            yield drop, mirror
        finally:
            os.killpg(process.pid, signal.SIGTERM)


async def naive(sim: Simulator, clips: int) -> None:
    """Fetch so many clips with one call a question, asking each second."""
    limits = httpx.Limits(max_connections=20)
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:
        await asyncio.gather(*(_naive_clip(client, sim) for _ in range(clips)))


async def _naive_clip(client: httpx.AsyncClient, sim: Simulator) -> None:
    async def ask(query: str) -> dict[str, Any]:
        answer = await client.post(
            sim.url, json={"query": query}, headers={"Authorization": f"Bearer {sim.token}"}
        )
        data: dict[str, Any] = json.loads(answer.content)["data"]
        return data

    listed = await ask(
        f"{{ camera(node_id: 1) {{ recordings(from: {START}, to: {START + 2}) {{ recording_id }} }} }}"
    )
    name = listed["camera"]["recordings"][0]["recording_id"]
    await ask(f'mutation {{ recordingPrepare(recording_id: "{name}", height: 64) }}')
    while True:
        recording = (await ask(f'{{ recording(recording_id: "{name}") {{ progress download_url }} }}'))[
            "recording"
        ]
        if recording["download_url"]:
            await client.get(recording["download_url"])
            return
        await asyncio.sleep(1)
