"""What a pause and a stop do to calls and contacts, and that no dialling slips by them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from agentalk.domain.campaign import CampaignStatus, Phase
from agentalk.domain.ids import CampaignId, ContactId, OrgId
from agentalk.operations import campaign_contacts, campaigns
from agentalk.operations import contacts as people
from agentalk.store.database import Database
from tests.builders import a_call, a_campaign, a_campaign_contact, a_contact, an_organization
from tests.conftest import NOW, LazyDatabase
from tests.operations.watching import sql, until_waiting

LATER = NOW + timedelta(minutes=5)
# How each contact stands: its row, and its call if there is one.
PEOPLE: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "pending": ({}, None),
    "waiting": ({"status": "waiting", "lane": 1, "attempts": 1}, None),
    "reserved": ({"status": "calling"}, {"status": "reserved"}),
    "reserved retry": (
        {"status": "calling", "lane": 1, "attempts": 2, "outcomes": '{"busy": 2}'},
        {"status": "reserved", "attempt": 3},
    ),
    "reserved reset": (
        {"status": "calling", "lane": 1, "attempts": 2, "outcomes": '{"busy": 2}', "reset_pending": True},
        {"status": "reserved", "attempt": 3},
    ),
    "dialing": ({"status": "calling", "attempts": 1}, {"status": "dialing", "dialed_at": NOW}),
    "uncertain": (
        {"status": "calling", "attempts": 1},
        {"status": "uncertain", "dialed_at": NOW, "uncertain_at": NOW},
    ),
    "ringing": ({"status": "calling", "attempts": 1, "reset_pending": True}, {"status": "ringing", "dialed_at": NOW}),
    "talking": ({"status": "calling", "attempts": 1}, {"status": "in_progress", "dialed_at": NOW, "answered_at": NOW}),
    "done": ({"status": "completed", "attempts": 1, "last_outcome": "answered"}, None),
}


async def a_scene(database: Database) -> tuple[OrgId, CampaignId]:
    async with database.transaction() as tx:
        org = await an_organization(tx)
        campaign = await a_campaign(tx, org, status="active", phase="dialing")
        for id, (row, call) in PEOPLE.items():
            contact = await a_contact(tx, org, id)
            await a_campaign_contact(tx, org, campaign, contact, **row)
            if call is not None:
                await a_call(tx, org, campaign, contact, **call)
    return org, campaign


async def contacts(database: Database) -> dict[str, str]:
    return dict(await sql(database, "SELECT contact_id, status FROM campaign_contacts"))


async def calls(database: Database) -> dict[str, tuple[str, bool]]:
    """Each call's status, and whether it is to be hung up."""
    rows = await sql(database, "SELECT contact_id, status, hangup_at IS NOT NULL FROM calls")
    return {id: (status, hung_up) for id, status, hung_up in rows}


async def test_a_pause_gives_reservations_back_and_leaves_live_calls(db: LazyDatabase) -> None:
    async with db() as database:
        org, id = await a_scene(database)
        found = await database.run(campaigns.pause, org, id, LATER)

        assert (found.status, found.phase) == (CampaignStatus.PAUSED, Phase.DRAINING)
        assert await contacts(database) == {
            "pending": "pending",
            "waiting": "waiting",
            "reserved": "pending",
            "reserved retry": "waiting",
            "reserved reset": "pending",
            "done": "completed",
            **dict.fromkeys(("dialing", "uncertain", "ringing", "talking"), "calling"),
        }
        assert await calls(database) == {
            **dict.fromkeys(("reserved", "reserved retry", "reserved reset"), ("released", False)),
            "dialing": ("dialing", False),
            "uncertain": ("uncertain", False),
            "ringing": ("ringing", False),
            "talking": ("in_progress", False),
        }
        kept = "SELECT attempts, generation, outcomes::text, lane, due_at, reset_pending FROM campaign_contacts"
        assert await sql(database, kept + " WHERE contact_id = 'reserved retry'") == [
            (2, 0, '{"busy": 2}', 1, NOW, False)
        ]
        assert await sql(database, kept + " WHERE contact_id = 'reserved reset'") == [(0, 1, "{}", 2, LATER, False)]


