"""What is read for a page, a count or a change does not grow with what is stored."""

from typing import Any, LiteralString

import msgspec
from psycopg import sql

from agentalk.domain.campaign_contact import ContactStatus
from agentalk.domain.ids import CampaignId, ContactId, OrgId
from agentalk.store import calls, campaign_contacts, campaigns, contacts
from agentalk.store.database import Tx
from tests.builders import a_campaign, a_contact, an_agent, an_organization, unknown_id
from tests.conftest import NOW, LazyDatabase

MANY = 20_000
SCANS_ALL = {"Seq Scan", "Parallel Seq Scan"}

_FILL: dict[str, LiteralString] = {
    "opt_outs": """INSERT INTO opt_outs
        SELECT %(neighbour)s, '+1646' || (1000000 + n), gen_random_uuid(), %(now)s FROM generate_series(1, 20000) n""",
    "contacts": """INSERT INTO contacts (organization_id, id, phone, zones, created_at, updated_at)
        SELECT %(org)s, 'many-' || n, '+1212' || (2000000 + n), 'America/New_York', %(now)s, %(now)s
        FROM generate_series(1, %(many)s) n""",
    "campaign_contacts": """INSERT INTO campaign_contacts
            (campaign_id, contact_id, organization_id, status, zones, due_at, added_at)
        SELECT %(campaign)s, 'many-' || n, %(org)s, CASE n %% 2 WHEN 0 THEN 'pending' ELSE 'completed' END,
            'America/New_York', %(now)s, %(now)s
        FROM generate_series(1, %(many)s) n""",
    "dialers": "INSERT INTO dialers (id, started_at, heartbeat_at) VALUES (%(dialer)s, %(now)s, %(now)s)",
    "calls": """INSERT INTO calls (id, organization_id, campaign_id, contact_id, carrier_id, carrier, dialer_id,
            generation, attempt, status, outcome, phone, reserved_at, dialed_at, ended_at)
        SELECT gen_random_uuid(), %(org)s, %(campaign)s, 'many-' || n,
            (SELECT id FROM carriers WHERE organization_id = %(org)s), 'simulator', %(dialer)s, 0, 1, 'ended', 'busy',
            '+1212' || (2000000 + n), %(now)s, %(now)s, %(now)s
        FROM generate_series(1, %(many)s) n""",
    "campaigns": """INSERT INTO campaigns (id, organization_id, name, agent_id, max_concurrency, calls_per_second,
            priority, window_hours, retry, voicemail, created_at, updated_at)
        SELECT gen_random_uuid(), %(neighbour)s, 'one of many', %(theirs)s, 1, 1, 0, '{}', '{}', '{"action": "hangup"}',
            %(now)s, %(now)s
        FROM generate_series(1, %(campaigns)s) n""",
    "campaign_tallies": """INSERT INTO campaign_tallies
        SELECT campaigns.id, 'America/New_York', 'pending', n FROM campaigns, generate_series(1, 20) n
        WHERE name = 'one of many'""",
}


async def a_crowd(tx: Tx) -> dict[str, Any]:
    """An organization with a large campaign and many small ones, and a neighbour with very many."""
    org, neighbour = await an_organization(tx), await an_organization(tx)
    agent = await an_agent(tx, org)
    values = {
        "org": org,
        "neighbour": neighbour,
        "theirs": (await an_agent(tx, neighbour)).id,
        "campaign": await a_campaign(tx, org, agent.id),
        "dialer": unknown_id(),
        "now": NOW,
        "many": MANY,
        "campaigns": 3_000,
    }
    for statement in _FILL.values():
        await tx.execute(statement, values)
    small = [await a_campaign(tx, org, agent.id) for _ in range(60)].pop()
    await tx.execute("INSERT INTO campaign_tallies SELECT %s, 'x', 'pending', 0 FROM generate_series(1, 300)", (small,))
    await a_contact(tx, org, "single")
    await tx.execute("ANALYZE")
    return {**values, "small": small}


class Plan(msgspec.Struct):
    """How a statement was run: the kinds of scan of each table, and how many pages were looked at."""

    scans: dict[str, set[str]]
    pages: int


async def explain(tx: Tx, statement: str, **values: Any) -> Plan:
    """Run the statement, planned for these values, and tell how."""
    text = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement.rstrip(";")
    cursor = await tx.execute(text.encode(), values or None, prepare=False)
    row = await cursor.fetchone()
    assert row is not None
    top = row[0][0]["Plan"]
    plan = Plan({}, top["Shared Hit Blocks"] + top["Shared Read Blocks"])
    _collect(top, plan.scans)
    return plan


def _collect(node: dict[str, Any], scans: dict[str, set[str]]) -> None:
    # A branch that was not entered costs nothing, whatever it would have done.
    if "Relation Name" in node and node["Actual Loops"]:
        scans.setdefault(node["Relation Name"], set()).add(node["Node Type"])
    for child in node.get("Plans", ()):
        _collect(child, scans)


