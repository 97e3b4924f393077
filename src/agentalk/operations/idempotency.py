"""One answer for one Idempotency-Key: the first is kept for a day and replayed."""

from datetime import datetime, timedelta

from agentalk.domain.errors import Conflict
from agentalk.domain.ids import OrgId
from agentalk.store import idempotency
from agentalk.store.database import Tx
from agentalk.store.idempotency import Kept

_KEPT_FOR = timedelta(hours=24)
# Each answer kept sweeps out more than one old one, so that the table never grows for long.
_SWEEP = 10


class InFlight(Conflict):
    """The first request with this key is still running. `retry_after` is in seconds."""

    code = "idempotency_in_flight"
    retry_after = 1


async def recall(tx: Tx, org: OrgId, key: str, request: bytes, now: datetime) -> Kept | None:
    """The first answer to this request, or None if this is the first: then the key is this transaction's.

    `request` is a digest of everything that was asked. Raises `InFlight`, and `Conflict` for a key that was used to ask
    something else.
    """
    if not await idempotency.lock(tx, org, key):
        raise InFlight("A request with this Idempotency-Key is still running. Try again in a second.")
    kept = await idempotency.find(tx, org, key, now - _KEPT_FOR)
    if kept and kept.request != request:
        raise Conflict(
            "This Idempotency-Key was used for another request. Use a new key for each thing you ask.",
            code="idempotency_key_reused",
        )
    return kept


async def keep(tx: Tx, org: OrgId, key: str, kept: Kept, now: datetime) -> None:
    """Keep the first answer, and sweep out a few old ones."""
    await idempotency.keep(tx, org, key, kept, now)
    await idempotency.prune(tx, now - _KEPT_FOR, _SWEEP)
