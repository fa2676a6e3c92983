"""The vendor's GraphQL API over httpx, as an implementation of `ports.Api`.

`documents` builds what is sent, `answers` and `values` read what comes back, all pure; `failures` names what
went wrong on the way; `client` does the talking. Pace and batches are not its business: see `pacing` and
`batching`.
"""

from camspool.adapters.survilla.client import Survilla

__all__ = ["Survilla"]
