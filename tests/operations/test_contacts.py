"""What becomes of campaigns when a contact changes or is forgotten."""

from typing import Any

from agentalk.domain.contact import Address
from agentalk.domain.ids import CampaignId, ContactId, OrgId
from agentalk.operations import contacts
from agentalk.operations.contacts import ContactDraft, ContactPatch
from agentalk.store.database import Database
from tests.builders import a_call, a_campaign, a_campaign_contact, a_contact, an_organization
from tests.conftest import NOW, LazyDatabase
from tests.operations.watching import sql

ADA = ContactId("ada")
STANDING: list[dict[str, Any]] = [
    {"status": "pending"},
    {"status": "waiting", "lane": 1},
    {"status": "calling", "reset_pending": True},
    {"status": "completed"},
]


async def a_scene(database: Database) -> tuple[OrgId, list[CampaignId]]:
    """Ada in four campaigns: pending, waiting, on a call, completed; and someone else."""
    async with database.transaction() as tx:
        org = await an_organization(tx)
        campaigns = [await a_campaign(tx, org, status="active") for _ in STANDING]
        await a_contact(tx, org, ADA)
        for campaign, columns in zip(campaigns, STANDING, strict=True):
            await a_campaign_contact(tx, org, campaign, ADA, **columns)
        await a_call(tx, org, campaigns[2], ADA, status="in_progress", dialed_at=NOW, answered_at=NOW)
        await a_campaign_contact(tx, org, campaigns[0], await a_contact(tx, org, "bob"))
    return org, campaigns


async def column(database: Database, name: str) -> list[Any]:
    """Ada's `name` in each campaign."""
    rows = await sql(database, f"SELECT {name} FROM campaign_contacts WHERE contact_id = 'ada' ORDER BY seq")
    return [row[0] for row in rows]


async def test_those_who_are_still_to_call_follow_a_new_phone_or_zone(db: LazyDatabase) -> None:
    new_york, paris = "America/New_York", "Europe/Paris@FR"
    london, manhattan = "Europe/London@FR", "America/New_York@US-NY"
    async with db() as database:
        org, _ = await a_scene(database)
        await database.run(contacts.change, org, ADA, ContactPatch(phone="+33612345678"), None, NOW)
        assert await column(database, "zones") == [paris, paris, paris, new_york]
        await database.run(contacts.change, org, ADA, ContactPatch(time_zone="Europe/London"), None, NOW)
        assert await column(database, "zones") == [london, london, london, new_york]
        await database.run(contacts.put, org, ADA, ContactDraft(phone="+12125550199"), None, NOW)
        assert await column(database, "zones") == [manhattan] * 3 + [new_york]
        await database.run(contacts.put, org, ADA, ContactDraft(), None, NOW)
        assert await column(database, "zones") == ["", "", "", new_york]
        tallies = "SELECT zones, sum(n)::int FROM campaign_tallies GROUP BY 1 HAVING sum(n) <> 0"
        assert sorted(await sql(database, tallies)) == [("", 3), (new_york, 2)]


async def test_a_forgotten_contact_is_called_no_more_and_a_live_call_goes_on(db: LazyDatabase) -> None:
    async with db() as database:
        org, _ = await a_scene(database)
        await database.run(contacts.delete, org, ADA, NOW)

        assert await column(database, "status") == ["canceled", "canceled", "calling", "completed"]
        assert await column(database, "reset_pending") == [False] * 4
        assert await sql(database, "SELECT status, hangup_at FROM calls") == [("in_progress", None)]
        assert await sql(database, "SELECT status FROM campaign_contacts WHERE contact_id = 'bob'") == [("pending",)]


async def test_what_a_carrier_said_of_a_number_goes_with_the_number(db: LazyDatabase) -> None:
    async with db() as database:
        async with database.transaction() as tx:
            org = await an_organization(tx)
            await a_contact(tx, org, ADA, phone="+12125550199", phone_invalid_at=NOW)
        renamed = await database.run(contacts.change, org, ADA, ContactPatch(name="Ada B"), None, NOW)
        assert renamed.phone_invalid_at == NOW
        moved = await database.run(contacts.change, org, ADA, ContactPatch(phone="+12125550198"), None, NOW)
        assert moved.phone_invalid_at is None


async def test_a_change_of_the_phone_is_read_by_the_country_that_is_known(db: LazyDatabase) -> None:
    async with db() as database:
        async with database.transaction() as tx:
            org = await an_organization(tx)
            await contacts.put(tx, org, ADA, ContactDraft(address=Address(country="DE")), None, NOW)
        changed = await database.run(contacts.change, org, ADA, ContactPatch(phone="0171 2345678"), None, NOW)

        assert changed.phone == "+491712345678"
