"""A record of questions and answers, kept for assertions; nothing here changes the simulator's behaviour."""

import threading
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One POST to the API. `operations` names the top-level field of each alias, in the document's order."""

    at: float
    operations: tuple[str, ...]
    authorised: bool
    fault: str | None = None

    @property
    def aliases(self) -> int:
        return len(self.operations)


@dataclass(frozen=True, slots=True)
class Listing:
    """One answered question for recordings, with the ids that were made for it."""

    at: float
    node_id: int
    start: int
    end: int
    recording_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preparation:
    """One recordingPrepare that reached the portal; `accepted` is its answer."""

    at: float
    recording_id: str
    height: int
    accepted: bool


@dataclass(slots=True)
class Download:
    """One request to a download URL; `sent` counts bytes of the body, `finished_at` is None while it runs."""

    at: float
    recording_id: str | None
    method: str
    headers: dict[str, str]
    status: int | None = None
    range_start: int = 0
    sent: int = 0
    complete: bool = False
    finished_at: float | None = None
    fault: str | None = None

    @property
    def authorization_seen(self) -> bool:
        return "authorization" in self.headers


@dataclass(frozen=True, slots=True)
class Strike:
    """One time that a fault struck; `target` is the alias, recording id or operations that it hit."""

    at: float
    fault: str
    target: str


@dataclass(slots=True)
class Record:
    """Lists in the order of events. Times are seconds of the simulator's clock."""

    calls: list[Call] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    preparations: list[Preparation] = field(default_factory=list)
    downloads: list[Download] = field(default_factory=list)
    strikes: list[Strike] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, event: Call | Listing | Preparation | Download | Strike) -> None:
        with self._lock:
            match event:
                case Call():
                    self.calls.append(event)
                case Listing():
                    self.listings.append(event)
                case Preparation():
                    self.preparations.append(event)
                case Download():
                    self.downloads.append(event)
                case Strike():
                    self.strikes.append(event)

    def clear(self) -> None:
        with self._lock:
            for events in (self.calls, self.listings, self.preparations, self.downloads, self.strikes):
                events.clear()

    def operations(self) -> Counter[str]:
        """How often each operation was asked for, counted by alias."""
        return Counter(name for call in list(self.calls) for name in call.operations)

    def prepared(self) -> Counter[str]:
        """How often the preparation of each recording id was accepted."""
        return Counter(event.recording_id for event in list(self.preparations) if event.accepted)

    def token_leaked(self) -> bool:
        """Whether any request to a download URL carried an Authorization header."""
        return any(download.authorization_seen for download in list(self.downloads))

    def most_downloads_at_once(self) -> int:
        edges = [(download.at, 1) for download in self.downloads]
        edges += [
            (download.finished_at, -1) for download in self.downloads if download.finished_at is not None
        ]
        running = most = 0
        for _, change in sorted(edges):
            running += change
            most = max(most, running)
        return most

    def as_json(self) -> dict[str, Any]:
        with self._lock:
            return {
                "calls": [asdict(event) | {"aliases": event.aliases} for event in self.calls],
                "listings": [asdict(event) for event in self.listings],
                "preparations": [asdict(event) for event in self.preparations],
                "downloads": [
                    asdict(event) | {"authorization_seen": event.authorization_seen}
                    for event in self.downloads
                ],
                "strikes": [asdict(event) for event in self.strikes],
            }
