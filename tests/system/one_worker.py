"""The daemon with a single thread for file work: `python one_worker.py -c FILE`.

strace counts the calls of each thread by themselves. With one thread, "the fifth fsync" is one exact place.
"""

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from camspool.adapters import logs
from camspool.config import loading
from camspool.service.daemon import Service


async def serve(path: Path) -> None:
    settings = loading.load(path, os.environ)
    logs.configure(settings.logging.level, settings.logging.format)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    await Service(settings, os.environ, lambda: settings).run()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[-1])))
