"""What a carrier has placed and this database, restored from a backup, does not know."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from agentalk.carriers.carrier import Listed
from agentalk.domain.ids import CallId, DialerId
from agentalk.store.database import Tx, fetch, fetch_one
from agentalk.store.queries import load

SQL = load("placements")


async def book(tx: Tx, carrier: str, placements: Sequence[Listed], dialer: DialerId, now: datetime) -> int:
    """Make placements that are not known calls of this database, in the hands of `dialer`; how many.

    No two of them go to one number.
    """
    rows = [
        {
            "call_id": placed.call_id,
            "carrier_call_id": placed.found.carrier_call_id,
            "phone": placed.phone,
            "caller_id": placed.caller_id,
            "placed_at": placed.placed_at,
        }
        for placed in placements
    ]
    encoded = msgspec.json.encode(rows).decode()
    row = await fetch_one(tx, SQL["book"], carrier=carrier, placements=encoded, dialer=dialer, now=now)
    return int(row[0]) if row else 0


async def live_at(tx: Tx, carrier: str, phones: Sequence[str]) -> list[CallId]:
    """The calls by this kind of carrier that live at these numbers."""
    return [id for (id,) in await fetch(tx, SQL["live_at"], carrier=carrier, phones=list(phones))]
