"""Downloads as the daemon's own part does them, in a process of its own: `python -m bench.fetch`."""

import asyncio
import json
import os
import ssl
import sys
import time
from pathlib import Path

from camspool.adapters.download import HttpDownloads
from camspool.core.ports import DownloadOrder
from support.servers import CERTIFICATE

AT_ONCE = 4


async def main(folder: Path, urls: list[str]) -> None:
    """Fetch all into `folder`, four at a time; print seconds on the wall and of CPU, without the start."""
    downloads = HttpDownloads(verify=ssl.create_default_context(cafile=CERTIFICATE))
    wall, cpu = time.monotonic(), time.process_time()
    slots = asyncio.Semaphore(AT_ONCE)

    async def fetch(number: int, url: str) -> None:
        async with slots:
            await downloads.fetch(DownloadOrder(url, folder / f"{number}.part"), lambda _: None)

    await asyncio.gather(*(fetch(number, url) for number, url in enumerate(urls)))
    json.dump([time.monotonic() - wall, time.process_time() - cpu], sys.stdout)
    downloads.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), os.environ["URLS"].split()))
