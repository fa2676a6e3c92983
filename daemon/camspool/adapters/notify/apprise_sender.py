"""A program of its own, for `services`: sends one text to the addresses that it reads on its standard input.

It says `sent 0` once the first address has taken the text, and so on. To start fast, it imports nothing of
camspool.
"""

import json
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

AT_ONCE: Final = 16


def main() -> None:
    """Send what standard input asks for."""
    logging.disable()  # addresses are secrets, and what is said here is logged
    order = json.load(sys.stdin)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for number, url in enumerate(order["urls"]):
            threads.submit(_send, number, url, order)


def _send(number: int, url: str, order: dict[str, Any]) -> None:
    import apprise  # noqa: PLC0415 - an extra

    service = apprise.Apprise()
    if service.add(url) and service.notify(order["body"], title=order["title"], notify_type=order["type"]):
        sys.stdout.write(f"sent {number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
