"""Whose file it is: a number that the file system keeps, and the name that this machine knows for it."""

import os
import pwd
from functools import lru_cache

from camspool.core.naming import printable
from camspool.core.status_document import Owner


def owner(facts: os.stat_result) -> Owner:
    """The owner of a file, by what stat says of it."""
    return Owner(uid=facts.st_uid, name=_name(facts.st_uid))


@lru_cache(maxsize=1024)
def _name(uid: int) -> str | None:
    """Remembered, since a directory service may take its time for an answer."""
    try:
        return printable(pwd.getpwuid(uid).pw_name)
    except (KeyError, OSError):
        return None
