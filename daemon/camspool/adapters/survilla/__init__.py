"""The vendor's GraphQL API over httpx, as an implementation of `ports.Api`.

`documents` builds what is sent, `answers` and `parsing` read what comes back, all pure; `failures` names what
went wrong on the way; `client` makes the calls. For diagnosis, `connectivity` tries whether the server can be
reached, and `schema_check` compares the documents with its schema. Rate and batches are the business of
`pacing` and `batching`.
"""

from camspool.adapters.survilla.client import Survilla
from camspool.adapters.survilla.connectivity import Reached, reach

__all__ = ["Reached", "Survilla", "reach"]
