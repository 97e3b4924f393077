"""A stop of many contacts takes effect at once, though they are canceled some at a time; and a pause has its turn."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from agentalk.domain.campaign import CampaignStatus
from agentalk.domain.ids import CampaignId, ContactId, OrgId
from agentalk.operations import campaign_contacts, campaigns
from agentalk.store.database import Database, Tx
from tests.builders import a_campaign, a_campaign_contact, a_contact, an_organization
from tests.conftest import NOW, LazyDatabase
from tests.operations.watching import sql

LATER = NOW + timedelta(minutes=5)
PEOPLE = 7


@pytest.fixture(autouse=True)
def _in_slices_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaigns, "_SLICE", 2)


async def a_scene(database: Database) -> tuple[OrgId, CampaignId]:
    async with database.transaction() as tx:
        org = await an_organization(tx)
        campaign = await a_campaign(tx, org, status="active")
        for n in range(PEOPLE):
            await a_campaign_contact(tx, org, campaign, await a_contact(tx, org, f"c{n}"))
    return org, campaign


async def statuses(database: Database) -> list[Any]:
    return await sql(database, "SELECT status, count(*)::int FROM campaign_contacts GROUP BY 1 ORDER BY 1")


async def test_all_count_as_canceled_at_once_and_are_in_the_end(db: LazyDatabase) -> None:
    async with db() as database:
        org, id = await a_scene(database)
        stopped = await database.run(campaigns.stop, org, id, LATER)
        assert (stopped.counts.pending, stopped.counts.canceled) == (0, PEOPLE)
        assert await statuses(database) == [("canceled", 2), ("pending", 5)]
        slices = 0
        while await database.run(campaigns.go_on_stopping):
            slices += 1
        assert slices == 3
        assert await statuses(database) == [("canceled", PEOPLE)]
        assert (await database.run(campaigns.get, org, id)).counts.canceled == PEOPLE


async def test_who_is_added_after_the_stop_is_not_canceled_by_it(db: LazyDatabase) -> None:
    async with db() as database:
        org, id = await a_scene(database)
        await database.run(campaigns.stop, org, id, LATER)
        added = await database.run(campaign_contacts.add, org, id, [ContactId("c6")], LATER)
        assert added.reset == 1
        while await database.run(campaigns.go_on_stopping):
            pass
        assert await statuses(database) == [("canceled", PEOPLE - 1), ("pending", 1)]


async def test_a_start_right_after_the_stop_calls_nobody_whom_the_stop_canceled(db: LazyDatabase) -> None:
    async with db() as database:
        org, id = await a_scene(database)
        await database.run(campaigns.stop, org, id, LATER)
        started = await database.run(campaigns.start, org, id, None, LATER)
        assert started.status is CampaignStatus.ACTIVE
        assert await statuses(database) == [("canceled", PEOPLE)]
        assert not await database.run(campaigns.go_on_stopping)


async def test_a_scheduled_start_waits_for_the_stop_to_be_done(db: LazyDatabase) -> None:
    async with db() as database:
        org, id = await a_scene(database)
        await database.run(campaigns.stop, org, id, LATER)
        await sql(database, "UPDATE campaigns SET start_at = added_at FROM (SELECT max(added_at) AS added_at"
            " FROM campaign_contacts) c")  # fmt: skip
        assert await database.run(campaigns.begin_scheduled, LATER) == []
        while await database.run(campaigns.go_on_stopping):
            pass
        assert len(await database.run(campaigns.begin_scheduled, LATER)) == 1


async def test_a_pause_is_not_kept_waiting_by_additions_that_never_cease(db: LazyDatabase) -> None:
    async with db() as database:
        org, id = await a_scene(database)
        paused = asyncio.Event()

        async def add_and_linger(tx: Tx, others: asyncio.Event, mine: asyncio.Event) -> None:
            await campaign_contacts.add(tx, org, id, [ContactId("c0")], LATER)
            mine.set()
            # Somebody else is in before this one is out.
            waits = [asyncio.create_task(event.wait()) for event in (others, paused)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=0.2)
            for wait in waits:
                wait.cancel()

        async def go_round(turns: list[asyncio.Event], first: int) -> None:
            at = first
            while not paused.is_set():
                turns[at].clear()
                await database.run(add_and_linger, turns[1 - at], turns[at])

        async def pause() -> None:
            await database.run(campaigns.pause, org, id, LATER)
            paused.set()

        turns = [asyncio.Event(), asyncio.Event()]
        async with asyncio.timeout(20):
            await asyncio.gather(go_round(turns, 0), go_round(turns, 1), pause())
        assert await sql(database, "SELECT status FROM campaigns") == [("paused",)]