async def test_a_stop_cancels_and_hangs_up_what_was_not_answered(db: LazyDatabase) -> None:
    async with db() as database:
        org, id = await a_scene(database)
        found = await database.run(campaigns.stop, org, id, LATER)

        assert (found.status, found.phase, found.ended_at) == (CampaignStatus.STOPPED, Phase.DRAINING, LATER)
        assert await contacts(database) == {
            **dict.fromkeys(("pending", "waiting", "reserved", "reserved retry", "reserved reset"), "canceled"),
            **dict.fromkeys(("dialing", "uncertain", "ringing", "talking"), "calling"),
            "done": "completed",
        }
        assert await calls(database) == {
            **dict.fromkeys(("reserved", "reserved retry", "reserved reset"), ("released", False)),
            "dialing": ("dialing", True),
            "uncertain": ("uncertain", True),
            "ringing": ("ringing", True),
            "talking": ("in_progress", False),
        }
        assert await sql(database, "SELECT count(*) FROM campaign_contacts WHERE reset_pending") == [(0,)]
        counts = found.counts
        assert (counts.total, counts.canceled, counts.calling, counts.completed) == (10, 5, 4, 1)


@pytest.mark.parametrize("first", ["commit", "pause"])
async def test_a_dialing_commit_and_a_pause_wait_for_each_other(db: LazyDatabase, first: str) -> None:
    """Whoever comes first, no call is dialled after the pause: it was dialled before, or it is released."""
    dial = (
        "UPDATE calls SET status = 'dialing', dialed_at = reserved_at WHERE status = 'reserved' AND campaign_id IN"
        " (SELECT id FROM campaigns WHERE status = 'active' FOR KEY SHARE)"
    )
    async with db() as database:
        async with database.transaction() as tx:
            org = await an_organization(tx)
            id = await a_campaign(tx, org, status="active")
            contact = await a_contact(tx, org)
            await a_campaign_contact(tx, org, id, contact, status="calling")
            await a_call(tx, org, id, contact)
        async with database.transaction() as one:
            if first == "commit":
                await one.execute(dial)
                other: asyncio.Task[Any] = asyncio.create_task(database.run(campaigns.pause, org, id, NOW))
            else:
                await campaigns.pause(one, org, id, NOW)
                other = asyncio.create_task(_run(database, dial))
            await until_waiting(database)
            assert not other.done()
        await other

        assert await sql(database, "SELECT status FROM calls") == [("dialing" if first == "commit" else "released",)]
        assert await contacts(database) == {contact: "calling" if first == "commit" else "pending"}


async def _run(database: Database, statement: str) -> None:
    async with database.transaction() as tx:
        await tx.execute(statement.encode())


async def test_a_contact_reset_after_the_stop_is_pending_after_its_call(db: LazyDatabase) -> None:
    async with db() as database:
        org, id = await a_scene(database)
        await database.run(campaigns.stop, org, id, LATER)
        added = await database.run(campaign_contacts.add, org, id, [ContactId("talking"), ContactId("pending")], LATER)

        assert (added.added, added.reset) == (0, 2)
        rows = await sql(database, "SELECT contact_id FROM campaign_contacts WHERE reset_pending")
        assert rows == [("talking",)]
        assert (await contacts(database))["pending"] == "pending"


async def test_who_changes_a_contact_does_not_meet_a_stop_head_on(db: LazyDatabase) -> None:
    """A contact's row is held before its campaign's counts are written: these must not ask for the campaign."""
    async with db() as database:
        org, campaign = await a_scene(database)
        async with database.transaction() as stopping:
            await stopping.execute("SELECT FROM campaigns WHERE id = %s FOR UPDATE", (campaign,))
            async with asyncio.timeout(10):
                await database.run(people.delete, org, ContactId("pending"), LATER)
        assert (await contacts(database))["pending"] == "canceled"
