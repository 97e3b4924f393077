"""What was said to whom is forgotten when its time is over, and not a day before."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from agentalk.domain.ids import CallId, uuid7
from agentalk.operations import retention
from agentalk.operations.retention import Expired
from agentalk.store.database import Database, Tx
from tests.builders import a_call, a_campaign, a_contact, an_organization
from tests.conftest import NOW, LazyDatabase
from tests.operations.watching import sql

FIVE_YEARS, SEVEN_YEARS = 1826, 2557
SAID = '[{"at": 0, "speaker": "agent", "text": "Hello Ada"}]'


async def an_old_call(tx: Tx, org: Any, campaign: Any, days: float) -> CallId:
    """A call that ended so many days ago."""
    at = NOW - timedelta(days=days)
    ended: dict[str, Any] = {
        "status": "ended",
        "outcome": "answered",
        "dialed_at": at,
        "ended_at": at,
        "reserved_at": at,
    }
    return await a_call(tx, org, campaign, await a_contact(tx, org), id=uuid7(at), transcript=SAID, **ended)


async def a_past(database: Database) -> None:
    """Two campaigns, one of which keeps longer; each with a call on either side of either retention, and a live one."""
    async with database.transaction() as tx:
        org = await an_organization(tx)
        usual = await a_campaign(tx, org)
        longer = await a_campaign(tx, org, policy=f'{{"retentionDays": {SEVEN_YEARS}}}')
        for campaign in (usual, longer):
            for days in (1, FIVE_YEARS - 0.1, FIVE_YEARS + 0.1, SEVEN_YEARS + 0.1):
                await an_old_call(tx, org, campaign, days)
        old = NOW - timedelta(days=9999)
        await a_call(tx, org, usual, await a_contact(tx, org), id=uuid7(old), reserved_at=old, transcript=SAID)


async def forget_all(database: Database, now: datetime = NOW) -> int:
    async with database.reading() as tx:
        terms = await retention.terms(tx, now)
    return sum([await database.run(retention.forget_calls, campaign, before) for campaign, before in terms])


async def test_only_what_is_older_than_the_retention_in_force_is_forgotten(db: LazyDatabase) -> None:
    async with db() as database:
        await a_past(database)
        async with database.reading() as tx:
            assert await retention.expired(tx, NOW) == Expired(3, 0, 0)
        assert await forget_all(database) == 3
        assert await forget_all(database) == 0

        rows = await sql(database, "SELECT phone = '', transcript = '[]', outcome FROM calls ORDER BY reserved_at, id")
        assert rows.count((True, True, "answered")) == 3
        assert rows.count((False, False, "answered")) == 5
        assert rows.count((False, False, None)) == 1


async def test_calls_once_walked_over_are_not_read_again_but_for_those_that_were_left(
    db: LazyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_MOST", 2)
    async with db() as database:
        async with database.transaction() as tx:
            org = await an_organization(tx)
            campaign = await a_campaign(tx, org)
            for days in (9, 8, 7, 6):
                await an_old_call(tx, org, campaign, FIVE_YEARS + days)
            late = await an_old_call(tx, org, campaign, FIVE_YEARS + 5)
            await tx.execute("UPDATE calls SET ended_at = %s WHERE id = %s", (NOW, late))
            await an_old_call(tx, org, campaign, FIVE_YEARS + 4)

        assert [await forget_all(database) for _ in range(4)] == [2, 2, 1, 0]
        assert await sql(database, "SELECT forgotten_below FROM campaigns") == [(late,)]
        assert await forget_all(database, NOW + timedelta(days=FIVE_YEARS + 1)) == 1
        assert await sql(database, "SELECT count(*) FROM calls WHERE phone <> ''") == [(0,)]


async def test_reports_and_answers_are_forgotten_once_nobody_asks_for_them(db: LazyDatabase) -> None:
    async with db() as database:
        await a_past(database)
        async with database.transaction() as tx:
            for days, call in ((31, "ended"), (31, "reserved"), (29, "ended")):
                at = NOW - timedelta(days=days)
                await tx.execute(
                    "INSERT INTO carrier_events SELECT 'simulator', calls.id::text, %s, 1, calls.id, %s, %s"
                    " FROM calls WHERE status = %s ORDER BY calls.id LIMIT 1",
                    (f"after {days}", at, at, call),
                )
            for hours in (25, 23):
                await tx.execute(
                    "INSERT INTO idempotency_keys VALUES (gen_random_uuid(), 'k', '', 200, '', %s)",
                    (NOW - timedelta(hours=hours),),
                )
        async with database.reading() as tx:
            assert await retention.expired(tx, NOW) == Expired(3, 1, 1)
        assert await database.run(retention.forget_reports, NOW) == 1
        assert await database.run(retention.forget_answers, NOW) == 1
        async with database.reading() as tx:
            assert await retention.expired(tx, NOW) == Expired(3, 0, 0)
