"""Figures, side by side with what people would use instead: `make bench`. No part of `make test`.

A machine is never quiet: what is compared runs in turn, round by round, and the ratio is the median of the
rounds' ratios. `downloads.py`, `polling.py`, `intake.py` and `footprint.py` hold the benchmarks; `script.sh`
and `comparators.py` what they are compared with, where that is no program of others.
"""
