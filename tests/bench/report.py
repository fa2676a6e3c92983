"""One row for each goal, and the table of all rows."""

import os
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_VERDICTS = {True: "met", False: "**missed**", None: "-"}


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured, what it should be, and what else does the same; `met` is None without a goal."""

    what: str
    goal: str
    measured: str
    met: bool | None
    comparator: str = "-"
    ratio: str = "-"

    def __str__(self) -> str:
        verdict = " (missed)" if self.met is False else ""
        return f"{self.what}: {self.measured}{verdict}; goal {self.goal}; {self.comparator}; {self.ratio}"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the rounds' ratios: what troubles the machine troubles both of a round."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))


def report(rows: Sequence[Row]) -> str:
    """The table as Markdown, with the machine and the date."""
    lines = [
        f"Measured {time.strftime('%Y-%m-%d %H:%M')} on {_machine()}.",
        "",
        "| what | goal | measured | | comparator | ratio |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row.what} | {row.goal} | {row.measured} | {_VERDICTS[row.met]} "
            f"| {row.comparator} | {row.ratio} |"
            for row in rows
        ),
    ]
    return "\n".join(lines) + "\n"


def _machine() -> str:
    models = [
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{len(os.sched_getaffinity(0))} cores ({models[0] if models else platform.machine()}), "
        f"{memory:.0f} GiB, Linux {platform.release()}, Python {platform.python_version()}, "
        f"load {os.getloadavg()[1]:.1f}"
    )
