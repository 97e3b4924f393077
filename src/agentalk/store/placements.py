"""What a carrier has placed and this database, restored from a backup, does not know."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from agentalk.domain.ids import CallId, DialerId
from agentalk.store.database import Tx, fetch, fetch_one
from agentalk.store.queries import load

SQL = load("placements")


class Placed(msgspec.Struct, frozen=True):
    """A call that rang: which of ours, by which id of the carrier's, from and to which number, and when."""

    call_id: CallId
    carrier_call_id: str
    phone: str
    caller_id: str | None
    placed_at: datetime


async def book(tx: Tx, carrier: str, placements: Sequence[Placed], dialer: DialerId, now: datetime) -> int:
    """Make placements that are not known calls of this database, in the hands of `dialer`; how many.

    No two of them go to one number.
    """
    encoded = msgspec.json.encode(placements).decode()
    row = await fetch_one(tx, SQL["book"], carrier=carrier, placements=encoded, dialer=dialer, now=now)
    return int(row[0]) if row else 0


async def live_at(tx: Tx, carrier: str, phones: Sequence[str]) -> list[CallId]:
    """The calls by this kind of carrier that live at these numbers."""
    return [id for (id,) in await fetch(tx, SQL["live_at"], carrier=carrier, phones=list(phones))]