def statements(v: dict[str, Any]) -> list[tuple[str, LiteralString, dict[str, Any], int]]:
    """Each statement with its values, and the most pages that it may look at."""
    org: OrgId = v["org"]
    campaign: CampaignId = v["campaign"]
    every = [status.value for status in ContactStatus]
    page = {"limit": 50, "offset": 0}
    any_call: dict[str, Any] = {"campaign": None, "contact": None, "status": None, "live": None, "outcome": None}
    newest = {**page, "before": None}
    return [
        ("campaigns", campaigns.SQL["page"], {"org": org, "status": None, **page}, 450),
        ("campaigns by status", campaigns.SQL["page"], {"org": org, "status": "draft", **page}, 450),
        ("campaigns, none such", campaigns.SQL["page"], {"org": org, "status": "active", **page}, 200),
        ("a campaign", campaigns.SQL["get"], {"org": org, "id": campaign}, 20),
        ("contacts", contacts.SQL["page"], {"org": org, "phone": None, **newest}, 80),
        ("contacts, deep", contacts.SQL["page"], {"org": org, "phone": None, **page, "before": MANY // 2}, 80),
        ("contacts by phone", contacts.SQL["page"], {"org": org, "phone": "+12122000007", **newest}, 20),
        ("in a campaign", campaign_contacts.SQL["page"],
            {"campaign": campaign, "statuses": every, "before": MANY // 2, **page}, 300),
        ("in a campaign by status", campaign_contacts.SQL["page"],
            {"campaign": campaign, "statuses": ["pending"], "before": campaign_contacts.NEWEST, **page}, 150),
        ("count in a campaign", campaign_contacts.SQL["total"], {"campaign": campaign, "statuses": every}, 10),
        ("zones", campaign_contacts.SQL["refresh_zones"], {"org": org, "contacts": ["many-1", "many-2"]}, 60),
        ("fold", campaign_contacts.SQL["fold"], {"campaign": v["small"]}, 3_000),
        ("crowded", campaign_contacts.SQL["crowded"], {"campaigns": [campaign]}, 10),
        ("forget", campaign_contacts.SQL["cancel_contact"], {"org": org, "contact": "single"}, 20),
        ("add", campaign_contacts.SQL["add"],
            {"org": org, "campaign": v["small"], "contacts": ["single", "none"], "now": NOW}, 80),
        ("calls", calls.SQL["page"], {**any_call, "org": org, **newest}, 200),
        ("calls of a campaign", calls.SQL["page"], {**any_call, "org": org, "campaign": v["small"], **newest}, 20),
        ("calls of a contact", calls.SQL["page"], {**any_call, "org": org, "contact": "many-7", **newest}, 20),
        ("live calls", calls.SQL["page"],
            {**any_call, "org": org, "status": "ringing", "live": True, **newest}, 20),
        ("reservations", calls.SQL["reserved_of"], {"campaign": campaign}, 20),
        ("stuck calls", calls.SQL["count_stuck"], {"since": NOW}, 20),
        ("unanswered", calls.SQL["hang_up_unanswered"], {"campaign": campaign, "now": NOW}, 20),
        ("scheduled", campaigns.SQL["begin_scheduled"], {"now": NOW}, 20),
    ]  # fmt: skip


async def test_pages_counts_and_changes_are_found_by_index(db: LazyDatabase) -> None:
    async with db() as database, database.transaction() as tx:
        for name, statement, values, most in statements(await a_crowd(tx)):
            plan = await explain(tx, statement, **values)
            scanned = {table for table, kinds in plan.scans.items() if kinds & SCANS_ALL} - {"carriers"}
            assert not scanned, f"{name} reads all of {scanned}"
            assert plan.pages <= most, f"{name} looks at {plan.pages} pages"


async def test_what_is_planned_once_for_all_values_is_found_by_index_too(db: LazyDatabase) -> None:
    numbered = campaigns.SQL["page"].rstrip(";").replace("%(org)s", "$1").replace("%(status)s", "$2")
    numbered = numbered.replace("%(limit)s", "$3").replace("%(offset)s", "$4")
    async with db() as database, database.transaction() as tx:
        crowd = await a_crowd(tx)
        await tx.execute(b"PREPARE listed (uuid, text, bigint, bigint) AS " + numbered.encode())
        for status in [None, "draft"] * 8:
            call = sql.SQL("EXECUTE listed ({}, {}, 50, 0)").format(crowd["org"], status).as_string(tx)
            plan = await explain(tx, call)
            assert not plan.scans["campaigns"] & SCANS_ALL
            assert plan.pages <= 450


async def test_a_scan_of_everything_is_found(db: LazyDatabase) -> None:
    async with db() as database, database.transaction() as tx:
        await a_crowd(tx)
        plan = await explain(tx, "SELECT FROM contacts WHERE name = 'Ada'")
        assert plan.scans == {"contacts": {"Seq Scan"}}
        assert plan.pages > 200


async def test_zones_are_not_refreshed_by_a_plan_from_before_there_were_contacts(db: LazyDatabase) -> None:
    # 40,000 rows imported anew took two minutes: such a plan walked the whole campaign for each of them.
    async with db() as database, database.transaction() as tx:
        org = await an_organization(tx)
        for _ in range(10):
            await campaign_contacts.refresh_zones(tx, org, [ContactId("c-1")])
        kept = await tx.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%campaign_contacts%'"
        )
        assert await kept.fetchone() == (0,)
