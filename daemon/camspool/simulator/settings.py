"""How the simulated portal behaves when no fault is asked for: speeds, lifetimes, answers after expiry."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from camspool.simulator.footage import Storage

HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that is fixed when the simulator starts.

    `prepare_cloud` and `prepare_local` are the seconds that a preparation takes; `throttle` is the bytes per
    second of each download. The three lifetimes are in seconds, their defaults those of the vendor's page.
    The vendor does not document the answers after expiry, so `expired_recording`, `expired_prepare` and
    `expired_download` choose. `cache` is the folder for finished MP4s, by default below `$XDG_CACHE_HOME`.
    """

    tokens: tuple[str, ...] = ("demo-token",)
    prepare_cloud: float = 2.0
    prepare_local: float = 4.0
    throttle: int | None = None
    id_lifetime: float = 1 * HOUR
    url_lifetime: float = 24 * HOUR
    downloaded_lifetime: float = 6 * HOUR
    expired_recording: Literal["null", "error"] = "null"
    expired_prepare: Literal["false", "null", "error"] = "false"
    expired_download: Literal[403, 404, 410] = 410
    cache: Path | None = None

    def prepare_seconds(self, storage: Storage) -> float:
        return self.prepare_cloud if storage == "cloud" else self.prepare_local
