"""A program of its own, for `services`: sends one text to the addresses that it reads on its standard input.

It prints `sent 0` once the first address has accepted the text, and so on. To start fast, it imports nothing
of camspool.
"""

import json
import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TextIO

AT_ONCE: Final = 16


def main() -> None:
    """Send what standard input asks for."""
    logging.disable()  # addresses are secrets, and what is said here is logged
    order = json.load(sys.stdin)
    with _standard_output_alone() as answers, ThreadPoolExecutor(AT_ONCE) as threads:
        for number, url in enumerate(order["urls"]):
            threads.submit(_send, number, url, order, answers)


def _standard_output_alone() -> TextIO:
    """Standard output for the answers; anything else that is printed from now on, by libraries too, is lost.

    Only the end of the output is kept: warnings would push the answers out of it.
    """
    answers = os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_WRONLY)
    for spoken in (1, 2):
        os.dup2(nothing, spoken)
    return answers


def _send(number: int, url: str, order: dict[str, Any], answers: TextIO) -> None:
    import apprise  # noqa: PLC0415 - an extra

    service = apprise.Apprise()
    if service.add(url) and service.notify(order["body"], title=order["title"], notify_type=order["type"]):
        answers.write(f"sent {number}\n")
        answers.flush()


if __name__ == "__main__":
    main()
