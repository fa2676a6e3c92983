"""The result of a check: one row of the table. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """`skipped`: not checked; `warning`: works, but not as well as it could; `wrong`: does not work."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Result:
    """The name of a check, its verdict, what was found and what to do about it; one line for each finding."""

    check: str
    verdict: Verdict
    found: str
    remedy: str = ""


def ok(check: str, found: str) -> Result:
    """Nothing to do."""
    return Result(check, Verdict.OK, found)


def warning(check: str, found: str, remedy: str = "") -> Result:
    """It works, but somebody should know."""
    return Result(check, Verdict.WARNING, found, remedy)


def wrong(check: str, found: str, remedy: str) -> Result:
    """The daemon could not do its work."""
    return Result(check, Verdict.WRONG, found, remedy)


def merged(results: Iterable[Result]) -> list[Result]:
    """One result for each check, with everything that was found and the worst of the verdicts."""
    by_check: dict[str, list[Result]] = {}
    for result in results:
        by_check.setdefault(result.check, []).append(result)
    return [_merged(check, found) for check, found in by_check.items()]


def _merged(check: str, results: list[Result]) -> Result:
    worst = max((result.verdict for result in results), key=list(Verdict).index)
    remedies = dict.fromkeys(result.remedy for result in results if result.remedy)
    return Result(check, worst, "\n".join(result.found for result in results), "\n".join(remedies))


def not_checked(check: str, why: str) -> Result:
    """It depends on something that is wrong already."""
    return Result(check, Verdict.SKIPPED, f"not checked: {why}")
