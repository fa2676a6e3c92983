"""What is done about files that could meet under one name in the mirror is done one after the other."""

import asyncio
from weakref import WeakValueDictionary

from camspool.core import naming


class Turns:
    """The turns of all files."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, file: str) -> asyncio.Lock:
        """The turn of a file of drop/, to be held; forgotten when nobody holds it."""
        return self._locks.setdefault(naming.family(file), asyncio.Lock())
