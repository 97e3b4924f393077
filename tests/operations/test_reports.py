"""What carriers report: each for its own calls, and by clocks that may be wrong."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from agentalk.domain.call import CallEvent, EventType, Outcome, Report
from agentalk.domain.ids import CallId
from agentalk.operations.reports import record
from agentalk.store.database import Database
from tests.builders import a_call, a_campaign, a_campaign_contact, a_contact, an_organization
from tests.conftest import NOW, LazyDatabase
from tests.operations.watching import sql

LATER = NOW + timedelta(seconds=40)
FAR = timedelta(days=4000)


async def a_live_call(database: Database, **columns: Any) -> CallId:
    async with database.transaction() as tx:
        org = await an_organization(tx)
        campaign = await a_campaign(tx, org, status="active")
        contact = await a_contact(tx, org)
        await a_campaign_contact(tx, org, campaign, contact, status="calling", attempts=1)
        return await a_call(tx, org, campaign, contact, status="dialing", dialed_at=NOW, **columns)


def event(call: CallId, type: EventType, at: datetime, **more: Any) -> CallEvent:
    sequence = list(EventType).index(type) + 1
    more = {"outcome": Outcome.ANSWERED, **more} if type is EventType.ENDED else more
    return CallEvent(call_id=call, carrier_call_id="c-1", type=type, sequence=sequence, at=at, **more)


async def told(database: Database, now: datetime, *reports: Report, carrier: str = "simulator") -> None:
    async with database.transaction() as tx:
        await record(tx, carrier, reports, now, lambda: 0.0)


async def test_a_carrier_speaks_for_its_own_calls_only(db: LazyDatabase) -> None:
    async with db() as database:
        call = await a_live_call(database)
        end = event(call, EventType.ENDED, LATER)
        await told(database, LATER, end, carrier="other")
        assert await sql(database, "SELECT status FROM calls") == [("dialing",)]
        assert await sql(database, "SELECT status FROM campaign_contacts") == [("calling",)]
        await told(database, LATER, end)
        assert await sql(database, "SELECT status FROM campaign_contacts") == [("completed",)]


@pytest.mark.parametrize("off", [timedelta(), FAR, -FAR, timedelta(minutes=5), timedelta(minutes=-5)])
@pytest.mark.parametrize("outcome", [Outcome.ANSWERED, Outcome.NO_ANSWER, Outcome.BUSY])
async def test_a_clock_that_is_wrong_moves_no_call_and_no_retry(
    db: LazyDatabase, off: timedelta, outcome: Outcome
) -> None:
    async with db() as database:
        call = await a_live_call(database)
        at = NOW
        for type in EventType:
            at += timedelta(seconds=10)
            more = {"outcome": outcome} if type is EventType.ENDED else {}
            await told(database, at, event(call, type, at + off, **more))

        kept = "SELECT ringing_at, answered_at, ended_at FROM calls"
        assert await sql(database, kept) == [tuple(NOW + timedelta(seconds=n) for n in (10, 20, 30))]
        ((due_at,),) = await sql(database, "SELECT due_at FROM campaign_contacts")
        waits = {Outcome.NO_ANSWER: timedelta(hours=2), Outcome.BUSY: timedelta(minutes=15)}
        assert due_at == (at + waits[outcome] if outcome in waits else NOW)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
async def test_no_moment_is_beyond_what_can_be_kept(db: LazyDatabase, at: str) -> None:
    async with db() as database:
        call = await a_live_call(database)
        moment = datetime.fromisoformat(at)
        await told(database, LATER, event(call, EventType.ENDED, moment, outcome=Outcome.BUSY, callback_at=moment))
        assert await sql(database, "SELECT outcome, ended_at FROM calls") == [("busy", LATER)]


async def test_an_end_that_comes_before_the_answer_is_an_end_all_the_same(db: LazyDatabase) -> None:
    """In one batch, in reverse order, with an answer that the end's clock knows nothing of."""
    async with db() as database:
        call = await a_live_call(database)
        reports = [event(call, type, NOW + timedelta(seconds=n)) for n, type in enumerate(EventType)]
        await told(database, LATER, *reversed(reports))
        rows = await sql(database, "SELECT status, ringing_at, answered_at, ended_at FROM calls")
        assert rows == [("ended", None, None, NOW + timedelta(seconds=2))]


async def test_a_callback_that_was_asked_for_is_told_and_kept(db: LazyDatabase) -> None:
    asked = NOW + timedelta(hours=4)
    async with db() as database:
        call = await a_live_call(database)
        await told(database, LATER, event(call, EventType.ENDED, LATER, callback_at=asked))
        rows = await sql(database, "SELECT status, lane, due_at, callback_at, attempts FROM campaign_contacts")
        assert rows == [("waiting", 0, asked, None, 1)]
        ((data,),) = await sql(database, "SELECT data FROM events WHERE type = 'contact.retry_scheduled'")
        assert (data["callback"], data["nextAttemptAt"]) == (True, "2026-03-04T19:00:00Z")
