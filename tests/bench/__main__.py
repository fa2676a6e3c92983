"""Runs the benchmarks, prints their table and writes it to a file."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from bench import downloads, footprint, intake, page, polling
from bench.report import Row, report

PACKAGES = {
    "nginx": "nginx",
    "curl": "curl",
    "aria2c": "aria2",
    "inotifywait": "inotify-tools",
    "jq": "jq",
}
"""The programs that are needed, each with Debian's package of it."""

BENCHMARKS = {
    "import": footprint.import_time,
    "accept-latency": intake.latency,
    "accept-10000": intake.ten_thousand,
    "calls-per-clip": polling.calls_per_clip,
    "wasted-waiting": polling.wasted_waiting,
    "mirror-100000": footprint.full_mirror,
    "page": page.full_day,
    "download-large": downloads.large,
    "download-many": downloads.many,
    "download-memory": downloads.memory,
}
"""In this order: gigabytes that were written and deleted keep a disk busy for a while."""


def main() -> int:
    arguments = _arguments()
    missing = sorted({package for program, package in PACKAGES.items() if not shutil.which(program)})
    if missing:
        print(f"The benchmarks need more programs: apt-get install {' '.join(missing)}", file=sys.stderr)
        return 2
    chosen = {name: benchmark for name, benchmark in BENCHMARKS.items() if arguments.k in name}
    if not chosen:
        print(f"No benchmark is called {arguments.k!r}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    rows: list[Row] = []
    for name, benchmark in chosen.items():
        print(f"{name} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="camspool-bench-", dir=arguments.dir) as folder:
            for row in benchmark(Path(folder)):
                print(f"  {row}", file=sys.stderr, flush=True)
                rows.append(row)
        os.sync()
    text = report(rows)
    print(text)
    arguments.report.write_text(text)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("-k", default="", help=f"only those whose name holds this: {', '.join(BENCHMARKS)}")
    parser.add_argument(
        "--dir", help="where to work: 20 GB free, a disk of the kind that matters [the temporary folder]"
    )
    parser.add_argument("--report", type=Path, default=Path("bench-report.md"), help="[%(default)s]")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
