"""Names of time zones as people write them: in any letter case, with slips, or only the city."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final
from zoneinfo import available_timezones

_LONGEST: Final = 60


def zone_meant(text: str) -> tuple[str | None, str | None]:
    """The zone called `text` but for letter case and blanks; else None, and the one probably meant."""
    wanted = text.strip().replace(" ", "_").casefold()[:_LONGEST]
    zones = {name.casefold(): name for name in available_timezones()}
    if wanted in zones:
        return zones[wanted], None
    cities = {name.rpartition("/")[2]: zones[name] for name in sorted(zones)}
    if wanted in cities:
        return None, cities[wanted]
    near = _near(wanted, zones) or _near(wanted, cities)
    return None, near


def _near(wanted: str, names: Mapping[str, str]) -> str | None:
    found = get_close_matches(wanted, names, n=1, cutoff=0.75)
    return names[found[0]] if found else None
