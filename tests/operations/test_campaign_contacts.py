"""Adding contacts to a campaign: a partition whatever is asked, and no second call whoever races."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentalk.domain.campaign_contact import Added, ContactStatus
from agentalk.domain.errors import NotFound, TooMany
from agentalk.domain.ids import CampaignId, ContactId, OrgId
from agentalk.operations import campaign_contacts, campaigns, contacts
from agentalk.store.database import Database
from tests.builders import a_call, a_campaign, a_campaign_contact, a_contact, an_organization, unknown_id
from tests.conftest import NOW, LazyDatabase
from tests.operations.watching import sql, until_waiting

LATER = NOW + timedelta(minutes=5)
# Every way in which a contact may stand in a campaign.
STANDING: dict[str, dict[str, Any]] = {
    "fresh": {},
    "callback": {"status": "waiting", "lane": 0, "attempts": 1, "outcomes": '{"abandoned": 1}'},
    "retry": {"status": "waiting", "lane": 1, "attempts": 2, "outcomes": '{"busy": 2}', "last_outcome": "busy"},
    "misfired": {"status": "waiting", "lane": 1, "misfires": 3, "last_outcome": "not_placed"},
    "live": {"status": "calling", "attempts": 1, "outcomes": "{}"},
    "live again": {"status": "calling", "attempts": 1, "reset_pending": True},
    "done": {"status": "completed", "attempts": 1, "outcomes": '{"answered": 1}', "last_outcome": "answered"},
    "exhausted": {"status": "exhausted", "attempts": 3, "outcomes": '{"no_answer": 3}', "last_outcome": "no_answer"},
    "skipped": {"status": "skipped", "skip_reason": "no_timezone", "generation": 4},
    "canceled": {"status": "canceled", "attempts": 1, "last_outcome": "no_answer"},
}
OUTSIDE = ("new", "newer")
INVALID = ("no phone", "wrong number", "deleted", "theirs", "unknown", "", "\ud7ff", "a/b")


async def a_scene(database: Database, status: str = "active") -> tuple[OrgId, CampaignId]:
    async with database.transaction() as tx:
        org, other = await an_organization(tx), await an_organization(tx)
        campaign = await a_campaign(tx, org, status=status)
        for id, columns in STANDING.items():
            await a_campaign_contact(tx, org, campaign, await a_contact(tx, org, id), **columns)
        for id in OUTSIDE:
            await a_contact(tx, org, id)
        await a_contact(tx, org, "no phone", phone=None)
        await a_contact(tx, org, "wrong number", phone_invalid_at=NOW)
        await a_contact(tx, org, "deleted")
        await contacts.delete(tx, org, ContactId("deleted"), NOW)
        await a_contact(tx, other, "theirs")
    return org, campaign


async def add(database: Database, org: OrgId, campaign: CampaignId, *ids: str) -> Added:
    return await database.run(campaign_contacts.add, org, campaign, [ContactId(id) for id in ids], LATER)


async def true_counts(database: Database, campaign: CampaignId) -> dict[str, int]:
    """How many rows there are of each status, which the tallies must agree with."""
    rows = await sql(
        database, "SELECT status, count(*)::int FROM campaign_contacts WHERE campaign_id = %s GROUP BY 1", campaign
    )
    tallied = "SELECT status, sum(n)::int FROM campaign_tallies WHERE campaign_id = %s GROUP BY 1 HAVING sum(n) <> 0"
    assert sorted(await sql(database, tallied, campaign)) == sorted(rows)
    return dict(rows)


@given(asked=st.lists(st.sampled_from([*STANDING, *OUTSIDE, *INVALID]), max_size=30))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_added_reset_and_invalid_are_a_partition(db: LazyDatabase, asked: Sequence[str]) -> None:
    asyncio.run(_partition(db, asked))


async def _partition(db: LazyDatabase, asked: Sequence[str]) -> None:
    async with db() as database:
        org, campaign = await a_scene(database)
        before = await true_counts(database, campaign)
        added = await add(database, org, campaign, *asked)
        distinct = set(asked)

        assert added.requested == len(distinct) == added.added + added.reset + added.invalid
        assert added.added == len(distinct & set(OUTSIDE))
        assert added.reset == len(distinct & set(STANDING))
        assert {one.contact_id for one in added.invalid_contacts} == distinct & set(INVALID)
        assert len(added.invalid_contacts) == added.invalid
        after = await true_counts(database, campaign)
        assert sum(after.values()) == sum(before.values()) + added.added
        assert after["calling"] == before["calling"]
        again = await add(database, org, campaign, *asked)
        assert (again.added, again.reset, again.invalid) == (0, added.added + added.reset, added.invalid)
        assert await true_counts(database, campaign) == after


async def test_a_reset_is_as_if_just_added(db: LazyDatabase) -> None:
    read = (
        "SELECT contact_id, status, lane, attempts, misfires, outcomes::text, last_outcome, skip_reason, reset_pending"
        " FROM campaign_contacts"
    )
    async with db() as database:
        org, campaign = await a_scene(database)
        old = {row[0]: row[1:] for row in await sql(database, read)}
        grown = dict(await sql(database, "SELECT contact_id, generation FROM campaign_contacts"))
        await add(database, org, campaign, *STANDING)
        new = {row[0]: row[1:] for row in await sql(database, read)}
        generation = dict(await sql(database, "SELECT contact_id, generation FROM campaign_contacts"))
        due = dict(await sql(database, "SELECT contact_id, due_at FROM campaign_contacts"))

        for id in STANDING:
            if id.startswith("live"):
                assert new[id] == (*old[id][:-1], True)
                assert generation[id] == grown[id]
            else:
                assert new[id] == ("pending", 2, 0, 0, "{}", None, None, False)
                # Who was never tried keeps their place; everyone else gets numbers of their own for what is to come.
                assert (generation[id], due[id]) == ((0, NOW) if id == "fresh" else (grown[id] + 1, LATER))


async def test_a_reset_takes_the_zones_that_the_contact_has_now(db: LazyDatabase) -> None:
    async with db() as database:
        org, campaign = await a_scene(database)
        await sql(database, "UPDATE contacts SET zones = 'Europe/Paris'")
        await add(database, org, campaign, "fresh", "done", "new")
        rows = await sql(database, "SELECT contact_id FROM campaign_contacts WHERE zones = 'Europe/Paris'")

        assert sorted(row[0] for row in rows) == ["done", "fresh", "new"]


@pytest.mark.parametrize("status", ["draft", "active", "paused", "stopped", "completed"])
async def test_contacts_may_be_added_in_any_status(db: LazyDatabase, status: str) -> None:
    async with db() as database:
        org, campaign = await a_scene(database, status)
        added = await add(database, org, campaign, "new", "unknown")

        assert (added.added, added.invalid) == (1, 1)
        assert (await database.run(campaigns.get, org, campaign)).status == status
        (event,) = await sql(database, "SELECT type, data::text FROM events")
        assert event[0] == "contact.added"


async def test_a_request_that_changes_nothing_tells_nobody(db: LazyDatabase) -> None:
    async with db() as database:
        org, campaign = await a_scene(database)
        await add(database, org, campaign, "unknown")
        assert await sql(database, "SELECT count(*) FROM events") == [(0,)]
        with pytest.raises(NotFound):
            await add(database, org, CampaignId(unknown_id()), "new")
        with pytest.raises(TooMany):
            await add(database, org, campaign, *["new"] * 100_001)


CLAIM = """UPDATE campaign_contacts SET status = 'calling' WHERE contact_id IN
    (SELECT contact_id FROM campaign_contacts WHERE contact_id = 'fresh' AND status IN ('pending', 'waiting')
     FOR UPDATE SKIP LOCKED)"""
END = """UPDATE campaign_contacts SET status = 'completed', attempts = 1, reset_pending = false
    WHERE contact_id = 'live' AND status = 'calling'"""


async def test_who_is_claimed_while_the_request_waits_is_reset_after_the_call(db: LazyDatabase) -> None:
    async with db() as database:
        org, campaign = await a_scene(database)
        async with database.transaction() as dialer:
            await dialer.execute(CLAIM)
            adding = asyncio.create_task(add(database, org, campaign, "fresh"))
            await until_waiting(database)
        assert (await adding).reset == 1

        row = "SELECT status, reset_pending, generation FROM campaign_contacts WHERE contact_id = 'fresh'"
        assert await sql(database, row) == [("calling", True, 0)]


async def test_a_claim_passes_by_who_is_being_reset(db: LazyDatabase) -> None:
    async with db() as database:
        org, campaign = await a_scene(database)
        async with database.transaction() as adding:
            await campaign_contacts.add(adding, org, campaign, [ContactId("fresh"), ContactId("new")], LATER)
            async with database.transaction() as dialer:
                assert (await dialer.execute(CLAIM)).rowcount == 0
        async with database.transaction() as dialer:
            assert (await dialer.execute(CLAIM)).rowcount == 1


async def test_a_call_that_ends_while_the_request_waits_is_reset_at_once(db: LazyDatabase) -> None:
    async with db() as database:
        org, campaign = await a_scene(database)
        async with database.transaction() as dialer:
            await dialer.execute(END)
            adding = asyncio.create_task(add(database, org, campaign, "live"))
            await until_waiting(database)
        assert (await adding).reset == 1

        row = "SELECT status, reset_pending, attempts, generation FROM campaign_contacts WHERE contact_id = 'live'"
        assert await sql(database, row) == [("pending", False, 0, 1)]


async def test_many_requests_at_once_add_each_contact_once(db: LazyDatabase) -> None:
    async with db() as database:
        org, campaign = await a_scene(database)
        async with database.transaction() as tx:
            ids = [await a_contact(tx, org) for _ in range(40)]
        orders = [ids, ids[::-1], ids[20:] + ids[:20], ids[::2] + ids[1::2]]
        told = await asyncio.gather(*(add(database, org, campaign, *order) for order in orders))

        assert sum(one.added for one in told) == 40
        assert all(one.added + one.reset == 40 for one in told)
        assert (await true_counts(database, campaign))["pending"] == 41


async def test_a_campaign_cannot_complete_while_contacts_are_added(db: LazyDatabase) -> None:
    async with db() as database:
        org, campaign = await a_scene(database)
        async with database.transaction() as adding:
            await campaign_contacts.add(adding, org, campaign, [ContactId("new")], LATER)
            lock = "SELECT id FROM campaigns WHERE id = %s FOR UPDATE SKIP LOCKED"
            assert await sql(database, lock, campaign) == []
            # … and the engine's own notes on the campaign do not wait for it
            note = "SELECT id FROM campaigns WHERE id = %s FOR NO KEY UPDATE SKIP LOCKED"
            assert await sql(database, note, campaign) == [(campaign,)]


async def test_counting_stays_cheap_however_contacts_come_and_go(db: LazyDatabase) -> None:
    rows = "SELECT count(*)::int FROM campaign_tallies"
    async with db() as database:
        org, campaign = await a_scene(database)
        async with database.transaction() as tx:
            ids = [await a_contact(tx, org) for _ in range(300)]
        for id in ids:
            await add(database, org, campaign, id)
        assert (await sql(database, rows))[0][0] < 250
        assert (await true_counts(database, campaign))["pending"] == 301
        for id in ids[:250]:
            await database.run(campaign_contacts.remove, org, campaign, id)
        assert (await sql(database, rows))[0][0] < 250
        for id in ids[250:]:
            await database.run(contacts.delete, org, id, LATER)
        assert await true_counts(database, campaign) == {
            **await true_counts(database, campaign),
            "pending": 1,
            "canceled": 51,
        }


async def test_two_may_sum_the_tallies_up_at_once(db: LazyDatabase) -> None:
    async with db() as database:
        org, campaign = await a_scene(database)
        await sql(database, "INSERT INTO campaign_tallies SELECT campaign_id, zones, status, 0 FROM campaign_tallies,"
                  " generate_series(1, 300)")  # fmt: skip
        async with database.transaction() as one:
            await campaign_contacts.add(one, org, campaign, [ContactId("new")], LATER)
            await add(database, org, campaign, "newer")
        assert (await true_counts(database, campaign))["pending"] == 3


async def test_who_was_called_is_not_forgotten_by_a_removal(db: LazyDatabase) -> None:
    """Added again, a contact must not get an attempt's number twice: the database would refuse the call."""
    ended: dict[str, Any] = {"status": "ended", "outcome": "busy", "dialed_at": NOW, "ended_at": NOW}
    async with db() as database:
        org, campaign = await a_scene(database)
        async with database.transaction() as tx:
            await a_call(tx, org, campaign, ContactId("retry"), **ended)
            await a_call(tx, org, campaign, ContactId("fresh"), status="released")
        for id in ("retry", "fresh", "done"):
            await database.run(campaign_contacts.remove, org, campaign, ContactId(id))
        statuses = dict(await sql(database, "SELECT contact_id, status FROM campaign_contacts"))
        assert statuses["retry"] == ContactStatus.CANCELED
        assert "fresh" not in statuses
        assert "done" not in statuses

        await add(database, org, campaign, "retry", "fresh")
        generations = dict(await sql(database, "SELECT contact_id, generation FROM campaign_contacts"))
        async with database.transaction() as tx:
            for id in ("retry", "fresh"):
                await a_call(tx, org, campaign, ContactId(id), generation=generations[id])
