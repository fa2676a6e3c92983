"""The vendor's GraphQL API over httpx, as an implementation of `ports.Api`.

`documents` builds what is sent, `answers` and `values` read what comes back, all pure; `failures` names what
went wrong on the way; `client` does the talking. For those who only look on: `reach` tries the way, `misfits`
holds the documents against the server's schema. Pace and batches are not its business: see `pacing` and
`batching`.
"""

from camspool.adapters.survilla.client import Survilla
from camspool.adapters.survilla.connectivity import Reached, reach

__all__ = ["Reached", "Survilla", "reach"]
