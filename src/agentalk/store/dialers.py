"""Dialer processes: their heartbeats, and the calls of those that died."""

from collections.abc import Sequence
from datetime import datetime

from agentalk.domain.call import CallStatus
from agentalk.domain.ids import CallId, DialerId
from agentalk.store.database import Tx, execute, fetch, fetch_one
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


async def fence_all(tx: Tx, now: datetime) -> int:
    """Fence every dialer: the database was restored, and whoever dialled from it when it was backed up is gone."""
    return await execute(tx, SQL["fence_all"], now=now)


async def signs_of_life(tx: Tx) -> tuple[datetime | None, datetime | None]:
    """The newest heartbeat of a dialer that is not fenced, and of any; without one, when there was first somebody to
    dial for.
    """
    row = await fetch_one(tx, SQL["signs_of_life"])
    return (row[0], row[1]) if row else (None, None)


async def prune(tx: Tx, before: datetime) -> int:
    """Forget the dialers that were fenced before that, and hold no call; how many."""
    return await execute(tx, SQL["prune"], before=before)


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
