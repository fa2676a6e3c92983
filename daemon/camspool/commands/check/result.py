"""What a check finds: one row of the table. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """`warning`: it works, but not as well as it could, or could not be looked at. Only `wrong` is a no."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Row:
    """What was looked at, how it is, what was found and what to do about it; one line for each thing."""

    check: str
    verdict: Verdict
    found: str
    remedy: str = ""


def ok(check: str, found: str) -> Row:
    """All is well."""
    return Row(check, Verdict.OK, found)


def warning(check: str, found: str, remedy: str = "") -> Row:
    """It works, but somebody should know."""
    return Row(check, Verdict.WARNING, found, remedy)


def wrong(check: str, found: str, remedy: str) -> Row:
    """The daemon could not do its work."""
    return Row(check, Verdict.WRONG, found, remedy)


def merged(rows: Iterable[Row]) -> list[Row]:
    """One row for each check, with all that was found and the worst of the verdicts."""
    by_check: dict[str, list[Row]] = {}
    for row in rows:
        by_check.setdefault(row.check, []).append(row)
    return [_merged(check, found) for check, found in by_check.items()]


def _merged(check: str, rows: list[Row]) -> Row:
    worst = max((row.verdict for row in rows), key=list(Verdict).index)
    remedies = dict.fromkeys(row.remedy for row in rows if row.remedy)
    return Row(check, worst, "\n".join(row.found for row in rows), "\n".join(remedies))


def not_checked(check: str, why: str) -> Row:
    """What it depends on is wrong already."""
    return Row(check, Verdict.WARNING, f"not checked: {why}", "First see to what is wrong above.")
