"""What a carrier was asked and did not answer, what a dead dialer left behind, and what is to be hung up."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import assert_never

from agentalk.carriers.carrier import Absent, Carrier, FindAnswer, Found, Unsure
from agentalk.dialer.dispatch import Dispatcher
from agentalk.domain.call import Bound, CallStatus, Doubtful, Lost, NotPlaced, Report
from agentalk.domain.ids import CallId, DialerId
from agentalk.store import dialers, dialing, reports
from agentalk.store.database import Database, Tx
from agentalk.store.reports import Check

# A request that broke off may still be on its way into the carrier: only after this long does "absent" prove anything.
_ABSENT_PROVES_AFTER = timedelta(seconds=15)
_GIVE_UP_DOUBTFUL_AFTER = timedelta(minutes=10)
# Longer than any call may last.
_GIVE_UP_AFTER = timedelta(hours=2)
_HANG_UP_AFTER = timedelta(hours=1)
_ASK_AGAIN = timedelta(seconds=3)
_ASK_AGAIN_KNOWN = timedelta(seconds=30)
_MOST = 200


class Reconciler:
    """Finds out from the carrier what the engine does not know."""

    def __init__(
        self, database: Database, carriers: Mapping[str, Carrier], dispatcher: Dispatcher, dialer: DialerId
    ) -> None:
        self._database = database
        self._carriers = carriers
        self._dispatcher = dispatcher
        self._dialer = dialer

    async def take_over(self, now: datetime, stale_before: datetime) -> None:
        """Fence dialers without a heartbeat since `stale_before`, and take what they left."""
        while await self._database.run(self._take_over, now, stale_before):
            pass

    async def _take_over(self, tx: Tx, now: datetime, stale_before: datetime) -> bool:
        await dialers.fence_stale(tx, stale_before, now)
        orphans = await dialers.take_orphans(tx, self._dialer, _MOST, now)
        reserved = [id for id, status in orphans if status is CallStatus.RESERVED]
        if reserved:
            await dialing.release_reserved(tx, reserved, now)
        return len(orphans) == _MOST

    async def check(self, now: datetime) -> datetime | None:
        """Ask the carriers about every call that is due for it; when the next is due."""
        async with self._database.reading() as tx:
            due = await reports.calls_to_check(tx, self._dialer, _MOST, now)
        if due:
            forgotten = [check.id for check in due if check.status is CallStatus.RESERVED]
            if forgotten:
                await self._database.run(dialing.release_reserved, forgotten, now)
            asked = [
                check for check in due if check.status is not CallStatus.RESERVED and check.carrier in self._carriers
            ]
            again = await asyncio.gather(*(self._one(check, now) for check in asked))
            await self._database.run(reports.check_again, again)
        async with self._database.reading() as tx:
            return await reports.next_check(tx, self._dialer)

    async def _one(self, check: Check, now: datetime) -> tuple[CallId, datetime | None, datetime | None]:
        """Ask about one call; when to ask about it again, and when for its end."""
        carrier = self._carriers[check.carrier]
        too_long = check.answered_at is not None and now - check.answered_at >= _HANG_UP_AFTER
        if check.carrier_call_id and (check.hang_up or (check.ask and too_long)):
            await carrier.hangup(check.carrier_call_id, now)
        hangup_at = now + _ASK_AGAIN if check.hang_up else None
        if not check.ask:
            return check.id, None, hangup_at
        known = await carrier.find(check.id, now)
        for report in _reports(check, known, now):
            await self._dispatcher.record(check.carrier, report, now)
        return check.id, now + (_ASK_AGAIN_KNOWN if isinstance(known, Found) else _ASK_AGAIN), hangup_at


def _reports(check: Check, known: FindAnswer, now: datetime) -> list[Report]:
    """What follows from the carrier's answer."""
    doubted: list[Report] = []
    since = check.uncertain_at
    if check.carrier_call_id is None and since is None:
        doubted, since = [Doubtful(check.id, now)], now
    match known:
        case Found():
            given_up = check.dialed_at is not None and now - check.dialed_at >= _GIVE_UP_AFTER
            lost = [Lost(check.id, now)] if given_up else []
            return [*doubted, Bound(check.id, known.carrier_call_id), *known.events, *lost]
        case Absent():
            if check.carrier_call_id is not None:
                return [Lost(check.id, now)]
            if since is not None and now - since >= _ABSENT_PROVES_AFTER:
                return [NotPlaced(check.id, now, "absent")]
            return doubted
        case Unsure():
            start, patience = (
                (since, _GIVE_UP_DOUBTFUL_AFTER) if check.carrier_call_id is None else (check.dialed_at, _GIVE_UP_AFTER)
            )
            return [Lost(check.id, now)] if start is not None and now - start >= patience else doubted
    assert_never(known)
