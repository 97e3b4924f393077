"""Dialer processes: their heartbeats, and the calls of those that died."""

from collections.abc import Sequence
from datetime import datetime

from agentalk.domain.call import CallStatus
from agentalk.domain.ids import CallId, DialerId
from agentalk.store.database import Tx, execute, fetch
from agentalk.store.queries import load

SQL = load("dialers")


async def register(tx: Tx, id: DialerId, now: datetime) -> None:
    """A new dialer lives."""
    await execute(tx, SQL["register"], id=id, now=now)


async def beat(tx: Tx, id: DialerId, now: datetime) -> bool:
    """The dialer still lives. False if it has been fenced: it must stop."""
    return await execute(tx, SQL["beat"], id=id, now=now) == 1


async def fence_stale(tx: Tx, stale_before: datetime, now: datetime) -> int:
    """Fence every dialer without a heartbeat since `stale_before`; how many."""
    return await execute(tx, SQL["fence_stale"], stale_before=stale_before, now=now)


async def retire(tx: Tx, id: DialerId, now: datetime) -> None:
    """A dialer ends in good order; what it leaves live is another's at once."""
    await execute(tx, SQL["retire"], id=id, now=now)


async def take_orphans(
    tx: Tx, dialer: DialerId, carriers: Sequence[str], most: int, now: datetime
) -> list[tuple[CallId, CallStatus]]:
    """Take over at most `most` live calls of fenced dialers that are reserved or with carriers of these kinds.

    Their ids, and where they stand.
    """
    rows = await fetch(tx, SQL["take_orphans"], dialer=dialer, carriers=list(carriers), most=most, now=now)
    return [(id, CallStatus(status)) for id, status in rows]
