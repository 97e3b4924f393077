"""Before a database is dialled from that nobody dials from: what do the carriers know that it does not?

A database that was restored from a backup has forgotten the calls that were placed since. Their carrier has not.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from agentalk.carriers.carrier import Carrier, Found, Listed, Lists, Unsure
from agentalk.domain.call import Bound, Report
from agentalk.domain.ids import CallId, DialerId, uuid7
from agentalk.operations.reports import record
from agentalk.store import dialers, placements
from agentalk.store.database import Database, Tx
from agentalk.store.placements import Placed

log = structlog.get_logger(__name__)

# By how much a carrier's clock may be behind, and a heartbeat older than the backup it is in.
_MARGIN = timedelta(seconds=30)
_BATCH = 500


class CarrierAway(Exception):
    """A carrier does not say what it has placed, and a dialer that does not know must not dial."""


async def catch_up(database: Database, carriers: Mapping[str, Carrier], now: datetime, alive_since: datetime) -> None:
    """Book the calls that the database has forgotten, unless some dialer has been alive since then.

    Raises `CarrierAway`.
    """
    async with database.reading() as tx:
        alive, newest = await dialers.signs_of_life(tx)
    if newest is None or (alive is not None and alive >= alive_since):
        return
    for kind, carrier in carriers.items():
        if not isinstance(carrier, Lists):
            continue
        listed = await carrier.placed_since(newest - _MARGIN, now)
        if isinstance(listed, Unsure):
            raise CarrierAway(f"The carrier {kind} does not say what it has placed ({listed.reason}).")
        if not listed:
            continue
        # In the hands of one that is gone already, and was there no later than the others: whatever becomes of us.
        ghost, booked = DialerId(uuid7(newest)), 0
        await database.run(_leave, ghost, newest, now)
        await _hear_of_earlier(database, carrier, listed, now)
        for batch in _batches(listed):
            booked += await database.run(_book, kind, batch, ghost, now)
        if booked:
            log.warning("calls that this database had forgotten were booked", carrier=kind, calls=booked)


async def _hear_of_earlier(database: Database, carrier: Carrier, listed: Sequence[Listed], now: datetime) -> None:
    """Calls that lived when the backup was made may have ended since, and their numbers been called anew."""
    known = {placed.call_id for placed in listed}
    async with database.reading() as tx:
        live = await placements.live_at(tx, carrier.kind, sorted({placed.phone for placed in listed}))
    for id in live:
        if id not in known and isinstance(found := await carrier.find(id, now), Found):
            await database.run(record, carrier.kind, _told(id, found), now, random.random)


async def _leave(tx: Tx, ghost: DialerId, newest: datetime, now: datetime) -> None:
    await dialers.register(tx, ghost, newest)
    await dialers.retire(tx, ghost, now)


def _batches(listed: Sequence[Listed]) -> list[list[Listed]]:
    """In the order of placement to each number, and no number twice in a batch."""
    nth: Counter[str] = Counter()
    rounds: dict[int, list[Listed]] = {}
    for placed in listed:
        rounds.setdefault(nth[placed.phone], []).append(placed)
        nth[placed.phone] += 1
    return [turn[i : i + _BATCH] for _, turn in sorted(rounds.items()) for i in range(0, len(turn), _BATCH)]


async def _book(tx: Tx, kind: str, batch: Sequence[Listed], dialer: DialerId, now: datetime) -> int:
    rows = [
        Placed(placed.call_id, placed.found.carrier_call_id, placed.phone, placed.caller_id, placed.placed_at)
        for placed in batch
    ]
    booked = await placements.book(tx, kind, rows, dialer, now)
    told = [report for placed in batch for report in _told(placed.call_id, placed.found)]
    await record(tx, kind, told, now, random.random)
    return booked


def _told(id: CallId, found: Found) -> list[Report]:
    return [Bound(id, found.carrier_call_id), *found.events]
