"""What a carrier was asked and did not answer, what a dead dialer left behind, and what is to be hung up."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import assert_never

import structlog

from agentalk.carriers.carrier import Absent, Carrier, FindAnswer, Found, Unsure
from agentalk.dialer.alarm import Alarm
from agentalk.dialer.dispatch import Dispatcher
from agentalk.domain.call import Bound, CallStatus, Doubtful, Lost, NotPlaced, Report
from agentalk.domain.ids import CallId, DialerId
from agentalk.store import dialers, dialing, events, reports
from agentalk.store.database import Database, Tx, notify
from agentalk.store.reports import Check

log = structlog.get_logger(__name__)

_GIVE_UP_DOUBTFUL_AFTER = timedelta(minutes=10)
_FORGET_ABSENT_AFTER = timedelta(minutes=10)
# Longer than any call may last.
_GIVE_UP_AFTER = timedelta(hours=2)
_HANG_UP_AFTER = timedelta(hours=1)
_ASK_AGAIN = timedelta(seconds=3)
_ASK_AGAIN_KNOWN = timedelta(seconds=30)
_ASK_AGAIN_TALKING = timedelta(minutes=10)
# Questions under way at a time, and how soon to see whether there is room for more.
_MOST = 200
_NO_SOONER = timedelta(milliseconds=100)


class Reconciler:
    """Finds out from the carrier what the engine does not know."""

    def __init__(
        self, database: Database, carriers: Mapping[str, Carrier], dispatcher: Dispatcher, dialer: DialerId
    ) -> None:
        self._database = database
        self._carriers = carriers
        self._dispatcher = dispatcher
        self._dialer = dialer
        self._asking: set[CallId] = set()
        self._rounds: set[asyncio.Task[None]] = set()
        self._absent_since: dict[CallId, datetime] = {}
        self._alarm = Alarm()

    async def take_over(self, now: datetime, stale_before: datetime) -> None:
        """Fence dialers without a heartbeat since `stale_before`, and take what they left."""
        while await self._database.run(self._take_over, now, stale_before):
            pass

    async def _take_over(self, tx: Tx, now: datetime, stale_before: datetime) -> bool:
        await dialers.fence_stale(tx, stale_before, now)
        orphans = await dialers.take_orphans(tx, self._dialer, list(self._carriers), _MOST, now)
        reserved = [id for id, status in orphans if status is CallStatus.RESERVED]
        if reserved:
            await dialing.release_reserved(tx, reserved, now)
            await notify(tx, "")
        return len(orphans) == _MOST

    async def check(self, now: datetime) -> datetime | None:
        """Ask the carriers about the calls that are due for it; when the next is due.

        A carrier may be long in answering: `settle` waits for that, nobody else does.
        """
        due: list[Check] = []
        if len(self._asking) < _MOST:
            async with self._database.reading() as tx:
                due = await reports.calls_to_check(tx, self._dialer, _MOST - len(self._asking), now)
        if due:
            await self._database.run(self._note, due, now)
            asked = [check for check in due if check.status is not CallStatus.RESERVED and check.id not in self._asking]
            self._start(asked, now)
        async with self._database.reading() as tx:
            moment = await reports.next_check(tx, self._dialer)
        return moment and max(moment, now + _NO_SOONER)

    async def settle(self) -> None:
        """Wait until every question is answered, and the answer recorded."""
        while self._rounds:
            await asyncio.wait(self._rounds)

    def drop(self) -> None:
        """Wait for no more answers."""
        for round in self._rounds:
            round.cancel()

    async def _note(self, tx: Tx, due: Sequence[Check], now: datetime) -> None:
        """Give forgotten reservations back, and have the others asked about again if the answer does not come."""
        forgotten = [check.id for check in due if check.status is CallStatus.RESERVED]
        if forgotten:
            await dialing.release_reserved(tx, forgotten, now)
            await notify(tx, "")
        again = now + _ASK_AGAIN
        await reports.check_again(
            tx, [(check.id, again if check.ask else None, again if check.hang_up else None) for check in due]
        )

    def _start(self, checks: Sequence[Check], now: datetime) -> None:
        self._absent_since = {
            id: since for id, since in self._absent_since.items() if now - since < _FORGET_ABSENT_AFTER
        }
        if checks:
            self._asking |= {check.id for check in checks}
            round = asyncio.create_task(self._ask(checks, now))
            self._rounds.add(round)
            round.add_done_callback(self._rounds.discard)

    async def _ask(self, checks: Sequence[Check], now: datetime) -> None:
        try:
            answers = await asyncio.gather(*(self._one(check, now) for check in checks))
            asked = list(zip(checks, answers, strict=True))
            again = [
                (check.id, now + (_ASK_AGAIN_TALKING if check.answered_at else _ASK_AGAIN_KNOWN), None)
                for check, answer in asked
                if isinstance(answer, Found)
            ]
            await self._database.run(reports.check_again, again)
            alerts = self._alarm.hear([(check, answer) for check, answer in asked if answer is not None], now)
            await self._database.run(events.add_events, alerts, now)
        except Exception:
            log.exception("calls could not be asked about", calls=len(checks))
        finally:
            self._asking -= {check.id for check in checks}

    async def _one(self, check: Check, now: datetime) -> FindAnswer | None:
        """Ask about one call, or for its end; what the carrier knows of it, None if it was not asked that."""
        carrier = self._carriers[check.carrier]
        too_long = check.answered_at is not None and now - check.answered_at >= _HANG_UP_AFTER
        if check.carrier_call_id and (check.hang_up or (check.ask and too_long)):
            await carrier.hangup(check.carrier_call_id, now)
        if not check.ask:
            return None
        known = await carrier.find(check.id, now)
        absent_since = self._absent_since.setdefault(check.id, now)
        if not isinstance(known, Absent):
            del self._absent_since[check.id]
        proven = now - absent_since >= carrier.absent_proves_after
        for report in _reports(check, known, proven, now):
            try:
                await self._dispatcher.record(check.carrier, report, now)
            except Exception:
                # What follows it may be the call's end, or that the call is given up.
                log.exception("report not recorded", carrier=check.carrier, call=str(check.id))
        return known


def _reports(check: Check, known: FindAnswer, absence_proven: bool, now: datetime) -> list[Report]:
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
            return [NotPlaced(check.id, now, "absent")] if absence_proven else doubted
        case Unsure():
            start, patience = (
                (since, _GIVE_UP_DOUBTFUL_AFTER) if check.carrier_call_id is None else (check.dialed_at, _GIVE_UP_AFTER)
            )
            return [Lost(check.id, now)] if start is not None and now - start >= patience else doubted
    assert_never(known)
